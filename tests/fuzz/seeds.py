#!/usr/bin/python3
# seeds.py - seeds for the fuzzers, made as the tests make such things: bundles, statements and faults from tests/interop,
# evidence and the log from a gateway that runs, certificates from the PKI of the tests.
# usage: seeds.py DIR [--data]     DIR/NAME/: for fuzz_NAME; --data: also tests/fuzz/data, the public part of that PKI
import glob
import sys

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/e2e")
from gateway import *  # noqa: E402

import faults  # noqa: E402

OUT = sys.argv[1]
counts = {}


def seed(name, data):
    data = data if isinstance(data, bytes) else data.encode()
    os.makedirs(f"{OUT}/{name}", exist_ok=True)
    with open(f"{OUT}/{name}/{hashlib.sha256(data).hexdigest()[:16]}", "wb") as f:
        f.write(data)
    counts[name] = counts.get(name, 0) + 1


def cms_seed(content, signature):
    if len(content) < 65536:
        seed("cms", len(content).to_bytes(2, "big") + content + signature)


def of_bundle(d):
    seed("bundle", d.file[:24])
    seed("manifest", d.text)
    cms_seed(d.text, d.signature)
    for kept in (b"\0", b"\1"):  # fuzz_unpack begins with a byte of its own
        seed("unpack", kept + d.plain)
    cover = d.cover if isinstance(d.cover, bytes) else json.dumps(d.cover, ensure_ascii=False).encode()
    seed("cover", cover)


STORY = {
    "title": "Strategy meeting", "people": [{"name": "A Child", "role": "child", "born": "2021-03-04", "identifiers": [{"kind": "NHS", "value": "999 026 0419"}], "household": "H1"}],
    "meeting": {"at": "2026-11-22T14:30:00Z", "kind": "strategy", "place": "Civic Centre", "chair": "A. Khan"}, "event": {"at": "2026-11-21T08:00:00Z", "kind": "injury"},
    "attendees": [{"name": "R. Lee", "role": "police"}, {"name": "J. Patel"}], "apologies": [{"name": "M. Brown", "role": "school"}],
    "decisions": [{"text": "Enquiry\nunder section 47", "reason": "Bruising", "dissent": "None"}, {"text": "Letter"}],
    "actions": [{"n": 1, "owner": "uhcw/paediatrics", "due": "2026-11-24", "text": "Skeletal survey"}],
    "medical_opinion": "inconclusive", "language": "Polish", "interpreter": "needed",
    "measurements": [{"date": "2026-11-22", "person": "A Child", "height_mm": 1045, "weight_g": 15600}, {"date": "2026-11-22", "weight_g": 15600}],
}  # fmt: skip


def covers(gw):
    """A sheet with everything on it, one with each thing alone, and each with what it must not have."""
    d = Member(gw, "uhcw").draft("uhcw/emergency", ["csc/mash"], documents=[os.path.join(TOP, "tests", "data", "marac-notes.odt")])
    base = json.loads(d.cover) if isinstance(d.cover, bytes) else d.cover
    base = {k: v for k, v in base.items() if k not in STORY}
    put = lambda more: (seed("cover", json.dumps(base | more)), seed("cover", json.dumps({"safehand_cover": 1} | more)))
    put(STORY)
    for name, value in STORY.items():
        for wrong in (value, None, 7, "", "x" * 600, [value], {"other": value}, [{}], [1]):
            put({name: wrong})
        for k in value[0] if isinstance(value, list) else value if isinstance(value, dict) else ():
            for wrong in ("", "\u202e", 0, -1, 10**7, "2026-02-30", [], None):
                one = (value[0] if isinstance(value, list) else value) | {k: wrong}
                put({name: [one] if isinstance(value, list) else one})


def notices():
    """Each kind of what each may owe, as text and framed; and each member as it must not be."""
    base = {
        "safehand_notice": 1, "id": uuid7(), "created": "2026-11-22T21:04:05Z", "kind": "overdue", "to": "csc/mash", "bundle": uuid7(), "expectation": None,
        "class": "strategy-minutes", "from": "csc/mash", "mailbox": "uhcw/paediatrics", "owed": "collect", "action": 0,
        "start": "2026-11-22T14:30:00.123Z", "due": "2026-11-22T21:00:00.000Z",
    }  # fmt: skip

    def put(n):
        text = json.dumps(n, separators=(",", ":")).encode()
        seed("notice", text)
        seed("notice", b"SHB1" + len(text).to_bytes(4, "big") + (9).to_bytes(4, "big") + bytes(12) + text + b"signature")

    for kind in ("overdue", "cover", "missed", "undelivered", "reminder"):
        for owed in ("collect", "read", "answer", "action", "final", "arrive"):
            put(base | {"kind": kind, "owed": owed, "action": 3 if owed == "action" else 0})
            put(base | {"kind": kind, "owed": owed, "bundle": None, "expectation": uuid7()})
    for name in base:
        for wrong in (None, "", "x", 2, -1, 1 << 33, "csc", uuid7(), "2026-02-30T00:00:00Z"):
            put(base | {name: wrong})
        put({k: v for k, v in base.items() if k != name})
    put(dict(reversed(base.items())))
    text = json.dumps(base, separators=(",", ":")).encode()
    for words in ((0, 9, 0), (len(text), 0, 0), (5000, 9, 0), (len(text), 70000, 0), (len(text), 9, 80), (len(text), 8, 0)):
        seed("notice", b"SHB1" + b"".join(w.to_bytes(4, "big") for w in words) + bytes(8) + text + b"signature")
    seed("notice", b"SHB1" + (9).to_bytes(4, "big") * 2 + bytes(12) + b'{"safehan' + b"signature")


