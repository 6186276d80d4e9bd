# Every bundle, certificate and statement that must be refused, against the real daemon: refused with its own code,
# and nothing changed by it.
import ssl
import subprocess

from gateway import *

import faults  # noqa: E402

gw = Gateway().start()
uhcw, csc, wmp = (Member(gw, a) for a in ("uhcw", "csc", "wmp"))

# --- at TLS: no answer at all, and the reason in the gateway's log ---
TLS = [
    ("none", None, "certificate"), ("expired", "bad/expired-agency-tls", "expired"), ("not yet valid", "bad/notyet-agency-tls", "expired"),
    ("revoked", "bad/revoked-agency-tls", "revoked"), ("self-made", "bad/selfmade-agency-tls", "certificate"),
    ("foreign", "foreign/certs/agency-tls/uhcw", "certificate"), ("of profile agency-sign", "certs/agency-sign/uhcw", "profile"),
    ("of profile person-sign", "certs/person-sign/uhcw_j.patel", "profile"), ("of profile gateway-tls", "certs/gateway-tls/localhost", "profile"),
]  # fmt: skip
for what, stem, code in TLS:
    mark = len(gw.text())
    try:
        w = Wire(gw, stem or "", cert=stem is not None)
        answer = w.call("GET", "/v1/roster")
        ok(f"TLS, certificate {what}: no answer", False, answer)
    except (ssl.SSLError, ConnectionError):
        ok(f"TLS, certificate {what}: no answer", True)
    wait("the refusal is logged", lambda: "msg=client-refused" in gw.text()[mark:])
    ok(f"TLS, certificate {what}: logged as {code}", f"client-refused code={code} " in gw.text()[mark:], gw.text()[mark:])
try:
    ok("TLS 1.2 is not spoken", False, Wire(gw, tls=ssl.TLSVersion.TLSv1_2).call("GET", "/v1/roster"))
except (ssl.SSLError, ConnectionError):
    ok("TLS 1.2 is not spoken", True)

# --- bundles ---
good = uhcw.draft("uhcw/emergency", ["csc/mash"])
ok("a good bundle before", uhcw.put(good).status == 201)


def state():
    """What members can see: no refused bundle may change it."""
    feeds = [m.feed(box).json()["items"] for m, box in ((csc, "csc/mash"), (csc, "csc/duty"), (uhcw, "uhcw/emergency"), (wmp, "wmp/ppu"))]
    return feeds + [uhcw.call("GET", f"/v1/bundles/{good.id}{tail}").json() for tail in ("", "/evidence")]


before = state()
# the gateway answers otherwise than the verifier, since it knows more or sees it in another way
OTHERWISE = {
    "mailbox-not-ours": {"denied"}, "signer-other-agency": {"denied"}, "second-signer-other-agency": {"denied"},
    "key-of-no-mailbox": {"route-changed"}, "key-of-another-mailbox": {"profile"},
}  # fmt: skip
for name, row in faults.TABLE.items():
    if row[1] != "gateway" or name == "bomb":
        continue
    try:
        d = uhcw.draft("uhcw/emergency", ["csc/mash", "wmp/ppu"], fault=name)
        id = d.manifest["id"] if isinstance(getattr(d, "manifest", None), dict) else d.id
        id = id if isinstance(id, str) and len(id) == 36 and id == id.lower() and id[14] == "7" else d.id
        answer = uhcw.call("PUT", "/v1/bundles/" + id, d.file)
        code = answer.code()
    except (ConnectionError, ssl.SSLError) as e:
        answer, code = e, "closed"
    ok(f"bundle, {name}: {row[0]}", code in OTHERWISE.get(name, {row[0]}), answer)
ok("bundles: nothing was delivered by any of them", state() == before, state())
ok("the gateway lives", uhcw.put(uhcw.draft("uhcw/emergency", ["csc/mash"])).status == 201)

# --- pairs: what no class allows is denied ---
for what, who, draft, code in [
    ("a class that may not be sent by this agency", uhcw, ("uhcw/emergency", ["csc/mash"], "marac-notes"), "denied"),
    ("a mailbox that may not be reached", uhcw, ("uhcw/emergency", ["wmp/ppu"], "referral"), "denied"),
    ("a class that is none", uhcw, ("uhcw/emergency", ["csc/mash"], "gossip"), "denied"),
    ("one signer where two must sign", csc, ("csc/mash", ["uhcw/emergency"], "strategy-minutes", ["person-sign/csc/a.khan"]), "signature"),
    ("another agency's mailbox as sender", uhcw, ("csc/mash", ["uhcw/emergency"]), "denied"),
]:
    answer = who.put(who.draft(*draft))
    ok(f"pairs, {what}: {code}", answer.code() == code, answer)
two = csc.draft("csc/mash", ["uhcw/emergency"], "strategy-minutes", ["person-sign/csc/a.khan", "person-sign/csc/r.lee"])
ok("two persons' signatures: accepted", csc.put(two).status == 201)

