#!/bin/sh
# 46-secrets.sh - the gateway's keys: in the memory of their one role, and nowhere else.
exec /usr/bin/python3 -B "$(dirname "$0")/46-secrets.py"
