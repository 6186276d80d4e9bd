# evidence.py - evidence files judged offline by another hand than the C one. Runs in: the interop tests.
# Written from design 3: entry, tlog proof, timestamp, manifest, statement; three words.
import datetime
import hashlib
import json

import c2sp
import cms
import strict
from bundle import SENDERS
from pki import REFUSALS
from strict import FormatError

# part: most bytes of it
MEMBERS = {
    "entry": 16 << 10,
    "proof": 20 << 10,
    "timestamp": 16 << 10,
    "manifest": 64 << 10,
    "signature": 64 << 10,
    "statement": 16 << 10,
    "statement_signature": 64 << 10,
}
# event: (kind of the statement, who signs it)
STATED = {
    "ContentHandover": ("collected", ["agency-sign"]),
    "Opened": ("opened", ["agency-sign"]),
    "OpenFailure": ("opened", ["agency-sign"]),
    "Read": ("read", ["person-sign"]),
    "Answer": ("answered", ["person-sign"]),
    "Withdrawn": ("withdrawn", ["agency-sign"]),
}
# event: what its entry must name
CALLS_FOR = {
    "SubmissionAcceptance": ["bundle", "manifest_sha256", "actor"],
    "SubmissionRejection": ["actor"],
    "ContentConsignment": ["bundle", "manifest_sha256", "mailbox"],
    "Purged": ["bundle", "manifest_sha256"],
    "NotificationSent": ["mailbox"],
    "NotificationFailure": ["mailbox"],
    "Overdue": ["mailbox"],
    "Escalation": ["mailbox"],
    "CoverReleased": ["bundle", "manifest_sha256", "mailbox"],
    "Superseded": ["bundle", "manifest_sha256"],
    "Fetched": ["bundle", "manifest_sha256", "mailbox", "actor"],
    "Held": ["bundle", "manifest_sha256"],
    "Released": ["bundle", "manifest_sha256"],
} | {event: ["bundle", "manifest_sha256", "mailbox", "actor", "statement_sha256"] for event in STATED}
TOLD = ["bundle", "manifest_sha256", "mailbox"]  # that a recipient was told of a withdrawal


def _stated(entry):
    return entry["event"] in STATED and (entry["event"] != "Withdrawn" or "actor" in entry or "statement_sha256" in entry)


SLACK = datetime.timedelta(seconds=60)  # between the clocks of who writes entries and who stamps


class EvidenceError(ValueError):
    pass


def _file(data):
    if len(data) > 1 << 20:
        raise FormatError("evidence: over 1 MiB")
    e = strict.load(data, "evidence", clean=False)
    strict.members(e, ["safehand_evidence"], MEMBERS, "evidence")
    strict.whole(e, "safehand_evidence", 1, 1)
    out = {}
    for name, most in MEMBERS.items():
        if name not in e:
            continue
        if not isinstance(e[name], str) or not e[name]:
            raise FormatError(f"{name}: no text")
        if strict.UNCLEAN.search(e[name].replace("\n", "").replace("\t", "")):
            raise FormatError(f"{name}: control character")
        out[name] = e[name] if name == "proof" else c2sp.unbase64(e[name])
        if len(e[name].encode() if name == "proof" else out[name]) > most:
            raise FormatError(f"{name}: over {most} bytes")
    return out


def _entry(parts):
    if "entry" not in parts:
        return None, None
    entry = strict.entry(parts["entry"])
    told = entry["event"] == "Withdrawn" and not _stated(entry)
    for name in TOLD if told else CALLS_FOR.get(entry["event"], []):
        if name not in entry:
            raise EvidenceError(f"entry: {entry['event']} calls for {name}")
    if "manifest_sha256" not in entry and ("manifest" in parts or "signature" in parts):
        raise EvidenceError("manifest: the entry names none")
    if entry["event"] == "SubmissionRejection" and "signature" in parts:
        raise EvidenceError("signature: a rejection shows none")
    if not _stated(entry) and ("statement" in parts or "statement_signature" in parts):
        raise EvidenceError(f"{entry['event']}: has no statement")
    return entry, strict.instant(entry["time"], fraction=True)