def certificates():
    for path in glob.glob(PKI + "/certs/*/*.pem") + glob.glob(PKI + "/bad/*.pem") + glob.glob(PKI + "/trust/*.pem"):
        pem = read(path)
        seed("certificate", pem)
        for part in pem.split(b"-----BEGIN CERTIFICATE-----")[1:]:
            seed("certificate", base64.b64decode(part.partition(b"-----END")[0]))


def bundles(gw):
    uhcw, csc = Member(gw, "uhcw"), Member(gw, "csc")
    documents = [os.path.join(TOP, "tests", "data", n) for n in ("marac-notes.odt",)]
    for d in [uhcw.draft("uhcw/emergency", ["csc/mash", "wmp/ppu"], documents=documents, about=["c:1", "h:2"]),
              csc.draft("csc/mash", ["uhcw/emergency"], "strategy-minutes", ["person-sign/csc/a.khan", "person-sign/csc/r.lee"]),
              uhcw.draft("uhcw/emergency", ["schools/st-j.dsl"], cover_for=["schools/st-j.head=schools/st-j.dsl"])]:  # fmt: skip
        of_bundle(d)
    for name in faults.TABLE:
        if name == "bomb":
            continue
        try:
            of_bundle(uhcw.draft("uhcw/emergency", ["csc/mash", "wmp/ppu"], documents=documents, fault=name))
        except (TypeError, AttributeError):
            pass  # a fault that leaves one of the parts not made


def statements(gw):
    csc, d = Member(gw, "csc"), Member(gw, "uhcw").draft("uhcw/emergency", ["csc/mash"])
    for kind, person, code, content in [("collected", None, None, None), ("opened", None, None, "11" * 32), ("opened", None, "digest", None),
                                        ("read", "csc/a.khan", None, "11" * 32), ("answered", "csc/a.khan", "done:3", "11" * 32)]:  # fmt: skip
        framed = csc.statement(kind, "csc/mash", d.id, manifest_digest(d), content, person, code)
        n, m = int.from_bytes(framed[4:8], "big"), int.from_bytes(framed[8:12], "big")
        seed("bundle", framed)
        seed("statement", framed[12 : 12 + n])
        cms_seed(framed[12 : 12 + n], framed[12 + n : 12 + n + m])


def roster():
    framed = read(PKI + "/roster.shr")
    n = int.from_bytes(framed[4:8], "big")
    seed("roster", framed)
    seed("roster", framed[12 : 12 + n])
    small = json.loads(framed[12 : 12 + n])
    for which in ("mailboxes", "agencies", "classes"):  # a small one is mutated more often where it matters
        if isinstance(small.get(which), list):
            del small[which][2:]
    seed("roster", json.dumps(small, separators=(",", ":")))
    cms_seed(framed[12 : 12 + n], framed[12 + n :])
    seed("roster", read(PKI + "/foreign/roster.shr"))


def evidence_of(gw):
    uhcw, csc = Member(gw, "uhcw"), Member(gw, "csc")
    d = uhcw.draft("uhcw/emergency", ["csc/mash"])
    found = [uhcw.put(d).json()]
    content = hashlib.sha256(d.tar).hexdigest()
    for kind, person in (("collected", None), ("opened", None), ("read", "csc/a.khan"), ("answered", "csc/a.khan")):
        framed = csc.statement(kind, "csc/mash", d.id, manifest_digest(d), content if kind != "collected" else None, person)
        found.append(csc.tell("csc/mash", d.id, framed).json()["evidence"])
    for row in uhcw.call("GET", f"/v1/bundles/{d.id}/evidence").json()["evidence"]:
        found.append(uhcw.call("GET", f"/v1/bundles/{d.id}/evidence/{row['seq']}").json())
    for e in found:
        seed("evidence", json.dumps(e, separators=(",", ":")))
        seed("entry", base64.b64decode(e["entry"]))
        seed("proof", e["proof"])
        seed("timestamp", base64.b64decode(e["timestamp"]))
        note = e["proof"].partition("\n\n")[2]
        seed("note", note)
        seed("note", note.partition("\n\n")[0] + "\n")
    seed("note", read(PKI + "/log/log.vkey"))
    note = uhcw.call("GET", "/v1/log/checkpoint").body
    for old in (0, 1, 3, 5):
        seed("proof", uhcw.call("GET", f"/v1/log/consistency?old={old}").body)
    return note


