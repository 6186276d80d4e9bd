#!/bin/sh
# 37-disk.sh - a disk without room: refused before anything is taken, and taken when there is room again.
exec /usr/bin/python3 "$(dirname "$0")/37-disk.py"
