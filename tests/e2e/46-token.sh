#!/bin/sh
# 46-token.sh - the gateway's stamps and notices signed by a PKCS#11 token.
exec /usr/bin/python3 -B "$(dirname "$0")/46-token.py"
