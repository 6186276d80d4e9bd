# Exfiltration is visible: a canary that is fetched, a mailbox that fetches far more than it is used to.
import subprocess

from gateway import *

gw = Gateway("store fetches-alarm = 5").start()
uhcw, csc = Member(gw, "uhcw"), Member(gw, "csc")


def ctl(*words):
    p = subprocess.run([BUILD + "/bin/safehandctl", "-s", gw.dir + "/control", *words], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    return p.returncode, p.stdout + p.stderr


def put():
    d = uhcw.draft("uhcw/emergency", ["csc/mash"])
    return d if uhcw.put(d).status == 201 else None


plain, bait = put(), put()
status, said = ctl("canary", bait.id)
ok("canary: set", status == 0 and "done" in said, (status, said))
ok("canary: of a bundle that is not there: 4", ctl("canary", uuid7())[0] == 4, ctl("canary", uuid7()))
ok("canary: no id: 2", ctl("canary", "bait")[0] == 2)
ok("before: no alarm", control(gw, "status")["alarms"] == 0)
ok("another bundle is fetched: no alarm", csc.call("GET", f"/v1/mailboxes/csc/mash/bundles/{plain.id}").status == 200 and control(gw, "status")["alarms"] == 0)
ok("a stranger asks for the canary: no alarm, there is none for him", Member(gw, "wmp").call("GET", f"/v1/mailboxes/wmp/ppu/bundles/{bait.id}").status == 404 and control(gw, "status")["alarms"] == 0)
a = csc.call("GET", f"/v1/mailboxes/csc/mash/bundles/{bait.id}")
ok("the canary is fetched: served as any other", a.status == 200)
ok("and an alarm", control(gw, "status")["alarms"] == 1 and f"msg=canary bundle={bait.id} mailbox=csc/mash act=fetched" in gw.text(), gw.text()[-800:])
for n, (method, more) in enumerate((("HEAD", {}), ("GET", {"If_None_Match": a.headers["etag"]}), ("GET", {"Range": "bytes=99999999-"})), 1):
    b = csc.call(method, f"/v1/mailboxes/csc/mash/bundles/{bait.id}", **more)
    ok(f"it is asked for, and nothing leaves ({b.status}): an alarm all the same", gw.text().count(f"msg=canary bundle={bait.id} mailbox=csc/mash act=asked") == n, gw.text()[-500:])
a = csc.tell("csc/mash", bait.id, csc.statement("collected", "csc/mash", bait.id, manifest_digest(bait)))
ok("the canary's key is collected: an alarm", a.status == 201 and control(gw, "status")["alarms"] == 5 and "act=collected" in gw.text())
ok("safehandctl status says so", "5 alarms" in ctl("status")[1], ctl("status")[1])
gw.stop()
gw.start()
csc.call("GET", f"/v1/mailboxes/csc/mash/bundles/{bait.id}")
ok("a canary survives a restart", "msg=canary " in gw.text(), gw.text()[-500:])
status, said = ctl("canaries")
ok("canaries: it is listed, and it alone", status == 0 and said.count(bait.id) == 1 and plain.id not in said and "uhcw/emergency" in said, said)
alarms = control(gw, "status")["alarms"]
status, said = ctl("uncanary", bait.id)
ok("uncanary: it is one no longer", status == 0 and f"msg=canary-removed bundle={bait.id}" in gw.text(), (status, said))
csc.call("GET", f"/v1/mailboxes/csc/mash/bundles/{bait.id}")
ok("then it raises no alarm", control(gw, "status")["alarms"] == alarms and "no bundle is a canary" in ctl("canaries")[1], gw.text()[-500:])
ok("uncanary of what is none: 4", ctl("uncanary", plain.id)[0] == 4 and ctl("uncanary", bait.id)[0] == 4, ctl("uncanary", plain.id))
ok("uncanary of what is not there: 4; of no id: 2", ctl("uncanary", uuid7())[0] == 4 and ctl("uncanary", "bait")[0] == 2)
events = {r["event"] for r in csc.call("GET", f"/v1/bundles/{bait.id}/evidence").json()["evidence"]}
ok("its recipient reads nothing of that in the log", events == {"SubmissionAcceptance", "ContentConsignment", "Fetched", "ContentHandover"}, events)
mark = len(gw.text())
for _ in range(12):  # no fetch is what sends nothing
    csc.call("HEAD", f"/v1/mailboxes/csc/mash/bundles/{plain.id}")
    csc.call("GET", f"/v1/mailboxes/csc/mash/bundles/{plain.id}", Range="bytes=99999999-")
ok("asked for, and not sent: no fetch of the hour", "fetch-outlier" not in gw.text()[mark:], gw.text()[mark:])
for _ in range(12):
    csc.call("GET", f"/v1/mailboxes/csc/mash/bundles/{plain.id}", Range="bytes=0-9")  # each counts, a part too
said = gw.text()[mark:]
ok("more fetches than usual: one alarm", said.count("msg=fetch-outlier mailbox=csc/mash this_hour=6 usual=0") == 1 and said.count("fetch-outlier") == 1, said)
rows = uhcw.call("GET", f"/v1/bundles/{bait.id}/evidence").json()["evidence"]
ok("the sender sees who was given the key, as evidence", any(r["event"] == "ContentHandover" and r["mailbox"] == "csc/mash" for r in rows), rows)
ok("the daemon stops in order", gw.stop() == 0)
gw.remove()
finish()
