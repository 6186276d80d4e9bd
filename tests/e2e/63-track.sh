#!/bin/sh
# 63-track.sh - safehand track and the log's past, against the real daemon.
exec /usr/bin/python3 "$(dirname "$0")/63-track.py"
