# Back-pressure: who has or hands in too much is refused before a byte of its payload is taken, with Retry-After; the
# others are served; the client comes again when it was told to.
from client import DATA, Client
from gateway import *

LETTER = os.path.join(DATA, "discharge-summary.pdf")


def refused(what, a, code, words):
    after = a.headers.get("retry-after", "")
    ok(f"{what}: 503, {code}, Retry-After", a.status == 503 and a.code() == code and after.isdigit() and int(after) > 0 and words in a.json()["detail"], a)
    return int(after or 0)


def early(member, d):
    """What is answered to the head alone: nothing of the payload was sent."""
    w = member.wire()
    w.send(f"PUT /v1/bundles/{d.id} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(d.file)}\r\n\r\n".encode() + d.file[: len(d.file) - len(d.payload)])
    a = w.answer()
    w.close()
    return a


def draft(member, sender, documents=()):
    return member.draft(sender, ["csc/mash"], documents=list(documents))


# --- each limit ---
gw = Gateway("store quota = 1M\nstore small = 64K").start()
big = gw.dir + "/big.bin"
with open(big, "wb") as f:
    f.write(os.urandom(700_000))
uhcw, wmp = Member(gw, "uhcw"), Member(gw, "wmp")
first = draft(uhcw, "uhcw/emergency", [big])
ok("below the quota of bytes: taken", uhcw.put(first).status == 201)
refused("over the quota of bytes", early(uhcw, draft(uhcw, "uhcw/emergency", [big])), "storage", "quota of 1048576 bytes")
ok("what was taken is answered again all the same", uhcw.put(first).status == 200)
ok("another agency is served", wmp.put(draft(wmp, "wmp/ppu", [big])).status == 201)
control(gw, "purge " + first.id)
ok("after a purge there is room again", uhcw.put(draft(uhcw, "uhcw/emergency", [big])).status == 201)

gw.write_conf("store quota-bundles = 3")
control(gw, "reload")
three = [draft(uhcw, "uhcw/emergency") for _ in range(3)]
codes = [uhcw.put(d).status for d in three]
ok("bundles up to their quota: taken", codes == [201, 201, 503], codes)
refused("over the quota of bundles", early(uhcw, three[2]), "storage", "quota of 3 bundles")
ok("another agency is served", wmp.put(draft(wmp, "wmp/ppu")).status == 201)

gw.write_conf("store disk-reserve = 1000T")
control(gw, "reload")
gw.stop()
gw.start()  # the reserve is the spool's from its start on
refused("below the disk's reserve", early(uhcw, draft(uhcw, "uhcw/emergency")), "storage", "no room")
refused("for everybody", early(wmp, draft(wmp, "wmp/ppu")), "storage", "no room")
csc = Member(gw, "csc")
ok("what is there can be fetched", csc.call("GET", f"/v1/mailboxes/csc/mash/bundles/{three[0].id}").status == 200)
ok("nothing of what was refused is in the log", not any(e["event"] == "SubmissionRejection" for e in control(gw, "evidence " + three[0].id).get("evidence", [])))

# --- rate ---
gw.write_conf("store rate = 30")
control(gw, "reload")
gw.stop()
gw.start()
many = [draft(uhcw, "uhcw/emergency") for _ in range(7)]
answers = [uhcw.put(d) for d in many]
ok("a sixth of a minute's at once: taken", [a.status for a in answers[:5]] == [201] * 5, answers[:5])
late = [(d, a) for d, a in zip(many, answers) if a.status != 201]
after = refused("more than that", late[0][1], "busy", "30 bundles a minute") if late else 0
ok("to come again in the seconds that one takes", 1 <= after <= 2, after)
ok("another agency is served", wmp.put(draft(wmp, "wmp/ppu")).status == 201)
ok("a repeat of what was taken is not counted", uhcw.put(many[0]).status == 200)
wait("told to come again, it is taken", lambda: uhcw.put(late[0][0]).status in (200, 201))
ok("told to come again, it is taken", True)
gw.write_conf("store rate = 6")
control(gw, "reload")
while uhcw.put(draft(uhcw, "uhcw/emergency")).status == 201:
    pass  # until the bucket is empty
client = Client(gw, "uhcw")
conf = read(client.conf, "r").replace("retries = 0", "retries = 8")
with open(client.conf, "w") as f:
    f.write(conf)
mark = gw.text().count("more than 6 bundles a minute")
status, out = client.run("send", "--from", "uhcw/emergency", "--to", "csc/mash", "--class", "general", LETTER)
tries = gw.text().count("more than 6 bundles a minute") - mark
ok("the client waits as it was told, and has it taken", status == 0, (status, out))
ok("it did not ask in between", tries <= 2, tries)

# --- all at once: every agency's uploads have their limit ---
gw.write_conf("store uploads-per-agency = 4")
control(gw, "reload")
big = [draft(uhcw, "uhcw/emergency", [big]) for _ in range(5)]
wires = []
for d in big[:4]:
    w = uhcw.wire()
    w.send(f"PUT /v1/bundles/{d.id} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(d.file)}\r\n\r\n".encode() + d.file[:-1000])
    wires.append(w)
for d in big[:4]:
    wait("it is under way", lambda d=d: int(uhcw.call("HEAD", "/v1/bundles/" + d.id).headers.get("upload-offset", 0)) > 0)
refused("a fifth unfinished upload", early(uhcw, big[4]), "busy", "4 uploads are unfinished")
ok("another agency is served", wmp.put(draft(wmp, "wmp/ppu")).status == 201)
for w, d in zip(wires, big):
    w.send(d.file[-1000:])
ok("those four end well", [w.answer().status for w in wires] == [201] * 4)
ok("the fifth is taken then", uhcw.put(big[4]).status == 201)
ok("an orderly stop", gw.stop() == 0)
gw.remove()
finish()
