# bundle.py - bundles read by another hand than the C one. Runs in: the interop tests. Trusts: nothing.
# Written from the design: framing, manifest, CMS signature, slots, secretstream payload, zstd tar, cover sheet.
import datetime
import hashlib
import hmac
import os
import re
import struct
import tarfile

import cms
import strict
import zstandard
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from nacl import bindings as na
from nacl.exceptions import CryptoError
from pki import UTC
from strict import FormatError

HEAD, MAGIC = struct.Struct(">4sIIIQ"), b"SHB1"
EXPANSION_FREE, EXPANSION_MAX = 64 << 20, 200
SLOT, CHUNK, OVER, STREAM_HEAD = 80, 65536, 17, 24
COMMITMENT = b"safehand key commitment v1"
SENDERS = ["agency-sign", "person-sign"]


class BundleError(ValueError):
    """reason is the public name of the refusal."""

    def __init__(self, reason, text):
        super().__init__(text)
        self.reason = reason


def commitment(key):
    return hashlib.blake2b(COMMITMENT, key=key, digest_size=32).hexdigest()


class Bundle:
    """The head of a bundle; the payload is read from the file when asked for."""

    def __init__(self, path):
        self.path, self.size = path, os.path.getsize(path)
        with open(path, "rb") as f:
            head = f.read(HEAD.size)
            if len(head) != HEAD.size:
                raise BundleError("format", "shorter than its head")
            magic, m, s, n, self.payload_bytes = HEAD.unpack(head)
            if magic != MAGIC or m == 0 or s == 0 or n % SLOT:
                raise BundleError("format", "no bundle, or an empty part")
            if m > 65536 or s > 65536 or n > 32000 or self.payload_bytes > 1 << 50:
                raise BundleError("limit", "a length over its limit")
            self.manifest_bytes, self.signature, self.slots = f.read(m), f.read(s), f.read(n)
        self.payload_at = HEAD.size + m + s + n
        if self.payload_at + self.payload_bytes != self.size:
            raise BundleError("digest", "the file is not as long as its head says")

    def check_head(self, trust, at=None):
        """Signature first, then the manifest. Returns (manifest, signers)."""
        at = at or datetime.datetime.now(UTC)
        signers = cms.verify(self.manifest_bytes, self.signature, trust, SENDERS, at)
        m = self.manifest = strict.manifest(self.manifest_bytes)
        agency = m["from"].split("/")[0]
        if any(s.agency != agency for s in signers):
            raise BundleError("profile", f"signed by others than {agency}")
        if self.slots or not self.fetched():
            if len(self.slots) != SLOT * len(m["to"]):
                raise BundleError("format", f"{len(self.slots) // SLOT} slots for {len(m['to'])} recipients")
            if hashlib.sha256(self.slots).hexdigest() != m["slots_sha256"]:
                raise BundleError("digest", "the slots are not those that were signed")
        if self.payload_bytes != m["payload_bytes"]:
            raise BundleError("digest", f"{self.payload_bytes} bytes of payload, signed are {m['payload_bytes']}")
        return m, signers

    def fetched(self):
        """As it comes from a mailbox: without slots."""
        return not self.slots

    def check_payload(self):
        h = hashlib.sha256()
        with open(self.path, "rb") as f:
            f.seek(self.payload_at)
            while block := f.read(1 << 20):
                h.update(block)
        if h.hexdigest() != self.manifest["payload_sha256"]:
            raise BundleError("digest", "the payload is not the one that was signed")

    def content_key(self, seal_key_pem, slot=None):
        """The key from whichever slot this private key opens; it must be the committed one."""
        secret = load_pem_private_key(seal_key_pem, None).private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
        public = na.crypto_scalarmult_base(secret)
        slots = [slot] if slot else [self.slots[i : i + SLOT] for i in range(0, len(self.slots), SLOT)]
        for s in slots:
            try:
                key = na.crypto_box_seal_open(s, public, secret)
            except CryptoError:
                continue
            if len(key) != 32 or not hmac.compare_digest(commitment(key), self.manifest["key_commitment"]):
                raise BundleError("secret", "the key is not the one that all recipients were promised")
            return key
        raise BundleError("secret", "no slot opens with this key")

    def plaintext(self, key):
        """Yields the payload's plaintext, 64 KiB at a time."""
        state = na.crypto_secretstream_xchacha20poly1305_state()
        with open(self.path, "rb") as f:
            f.seek(self.payload_at)
            header = f.read(STREAM_HEAD)
            if len(header) != STREAM_HEAD:
                raise BundleError("format", "payload without its header")
            na.crypto_secretstream_xchacha20poly1305_init_pull(state, header, key)
            left = self.payload_bytes - STREAM_HEAD
            while left > 0:
                chunk = f.read(min(left, CHUNK + OVER))
                left -= len(chunk)
                try:
                    plain, tag = na.crypto_secretstream_xchacha20poly1305_pull(state, chunk, None)
                except (RuntimeError, ValueError, CryptoError):
                    raise BundleError("secret", "a chunk was altered") from None
                final = tag == na.crypto_secretstream_xchacha20poly1305_TAG_FINAL
                if not final and (tag != 0 or len(plain) != CHUNK):
                    raise BundleError("format", "a chunk with another tag, or a short one before the last")
                if final != (left == 0):
                    raise BundleError("digest", "the last chunk, and no other, must be FINAL")
                yield plain
            if self.payload_bytes <= STREAM_HEAD:
                raise BundleError("format", "payload without a chunk")


