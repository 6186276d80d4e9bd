# strict.py - strict JSON objects with a table of their members. Runs in: the interop tests. Trusts: nothing.
import datetime
import json
import re

from pki import NAMES, PAIR, UTC

UUID7 = r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
CLASS = r"[a-z0-9][a-z0-9-]{0,62}"
HEX32 = r"[0-9a-f]{64}"
ABOUT = r"[ch]:[a-z2-7]{52}"
# texts of the cover sheet that may have lines
PARAGRAPHS = ("text", "reason", "dissent")


class FormatError(ValueError):
    pass


def _pairs(pairs):
    out = {}
    for name, value in pairs:
        if name in out:
            raise FormatError(f"{name}: twice")
        out[name] = value
    return out


def _no(what):
    def refuse(text):
        raise FormatError(f"{text}: {what}")

    return refuse


def _int(text):
    if text == "-0":
        raise FormatError("-0: not canonical")
    return int(text)


# C0, DEL and C1, lone surrogates, line separators, what reorders text, the byte order mark
UNCLEAN = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


def _clean(value, where):
    """No such character in any text, escaped or not; paragraphs have lines."""
    if isinstance(value, str):
        if where in PARAGRAPHS:
            value = value.replace("\n", " ").replace("\t", " ")
        if UNCLEAN.search(value):
            raise FormatError(f"{where}: control character")
    elif isinstance(value, dict):
        for k, v in value.items():
            _clean(k, where)
            _clean(v, k)
    elif isinstance(value, list):
        for v in value:
            _clean(v, where)


def load(data, what, clean=True):
    try:
        out = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_pairs,
            parse_float=_no("a fraction"),
            parse_constant=_no("no number"),
            parse_int=_int,
        )
    except UnicodeDecodeError:
        raise FormatError(f"{what}: not UTF-8") from None
    except RecursionError:
        raise FormatError(f"{what}: nested too deeply") from None
    except json.JSONDecodeError as e:
        raise FormatError(f"{what}: {e}") from None
    if not isinstance(out, dict):
        raise FormatError(f"{what}: no object")
    if clean:
        _clean(out, what)
    return out


def members(obj, need, may, what):
    for name in need:
        if name not in obj:
            raise FormatError(f"{what}: {name} is missing")
    for name in obj:
        if name not in need and name not in may:
            raise FormatError(f"{what}: {name}: unknown")


def text(obj, name, pattern, null=False):
    v = obj[name]
    if v is None and null:
        return None
    if not isinstance(v, str) or not re.fullmatch(pattern, v):
        raise FormatError(f"{name}: {v!r}")
    return v


def whole(obj, name, low, high):
    v = obj[name]
    if type(v) is not int or not low <= v <= high:
        raise FormatError(f"{name}: {v!r}, want {low} to {high}")
    return v


def one_of(obj, name, words):
    if obj[name] not in words or isinstance(obj[name], bool):
        raise FormatError(f"{name}: {obj[name]!r}")


def instant(value, name="time", fraction=False):
    """RFC 3339 in UTC, seconds or (entries) milliseconds."""
    pattern = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d" + (r"\.\d{3}Z" if fraction else "Z")
    if not isinstance(value, str) or not re.fullmatch(pattern, value, re.A):
        raise FormatError(f"{name}: {value!r} is no time")
    try:
        form = "%Y-%m-%dT%H:%M:%S.%fZ" if fraction else "%Y-%m-%dT%H:%M:%SZ"
        return datetime.datetime.strptime(value, form).replace(tzinfo=UTC)
    except ValueError:
        raise FormatError(f"{name}: {value!r} is no time") from None


def _recipient(r):
    if not isinstance(r, dict):
        raise FormatError("to: no object")
    cover = r.get("as") == "cover"
    members(r, ["mailbox", "as", "key"] + (["for"] if cover else []), [], "to")
    text(r, "mailbox", PAIR)
    one_of(r, "as", ("to", "cover"))
    text(r, "key", HEX32)
    if cover:
        text(r, "for", PAIR)


