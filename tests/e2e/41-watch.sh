#!/bin/sh
# 41-watch.sh - the client as a service, cut off in the middle: 41-watch.py
exec /usr/bin/python3 "$(dirname "$0")/41-watch.py"
