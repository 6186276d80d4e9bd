#!/bin/sh
# 47-drill.sh - keys are in strange hands: the steps of SECURITY.md, one after the other, at a running gateway.
exec /usr/bin/python3 -B "$(dirname "$0")/47-drill.py"
