# The straight line of a bundle through real roles: sent, delivered, collected, opened, read, answered; each step with
# evidence that the independent verifier accepts.
import threading

from gateway import *

gw = Gateway().start()
uhcw, csc, wmp, schools = (Member(gw, a) for a in ("uhcw", "csc", "wmp", "schools"))


def told(answer):
    """All of a problem but the number of the request."""
    return {k: v for k, v in answer.json().items() if k != "job"}


def judged(what, answer, status):
    if not ok(f"{what}: {status}", answer.status == status, answer):
        return {}
    got = answer.json()
    word, why = gw.judge(got.get("evidence", got))
    ok(f"{what}: its evidence is OK", word == "OK", why)
    return got


ok("the roster is served as it was signed", uhcw.call("GET", "/v1/roster").body == read(gw.dir + "/pki/roster.shr"))
etag = uhcw.call("GET", "/v1/roster").headers.get("etag")
ok("and once only: 304", uhcw.call("GET", "/v1/roster", If_None_Match=etag).status == 304)
ok("the CRL is served", b"BEGIN X509 CRL" in uhcw.call("GET", "/v1/crl").body)

# someone waits before anything is there
got = {}
poll = threading.Thread(target=lambda: got.update(a=csc.feed("csc/mash", wait=60)))
poll.start()
wait("the long poll is in the store", lambda: gw.process.poll() is None)

d = uhcw.draft("uhcw/emergency", ["csc/mash", "schools/st-j.dsl"], "discharge-letter", cover_for=["schools/st-j.head=schools/st-j.dsl"],
               about=["c:999 000 0001"], documents=[TOP + "/tests/data/make.py"])  # fmt: skip
first = judged("sent", uhcw.put(d), 201)
again = uhcw.put(d)
ok("sent again: 200 and the same evidence entry", again.status == 200 and again.json()["entry"] == first["entry"], again)
other = uhcw.draft("uhcw/emergency", ["csc/mash"], "discharge-letter", id=d.id)
ok("the same id with other bytes: conflict", uhcw.put(other).code() == "conflict")

poll.join(DEADLINE)
items = got["a"].json()["items"] if "a" in got else []
ok("the long poll was woken", [i["bundle"] for i in items] == [d.id], got)
ok("a withheld cover sees nothing", schools.feed("schools/st-j.head").json()["items"] == [])
ok("a stranger may not ask: denied or unknown", wmp.feed("csc/mash").code() in ("denied", "unknown"), wmp.feed("csc/mash"))

fetched = csc.call("GET", f"/v1/mailboxes/csc/mash/bundles/{d.id}")
ok("fetched without its slots", fetched.status == 200 and len(fetched.body) == len(d.file) - 80 * 3, len(fetched.body))
part = csc.call("GET", f"/v1/mailboxes/csc/mash/bundles/{d.id}", Range="bytes=100-", If_Match=fetched.headers.get("etag"))
ok("the rest of it by Range", part.status == 206 and part.body == fetched.body[100:], part)
ok("no slot before the receipt", d.slots[:80] not in fetched.body and d.slots[80:160] not in fetched.body)
miss = wmp.call("GET", f"/v1/mailboxes/wmp/ppu/bundles/{d.id}")
none = wmp.call("GET", f"/v1/mailboxes/wmp/ppu/bundles/{uuid7()}")
ok("a stranger's bundle is as one that is not there", miss.status == none.status == 404 and told(miss) == told(none), (miss, none))

M = manifest_digest(d)
C = hashlib.sha256(d.plain).hexdigest()
ok("read before collected: order", csc.tell("csc/mash", d.id, csc.statement("read", "csc/mash", d.id, M, C, "csc/a.khan")).code() == "order")
collected = csc.statement("collected", "csc/mash", d.id, M)
slot = judged("collected", csc.tell("csc/mash", d.id, collected), 201).get("slot")
ok("the slot opens to the content key", slot and open_slot(gw, "csc/mash", slot) == d.key)
ok("it was this mailbox's slot", base64.b64decode(slot) == d.slots[:80])
repeat = csc.tell("csc/mash", d.id, collected)
ok("collected again: 200, the same slot", repeat.status == 200 and repeat.json()["slot"] == slot, repeat)
judged("opened", csc.tell("csc/mash", d.id, csc.statement("opened", "csc/mash", d.id, M, C)), 201)
judged("read", csc.tell("csc/mash", d.id, csc.statement("read", "csc/mash", d.id, M, C, "csc/a.khan")), 201)
judged("answered", csc.tell("csc/mash", d.id, csc.statement("answered", "csc/mash", d.id, M, C, "csc/a.khan")), 201)
ok("the withheld cover's key is withheld",
   schools.tell("schools/st-j.head", d.id, schools.statement("collected", "schools/st-j.head", d.id, M)).code() in ("withheld", "unknown"))  # fmt: skip

state = uhcw.call("GET", "/v1/bundles/" + d.id)
ok("the sender sees each mailbox", state.status == 200 and b"answered" in state.body and b"waiting" in state.body, state)
ok("another agency does not", wmp.call("GET", "/v1/bundles/" + d.id).status == 404)
listing = uhcw.call("GET", f"/v1/bundles/{d.id}/evidence")
seqs = [i["seq"] for i in listing.json().get("items", listing.json().get("evidence", []))]
ok("the evidence is listed", len(seqs) >= 6, listing)
verdicts = {s: gw.judge(uhcw.call("GET", f"/v1/bundles/{d.id}/evidence/{s}").body) for s in seqs}
ok("every piece of it is OK to the independent verifier", verdicts and all(v[0] == "OK" for v in verdicts.values()), verdicts)

# the log, by the independent code
_, old, old_root = c2sp.open_checkpoint(uhcw.call("GET", "/v1/log/checkpoint").body, gw.key)
uhcw.put(uhcw.draft("uhcw/emergency", ["csc/mash"]))
_, new, new_root = c2sp.open_checkpoint(uhcw.call("GET", "/v1/log/checkpoint").body, gw.key)
ok("the log grew", new > old, (old, new))
proof = uhcw.call("GET", f"/v1/log/consistency?old={old}")
try:
    head, _, note = proof.body.decode().partition("\n\n")
    lines = head.split("\n")
    ok("the answer is for what was asked, to the checkpoint that we have", lines[0] == f"old {old}" and c2sp.open_checkpoint(note.encode(), gw.key)[1] == new, proof)
    path = [base64.b64decode(h) for h in lines[1:]]
    c2sp.check_consistency(old, new, old_root, new_root, path)
    ok("it is consistent with what we saw before", True)
except c2sp.LogError as e:
    ok("it is consistent with what we saw before", False, (e, proof))

ok("an orderly stop ends with 0", gw.stop() == 0, gw.text())
gw.start()
ok("after a start it is all still there", b"answered" in uhcw.call("GET", "/v1/bundles/" + d.id).body)
_, now, _ = c2sp.open_checkpoint(uhcw.call("GET", "/v1/log/checkpoint").body, gw.key)
ok("and the log went on", now > new, (new, now))
gw.stop()
gw.remove()
finish()
