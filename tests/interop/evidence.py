# evidence.py - evidence files judged offline by another hand than the C one. Runs in: the interop tests.
# Written from design 3: entry, tlog proof, timestamp, manifest, statement; three words.
import hashlib
import json

import c2sp
import cms
import strict
from bundle import SENDERS
from pki import REFUSALS
from strict import FormatError

MEMBERS = "entry proof timestamp manifest signature statement statement_signature".split()
# event: (kind of the statement, who signs it)
STATED = {
    "ContentHandover": ("collected", ["agency-sign"]),
    "Opened": ("opened", ["agency-sign"]),
    "OpenFailure": ("opened", ["agency-sign"]),
    "Read": ("read", ["person-sign"]),
    "Answer": ("answered", ["person-sign"]),
}


class EvidenceError(ValueError):
    pass


def _file(data):
    e = strict.load(data, "evidence", clean=False)
    strict.members(e, ["safehand_evidence"], MEMBERS, "evidence")
    strict.whole(e, "safehand_evidence", 1, 1)
    out = {}
    for name in MEMBERS:
        if name not in e:
            continue
        if not isinstance(e[name], str):
            raise FormatError(f"{name}: no text")
        out[name] = e[name] if name == "proof" else c2sp.unbase64(e[name])
    return out


def _timestamp(parts, note, trust):
    if "timestamp" not in parts:
        return None
    at, _ = cms.verify_token(parts["timestamp"], hashlib.sha256(note.encode()).digest(), trust)
    return at


def _manifest(parts, entry, trust, at):
    if "manifest" not in parts:
        return None
    if hashlib.sha256(parts["manifest"]).hexdigest() != entry.get("manifest_sha256"):
        raise EvidenceError("manifest: not the one of the entry")
    if "signature" in parts:
        signers = cms.verify(parts["manifest"], parts["signature"], trust, SENDERS, at)
        m = strict.manifest(parts["manifest"])
        if any(s.agency != m["from"].split("/")[0] for s in signers):
            raise EvidenceError("manifest: signed by another agency")
    m = strict.manifest(parts["manifest"])
    if m["id"] != entry.get("bundle"):
        raise EvidenceError("manifest: of another bundle")
    if "mailbox" in entry and entry["mailbox"] not in {r["mailbox"] for r in m["to"]}:
        raise EvidenceError("entry: the mailbox is no recipient")
    return m


def _statement(parts, entry, trust, at):
    if "statement" not in parts:
        return
    if hashlib.sha256(parts["statement"]).hexdigest() != entry.get("statement_sha256"):
        raise EvidenceError("statement: not the one of the entry")
    if entry["event"] not in STATED:
        raise EvidenceError(f"{entry['event']}: has no statement")
    kind, profiles = STATED[entry["event"]]
    if "statement_signature" in parts:
        signers = cms.verify(parts["statement"], parts["statement_signature"], trust, profiles, at)
        if len(signers) != 1 or signers[0].fingerprint != entry.get("actor"):
            raise EvidenceError("statement: signed by another than the actor")
    s = strict.statement(parts["statement"])
    if s["kind"] != kind:
        raise EvidenceError(f"statement: {s['kind']} for {entry['event']}")
    for name in ("bundle", "manifest_sha256", "mailbox"):
        if s[name] != entry.get(name):
            raise EvidenceError(f"statement: another {name}")
    if "statement_signature" in parts:
        if signers[0].by != s["by"] or signers[0].agency != s["mailbox"].split("/")[0]:
            raise EvidenceError("statement: signed by another than it says")


def _missing(parts, entry):
    need = ["entry", "proof", "timestamp"]
    if "manifest_sha256" in entry:
        need += ["manifest", "signature"]
    if "statement_sha256" in entry:
        need += ["statement", "statement_signature"]
    return [n for n in need if n not in parts]


def judge(data, trust, key):
    """(word, reason): OK, INCOMPLETE or FAIL."""
    try:
        parts = _file(data)
        if "entry" not in parts:
            return "INCOMPLETE", "entry"
        entry = strict.entry(parts["entry"])
        at = strict.instant(entry["time"], fraction=True)
        for one, other in (("signature", "manifest"), ("statement_signature", "statement")):
            if one in parts and other not in parts:
                return "INCOMPLETE", other
        if "manifest" in parts and "manifest_sha256" not in entry or "statement" in parts and "statement_sha256" not in entry:
            raise EvidenceError("more than the entry speaks of")
        if "proof" in parts:
            index, note = c2sp.check_inclusion(parts["entry"], parts["proof"], key)
            if index != entry["seq"]:
                raise EvidenceError(f"entry {entry['seq']} stands at place {index}")
            at = _timestamp(parts, note, trust) or at
        _manifest(parts, entry, trust, at)
        _statement(parts, entry, trust, at)
    except REFUSALS as e:
        return "FAIL", str(e) or type(e).__name__
    lacking = _missing(parts, entry)
    if lacking:
        return "INCOMPLETE", ", ".join(lacking)
    who = entry.get("mailbox", "")
    return "OK", " ".join(filter(None, [entry["event"], entry.get("bundle", ""), who, entry["time"]]))


def write(parts):
    """The one form of an evidence file, from {member: text}."""
    return json.dumps({"safehand_evidence": 1, **parts}, separators=(",", ":")).encode()