def _proof(parts, entry, trust, key, at):
    """Returns when the signatures were made: the timestamp's time, else the entry's."""
    if "proof" not in parts:
        return at
    index, hashes, note, size, root = c2sp.open_proof(parts["proof"], key)
    if entry:
        if index != entry["seq"]:
            raise EvidenceError(f"entry {entry['seq']} stands at place {index}")
        if c2sp.root_from_inclusion(index, size, c2sp.leaf_hash(parts["entry"]), hashes) != root:
            raise EvidenceError("proof: the entry is not in the tree at that place")
    if "timestamp" not in parts:
        return at
    stamped, _ = cms.verify_token(parts["timestamp"], hashlib.sha256(note.encode()).digest(), trust)
    if at and at > stamped + SLACK:
        raise EvidenceError("timestamp: of before the entry")
    return stamped


def _manifest(parts, entry, trust, at):
    if "manifest" not in parts:
        return
    if entry and hashlib.sha256(parts["manifest"]).hexdigest() != entry["manifest_sha256"]:
        raise EvidenceError("manifest: not the one of the entry")
    if entry and entry["event"] == "SubmissionRejection":
        return
    is_notice = parts["manifest"].startswith(b'{"safehand_notice":')
    signers = []
    if "signature" in parts and at:
        signers = cms.verify(parts["manifest"], parts["signature"], trust, ["gateway-sign"] if is_notice else SENDERS, at)
    if is_notice:
        m = strict.notice(parts["manifest"])
        if len(signers) > 1:
            raise EvidenceError("notice: more than one signer")
        told = {m["to"]}
    else:
        m = strict.manifest(parts["manifest"])
        if any(s.agency != m["from"].split("/")[0] for s in signers):
            raise EvidenceError("manifest: signed by another agency")
        told = {r["mailbox"] for r in m["to"]}
    if not entry:
        return
    if m["id"] != entry.get("bundle"):
        raise EvidenceError("manifest: of another bundle")
    if not is_notice and entry["event"] in ("Overdue", "Escalation"):
        told.add(m["from"])  # it owes a final
    if not is_notice and entry["event"] == "Withdrawn" and _stated(entry):
        told = {m["from"]}
    anybody = not is_notice and entry["event"] in ("NotificationSent", "NotificationFailure")
    if "mailbox" in entry and not anybody and entry["mailbox"] not in told:
        raise EvidenceError("entry: the mailbox is no recipient")


def _shows(s):
    """The event that a statement shows."""
    if s["kind"] == "opened" and s["content_sha256"] is None:
        return "OpenFailure"
    return next(event for event, (kind, _) in STATED.items() if kind == s["kind"])


def _statement(parts, entry, trust, at):
    if "statement" not in parts:
        return
    if entry and hashlib.sha256(parts["statement"]).hexdigest() != entry["statement_sha256"]:
        raise EvidenceError("statement: not the one of the entry")
    signers = []
    if "statement_signature" in parts and at:
        signers = cms.verify(parts["statement"], parts["statement_signature"], trust, SENDERS, at)
        if len(signers) != 1 or entry and signers[0].fingerprint != entry["actor"]:
            raise EvidenceError("statement: signed by another than the actor")
    s = strict.statement(parts["statement"])
    if signers:
        if signers[0].profile not in STATED[_shows(s)][1]:
            raise EvidenceError(f"statement: {s['kind']}, signed by {signers[0].profile}")
        if signers[0].by != s["by"] or signers[0].agency != s["mailbox"].split("/")[0]:
            raise EvidenceError("statement: signed by another than it says")
    if not entry:
        return
    if _shows(s) != entry["event"]:
        raise EvidenceError(f"statement: {s['kind']} for {entry['event']}")
    for name in ("bundle", "manifest_sha256", "mailbox", "code"):
        if s[name] != entry[name]:
            raise EvidenceError(f"statement: another {name}")


def _missing(parts, entry):
    """Without the entry, which would say what belongs to it: what came alone is missed."""
    pairs = (["manifest", "signature"], ["statement", "statement_signature"])
    if entry:
        wanted = ("manifest_sha256" in entry and entry["event"] != "SubmissionRejection", _stated(entry))
    else:
        wanted = [any(name in parts for name in pair) for pair in pairs]
    need = ["entry", "proof", "timestamp"] + [name for pair, want in zip(pairs, wanted) if want for name in pair]
    return [n for n in need if n not in parts]


def judge(data, trust, key):
    """(word, reason): OK, INCOMPLETE or FAIL. What is wrong wins over what is missing."""
    try:
        parts = _file(data)
        entry, at = _entry(parts)
        at = _proof(parts, entry, trust, key, at)
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
