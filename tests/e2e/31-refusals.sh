#!/bin/sh
# 31-refusals.sh - certificates, bundles, statements and rosters that must be refused by the real daemon.
exec /usr/bin/python3 "$(dirname "$0")/31-refusals.py"
