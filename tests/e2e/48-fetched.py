# Every fetch of a bundle's bytes is evidence: its sender sees in track who, when, with which certificate, and which part;
# a download that is resumed is one entry and a count. No fetch waits for the log, and kill -9 takes none from it.
from gateway import *

gw = Gateway().start()
uhcw, csc, wmp = (Member(gw, a) for a in ("uhcw", "csc", "wmp"))


class Client:
    """safehand of one agency, with a state folder of its own."""

    def __init__(self, agency):
        pki, self.conf = gw.dir + "/pki", f"{gw.dir}/client-{agency}.conf"
        with open(self.conf, "w") as f:
            f.write(f"[gateway]\nurl = https://localhost:{gw.port}\nroot = {pki}/trust/root.pem\nissuing = {pki}/trust/issuing.pem\n")
            f.write(f"retries = 0\n[agency]\nname = {agency}\nstate = {gw.dir}/state-{agency}\n")
            f.write(f"tls-certificate = {pki}/certs/agency-tls/{agency}.pem\ntls-key = {pki}/certs/agency-tls/{agency}.key\n")

    def run(self, *words):
        return subprocess.run([BUILD + "/bin/safehand", "--config", self.conf, *words], capture_output=True, text=True, timeout=DEADLINE)


def fingerprint(agency):
    pem = read(f"{gw.dir}/pki/certs/agency-tls/{agency}.pem").decode()
    der = base64.b64decode(pem.split("-----BEGIN CERTIFICATE-----")[1].split("-----END")[0])
    return hashlib.sha256(der).hexdigest()


def fetched(id, member=uhcw):
    rows = member.call("GET", f"/v1/bundles/{id}/evidence").json()["evidence"]
    return [(r["seq"], r["mailbox"], r["code"].split("@")[0]) for r in rows if r["event"] == "Fetched"]


def entered(id, n):
    return wait(f"{n} fetches of {id} are in the log", lambda: len(fetched(id)) >= n and fetched(id))


def get(member, mailbox, id, **headers):
    return member.call("GET", f"/v1/mailboxes/{mailbox}/bundles/{id}", **headers)


d = uhcw.draft("uhcw/emergency", ["csc/mash", "uhcw/paediatrics"])
ok("a bundle is accepted", uhcw.put(d).status == 201)
ok("nobody has fetched it", fetched(d.id) == [])

# what is no fetch
whole = csc.call("HEAD", f"/v1/mailboxes/csc/mash/bundles/{d.id}")
total, etag = int(whole.headers["content-length"]), whole.headers["etag"]
ok("HEAD tells its length and its tag", whole.status == 200 and total > 0, whole)
ok("what one has is not sent: 304", get(csc, "csc/mash", d.id, If_None_Match=etag).status == 304)
ok("a part that is not there: 416", get(csc, "csc/mash", d.id, Range=f"bytes={total}-").status == 416)
ok("a stranger: 404", get(wmp, "wmp/ppu", d.id).status == 404 and get(wmp, "csc/mash", d.id).status == 404)
ok("no byte of it left, and the log says nothing of any", fetched(d.id) == [], fetched(d.id))

# in parts, by one machine
got = b""
for at in range(0, total, 500):
    a = get(csc, "csc/mash", d.id, Range=f"bytes={at}-{at + 499}", If_Range=etag)
    ok(f"a part from {at}: 206", a.status == 206, a)
    got += a.body
ok("the parts are the whole", got == get(csc, "csc/mash", d.id).body and len(got) == total)
rows = entered(d.id, 1)
ok("one entry: the part that came first", rows[0][1:] == ("csc/mash", f"range:0-499/{total}") and len(rows) == 1, rows)

# by a mailbox of the sender's own agency
get(uhcw, "uhcw/paediatrics", d.id)
rows = entered(d.id, 2)
ok("a mailbox of the sender's own agency is seen as any other", rows[1][1:] == ("uhcw/paediatrics", f"range:0-{total - 1}/{total}"), rows)
ok("a recipient sees what was fetched from its own mailbox only", [r[1] for r in fetched(d.id, csc)] == ["csc/mash"], fetched(d.id, csc))

# what the sender is shown
client = Client("uhcw")
said = client.run("track", d.id, "--save", gw.dir + "/evidence")
lines = [line for line in said.stdout.splitlines() if "fetched" in line]
ok("track: both are in the timeline, and hold", said.returncode == 0 and len(lines) == 2 and all(line.endswith("[OK]") for line in lines), said)
ok("with the certificate, and the part", f"fetched with {fingerprint('csc')[:16]}: bytes 0-499 of {total} " in said.stdout
   and f"fetched with {fingerprint('uhcw')[:16]} " in said.stdout, said.stdout)  # fmt: skip
doc = json.loads(client.run("--json", "track", d.id).stdout or "{}")
of_csc = [p for p in doc.get("evidence", []) if p["event"] == "Fetched" and p["mailbox"] == "csc/mash"]
ok("--json: who, which, when", len(of_csc) == 1 and of_csc[0]["actor"] == fingerprint("csc") and of_csc[0]["verdict"] == "OK"
   and of_csc[0]["fetched"].items() >= {"from": 0, "to": 499, "total": total}.items() and of_csc[0]["fetched"]["at"] <= of_csc[0]["time"], doc)  # fmt: skip
saved = [n for n in os.listdir(gw.dir + "/evidence") if n.endswith("-Fetched.evidence")]
ok("each is a piece of evidence, OK to verify too", len(saved) == 2 and client.run("verify", *(f"{gw.dir}/evidence/{n}" for n in saved)).returncode == 0)
ok("and to the independent verifier", all(gw.judge(read(f"{gw.dir}/evidence/{n}"))[0] == "OK" for n in saved))
ok("fsck knows it", control(gw, "fsck")["ok"], control(gw, "fsck"))

# [12] no group can be sealed: the bytes come all the same, and their fetch is in the log after kill -9
e = uhcw.draft("uhcw/emergency", ["csc/mash"])
ok("another bundle", uhcw.put(e).status == 201)
os.kill(gw.children()["safehand-notary"], signal.SIGSTOP)
a = get(csc, "csc/mash", e.id)
ok("the notary stands still: the fetch is answered", a.status == 200 and len(a.body) > 0, a)
ok("and again", get(csc, "csc/mash", e.id).status == 200)
ok("nothing of it can be in the log", fetched(e.id) == [], fetched(e.id))
gw.kill()
gw.start()
rows = entered(e.id, 1)
ok("killed and started: it is", [r[1:] for r in rows] == [("csc/mash", f"range:0-{len(a.body) - 1}/{len(a.body)}")], rows)
ok("evidence of it holds", gw.judge(uhcw.call("GET", f"/v1/bundles/{e.id}/evidence/{rows[0][0]}").body)[0] == "OK")
ok("what was there before is there once", len(fetched(d.id)) == 2, fetched(d.id))
gw.stop()
gw.start()
ok("after another start still once", len(fetched(e.id)) == 1, fetched(e.id))
ok("fsck finds nothing", control(gw, "fsck")["ok"], control(gw, "fsck"))
ok("the daemon stops in order", gw.stop() == 0)
gw.remove()
finish()