def http():
    head = "Host: gw:8443\r\n"
    for text in [
        f"GET /v1/roster HTTP/1.1\r\n{head}Accept: */*\r\n\r\n", f"HEAD /v1/bundles/{uuid7()} HTTP/1.1\r\n{head}Connection: close, TE\r\n\r\n",
        f"GET /v1/mailboxes/uhcw/emergency?after=12&wait=30 HTTP/1.1\r\n{head}Range: bytes=0-5\r\nIf-Range: \"a\"\r\n\r\nGET / HTTP/1.1\r\n",
        f"POST /v1/route HTTP/1.1\r\n{head}Content-Length: 5\r\n\r\nhello", f"POST /v1/route HTTP/1.1\r\n{head}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1;a=b\r\n!\r\n0\r\n\r\n",
        f"PUT /v1/bundles/x HTTP/1.1\r\n{head}Expect: 100-continue\r\nUpload-Offset: 7\r\nContent-Length: 0\r\n\r\n", f"DELETE /v1/subscriptions/a/b/child/c:x HTTP/1.1\r\n{head}If-None-Match: \"b\"\r\n\r\n",
    ]:  # fmt: skip
        seed("http", text)
    id, about = uuid7(), "c:" + "a" * 52
    for i, target in enumerate([
        "/v1/roster", "/v1/crl", "/v1/route", f"/v1/bundles/{id}", f"/v1/bundles/{id}/evidence", f"/v1/bundles/{id}/evidence/12", "/v1/mailboxes/uhcw/emergency?after=1&wait=3",
        f"/v1/mailboxes/uhcw/emergency/bundles/{id}", f"/v1/mailboxes/uhcw/emergency/bundles/{id}/statements", f"/v1/bundles/{id}/statements", "/v1/subscriptions?mailbox=uhcw/emergency",
        "/v1/subscriptions/uhcw/emergency/class/general", f"/v1/subscriptions/uhcw/emergency/child/{about}", "/v1/log/checkpoint", "/v1/log/tile/0/000", "/v1/log/tile/7/x001/x234/067.p/255",
        "/v1/log/consistency?old=7", "bytes=0-5", "bytes=-5", "bytes=9-",
    ]):  # fmt: skip
        for method in range(5):
            seed("route", bytes([method]) + target.encode())


def conf():
    text = read(TOP + "/conf/safehand.conf", "r").replace("include classes.conf", "") + read(TOP + "/conf/classes.conf", "r")
    seed("conf", text)
    sections = text.split("\n[")
    for s in sections[1:]:
        seed("conf", "[" + s)
    printed = subprocess.run([BUILD + "/bin/safehandd", "-N", "-f", TOP + "/conf/safehand.conf"], capture_output=True, text=True).stdout
    seed("conf", printed)
    seed("conf", "\n".join(line for line in printed.splitlines() if not line.startswith("#")))


def messages():
    for kind in range(1, 64):
        for n in (0, 4, 64, 200, 800):
            seed("msg", kind.to_bytes(4, "big") + bytes(n))


def keep_data(gw, note):
    """What the fuzzers judge by: public, and of a PKI whose keys lie in a build folder and end with it."""
    data = os.path.join(TOP, "tests", "fuzz", "data")
    for name in ("root", "issuing", "crl"):
        shutil.copy(f"{PKI}/trust/{name}.pem", data)
    shutil.copy(PKI + "/log/log.vkey", data)
    with open(data + "/stamped", "wb") as f:
        f.write(note.partition(b"\n\n")[0] + b"\n")
    subprocess.run(["openssl", "ts", "-query", "-data", data + "/stamped", "-sha256", "-cert", "-out", data + "/request.tsq"], check=True, capture_output=True)


gw = Gateway().start()
try:
    certificates()
    bundles(gw)
    statements(gw)
    covers(gw)
    notices()
    roster()
    note = evidence_of(gw)
    http()
    conf()
    messages()
    if "--data" in sys.argv:
        keep_data(gw, note)
finally:
    gw.stop()
    gw.remove()
print("seeds:", " ".join(f"{k} {v}" for k, v in sorted(counts.items())))
