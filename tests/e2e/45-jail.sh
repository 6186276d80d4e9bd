#!/bin/sh
# 45-jail.sh - the roles' confinement, as /proc and safehandctl tell it, of a real gateway under work.
exec /usr/bin/python3 -B "$(dirname "$0")/45-jail.py"
