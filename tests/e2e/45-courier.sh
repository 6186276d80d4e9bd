#!/bin/sh
# 45-courier.sh - the courier in its jail delivers: mail with TLS and a login, and a webhook.
exec /usr/bin/python3 -B "$(dirname "$0")/45-courier.py"
