#!/bin/sh
# 32-http.sh - malformed and hostile requests against the running daemon.
exec /usr/bin/python3 "$(dirname "$0")/32-http.py"
