# The authorisation matrix: each cell of matrix.txt is one call of the real daemon; and who may not know of a thing gets the
# very bytes that he gets for a thing that does not exist.
import re
import ssl
import subprocess

from gateway import *

HERE = os.path.dirname(os.path.abspath(__file__))


def table():
    """(names of the columns, [(method, target, body, cells)])"""
    columns, rows = [], []
    for line in read(HERE + "/matrix.txt", "r").splitlines():
        if line.startswith("columns:"):
            columns = line.split(":")[1].replace("|", " ").split()
        elif line and not line.startswith("#"):
            what, body, *cells = line.split("|")
            rows.append((*what.split(), body.strip(), " ".join(cells).split()))
    return columns, rows


COLUMNS, ROWS = table()
ok("every row has a cell for every column", all(len(r[3]) == len(COLUMNS) for r in ROWS), [r[:2] for r in ROWS if len(r[3]) != len(COLUMNS)])

# --- no route without a row ---
def shape(method, target):
    """A target of the matrix or a pattern of the gateway, with its names made alike."""
    target = re.sub(r"\{(own|to)\}", "{mailbox}", target.partition("?")[0]).replace("/tile/0/000.p/1", "/tile/{level}/{tile}")
    target = re.sub(r"/class/\w+$", "/{kind}/{value}", target)
    target = re.sub(r"\{(expectation|expected|none)\}", "{id}", target)
    target = re.sub(r"/child/\{child\}/wmp/ppu$", "/{kind}/{value}/{other}", target)
    return method, re.sub(r"/evidence/\{[a-z-]+\}", "/evidence/{seq}", target)


def routes():
    """The gateway's own table (gateway/front/routes.c)."""
    text = read(TOP + "/gateway/front/routes.c", "r")
    macros = dict(re.findall(r'#define (\w+)\s+("[^"]*")', text))
    for method, pattern in re.findall(r"\{\{(?:ASK\(|HTTP_)([A-Z]+), ([^,]+),", text):
        pattern = re.sub(r"[A-Z_]{3,}", lambda m: macros.get(m.group(), ""), pattern)
        if method != "OTHER":
            yield method, "".join(re.findall(r'"([^"]*)"', pattern))


ours, asked = set(routes()), {shape(m, t) for m, t, _, _ in ROWS}
ok("the gateway's table was read", ("GET", "/v1/mailboxes/{mailbox}/bundles/{id}") in ours and len(ours) > 15, ours)
ok("every route of the gateway has a row in the matrix", ours <= asked, ours - asked)

# --- who calls ---
gw = Gateway()
pki = gw.dir + "/pki"


def pki_run(verb, *args):
    subprocess.run([f"{TOP}/pki/{verb}", "--dir", pki, *args], check=True, capture_output=True)


for agency in ("housing", "ghost"):  # a member, and one whom the roster does not know
    pki_run("issue", "agency-tls", agency)
    pki_run("issue", "agency-sign", agency)
pki_run("issue", "agency-seal", "housing/intake")
members = read(pki + "/members", "r").replace('"Multi-agency safeguarding hub"', '"Multi-agency safeguarding hub" cover schools/st-j.head')
members = members.replace("class discharge", 'agency housing "Housing" contact h@h.example\nmailbox housing/intake "Intake" contact h@h.example\nclass discharge', 1)
with open(pki + "/members", "w") as f:
    f.write(members)
pki_run("roster", "--members", pki + "/members", "--area", "Coventry", "--serial", "9", "--out", pki + "/roster.shr")
for name, stem in (("expired", "2020"), ("revoked", None)):  # as the recipient's agency had them
    old = {x: read(f"{pki}/certs/agency-tls/csc.{x}") for x in ("pem", "key")}
    pki_run("issue", "--renew", "agency-tls", "csc", *(["--not-before", "2020-01-01T00:00:00Z", "--not-after", "2021-01-01T00:00:00Z"] if stem else []))
    for x in ("pem", "key"):
        shutil.copy(f"{pki}/certs/agency-tls/csc.{x}", f"{pki}/bad/{name}-csc.{x}")
        with open(f"{pki}/certs/agency-tls/csc.{x}", "wb") as f:
            f.write(old[x])
pki_run("revoke", pki + "/bad/revoked-csc.pem")
with open(gw.dir + "/classes.conf", "a") as f:  # what the cover waits for: an hour, and seconds
    for klass, limit in (("by-the-hour", "1 hour"), ("at-once", "2 seconds")):
        f.write(f'\n[class "{klass}"]\nfrom = uhcw/*\nto = */*\ncollect = within {limit}\nladder = cover at 100%\n')
