#!/bin/sh
# 37-alarm.sh - canaries, and fetches out of the usual: each raises an alarm, and is served all the same.
exec /usr/bin/python3 "$(dirname "$0")/37-alarm.py"
