# Reload without dropping what is under way: CRL, certificates, roster, classes; and what must not change is refused.
import base64
import hashlib
import json
import ssl
import subprocess
import threading

from gateway import *

gw = Gateway("store small = 64K\nverify jobs = 100\nfront body-timeout = 30m").start()
uhcw, csc = Member(gw, "uhcw"), Member(gw, "csc")
pki = gw.dir + "/pki"
big = gw.dir + "/recording.bin"
with open(big, "wb") as f:
    f.write(os.urandom(6 << 20))


def reload():
    mark = len(gw.text())
    gw.process.send_signal(1)
    wait("the reload was judged", lambda: "msg=reload " in gw.text()[mark:] or "msg=reload-refused" in gw.text()[mark:])
    return gw.text()[mark:]


def pki_run(verb, *args):
    return subprocess.run([f"{TOP}/pki/{verb}", "--dir", pki, *args], check=True, capture_output=True, text=True).stdout


# --- an upload and a long poll are under way through all of this ---
d = uhcw.draft("uhcw/emergency", ["csc/mash"], documents=[big])
half = len(d.file) // 2
up = uhcw.wire()
up.send(f"PUT /v1/bundles/{d.id} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(d.file)}\r\n\r\n".encode() + d.file[:half])
poll = csc.wire()
poll.send(b"GET /v1/mailboxes/csc/mash?wait=60 HTTP/1.1\r\nHost: localhost\r\n\r\n")
idle = uhcw.wire()
ok("a connection before", idle.call("GET", "/v1/roster").status == 200)
pids = gw.children()

# --- the gateway's own certificate is renewed: the next connection sees the new one ---
old = Wire(gw).sock.getpeercert(True)
pki_run("issue", "--renew", "gateway-tls", "localhost", "--dns", "localhost", "--ip", "127.0.0.1")
said = reload()
ok("renewed gateway-tls: taken", "result=taken" in said, said)
ok("renewed gateway-tls: a new connection sees it", Wire(gw).sock.getpeercert(True) != old)
ok("renewed gateway-tls: the old connection goes on", idle.call("GET", "/v1/roster").status == 200)

# --- a class is added: what was denied is allowed, and the change stands in the log ---
ok("a class that is not there: denied", uhcw.put(uhcw.draft("uhcw/emergency", ["csc/mash"], "ward-note")).code() == "denied")
with open(gw.dir + "/classes.conf", "a") as f:
    f.write('[class "ward-note"]\nfrom = uhcw/*\nto = csc/*\n')
said = reload()
ok("the class is taken", "result=taken" in said, said)
ok("the class is in force", uhcw.put(uhcw.draft("uhcw/emergency", ["csc/mash"], "ward-note")).status == 201)

# --- a calendar is changed: the log says so, with a digest that anyone with the configuration makes anew ---
def ctl(*words):
    return subprocess.run([BUILD + "/bin/safehandctl", "-s", gw.dir + "/control", *words], check=True, capture_output=True, text=True).stdout


def changes():
    """Each PolicyChange of the log, as an entry; what was told before the bundle is in the log when it is."""
    ok("  a bundle after it", uhcw.put(uhcw.draft("uhcw/emergency", ["csc/duty"])).status == 201)
    size = int(uhcw.call("GET", "/v1/log/checkpoint").body.split(b"\n")[1])
    entries = [json.loads(base64.b64decode(json.loads(ctl("evidence", str(n)))["entry"])) for n in range(size)]
    return [e for e in entries if e["event"] == "PolicyChange"]


def recomputed():
    text = subprocess.run([BUILD + "/bin/safehandd", "-P", "-f", "safehand.conf"], check=True, capture_output=True, cwd=gw.dir).stdout
    return hashlib.sha256(text).hexdigest()


