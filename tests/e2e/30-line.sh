#!/bin/sh
# 30-line.sh - the straight line of a bundle through real roles over real TLS.
exec /usr/bin/python3 "$(dirname "$0")/30-line.py"
