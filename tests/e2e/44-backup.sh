#!/bin/sh
# 44-backup.sh - a backup of the running gateway, and a gateway that starts on it.
exec /usr/bin/python3 "$(dirname "$0")/44-backup.py"
