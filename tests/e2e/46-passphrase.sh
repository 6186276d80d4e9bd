#!/bin/sh
# 46-passphrase.sh - the gateway's keys encrypted at rest.
exec /usr/bin/python3 -B "$(dirname "$0")/46-passphrase.py"