def _action(a):
    if not isinstance(a, dict):
        raise FormatError("actions: no object")
    members(a, ["n", "owner", "due"], [], "actions")
    whole(a, "n", 1, 64)
    text(a, "owner", PAIR)
    instant(text(a, "due", r"\d{4}-\d\d-\d\d") + "T00:00:00Z", "due")


def _list(obj, name, low, high):
    if not isinstance(obj[name], list) or not low <= len(obj[name]) <= high:
        raise FormatError(f"{name}: want a list of {low} to {high}")
    return obj[name]


MANIFEST = (
    "safehand id created event_at from class status about to actions reply_to supersedes concern "
    "slots_sha256 payload_sha256 payload_bytes key_commitment"
).split()


def manifest(data):
    """Design 2, every member there, no other."""
    if len(data) > 64 * 1024:
        raise FormatError("manifest: over 64 KiB")
    m = load(data, "manifest")
    members(m, MANIFEST, [], "manifest")
    whole(m, "safehand", 1, 1)
    text(m, "id", UUID7)
    instant(m["created"], "created")
    if m["event_at"] is not None:
        instant(m["event_at"], "event_at")
    text(m, "from", PAIR)
    text(m, "class", CLASS)
    one_of(m, "status", ("final", "provisional"))
    one_of(m, "concern", (None, "inconclusive", "active"))
    for a in _list(m, "about", 0, 64):
        if not isinstance(a, str) or not re.fullmatch(ABOUT, a):
            raise FormatError(f"about: {a!r}")
    for r in _list(m, "to", 1, 400):
        _recipient(r)
    for a in _list(m, "actions", 0, 64):
        _action(a)
    direct = {r["mailbox"] for r in m["to"] if r["as"] == "to"}
    if len({r["mailbox"] for r in m["to"]}) != len(m["to"]):
        raise FormatError("to: a mailbox twice")
    if any(r["for"] not in direct for r in m["to"] if r["as"] == "cover"):
        raise FormatError("for: not among the recipients")
    if m["to"][0]["as"] != "to":
        raise FormatError("to: a cover first")
    if len(set(m["about"])) != len(m["about"]) or len({a["n"] for a in m["actions"]}) != len(m["actions"]):
        raise FormatError("about or actions: one twice")
    for name in ("reply_to", "supersedes"):
        text(m, name, UUID7, null=True)
    for name in ("slots_sha256", "payload_sha256", "key_commitment"):
        text(m, name, HEX32)
    whole(m, "payload_bytes", 1, 1 << 40)
    return m


NOTICE = "safehand_notice id created kind to bundle expectation class from mailbox owed action start due".split()


def notice(data):
    """What the gateway itself tells a mailbox: strictly one form, members in their order."""
    if len(data) > 4096:
        raise FormatError("notice: over 4 KiB")
    n = load(data, "notice")
    members(n, NOTICE, [], "notice")
    whole(n, "safehand_notice", 1, 1)
    text(n, "id", UUID7)
    instant(n["created"], "created")
    one_of(n, "kind", ("overdue", "cover", "missed", "undelivered", "reminder"))
    one_of(n, "owed", ("collect", "read", "answer", "action", "final", "arrive"))
    for name in ("to", "from", "mailbox"):
        text(n, name, PAIR)
    text(n, "class", CLASS)
    bundle, expectation = (text(n, name, UUID7, null=True) for name in ("bundle", "expectation"))
    if (bundle is None) == (expectation is None) or (n["owed"] == "arrive") != (bundle is None):
        raise FormatError("notice: of a bundle, or of an expectation that owes arriving")
    if n["kind"] not in ("undelivered", "reminder") and (n["kind"] == "missed") != (bundle is None):
        raise FormatError("kind: missed of an expectation, overdue or cover of a bundle")
    whole(n, "action", *((1, 64) if n["owed"] == "action" else (0, 0)))
    if instant(n["due"], "due", fraction=True) < instant(n["start"], "start", fraction=True):
        raise FormatError("due: before start")
    if json.dumps({name: n[name] for name in NOTICE}, separators=(",", ":")).encode() != data:
        raise FormatError("notice: not in its one form")
    return n