class _Stream:
    """A file object over a generator of blocks."""

    def __init__(self, blocks):
        self.blocks, self.rest = blocks, b""

    def read(self, n=-1):
        while n < 0 or len(self.rest) < n:
            block = next(self.blocks, None)
            if block is None:
                break
            self.rest += block
        out, self.rest = (self.rest, b"") if n < 0 else (self.rest[:n], self.rest[n:])
        return out


class _Unzstd:
    """A file object over the zstd-compressed content; judges its expansion; one frame and nothing after it."""

    def __init__(self, blocks, digest):
        self.source = _Stream(self._count(blocks, digest))
        self.reader = zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(self.source, read_size=CHUNK)
        self.packed = self.unpacked = 0

    def _count(self, blocks, digest):
        for b in blocks:
            self.packed += len(b)
            digest.update(b)
            yield b

    def read(self, n=-1):
        try:
            out = self.reader.read(n) if n >= 0 else b"".join(iter(lambda: self.reader.read(1 << 20), b""))
        except zstandard.ZstdError:
            raise BundleError("archive", "not zstd") from None
        self.unpacked += len(out)
        if self.unpacked > EXPANSION_FREE and self.unpacked > EXPANSION_MAX * self.packed:
            raise BundleError("archive", "expands beyond reason")
        return out

    def end(self):
        """To the end of the frame, which must be the end of the content."""
        while rest := self.read(1 << 20):
            if rest.strip(b"\0"):
                raise BundleError("archive", "bytes after the end of the archive")
        if self.source.read():
            raise BundleError("archive", "bytes after the end of the archive")


def _good_name(name):
    return (
        0 < len(name.encode("utf-8", "surrogateescape")) <= 200
        and "/" not in name
        and "\\" not in name
        and name not in (".", "..")
        and not strict.UNCLEAN.search(name)
    )


def _fold(name):
    """As a file system sees it that ignores the case of ASCII letters."""
    return re.sub("[A-Z]", lambda c: c.group().lower(), name)


def _cover(raw, m):
    """The cover sheet repeats what the manifest says; returns its documents by name."""
    c = strict.cover(raw)
    names = ["cover.json"] + [d["name"] for d in c["documents"]]
    if not all(map(_good_name, names)) or len(set(map(_fold, names))) != len(names):
        raise BundleError("archive", "the cover sheet names a document that is hostile or twice")
    if c["id"] != m["id"] or c["from"] != m["from"] or c["to"] != [t["mailbox"] for t in m["to"]]:
        raise BundleError("digest", "the cover sheet is of another bundle")
    return {d["name"]: d for d in c["documents"]}


def _entry(tar, info, into):
    digest, size = hashlib.sha256(), 0
    src = tar.extractfile(info)
    out = open(os.path.join(into, info.name), "xb") if into else None
    while block := src.read(1 << 20):
        digest.update(block)
        size += len(block)
        if out:
            out.write(block)
    if out:
        out.close()
    return {"size": size, "sha256": digest.hexdigest()}


def extract(blocks, m, into=None):
    """Walks the archive. Returns (content digest, names); writes the documents when into is a folder."""
    digest, seen, docs = hashlib.sha256(), {}, None
    stream = _Unzstd(blocks, digest)
    try:
        with tarfile.open(fileobj=stream, mode="r|", format=tarfile.PAX_FORMAT) as tar:
            for info in tar:
                if not info.isreg() or not _good_name(info.name) or _fold(info.name) in map(_fold, seen):
                    raise BundleError("archive", f"{info.name!r}: hostile or twice")
                if docs is None:
                    if info.name != "cover.json" or info.size > 1 << 20:
                        raise BundleError("archive", "the first entry is not cover.json")
                    raw = tar.extractfile(info).read()
                    docs, seen["cover.json"] = _cover(raw, m), None
                    if into:
                        with open(os.path.join(into, "cover.json"), "xb") as f:
                            f.write(raw)
                else:
                    seen[info.name] = _entry(tar, info, into)
    except tarfile.TarError as e:
        raise BundleError("archive", f"tar: {e}") from None
    stream.end()
    del seen["cover.json"]
    if set(seen) != set(docs):
        raise BundleError("archive", "the documents are not those of the cover sheet")
    for name, got in seen.items():
        if docs[name]["sha256"] != got["sha256"] or docs[name]["size"] != got["size"]:
            raise BundleError("digest", f"{name}: not the document of the cover sheet")
    return digest.hexdigest(), list(seen)
