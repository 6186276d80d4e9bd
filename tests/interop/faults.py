# faults.py - one row a fault: how a bundle is put wrong, who must refuse it, by which public name (lib/err.c).
# Used by: make_bundle.py, the refusal scenarios. A fault is done to a Draft after its stage, so that what follows
# (signature, digests) fits the fault: each row provokes just its own refusal.
import hashlib
import json
import os
import tarfile

from nacl import bindings as na

FINAL = na.crypto_secretstream_xchacha20poly1305_TAG_FINAL


def document(name, data):
    """A row of the cover sheet."""
    kinds = {".pdf": "application/pdf", ".json": "application/fhir+json", ".png": "image/png", ".wav": "audio/wav"}
    kinds[".odt"] = "application/vnd.oasis.opendocument.text"
    kind = kinds.get(os.path.splitext(name)[1], "application/octet-stream")
    return {"name": name, "type": kind, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def put(name, value):
    def hurt(d):
        d.manifest[name] = value

    return "describe", hurt


def drop(name):
    def hurt(d):
        del d.manifest[name]

    return "describe", hurt


def recipient(**changes):
    def hurt(d):
        d.manifest["to"][0].update(changes)

    return "describe", hurt


def text(old, new):
    """Replaces bytes of the manifest's text before it is signed."""

    def hurt(d):
        assert old in d.text
        d.text = d.text.replace(old, new, 1)

    return "write", hurt


def attr(stage, name, how):
    """Replaces one attribute of the draft by how(of it)."""

    def hurt(d):
        setattr(d, name, how(getattr(d, name)))

    return stage, hurt


def flip(at):
    def how(data):
        i = at if at >= 0 else len(data) + at
        return data[:i] + bytes([data[i] ^ 1]) + data[i + 1 :]

    return how


def add_entry(name, kind=tarfile.REGTYPE, data=b"x", link="", listed=True):
    """One more entry of the archive, named on the cover sheet too, so that only the name or kind is wrong."""

    def hurt(d):
        d.entries.append((name, kind, data, link))
        if listed:
            d.cover["documents"].append(document(name, data if kind == tarfile.REGTYPE else b""))

    return "documents", hurt


def signers(*which):
    """Other certificates than the right ones; stems as Pki.signer takes them."""

    def hurt(d):
        d.signers = [d.pki.signer(w) for w in which]

    return "write", hurt


def how(**kw):
    def hurt(d):
        d.sign_how = {k: v(d) if callable(v) else v for k, v in kw.items()}

    return "write", hurt


def other_bundle(d):
    """Signed is a manifest that differs in its id alone."""
    held, d.text = d.text, d.text.replace(d.id.encode(), d.id[:-1].encode() + (b"1" if d.id[-1] != "1" else b"2"))
    d.sign()
    d.text = held


def cover_set(name, value):
    def hurt(d):
        d.cover[name] = value

    return "documents", hurt


def cover_document(**changes):
    def hurt(d):
        d.cover["documents"][0].update(changes)

    return "documents", hurt


def bomb(d):
    data = bytes(300 << 20)
    d.entries.append(("zeros.bin", tarfile.REGTYPE, data, ""))
    d.cover["documents"].append(document("zeros.bin", data))


def another_slot(d):
    """The first recipient's slot holds another key than the others got."""
    d.slots = na.crypto_box_seal(os.urandom(32), d.publics[0]) + d.slots[80:]


def strange_slot(d):
    d.slots = na.crypto_box_seal(d.key, na.crypto_box_keypair()[0]) + d.slots[80:]


def no_cover(d):
    d.with_cover = 0


G, O = "gateway", "opener"
ZERO = "0" * 64
# name: (refusal, who refuses, stage, what is done)
TABLE = {
    # manifest: members
    "unknown-member": ("format", G) + put("colour", "red"),
    "duplicate-member": ("format", G) + text(b'"concern":null', b'"concern":null,"concern":null'),
    "missing-member": ("format", G) + drop("concern"),
    "mistyped-text": ("format", G) + put("class", 7),
    "mistyped-number": ("format", G) + put("payload_bytes", "1"),
    "mistyped-list": ("format", G) + put("to", {}),
    "mistyped-null": ("format", G) + put("created", None),
    "fraction": ("format", G) + text(b'"safehand":1,', b'"safehand":1.0,'),
    "exponent": ("format", G) + text(b'"safehand":1,', b'"safehand":1e0,'),
    "leading-zero": ("format", G) + text(b'"safehand":1,', b'"safehand":01,'),
    "control-character": ("format", G) + text(b'"status":"final"', b'"status":"fi\\u0007nal"'),
    "raw-control-character": ("format", G) + text(b'"status":"final"', b'"status":"fi\x01nal"'),
    "nul-in-text": ("format", G) + text(b'"status":"final"', b'"status":"final\\u0000x"'),
    "not-utf8": ("format", G) + text(b'"status":"final"', b'"status":"fin\xff"'),
    "lone-surrogate": ("format", G) + text(b'"status":"final"', b'"status":"\\ud800"'),
    "bytes-after": ("format", G) + attr("write", "text", lambda t: t + b"{}"),
    "no-object": ("format", G) + attr("write", "text", lambda t: b"[" + t + b"]"),
    "deep": ("format", G) + put("about", json.loads("[" * 200 + "]" * 200)),
    "other-version": ("format", G) + put("safehand", 2),
    "id-not-v7": ("format", G) + put("id", "1b4e28ba-2fa1-41d2-883f-0016d3cca427"),
    "id-upper-case": ("format", G) + attr("write", "text", lambda t: t[:20] + t[20:50].upper() + t[50:]),
    "bad-time": ("format", G) + put("created", "2026-02-30T00:00:00Z"),
    "bad-from": ("format", G) + put("from", "CSC/mash"),
    "bad-class": ("format", G) + put("class", "../general"),
    "bad-about": ("format", G) + put("about", ["c:BOB"]),
    "bad-status": ("format", G) + put("status", "draft"),
    "bad-concern": ("format", G) + put("concern", "none"),
    "bad-digest": ("format", G) + put("key_commitment", ZERO.replace("0", "A")),
    "nobody": ("format", G) + put("to", []),
    "bad-as": ("format", G) + recipient(**{"as": "bcc"}),
    "cover-for-nobody": ("format", G) + recipient(**{"as": "cover"}),
    "unknown-in-recipient": ("format", G) + recipient(phone="1"),
    "bad-action": ("format", G) + put("actions", [{"n": 1, "owner": "csc/mash", "due": "tomorrow"}]),
    # slots and framing
    "slot-missing": ("format", G) + attr("slot", "slots", lambda s: s[80:]),
    "slot-extra": ("format", G) + attr("slot", "slots", lambda s: s + s[:80]),
    "slot-altered": ("digest", G) + attr("sign", "slots", flip(40)),
    "slot-cut": ("format", G) + attr("sign", "slots", lambda s: s[:-1]),
    "magic": ("format", G) + attr("frame", "file", lambda f: b"SHB2" + f[4:]),
    "manifest-length-zero": ("format", G) + attr("frame", "file", lambda f: f[:4] + bytes(4) + f[8:]),
    "manifest-length-huge": ("limit", G) + attr("frame", "file", lambda f: f[:4] + b"\x7f\xff\xff\xff" + f[8:]),
    "signature-length-huge": ("limit", G) + attr("frame", "file", lambda f: f[:8] + b"\x7f\xff\xff\xff" + f[12:]),
    "slots-length-huge": ("limit", G) + attr("frame", "file", lambda f: f[:12] + b"\x00\xf4\x24\x00" + f[16:]),
    "payload-length-huge": ("limit", G) + attr("frame", "file", lambda f: f[:16] + b"\x7f" + bytes(7) + f[24:]),
    # payload against what was signed
    "payload-altered": ("digest", G) + attr("frame", "file", flip(-1)),
    "payload-altered-first": ("digest", G) + attr("sign", "payload", flip(0)),
    "payload-shorter-than-signed": ("digest", G) + attr("sign", "payload", lambda p: p[:-1]),
    "payload-longer-than-signed": ("digest", G) + attr("sign", "payload", lambda p: p + b"x"),
    "payload-bytes-wrong": ("digest", G) + put("payload_bytes", 12345),
    "payload-digest-wrong": ("digest", G) + put("payload_sha256", ZERO),
    # signature
    "manifest-altered": ("signature", G) + attr("sign", "text", lambda t: t.replace(b'"final"', b'"finaL"')),
    "signature-altered": ("signature", G) + attr("sign", "signature", flip(-1)),
    "signature-of-another": ("signature", G) + ("sign", other_bundle),
    "signature-empty": ("format", G) + attr("sign", "signature", lambda s: b""),
    "signature-garbage": ("signature", G) + attr("sign", "signature", lambda s: b"\x30\x03\x02\x01\x01"),
    "signature-bytes-after": ("signature", G) + attr("sign", "signature", lambda s: s + b"\x00"),
    "content-inside": ("signature", G) + how(embed=True),
    "no-signing-certificate": ("signature", G) + how(ess=False),
    "signing-certificate-of-another": ("signature", G) + how(ess_cert=lambda d: d.pki.chain("certs/agency-sign/wmp")[0]),
    "digest-of-another": ("signature", G) + how(digest=bytes(32)),
    "dated-ahead": ("clock", G) + how(dated=lambda d: [signing_time(2 * 86400)]),
    "dated-before-its-certificate": ("expired", G) + how(dated=lambda d: [signing_time(-1000 * 86400)]),
    "dated-twice": ("signature", G) + how(dated=lambda d: [signing_time(0), signing_time(-60)]),
    "dated-in-two": ("signature", G) + how(dated=lambda d: [signing_time(-60) + signing_time(0)]),
    "dated-in-words": ("signature", G) + how(dated=lambda d: [b"\x0c\x05today"]),
    "signer-twice": ("signature", G) + attr("write", "signers", lambda s: [s[0], s[0]]),
    "signer-expired": ("expired", G) + signers("bad/expired-agency-sign"),
    "signer-not-yet": ("expired", G) + signers("bad/notyet-agency-sign"),
    "signer-revoked": ("revoked", G) + signers("bad/revoked-agency-sign"),
    "signer-self-made": ("certificate", G) + signers("bad/selfmade-agency-sign"),
    "signer-foreign": ("certificate", G) + signers("foreign/certs/agency-sign/uhcw"),
    "signer-tls": ("profile", G) + signers("agency-tls/uhcw"),
    "signer-roster": ("profile", G) + signers("roster-sign/admin"),
    "signer-other-agency": ("profile", G) + signers("agency-sign/csc"),
    "second-signer-other-agency": ("profile", G) + signers("agency-sign/uhcw", "person-sign/csc/a.khan"),
    # policy
    "class-unknown": ("denied", G) + put("class", "gossip"),
    "class-not-ours": ("denied", G) + put("class", "strategy-minutes"),
    "mailbox-not-ours": ("profile", G) + put("from", "csc/mash"),
    "mailbox-unknown": ("unknown", G) + recipient(mailbox="uhcw/nobody"),
    "key-of-no-mailbox": ("certificate", G) + recipient(key=ZERO),
    "key-of-another-mailbox": ("certificate", G) + ("describe", lambda d: d.manifest["to"][0].update(key=d.pki.seal_to("wmp/ppu")[0])),
    "created-tomorrow": ("clock", G) + ("describe", lambda d: d.manifest.update(created=faults_time(86400))),
    "created-last-year": ("limit", G) + ("describe", lambda d: d.manifest.update(created=faults_time(-366 * 86400))),
    # inside: only a recipient can see it
    "slot-of-another-key": ("secret", O) + ("slot", another_slot),
    "slot-for-a-stranger": ("secret", O) + ("slot", strange_slot),
    "commitment-wrong": ("secret", O) + put("key_commitment", ZERO),
    "chunk-altered": ("secret", O) + attr("encrypt", "payload", flip(-1)),
    "header-altered": ("secret", O) + attr("encrypt", "payload", flip(3)),
    "chunk-missing-at-end": ("digest", O) + attr("chunk", "blocks", lambda b: b[:-1]),
    "no-final": ("format", O) + attr("chunk", "blocks", lambda b: b[:-1] + [(b[-1][0], 0)]),
    "final-early": ("digest", O) + attr("chunk", "blocks", lambda b: [(b[0][0], FINAL)] + b[1:]),
    "after-final": ("secret", O) + attr("chunk", "blocks", lambda b: b + [(b"more", FINAL)]),
    "chunk-short": ("secret", O) + attr("chunk", "blocks", lambda b: [(b[0][0][:1000], 0), (b[0][0][1000:], 0)] + b[1:]),
    "chunks-swapped": ("secret", O) + attr("encrypt", "payload", lambda p: p[:24] + p[24 + 65553 : 24 + 131106] + p[24 : 24 + 65553] + p[131130:]),
    "not-zstd": ("archive", O) + attr("pack", "plain", lambda p: b"\x00" * len(p)),
    "not-tar": ("archive", O) + attr("archive", "tar", lambda t: b"\xff" * len(t)),
    "archive-cut": ("archive", O) + attr("archive", "tar", lambda t: t[: len(t) // 2 // 512 * 512]),
    "name-absolute": ("archive", O) + add_entry("/etc/passwd"),
    "name-dotdot": ("archive", O) + add_entry("../x"),
    "name-folder": ("archive", O) + add_entry("a/b"),
    "name-dot": ("archive", O) + add_entry("."),
    "name-empty": ("archive", O) + add_entry(""),
    "name-control": ("archive", O) + add_entry("a\nb", listed=False),
    "name-escape": ("archive", O) + add_entry("a\x1b[2Jb", listed=False),
    "name-long": ("archive", O) + add_entry("n" * 256),
    "name-twice": ("archive", O) + ("documents", lambda d: d.entries.append(d.entries[0])),
    "link-symbolic": ("archive", O) + add_entry("l", tarfile.SYMTYPE, link="/etc/passwd"),
    "link-hard": ("archive", O) + add_entry("l", tarfile.LNKTYPE, link="cover.json"),
    "device": ("archive", O) + add_entry("d", tarfile.CHRTYPE),
    "fifo": ("archive", O) + add_entry("f", tarfile.FIFOTYPE),
    "folder": ("archive", O) + add_entry("d", tarfile.DIRTYPE),
    "bomb": ("archive", O) + ("documents", bomb),
    "cover-missing": ("archive", O) + ("documents", no_cover),
    "cover-not-json": ("format", O) + attr("documents", "cover", lambda c: b"hello"),
    "cover-of-another-id": ("digest", O) + cover_set("id", "019ab000-0000-7000-8000-000000000000"),
    "cover-of-another-sender": ("digest", O) + cover_set("from", "wmp/ppu"),
    "cover-of-another-list": ("digest", O) + cover_set("to", ["wmp/ppu"]),
    "cover-of-another-order": ("digest", O) + ("documents", lambda d: d.cover["to"].reverse()),
    "cover-version": ("format", O) + cover_set("safehand_cover", 2),
    "cover-unknown-member": ("format", O) + cover_set("colour", "red"),
    "cover-control": ("format", O) + cover_set("title", "a\x1b[2Jb"),
    "cover-bidi": ("format", O) + cover_set("title", "a\u202eb"),
    "cover-opinion": ("format", O) + cover_set("medical_opinion", "plausible"),
    "cover-born": ("format", O) + cover_set("people", [{"name": "Isla", "born": "14.3.2021"}]),
    "cover-action-twice": ("format", O) + cover_set("actions", [{"n": 1, "owner": "a/b", "due": "2026-11-24", "text": "x"}] * 2),
    "cover-measured-nothing": ("format", O) + cover_set("measurements", [{"date": "2026-11-24"}]),
    "cover-no-documents": ("format", O) + ("documents", lambda d: d.cover.pop("documents")),
    "cover-name-twice": ("archive", O) + ("documents", lambda d: d.cover["documents"].append(d.cover["documents"][0])),
    "cover-names-itself": ("archive", O) + ("documents", lambda d: d.cover["documents"].append(document("COVER.json", b""))),
    "name-backslash": ("archive", O) + add_entry("a\\b"),
    "name-bidi": ("archive", O) + add_entry("fdp.\u202eexe", listed=False),
    "name-twice-folded": ("archive", O) + ("documents", lambda d: d.entries.append((d.entries[0][0].upper(),) + d.entries[0][1:])),
    "document-altered": ("digest", O) + cover_document(sha256=ZERO),
    "document-longer": ("digest", O) + cover_document(size=1),
    "document-missing": ("archive", O) + ("documents", lambda d: d.cover["documents"].append(document("absent.pdf", b"x"))),
    "document-unlisted": ("archive", O) + add_entry("extra.pdf", listed=False),
}


def signing_time(seconds):
    import datetime

    import cms

    return cms.time_value(datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds))


def faults_time(seconds):
    import make_bundle

    return make_bundle.now_text(seconds)
