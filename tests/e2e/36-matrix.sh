#!/bin/sh
# 36-matrix.sh - the authorisation matrix (matrix.txt) against the real daemon: every route x every kind of caller.
exec /usr/bin/python3 "$(dirname "$0")/36-matrix.py"
