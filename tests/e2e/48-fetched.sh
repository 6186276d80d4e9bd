#!/bin/sh
# 48-fetched.sh - every fetch of a bundle is evidence that its sender sees, and none waits for it.
exec /usr/bin/python3 "$(dirname "$0")/48-fetched.py"
