#!/bin/sh
# 40-ctl.sh - safehandctl at a running gateway; the courier at a time stamping authority played on loopback.
exec /usr/bin/python3 "$(dirname "$0")/40-ctl.py"
