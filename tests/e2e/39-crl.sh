#!/bin/sh
# 39-crl.sh - revocation lists that are overdue, ended or missing: a state with its consequence, never silently fine.
exec /usr/bin/python3 "$(dirname "$0")/39-crl.py"
