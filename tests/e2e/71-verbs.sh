#!/bin/sh
# 71-verbs.sh - what is wanted, owed and not forgotten, as people do it with the client: 71-verbs.py
exec /usr/bin/python3 "$(dirname "$0")/71-verbs.py"
