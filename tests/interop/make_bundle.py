#!/usr/bin/python3
# make_bundle.py - writes a bundle in Python, good or with one named fault; the C side must open or refuse it.
# usage: make_bundle.py --pki DIR --from M --class C --to M... [--cover-for M=OWNER] [--sign PROFILE/NAME...] [--id ID]
#          [--about WORD:IDENTIFIER...] [--fault NAME] --out FILE.shb [DOCUMENT...]
#        make_bundle.py --all DIR ...     good.shb and NAME.shb of every fault but the bomb, in place of --out and --fault
#        make_bundle.py --list-faults     one a line: NAME, the refusal's public name, who must refuse (gateway, opener)
# Prints id, SHA-256 of the manifest, SHA-256 of the content. Faults and what must come of them stand in faults.py.
import argparse
import base64
import copy
import datetime
import hashlib
import io
import json
import os
import re
import struct
import sys
import tarfile
import time

import cms
import faults
import zstandard
from bundle import CHUNK, HEAD, MAGIC, commitment
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat, load_pem_private_key
from nacl import bindings as na
from pki import UTC, load_certificates


def uuid7():
    raw = bytearray(struct.pack(">Q", int(time.time() * 1000))[2:] + os.urandom(10))
    raw[6], raw[8] = raw[6] & 0x0F | 0x70, raw[8] & 0x3F | 0x80
    h = raw.hex()
    return "-".join((h[:8], h[8:12], h[12:16], h[16:20], h[20:]))


def now_text(seconds=0):
    at = datetime.datetime.now(UTC) + datetime.timedelta(seconds=seconds)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


class Pki:
    """The folder that the pki scripts made, as far as senders and recipients see it."""

    def __init__(self, path):
        self.path = path

    def _read(self, name):
        with open(os.path.join(self.path, name), "rb") as f:
            return f.read()

    def chain(self, stem):
        return load_certificates(self._read(stem + ".pem"))

    def signer(self, which):
        """PROFILE/NAME of certs/, or a stem such as bad/expired-agency-sign, foreign/certs/agency-sign/uhcw."""
        profile, _, name = which.partition("/")
        stem = f"certs/{profile}/{name.replace('/', '_')}" if profile.endswith(("-sign", "-tls", "tsa")) else which
        return self.chain(stem), load_pem_private_key(self._read(stem + ".key"), None)

    def seal_to(self, mailbox):
        """(fingerprint of the certificate, its X25519 public key)"""
        cert = self.chain("certs/agency-seal/" + mailbox.replace("/", "_"))[0]
        raw = cert.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return hashlib.sha256(cert.public_bytes(Encoding.DER)).hexdigest(), raw

    def pseudonym(self, about):
        """c:IDENTIFIER or h:IDENTIFIER, keyed with the members' linking key."""
        kind, _, word = about.partition(":")
        word = re.sub("[ -]", "", word.upper())
        key = bytes.fromhex(self._read("linking.key").decode().strip())
        digest = hashlib.blake2b(f"{kind}:{word}".encode(), key=key, digest_size=32).digest()
        return f"{kind}:{base64.b32encode(digest).decode().lower().rstrip('=')}"