# --- statements ---
M, C = manifest_digest(good), hashlib.sha256(good.plain).hexdigest()
make = lambda *a, **k: csc.statement(*a, **k)  # noqa: E731
ID = good.id
STATEMENTS = [
    ("of another bundle's manifest", make("collected", "csc/mash", ID, "00" * 32), "digest"),
    ("for another bundle", make("collected", "csc/mash", uuid7(), M), "digest"),
    ("for another mailbox of ours", make("collected", "csc/duty", ID, M), "digest"),
    ("of a system where a person must sign", make("read", "csc/mash", ID, M, C), "profile"),
    ("of another agency", uhcw.statement("collected", "csc/mash", ID, M), "denied"),
    ("out of order", make("opened", "csc/mash", ID, M, C), "order"),
    ("an unknown member", make("collected", "csc/mash", ID, M, extra=1), "format"),
    ("a kind that is none", make("burned", "csc/mash", ID, M), "format"),
    ("a time ahead of ours", make("collected", "csc/mash", ID, M, at=now_text(86400)), "clock"),
    ("one byte altered", bytes(b ^ (i == 40) for i, b in enumerate(make("collected", "csc/mash", ID, M))), "signature"),
    ("cut", make("collected", "csc/mash", ID, M)[:-1], "format"),
    ("bytes after it", make("collected", "csc/mash", ID, M) + b"x", "format"),
    ("nothing", b"", "format"),
]
before = state()
for what, framed, code in STATEMENTS:
    answer = csc.tell("csc/mash", ID, framed)
    ok(f"statement, {what}: {code}", answer.code() == code and b'"slot"' not in answer.body, answer)
ok("statements: nothing was changed by any of them", state() == before)

# signed by whom it may not be: a bundle for the hospital, whose bad certificates there are
theirs = csc.draft("csc/mash", ["uhcw/emergency"])
ok("a bundle for the hospital", csc.put(theirs).status == 201)
before = state()
for what, signer, code in [
    ("expired", "bad/expired-agency-sign", "expired"), ("not yet valid", "bad/notyet-agency-sign", "expired"), ("revoked", "bad/revoked-agency-sign", "revoked"),
    ("self-made", "bad/selfmade-agency-sign", "certificate"), ("foreign", "foreign/certs/agency-sign/uhcw", "certificate"),
    ("of profile agency-tls", "agency-tls/uhcw", "profile"), ("of profile gateway-sign", "gateway-sign/gw", "profile"), ("of profile roster-sign", "roster-sign/admin", "profile"),
]:  # fmt: skip
    answer = uhcw.tell("uhcw/emergency", theirs.id, uhcw.statement("collected", "uhcw/emergency", theirs.id, manifest_digest(theirs), signer=signer))
    ok(f"statement, certificate {what}: {code}", answer.code() == code and b'"slot"' not in answer.body, answer)
ok("statements, certificates: nothing was changed by any of them", state() == before)
ok("a good one is taken", csc.tell("csc/mash", ID, make("collected", "csc/mash", ID, M)).status == 201)
opened = make("opened", "csc/mash", ID, M, C)
ok("opened is taken", csc.tell("csc/mash", ID, opened).status == 201)
ok("opened twice, the same: 200", csc.tell("csc/mash", ID, opened).status == 200)
answer = csc.tell("csc/mash", ID, make("opened", "csc/mash", ID, M, "11" * 32))
ok("opened twice, with another digest: repeated", answer.code() == "repeated", answer)
answer = csc.tell("csc/mash", ID, make("read", "csc/mash", ID, M, "11" * 32, "csc/a.khan"))
ok("read, with another digest than was opened: digest", answer.code() == "digest", answer)
ok("a stranger's statement is as for a bundle that is not there",
   wmp.tell("wmp/ppu", ID, wmp.statement("collected", "wmp/ppu", ID, M)).code() == "unknown")  # fmt: skip

# --- the roster: an older, an unsigned, a foreign one is not taken at a reload, and the old one stays ---
shr, pki = gw.dir + "/pki/roster.shr", gw.dir + "/pki"
first = read(shr)


def reload(data):
    with open(shr, "wb") as f:
        f.write(data)
    mark = len(gw.text())
    gw.process.send_signal(1)
    wait("the roster was judged", lambda: any(w in gw.text()[mark:] for w in ("msg=roster-refused", "msg=roster ", "safehand.conf:")))
    return gw.text()[mark:]


for what, data, words in [
    ("foreign", read(pki + "/foreign/roster.shr"), "code=certificate"),
    ("altered by a byte", bytes(b ^ (i == 99) for i, b in enumerate(first)), "code=signature"),
    ("unsigned", first[:4] + first[4:8] + b"\0\0\0\0" + first[12:][: int.from_bytes(first[4:8], "big")], "roster: signed file: "),  # no file of its kind: master's to refuse
]:
    said = reload(data)
    ok(f"roster, {what}: refused ({words})", words in said, said)
    ok(f"roster, {what}: the old one is served on", uhcw.call("GET", "/v1/roster").body == first)
subprocess.run([TOP + "/pki/roster", "--dir", pki, "--members", pki + "/members", "--area", "Coventry", "--serial", "7", "--out", shr], check=True, capture_output=True)
newer = read(shr)
ok("roster, a newer one: in force", "serial=7" in reload(newer) and uhcw.call("GET", "/v1/roster").body == newer)
said = reload(first)
ok("roster, the older one again: refused", "code=history" in said, said)
gw.stop()
gw.remove()
finish()
