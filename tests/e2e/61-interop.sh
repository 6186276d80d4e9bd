#!/bin/sh
# 61-interop.sh - the independent verifier in Python catches what it should. PKI: a folder that tests/mkpki.sh made.
set -u
TOP=${TOP:-$(cd "$(dirname "$0")/../.." && pwd)}
PKI=${PKI:-$TOP/build/test-pki}
PYTHONDONTWRITEBYTECODE=1
export PYTHONDONTWRITEBYTECODE
[ -e "$PKI/trust/root.pem" ] || { mkdir -p "$PKI" && "$TOP/tests/mkpki.sh" "$PKI" >/dev/null; } || exit 1
exec "$TOP/tests/interop/selftest.py" "$PKI"
