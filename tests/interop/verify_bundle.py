#!/usr/bin/python3
# verify_bundle.py - checks a bundle, and opens it when given a key.
# usage: verify_bundle.py FILE.shb --root root.pem [--crl crl.pem] [--key seal.key.pem [--slot FILE] --into DIR] [--at TIME]
# One line: OK or FAIL and why. Exit: 0 or 1. --slot: the 80 bytes that a receipt of collection gave.
import argparse
import os
import sys

import strict
from bundle import Bundle, extract
from pki import REFUSALS, Trust
from verify_evidence import read


def check(a):
    """The line that follows OK; raises ValueError with the refusal."""
    trust = Trust(read(a.root), read(a.crl) if a.crl else None)
    b = Bundle(a.file)
    m, signers = b.check_head(trust, strict.instant(a.at) if a.at else None)
    b.check_payload()
    line = f"{m['class']} {m['id']} from {m['from']}, signed by {', '.join(s.by for s in signers)}"
    if not a.key:
        return line
    key = b.content_key(read(a.key), read(a.slot) if a.slot else None)
    if a.into:
        os.makedirs(a.into, exist_ok=True)
    digest, names = extract(b.plaintext(key), m, a.into)
    return f"{line}; content {digest}, {', '.join(names)}"


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("file")
    for name in ("root", "crl", "key", "slot", "into", "at"):
        ap.add_argument("--" + name, required=name == "root")
    a = ap.parse_args()
    try:
        print(f"OK {a.file}: {check(a)}")
        return 0
    except REFUSALS as e:
        reason = getattr(e, "reason", "format")
        print(f"FAIL {a.file}: {reason}: {e}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
