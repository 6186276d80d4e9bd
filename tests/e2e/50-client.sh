#!/bin/sh
# 50-client.sh - the client where things go wrong around it, and what it says and leaves then: 50-client.py
exec /usr/bin/python3 "$(dirname "$0")/50-client.py"
