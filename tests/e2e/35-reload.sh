#!/bin/sh
# 35-reload.sh - certificates, CRL, classes and workers change under way; transfers are not dropped.
exec /usr/bin/python3 "$(dirname "$0")/35-reload.py"
