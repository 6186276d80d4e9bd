#!/bin/sh
# 38-certificates.sh - chains that are not RFC 5280's, and revocation while the gateway runs: at TLS and in signatures.
exec /usr/bin/python3 "$(dirname "$0")/38-certificates.py"
