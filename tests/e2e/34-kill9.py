# kill -9 of the whole gateway in each state of an upload and of a statement, then a start: the numbered facts of
# design 4 hold. What was acknowledged is there, once, with evidence that verifies; what was not can be sent again;
# the log is consistent with every checkpoint that ever left.
import random
import ssl
import threading

from gateway import *

SEED = int(os.environ.get("SEED") or time.time())
ROUNDS = int(os.environ.get("ROUNDS") or 5)
print(f"# SEED={SEED} ROUNDS={ROUNDS}")
rnd = random.Random(SEED)
gw = Gateway("store small = 64K")
uhcw, csc = Member(gw, "uhcw"), Member(gw, "csc")
big = gw.dir + "/scan.bin"
with open(big, "wb") as f:
    f.write(os.urandom(300_000))
acknowledged = {}  # id -> (draft, evidence)
events = {}  # (id, event) -> evidence
signed = {}  # (id, kind) -> the statement as it was signed first
checkpoints = []  # (size, root) of all that ever left
tried = []


def seen(raw):
    _, size, root = c2sp.open_checkpoint(raw, gw.key)
    checkpoints.append((size, root))


def note_of(e):
    return e["proof"].split("\n\n", 1)[1].encode()


def send(d):
    try:
        a = uhcw.put(d)
        if a.status in (200, 201):
            acknowledged[d.id] = (d, a.json())
            seen(note_of(a.json()))
    except (ConnectionError, ssl.SSLError, OSError):
        pass


def tell(d, kind, event, content=None):
    try:
        # signed once and sent until it is answered, as a client must: a second signing is another statement
        framed = signed.setdefault((d.id, kind), csc.statement(kind, "csc/mash", d.id, manifest_digest(d), content))
        a = csc.tell("csc/mash", d.id, framed)
        if a.status in (200, 201):
            events[d.id, event] = a.json()["evidence"]
            seen(note_of(a.json()["evidence"]))
        return a
    except (ConnectionError, ssl.SSLError, OSError):
        return None


def collect(d):
    if tell(d, "collected", "ContentHandover"):
        tell(d, "opened", "Opened", hashlib.sha256(d.plain).hexdigest())


def upload_cut_at(d, stage):
    """Sends as far as the stage and stays there, connected, while the power goes."""
    head = len(d.file) - len(d.payload)
    size = {"fixed part": 12, "head": head - 5, "begun": head, "payload": head + len(d.payload) // 2, "whole": len(d.file)}[stage]
    w = uhcw.wire()
    w.send(f"PUT /v1/bundles/{d.id} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(d.file)}\r\n\r\n".encode() + d.file[:size])
    return w


def everything_holds(what):
    items = csc.feed("csc/mash").json()["items"]
    after = 0
    page = items
    while len(page) >= 100:  # page on
        after = page[-1]["seq"]
        page = csc.feed("csc/mash", after).json()["items"]
        items += page
    ids = [i["bundle"] for i in items if i["event"] == "ContentConsignment"]
    missing = [i for i in acknowledged if i not in ids]
    ok(f"{what}: nothing acknowledged is lost", not missing, missing)
    ok(f"{what}: nothing is delivered twice", len(ids) == len(set(ids)), ids)
    strange = [i for i in ids if i not in [d.id for d in tried]]
    ok(f"{what}: nothing is there that nobody sent", not strange, strange)
    bad = []
    for id in ids:
        body = csc.call("GET", f"/v1/mailboxes/csc/mash/bundles/{id}").body
        d = next(d for d in tried if d.id == id)
        if not body.endswith(d.text + d.signature + d.payload):
            bad.append(id)
    ok(f"{what}: no row without its bytes", not bad, bad)
    bad = [i for i, (d, e) in acknowledged.items() if uhcw.put(d).json().get("entry") != e["entry"]]
    ok(f"{what}: a repeat gets the first answer again", not bad, bad)
    bad = [(k, w) for k, e in events.items() for w in [gw.judge(e)] if w[0] != "OK"]
    ok(f"{what}: receipts verify", not bad, bad)
    for (id, event), e in events.items():
        got = [i for i in uhcw.call("GET", f"/v1/bundles/{id}/evidence").json()["evidence"] if i["event"] == event and i.get("mailbox") == "csc/mash"]
        if len(got) != 1:
            ok(f"{what}: {event} of {id} is there once", False, got)
    raw = uhcw.call("GET", "/v1/log/checkpoint").body
    seen(raw)
    size, root = checkpoints[-1]
    try:
        for old, old_root in sorted(set(checkpoints)):
            if old < size:
                text = uhcw.call("GET", f"/v1/log/consistency?old={old}").body.decode().partition("\n\n")[0].split("\n")[1:]
                c2sp.check_consistency(old, size, old_root, root, [base64.b64decode(h) for h in text])
        ok(f"{what}: consistent with every checkpoint that ever left", max(checkpoints)[0] <= size)
    except c2sp.LogError as e:
        ok(f"{what}: consistent with every checkpoint that ever left", False, (old, size, e))


gw.start()
STAGES = ["fixed part", "head", "begun", "payload", "whole"]
for i in range(ROUNDS):
    stage = STAGES[i % len(STAGES)]
    drafts = [uhcw.draft("uhcw/emergency", ["csc/mash"], documents=[big] if k % 3 == 2 else []) for k in range(6)]
    tried += drafts
    stuck = uhcw.draft("uhcw/emergency", ["csc/mash"], documents=[big] if i % 2 else [])
    tried.append(stuck)
    before = rnd.sample(sorted(acknowledged), min(3, len(acknowledged)))
    work = [threading.Thread(target=send, args=(d,)) for d in drafts]
    work += [threading.Thread(target=collect, args=(acknowledged[k][0],)) for k in before]
    wire = upload_cut_at(stuck, stage)
    for t in work:
        t.start()
    time.sleep(rnd.random() * 0.08)  # where in their work the power goes is left to chance, the seed is printed
    gw.kill()
    for t in work:
        t.join(DEADLINE)
    wire.close()
    gw.start()
    what = f"round {i}, an upload standing at: {stage}"
    everything_holds(what)
    send(stuck)
    ok(f"{what}: sent again, taken", stuck.id in acknowledged)
for d in tried:
    if d.id not in acknowledged:
        send(d)
    collect(d)
ok("in the end everything is acknowledged", all(d.id in acknowledged for d in tried))
ok("and collected and opened", all((d.id, e) in events for d in tried for e in ("ContentHandover", "Opened")))
everything_holds("in the end")
check = control(gw, "fsck")
ok("fsck finds nothing wrong", not check.get("damaged") and not check.get("error"), check)
ok("an orderly stop", gw.stop() == 0)
gw.remove()
finish()
