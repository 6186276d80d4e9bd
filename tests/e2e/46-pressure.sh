#!/bin/sh
# 46-pressure.sh - quotas, rate, the disk's reserve: refused early, with Retry-After, which the client obeys.
exec /usr/bin/python3 "$(dirname "$0")/46-pressure.py"
