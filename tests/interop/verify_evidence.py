#!/usr/bin/python3
# verify_evidence.py - judges evidence files offline. usage: verify_evidence.py FILE... --root root.pem --log log.vkey [--crl crl.pem]
# One line a file: OK, INCOMPLETE or FAIL, the file, why. Exit: 0 all OK, 3 something missing, 1 something wrong.
import argparse
import sys

import c2sp
import evidence
from pki import Trust


def read(path):
    with open(path, "rb") as f:
        return f.read()


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("files", nargs="+")
    ap.add_argument("--root", required=True)
    ap.add_argument("--log", required=True)
    ap.add_argument("--crl")
    a = ap.parse_args()
    trust = Trust(read(a.root), read(a.crl) if a.crl else None)
    key = c2sp.LogKey(read(a.log).decode())
    words = set()
    for path in a.files:
        word, why = evidence.judge(read(path), trust, key)
        words.add(word)
        print(f"{word} {path}: {why}")
    return 1 if "FAIL" in words else 3 if "INCOMPLETE" in words else 0


if __name__ == "__main__":
    sys.exit(main())
