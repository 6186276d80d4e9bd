#!/bin/sh
# 18-sbom.sh - the bill of materials: what SPDX 2.3 asks for, every library that is linked, digests that are true.
exec /usr/bin/python3 -B "$(dirname "$0")/18-sbom.py"