gw.start()

STEMS = {
    "foreign": "foreign/certs/agency-tls/uhcw", "expired": "bad/expired-csc", "revoked": "bad/revoked-csc",
    "profile": "certs/agency-sign/csc", "admin": "certs/roster-sign/admin",
}  # fmt: skip
# column: (agency, its mailbox)
CALLERS = {
    "outsider": ("ghost", "ghost/office"), "stranger": ("housing", "housing/intake"), "sibling": ("csc", "csc/duty"),
    "cover": ("schools", "schools/st-j.head"), "released": ("schools", "schools/st-j.head"), "other": ("wmp", "wmp/ppu"), "recipient": ("csc", "csc/mash"), "sender": ("uhcw", "uhcw/emergency"),
}  # fmt: skip
REASONS = {"none": "certificate", "foreign": "certificate", "expired": "expired", "revoked": "revoked", "profile": "profile", "admin": "profile"}
TO = "csc/mash"
sender = Member(gw, "uhcw")
wires = {}


def call(column, method, path, body=None):
    """On the caller's connection, for as long as the gateway keeps it."""
    if column not in wires:
        wires[column] = Wire(gw, "certs/agency-tls/" + CALLERS[column][0])
    a = wires[column].call(method, path, body)
    if a.headers.get("connection") == "close":
        wires.pop(column).close()
    return a


def bundle(put=True, klass="by-the-hour"):
    """A draft, and what stands for it in a target."""
    d = sender.draft("uhcw/emergency", [TO, "wmp/ppu"], klass, cover_for=["schools/st-j.head=" + TO])
    names = {"id": d.id}
    if put:
        a = sender.put(d)
        if a.status != 201:
            raise RuntimeError(a)
        for e in sender.call("GET", f"/v1/bundles/{d.id}/evidence").json()["evidence"]:
            if e["event"] == "SubmissionAcceptance":
                names["accepted"] = e["seq"]
            elif e["event"] == "ContentConsignment":
                names["consigned" if e["mailbox"] == TO else "consigned-other"] = e["seq"]
    return d, names


def released(id):
    """The number of the entry, once the ladder has called upon the cover."""
    rows = sender.call("GET", f"/v1/bundles/{id}/evidence").json()["evidence"]
    return next((r["seq"] for r in rows if r["event"] == "CoverReleased" and r["mailbox"] == "schools/st-j.head"), None)


def filled(text, names):
    return re.sub(r"\{([a-z-]+)\}", lambda m: str(names[m.group(1)]), text)


def body_of(kind, caller, names, draft):
    """The bytes of a body, or None."""
    word, _, mailbox = kind.partition(" ")
    agency, own = CALLERS[caller]
    if word in ("collected", "withdrawn"):
        signer = Member(gw, agency)
        return signer.statement(word, filled(mailbox, names), draft.id, manifest_digest(draft))
    if word == "route":
        return json.dumps({"class": "general", "from": filled(mailbox, names), "to": ["csc/duty" if own != "csc/duty" else TO]}).encode()
    if word == "again":
        return draft.file
    if word == "mine":
        return Member(gw, agency).draft(own, ["csc/duty" if own != "csc/duty" else TO], id=draft.id).file
    return None


def bytes_of(a):
    """An answer but for what numbers it: the second, and the job."""
    body = re.sub(rb'"job":"\d+-\d+"', b'"job":"J"', a.body)
    headers = {k: v for k, v in a.headers.items() if k not in ("date", "safehand-job", "content-length")}
    return a.status, list(headers.items()), body, int(a.headers.get("content-length", 0)) - len(a.headers["safehand-job"])


def told(a):
    code = a.code() if a.body else None
    return f"{a.status}/{code}" if code else str(a.status)


def closed(column, method, target, body):
    """No answer, and the reason in the log; strangers can cause so many lines a second, so it may want another knock."""
    mark, knocked = len(gw.text()), 0.0

    def logged():
        nonlocal knocked
        if time.monotonic() - knocked > 0.5:
            knocked = time.monotonic()
            try:
                return repr(Wire(gw, STEMS.get(column, ""), cert=column != "none").call(method, target, body))
            except (ssl.SSLError, ConnectionError):
                pass
        said = re.search(r"msg=client-refused code=(\S+)", gw.text()[mark:])
        return said and ("tls" if said.group(1) == REASONS[column] else said.group(1))

    return wait("the refusal is logged", logged)


