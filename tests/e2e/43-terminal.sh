#!/bin/sh
# 43-terminal.sh - the client at a terminal: progress with rate and time left, passphrases asked for and not shown.
exec /usr/bin/python3 "$(dirname "$0")/43-terminal.py"