def _date(value, name):
    instant(value + "T00:00:00Z" if isinstance(value, str) else value, name)


def _day_or_time(value, name):
    if isinstance(value, str) and "T" in value:
        instant(value, name)
    else:
        _date(value, name)


def _line(value, name, most=512):
    if not isinstance(value, str) or len(value.encode()) > most:
        raise FormatError(f"{name}: {value!r}")


def _paragraph(value, name):
    _line(value, name, 16384)


def _to(most):
    def check(value, name):
        if type(value) is not int or not 0 <= value <= most:
            raise FormatError(f"{name}: {value!r}")

    return check


def _mailbox(value, name):
    if not isinstance(value, str) or not re.fullmatch(PAIR, value):
        raise FormatError(f"{name}: {value!r}")


def _matches(pattern):
    def check(value, name):
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise FormatError(f"{name}: {value!r}")

    return check


def _objects(most, need, may=None):
    def check(value, name):
        if not isinstance(value, list) or len(value) > most:
            raise FormatError(f"{name}: want a list of at most {most}")
        for v in value:
            _object(need, may or {})(v, name)

    return check


def _object(need, may):
    def check(value, name):
        if not isinstance(value, dict):
            raise FormatError(f"{name}: no object")
        members(value, need, may, name)
        for k, v in value.items():
            (need.get(k) or may[k])(v, f"{name}.{k}")

    return check


def _mailboxes(value, name):
    if not isinstance(value, list) or len(value) > 400:
        raise FormatError(f"{name}: want a list of mailboxes")
    for v in value:
        _mailbox(v, name)