def twins(column, method, target, kind, names):
    """The calls that would be the same if there were no such bundle, or no such mailbox."""
    none = dict(names, id=uuid7())
    for name in ("accepted", "consigned", "consigned-other", "released"):
        none[name] = names.get("accepted", 0) + 1000000
    if "{id}" in target:
        yield "no such bundle", filled(target, none)
    if "/evidence/" in target:
        yield "no such entry", filled(target, dict(none, id=names["id"]))
    for which in ("to", "own"):
        if "{" + which + "}" in target:
            agency, role = names[which].split("/")
            yield "no such mailbox", filled(target, dict(names, **{which: agency + "/" + "nobody.at.all"[: len(role)]}))


recipient = Member(gw, "csc")
EXPECTED = [uuid7()]
EXPECTED.append(recipient.call("PUT", f"/v1/expectations/{TO}/{EXPECTED[0]}?class=general&from=uhcw/emergency&due={int(time.time() * 1000) + 3600000}&about=c:{'b' * 52}").json()["opened_seq"])

# for each row that is about a bundle one whose time to be collected is over: all sent, then all waited for
late = {target_of: bundle(klass="at-once") for target_of in [(m, t, k) for m, t, k, _ in ROWS if "{id}" in t]}
for draft, names in late.values():
    names["released"] = wait("the ladder releases the key to the cover", lambda id=draft.id: released(id))
ok("the cover is called upon where the time is over, and there alone", len(late) > 10 and released(bundle()[0].id) is None, len(late))

for method, target, kind, cells in ROWS:
    fresh = bundle() if "{id}" in target and "{released}" not in target else (None, {})
    if method == "DELETE" and "class/referral" in target:
        call("recipient", "PUT", f"/v1/subscriptions/{TO}/class/referral")
    for column, want in zip(COLUMNS, cells):
        if want == "-":
            continue
        draft, names = late.get((method, target, kind), fresh) if column == "released" or "{released}" in target else fresh
        agency, own = CALLERS.get(column, ("csc", TO))
        n = dict(names, own=own, to=TO, child="c:" + "a" * 52, expectation=uuid7(), none=uuid7(), due=int(time.time() * 1000) + 3600000)
        n.setdefault("id", uuid7())
        n.update(expected=EXPECTED[0], opened=EXPECTED[1], **{"from": "csc/duty" if own != "csc/duty" and agency != "csc" else "uhcw/emergency"})
        path = filled(target, n)
        body = body_of(kind, column if column in CALLERS else "recipient", n, draft)
        what = f"{column}: {method} {target}" + (f" ({kind})" if kind != "-" else "")
        if column not in CALLERS:
            got = closed(column, method, path, body)
            ok(f"{what}: {want}", got == want, got)
            continue
        a = call(column, method, path, body)
        ok(f"{what}: {want}", told(a) == want or (method == "HEAD" and str(a.status) == want), a)
        if a.status >= 400:
            ok(f"{what}: no key comes with it", b'"slot"' not in a.body, a)
        if a.status == 404:
            for why, twin in twins(column, method, target, kind, n):
                b = call(column, method, twin, body)
                ok(f"{what}: the same bytes as with {why}", bytes_of(a) == bytes_of(b), (bytes_of(a), bytes_of(b)))
        elif kind == "again" and a.status == 403:
            never, _ = bundle(put=False)
            b = call(column, method, f"/v1/bundles/{never.id}", never.file)
            ok(f"{what}: the same bytes as if nobody had sent it", bytes_of(a) == bytes_of(b), (bytes_of(a), bytes_of(b)))

# --- none of those who were refused has moved anything ---
draft, names = bundle()
before = sender.call("GET", f"/v1/bundles/{draft.id}").body
for column in COLUMNS:
    if column in CALLERS and column not in ("recipient", "other", "sender", "sibling", "released"):
        own = CALLERS[column][1]
        for mailbox in (own, TO):
            call(column, "POST", f"/v1/mailboxes/{mailbox}/bundles/{draft.id}/statements", Member(gw, CALLERS[column][0]).statement("collected", mailbox, draft.id, manifest_digest(draft)))
            call(column, "GET", f"/v1/mailboxes/{mailbox}/bundles/{draft.id}")
ok("what was refused has left no trace in the bundle's state", sender.call("GET", f"/v1/bundles/{draft.id}").body == before)
ok("the daemon lives, and stops in order", gw.stop() == 0, gw.text()[-2000:])
gw.remove()
finish()
