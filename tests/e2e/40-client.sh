#!/bin/sh
# 40-client.sh - the client's verbs against the real gateway: 40-client.py
exec /usr/bin/python3 "$(dirname "$0")/40-client.py"