class Draft:
    """A bundle in the making. Each stage can be put wrong by one fault (faults.py) before the next stands on it."""

    def __init__(self, a, pki):
        self.a, self.pki, self.key = a, pki, na.crypto_secretstream_xchacha20poly1305_keygen()
        self.id = a.id or uuid7()
        recipients = [(m, None) for m in a.to] + [tuple(c.split("=")) for c in a.cover_for or []]
        self.to, self.publics = [], []
        for mailbox, owner in recipients:
            fingerprint, public = pki.seal_to(mailbox)
            row = {"mailbox": mailbox, "as": "cover" if owner else "to"}
            row.update({"for": owner} if owner else {}, key=fingerprint)
            self.to.append(row)
            self.publics.append(public)
        self.signers = [pki.signer(s) for s in a.sign or ["agency-sign/" + a.sender.split("/")[0]]]
        self.sign_how = {}

    def documents(self):
        self.entries = []  # (name, tarfile type, bytes, link target)
        listed = []
        for path in self.a.documents:
            with open(path, "rb") as f:
                data = f.read()
            name = os.path.basename(path)
            self.entries.append((name, tarfile.REGTYPE, data, ""))
            listed.append(faults.document(name, data))
        cover = {}
        if self.a.cover:
            with open(self.a.cover, encoding="utf-8") as f:
                cover = json.load(f)
        cover.update({"safehand_cover": 1, "id": self.id, "from": self.a.sender, "to": [r["mailbox"] for r in self.to], "documents": listed})
        self.cover = cover

    def archive(self):
        out = io.BytesIO()
        cover = self.cover if isinstance(self.cover, bytes) else json.dumps(self.cover, ensure_ascii=False).encode()
        with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
            for name, kind, data, link in [("cover.json", tarfile.REGTYPE, cover, "")] * self.with_cover + self.entries:
                info = tarfile.TarInfo(name)
                info.type, info.linkname, info.mode = kind, link, 0o600
                info.size = len(data) if kind == tarfile.REGTYPE else 0
                tar.addfile(info, io.BytesIO(data))
        self.tar = out.getvalue()

    with_cover = 1

    def pack(self):
        self.plain = zstandard.ZstdCompressor(level=3).compress(self.tar)

    def chunk(self):
        blocks = [self.plain[i : i + CHUNK] for i in range(0, len(self.plain), CHUNK)] or [b""]
        final = na.crypto_secretstream_xchacha20poly1305_TAG_FINAL
        self.blocks = [(b, final if i == len(blocks) - 1 else 0) for i, b in enumerate(blocks)]

    def encrypt(self):
        state = na.crypto_secretstream_xchacha20poly1305_state()
        self.payload = na.crypto_secretstream_xchacha20poly1305_init_push(state, self.key)
        for block, tag in self.blocks:
            self.payload += na.crypto_secretstream_xchacha20poly1305_push(state, block, None, tag)

    def slot(self):
        self.slots = b"".join(na.crypto_box_seal(self.key, p) for p in self.publics)

    def describe(self):
        self.manifest = {
            "safehand": 1,
            "id": self.id,
            "created": now_text(),
            "event_at": now_text(-3600),
            "from": self.a.sender,
            "class": self.a.klass,
            "status": "final",
            "about": [self.pki.pseudonym(w) for w in self.a.about or []],
            "to": copy.deepcopy(self.to),
            "actions": [],
            "reply_to": None,
            "supersedes": None,
            "concern": None,
            "slots_sha256": hashlib.sha256(self.slots).hexdigest(),
            "payload_sha256": hashlib.sha256(self.payload).hexdigest(),
            "payload_bytes": len(self.payload),
            "key_commitment": commitment(self.key),
        }

    def write(self):
        self.text = json.dumps(self.manifest, separators=(",", ":")).encode()

    def sign(self):
        self.signature = cms.sign(self.text, self.signers, **self.sign_how)

    def frame(self):
        head = HEAD.pack(MAGIC, len(self.text), len(self.signature), len(self.slots), len(self.payload))
        self.file = head + self.text + self.signature + self.slots + self.payload

    STAGES = "documents archive pack chunk encrypt slot describe write sign frame".split()

    def make(self, fault=None):
        """A fault of stage S puts things wrong after S and before what follows S."""
        stage, hurt = faults.TABLE[fault][2:] if fault else (None, None)
        for name in self.STAGES:
            getattr(self, name)()
            if name == stage:
                hurt(self)
        return self


def main():
    if sys.argv[1:] == ["--list-faults"]:
        for name, row in faults.TABLE.items():
            print(name, row[0], row[1])
        return 0
    ap = argparse.ArgumentParser()
    ap.add_argument("--pki", required=True)
    ap.add_argument("--from", dest="sender", required=True)
    ap.add_argument("--class", dest="klass", default="general")
    ap.add_argument("--to", action="append", required=True)
    for name in ("cover-for", "sign", "about"):
        ap.add_argument("--" + name, action="append")
    for name in ("id", "cover", "fault", "out", "all"):
        ap.add_argument("--" + name)
    ap.add_argument("documents", nargs="*")
    a = ap.parse_args()
    if a.all:
        for name in ["good"] + [f for f in faults.TABLE if f != "bomb"]:
            with open(os.path.join(a.all, name + ".shb"), "wb") as f:
                f.write(Draft(a, Pki(a.pki)).make(None if name == "good" else name).file)
        return 0
    d = Draft(a, Pki(a.pki)).make(a.fault)
    with open(a.out, "wb") as f:
        f.write(d.file)
    print(d.id, hashlib.sha256(d.text).hexdigest(), hashlib.sha256(d.plain).hexdigest())
    return 0


if __name__ == "__main__":
    sys.exit(main())
