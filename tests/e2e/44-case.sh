#!/bin/sh
# 44-case.sh - cases: subscriptions, consent, flags, what replaces what, withdrawal, expectations: 44-case.py
exec /usr/bin/python3 "$(dirname "$0")/44-case.py"
