# A disk without room (design 4, fact 10): what is new is refused before anything of it is taken, with Retry-After; what
# was accepted is still handed out, with its receipts' evidence; the client keeps what it could not send, and sends it
# once there is room. That the disk is full in the midst of writing is tests/fault's.
from client import DATA, Client
from gateway import *

LETTER = os.path.join(DATA, "discharge-summary.pdf")
gw = Gateway("store small = 64K").start()
uhcw, csc = Member(gw, "uhcw"), Member(gw, "csc")
client = Client(gw, "uhcw")
big = gw.dir + "/recording.bin"
with open(big, "wb") as f:
    f.write(os.urandom(3 << 20))


def reserve(size):
    gw.write_conf(f"store small = 65K\nstore disk-reserve = {size}")
    mark = len(gw.text())
    gw.process.send_signal(signal.SIGHUP)
    wait("the reload was judged", lambda: "msg=reload " in gw.text()[mark:] or "msg=reload-refused" in gw.text()[mark:])
    ok(f"a reserve of {size}: taken", "result=taken" in gw.text()[mark:], gw.text()[mark:])
    ok("what needs a restart is said", size == "1M" or "msg=reload-needs-restart key=store.small now=65536 next=66560" in gw.text()[mark:], gw.text()[mark:])


def seen():
    return (csc.feed("csc/mash").json()["items"], control(gw, "status")["bundles"])


first = uhcw.draft("uhcw/emergency", ["csc/mash"], documents=[big])
ok("there is room: accepted", uhcw.put(first).status == 201)
cut = uhcw.draft("uhcw/emergency", ["csc/mash"], documents=[big])
half = len(cut.file) // 2
w = uhcw.wire()
w.send(f"PUT /v1/bundles/{cut.id} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(cut.file)}\r\n\r\n".encode() + cut.file[:half])
w.close()
there = wait("the half of another one is there", lambda: int(uhcw.call("HEAD", "/v1/bundles/" + cut.id).headers.get("upload-offset", 0)) == half and half)

reserve("1000T")
before = seen()
for what, draft in (("a small one", uhcw.draft("uhcw/emergency", ["csc/mash"])), ("a large one", uhcw.draft("uhcw/emergency", ["csc/mash"], documents=[big]))):
    answer = uhcw.put(draft)
    ok(f"no room, {what}: 503, storage", answer.status == 503 and answer.code() == "storage", answer)
    ok(f"no room, {what}: told when to come again", int(answer.headers.get("retry-after", 0)) > 0, answer)
    ok(f"no room, {what}: nothing of it is kept", uhcw.call("HEAD", "/v1/bundles/" + draft.id).status == 404)
status, out = client.run("send", "--from", "uhcw/emergency", "--class", "general", "--to", "csc/mash", LETTER)
ok("the client says so: 7, storage", status == 7 and out["error"]["code"] == "storage", (status, out))
ok("and keeps what it could not send", len(client.kept("spool")) > 0, client.kept("spool"))
ok("nothing was changed by any of them", seen() == before, seen())
ok("it is in the log of the gateway", gw.said("code=storage"), gw.text()[-1500:])

fetched = csc.call("GET", f"/v1/mailboxes/csc/mash/bundles/{first.id}")
ok("what was accepted is handed out", fetched.status == 200 and fetched.body.endswith(first.payload))
answer = uhcw.put(first)
ok("and known: its first answer again", answer.status == 200 and gw.judge(answer.body)[0] == "OK", answer)

reserve("1M")
status, out = client.run("submit")
ok("room again: what waited is sent", status == 0 and len(out["submitted"]) == 1 and client.kept("spool") == [], (status, out))
answer = uhcw.call("PUT", "/v1/bundles/" + cut.id, cut.file[there:], Upload_Offset=there)
ok("and the rest of what was half there is taken", answer.status == 201 and gw.judge(answer.body)[0] == "OK", answer)
slot = csc.tell("csc/mash", first.id, csc.statement("collected", "csc/mash", first.id, manifest_digest(first)))
ok("a receipt is taken", slot.status == 201, slot)
ids = [i["bundle"] for i in csc.feed("csc/mash").json()["items"] if i["event"] == "ContentConsignment"]
ok("each is delivered once", sorted(ids) == sorted([first.id, cut.id, out["submitted"][0]["id"]]), ids)
ok("fsck finds nothing wrong", not control(gw, "fsck").get("damaged"))
ok("an orderly stop", gw.stop() == 0, gw.text()[-2000:])
gw.remove()
finish()