def closed(day):
    with open(gw.dir + "/closed.ics", "w") as f:
        f.write(f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART;VALUE=DATE:{day}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n")


before = len(changes())
ok("the policy in force is the one that is recomputed", changes()[-1]["statement_sha256"] == recomputed(), changes())
closed("20281225")
with open(gw.dir + "/classes.conf", "a") as f:
    f.write('[calendar "wards"]\nzone = Europe/London\nclosed = closed.ics\n[mailbox "csc/duty"]\ncalendar = wards\n')
for what, change in [("a calendar", lambda: None), ("one more closed day", lambda: closed("20281226"))]:
    change()
    said = reload()
    ok(f"{what}: taken", "result=taken" in said, said)
    now = changes()
    before += 1
    ok(f"{what}: one change of policy, as recomputed", len(now) == before and now[-1]["statement_sha256"] == recomputed(), now)
reload()
ok("the same again: no change", len(changes()) == before, changes())
status = lambda: json.loads(ctl("--json", "status"))["calendars_ending"]
ok("closed days that go on: nothing is said", status() == [] and "warning" not in gw.text(), status())
closed("20210101")
said = reload()
ok("closed days that have ended: told at the reload", 'closed: warning: calendar "wards" knows no closed days after 2021-12-31' in said, said)
ok("  and in the status", status() == [{"calendar": "wards", "what": "closed", "until": "2021-12-31"}], status())
closed("20281226")
reload()

# --- a certificate is revoked: its live connection ends, others' do not ---
shutil.copy(pki + "/certs/agency-tls/wmp.pem", gw.dir + "/wmp.pem")
police = Member(gw, "wmp").wire()
ok("the police are in", police.call("GET", "/v1/roster").status == 200)
pki_run("revoke", pki + "/certs/agency-tls/wmp.pem")
said = reload()
ok("a new CRL: taken", "result=taken" in said, said)
try:
    ok("revoked: the live connection is closed", police.closed())
except OSError:
    ok("revoked: the live connection is closed", True)
try:
    Member(gw, "wmp").call("GET", "/v1/roster")
    ok("revoked: no new one", False)
except (ssl.SSLError, ConnectionError):
    ok("revoked: no new one", True)
ok("revoked: others go on", idle.call("GET", "/v1/roster").status == 200)

# --- what is wrong is refused as a whole, and the old stays ---
good = read(gw.dir + "/safehand.conf")
with open(gw.dir + "/endless.ics", "w") as f:
    f.write("BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\nBEGIN:VEVENT\nDTSTART;VALUE=DATE:20261225\nRRULE:FREQ=YEARLY\nEND:VEVENT\nEND:VCALENDAR\n")
for what, change in [
    ("a word that is none", lambda t: t.replace(b"clock           = warn", b"clock = sometimes")),
    ("a file that is not there", lambda t: t.replace(b"pki/trust/crl.pem", b"pki/trust/none.pem")),
    ("a class that contradicts itself", lambda t: t + b'[class "ward-round"]\nfrom = uhcw/*\nto = csc/*\nladder = remind at 50%\n'),
    ("a ladder to nobody", lambda t: t + b'[class "ward-round"]\nfrom = uhcw/*\nto = csc/*\ndemand = csc/nobody\n'),
    ("an endless calendar", lambda t: t + b'[calendar "c"]\nzone = UTC\nclosed = endless.ics\n'),
    ("a key that is not the certificate's", lambda t: t.replace(b"pki/certs/gateway-tls/localhost.key", b"pki/certs/tsa/gw.key")),
]:
    with open(gw.dir + "/safehand.conf", "wb") as f:
        f.write(change(good))
    ok(f"{what}: the change is one", change(good) != good)
    mark = len(gw.text())
    gw.process.send_signal(1)
    wait("it was refused", lambda: "level=error" in gw.text()[mark:] or "safehand.conf:" in gw.text()[mark:] or "endless.ics:" in gw.text()[mark:])
    ok(f"{what}: refused, and it serves on", uhcw.call("GET", "/v1/roster").status == 200 and "result=taken" not in gw.text()[mark:], gw.text()[mark:])
with open(gw.dir + "/safehand.conf", "wb") as f:
    f.write(good)
ok("the good one again: taken", "result=taken" in reload())

# --- workers that have had their jobs are replaced under load, and nobody notices ---
bad = []


def load():
    for _ in range(60):
        a = uhcw.put(uhcw.draft("uhcw/emergency", ["csc/duty"]))
        if a.status != 201:
            bad.append(a)


work = [threading.Thread(target=load) for _ in range(4)]
for t in work:
    t.start()
told = set()
while any(t.is_alive() for t in work):  # whatever state a worker is in, a reload comes to its end
    told.add("result=taken" in reload())
for t in work:
    t.join()
ok("reloads while workers retire: each is taken", told == {True}, told)
ok("240 bundles while workers retire: all accepted", not bad, bad)
ok("workers were replaced", gw.said("msg=worker-replaced"), gw.text()[-1500:])

# --- and what was under way all the time comes to its end ---
ok("the long poll was answered when the class's bundle came", poll.answer().status == 200)
up.send(d.file[half:])
a = up.answer()
ok("the upload that began before all of it: accepted", a.status == 201 and gw.judge(a.json())[0] == "OK", a)
now = gw.children()
ok("no process but workers was replaced", {k: v for k, v in now.items() if "verif" not in k} == {k: v for k, v in pids.items() if "verif" not in k}, (pids, now))
alive = uhcw.call("GET", "/v1/log/checkpoint").status
ok("an orderly stop", gw.stop() == 0 and alive == 200, gw.text()[-2000:])
gw.remove()
finish()