_identifiers = _objects(256, {"kind": _line, "value": _line})
_names = _objects(256, {"name": _line}, {"role": _line})
_meeting = _object({"at": _day_or_time}, {"kind": _line, "place": _line, "chair": _line})
_type = _matches(r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*")
_document = {"name": _line, "type": _type, "size": _to(1 << 63), "sha256": _matches(HEX32)}
COVER_SENT = {"safehand_cover": _to(1), "id": _matches(UUID7), "from": _mailbox, "to": _mailboxes, "documents": _objects(1000, _document)}
COVER_WRITTEN = {
    "title": _line,
    "people": _objects(256, {"name": _line}, {"role": _line, "born": _date, "identifiers": _identifiers, "household": _line}),
    "meeting": _meeting,
    "event": _meeting,
    "attendees": _names,
    "apologies": _names,
    "decisions": _objects(256, {"text": _paragraph}, {"reason": _paragraph, "dissent": _paragraph}),
    "actions": _objects(64, {"n": _to(64), "owner": _mailbox, "due": _date, "text": _paragraph}),
    "medical_opinion": _matches("accidental|non-accidental|inconclusive|none"),
    "language": _line,
    "interpreter": _line,
    "measurements": _objects(256, {"date": _date}, {"height_mm": _to(3000), "weight_g": _to(700000), "person": _line}),
}


def cover(data):
    """The cover sheet as it stands in a bundle."""
    c = load(data, "cover.json")
    _object(COVER_SENT, COVER_WRITTEN)(c, "cover.json")
    numbers = [a["n"] for a in c.get("actions", [])]
    if c["safehand_cover"] != 1 or len(set(numbers)) != len(numbers) or 0 in numbers:
        raise FormatError("cover.json: another version, or an action without its own number")
    if any("height_mm" not in m and "weight_g" not in m for m in c.get("measurements", [])):
        raise FormatError("cover.json.measurements: nothing measured")
    return c


STATEMENT = "safehand_statement kind bundle manifest_sha256 mailbox content_sha256 at by code reply".split()


# 64 actions; the public names of refusals (lib/err.c)
ANSWER = r"(accepted|declined|done)(:([1-9]|[1-5][0-9]|6[0-4]))?"
ERROR = (
    "fail|usage|config|incomplete|format|limit|signature|certificate|expired|revoked|profile|digest|secret|archive|denied|"
    "unknown|conflict|order|repeated|route-changed|withheld|clock|storage|busy|history|network|system|internal"
)


def statement(data):
    if len(data) > 16 * 1024:
        raise FormatError("statement: over 16 KiB")
    s = load(data, "statement")
    members(s, STATEMENT, [], "statement")
    whole(s, "safehand_statement", 1, 1)
    one_of(s, "kind", ("collected", "opened", "read", "answered", "withdrawn"))
    text(s, "bundle", UUID7)
    text(s, "manifest_sha256", HEX32)
    text(s, "mailbox", PAIR)
    text(s, "content_sha256", HEX32, null=True)
    instant(s["at"], "at")
    text(s, "by", "agency/" + NAMES["agency"] + "|person/" + NAMES["person"])
    text(s, "code", {"answered": ANSWER, "opened": "ok|" + ERROR}.get(s["kind"], "ok"))
    text(s, "reply", UUID7, null=True)
    if s["reply"] is not None and s["kind"] != "answered":
        raise FormatError("reply: only with answered")
    knows = s["kind"] not in ("collected", "withdrawn") and not (s["kind"] == "opened" and s["code"] != "ok")
    if knows != (s["content_sha256"] is not None):
        raise FormatError("content_sha256: there if the content was seen, and only then")
    return s


EVENTS = (
    "SubmissionAcceptance SubmissionRejection ContentConsignment NotificationSent NotificationFailure ContentHandover "
    "Opened OpenFailure Read Answer Overdue Escalation CoverReleased NonDelivery ExpectationOpened ExpectationMet "
    "ExpectationMissed Superseded Withdrawn Purged RosterChange PolicyChange KeyChange GatewayStart Fetched Held "
    "Released"
).split()
ENTRY_MAY = "bundle manifest_sha256 mailbox actor statement_sha256".split()


def fetched(code):
    """Of a fetch: the range that left and of how much, or how often again and how much; and when."""
    number = r"(0|[1-9][0-9]{0,18})"
    at = "@(.+)"
    first = re.fullmatch(f"range:{number}-{number}/{number}{at}", code)
    again = re.fullmatch(f"again:{number}:{number}{at}", code)
    if first and int(first[1]) <= int(first[2]) < int(first[3]) < 1 << 63:
        instant(first[4], "code", fraction=True)
    elif again and 0 < int(again[1]) < 1 << 63 and int(again[2]) < 1 << 63:
        instant(again[3], "code", fraction=True)
    else:
        raise FormatError("code: of no fetch")


def entry(data):
    if len(data) > 16 * 1024 or b"\n" in data:
        raise FormatError("entry: too long, or more than one line")
    e = load(data, "entry")
    members(e, ["safehand_entry", "seq", "time", "event", "code", "salt"], ENTRY_MAY, "entry")
    whole(e, "safehand_entry", 1, 1)
    whole(e, "seq", 0, (1 << 63) - 1)
    instant(e["time"], "time", fraction=True)
    one_of(e, "event", EVENTS)
    text(e, "salt", r"[0-9a-f]{32}")
    if not isinstance(e["code"], str) or len(e["code"].encode()) > 127:
        raise FormatError("code: no text, or over 127 bytes")
    if e["event"] == "Fetched":
        fetched(e["code"])
    if "bundle" in e:
        text(e, "bundle", UUID7)
    for name in ("manifest_sha256", "actor", "statement_sha256"):
        if name in e:
            text(e, name, HEX32)
    if "mailbox" in e:
        text(e, "mailbox", PAIR)
    return e
