# safehandctl at a running gateway: every command, its exit status, what people see; and the courier: a stamp of an
# external authority, played here with openssl, reaches the store.
import hashlib
import http.server
import threading

from gateway import *

gw = Gateway()


class Authority(http.server.BaseHTTPRequestHandler):
    """RFC 3161 over HTTP with the test PKI's own authority."""

    asked = 0

    def do_POST(self):
        Authority.asked += 1
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with tempfile.TemporaryDirectory() as t:
            with open(t + "/tsa.cnf", "w") as f:
                f.write(f"[t]\nserial = {t}/serial\nsigner_digest = sha256\ndefault_policy = 1.2.3\ndigests = sha256\n")
            with open(t + "/request", "wb") as f:
                f.write(body)
            subprocess.run(["openssl", "ts", "-reply", "-config", t + "/tsa.cnf", "-section", "t", "-queryfile", t + "/request",
                            "-signer", gw.dir + "/pki/certs/tsa/gw.pem", "-inkey", gw.dir + "/pki/certs/tsa/gw.key",
                            "-chain", gw.dir + "/pki/trust/issuing.pem", "-out", t + "/response"], check=True, stderr=subprocess.DEVNULL)  # fmt: skip
            answer = read(t + "/response")
        self.send_response(200)
        self.send_header("Content-Type", "application/timestamp-reply")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


def ctl(*words):
    """Exit status, standard output, standard error."""
    p = subprocess.run([BUILD + "/bin/safehandctl", "-s", gw.dir + "/control", *words], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    return p.returncode, p.stdout, p.stderr


def said(what, got, status, *words):
    ok(what, got[0] == status and all(w in got[1] + got[2] for w in words), got)


said("nobody listens: 7, with the way out", ctl("status"), 7, "no gateway listens there", "--socket")
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Authority)
threading.Thread(target=server.serve_forever, daemon=True).start()
with open(gw.dir + "/safehand.conf", "a") as f:
    with socket.socket() as s:  # a port where nobody listens
        s.bind(("127.0.0.1", 0))
        f.write(f'[tsa "dead"]\nurl = http://127.0.0.1:{s.getsockname()[1]}/\nroot = pki/trust/root.pem\n')
    f.write(f'[tsa "played"]\nurl = http://127.0.0.1:{server.server_port}/tsr\nroot = pki/trust/root.pem\n')
gw.start()
uhcw, csc = Member(gw, "uhcw"), Member(gw, "csc")

said("no bundle yet", ctl("bundles"), 0, "no bundle")
d = uhcw.draft("uhcw/emergency", ["csc/mash"], "discharge-letter")
ok("a bundle is sent", uhcw.put(d).status == 201)
wait("the courier has a stamp", lambda: gw.said("msg=stamped") or gw.process.poll() is not None)
wait("the store keeps it", lambda: len([x for x in gw.text().splitlines() if "msg=stamped" in x and "role=store" in x and "tsa=played" in x]))
ok("the dead authority was asked first, then the other", gw.said("tsa dead, again in 1 s") and Authority.asked > 0, gw.text())

got = ctl("status")
said("status: counts and roles", got, 0, "1 accepted, 1 kept", "courier", "verify", "GiB free", "roster    serial")
ok("status: columns in line", len({len(x) - len(x.lstrip()) for x in got[1].splitlines()}) == 1, got)
roles = json.loads(ctl("--json", "status")[1])["roles"]
ok("status --json is JSON", {r["role"] for r in roles} == {"front", "store", "verify", "notary", "courier"}, roles)
said("bundles", ctl("bundles", "agency=uhcw", "mailbox=csc/mash"), 0, d.id, "csc/mash", "discharge-letter")
said("bundles of somebody else", ctl("bundles", "agency=wmp"), 0, "no bundle")
said("mailboxes", ctl("mailboxes"), 0, "csc/mash", "WAITING")
said("evidence of a bundle", ctl("evidence", d.id), 0, "SubmissionAcceptance", "ContentConsignment")
seq = json.loads(ctl("--json", "evidence", d.id)[1])["evidence"][0]["seq"]
raw = ctl("evidence", str(seq))
ok("evidence of an entry: a file that holds", raw[0] == 0 and gw.judge(raw[1].encode())[0] == "OK", raw)
said("no such entry: 4", ctl("evidence", "99999"), 4, "99999")
said("no such bundle: 4", ctl("evidence", uuid7()), 4, "no such bundle")
said("no id: 2", ctl("purge", "everything"), 2, "want a bundle's id")
said("no such command: 2", ctl("shutdown"), 2, "no such command")
said("board", ctl("board"), 0, "nothing is overdue")
said("board of a mailbox", ctl("board", "mailbox=uhcw/emergency", "limit=5"), 0, "nothing is overdue")
said("board of nobody: 2", ctl("board", "class=general"), 2, "want mailbox=A/ROLE or limit=N")
said("board with three words: 2", ctl("board", "limit=1", "limit=2", "limit=3"), 2, "want: safehandctl board")
said("quarantine", ctl("quarantine"), 0, "no bundle is in quarantine")

# --- a certificate revoked on the spot ---
print_of = lambda name: hashlib.sha256(ssl.PEM_cert_to_DER_cert(read(gw.dir + f"/pki/certs/{name}.pem", "r").split("-----END")[0] + "-----END CERTIFICATE-----")).hexdigest()  # noqa: E731
tls = print_of("agency-tls/csc")
said("nothing is revoked here", ctl("revoked"), 0, "no certificate is revoked here")
live = csc.wire()
ok("a connection that works", live.call("GET", "/v1/mailboxes/csc/mash").status == 200)
said("revoke", ctl("--yes", "revoke", tls), 0, "done, and recorded")
said("it is listed", ctl("revoked"), 0, tls)
a = live.call("GET", "/v1/mailboxes/csc/mash")
ok("its live connection is refused", a.status == 422 and a.json()["code"] == "revoked", a)
ok("a new one is refused", csc.call("GET", "/v1/roster").status == 422)
ok("others are not", uhcw.call("GET", "/v1/roster").status == 200)
said("unrevoke", ctl("unrevoke", tls), 0, "done, and recorded")
ok("then it works again", csc.call("GET", "/v1/mailboxes/csc/mash").status == 200)
said("revoke what is no digest: 2", ctl("--yes", "revoke", "csc"), 2, "want the SHA-256")
said("unrevoke what is not revoked: refused", ctl("unrevoke", tls), 4, "is not revoked here")
said("it is recorded", ctl("audit", "event=KeyChange"), 0, "revoked", "restored", tls[:16])
live.close()

# --- held back, and who did what ---
path = f"/v1/mailboxes/csc/mash/bundles/{d.id}"
said("hold", ctl("--yes", "hold", d.id), 0, "done, and recorded")
said("a held one is listed", ctl("quarantine"), 0, d.id, "held by an administrator")
ok("nobody gets its bytes", csc.call("GET", path).status == 500)
ok("nor its key", csc.tell("csc/mash", d.id, csc.statement("collected", "csc/mash", d.id, manifest_digest(d))).status == 500)
said("hold twice: refused", ctl("--yes", "hold", d.id), 6, "in quarantine already")
said("purge of a held one: refused", ctl("--yes", "purge", d.id), 6, "release it first")
said("fsck with a held one", ctl("fsck"), 0, "all is well")
said("release", ctl("release", d.id), 0, "done, and recorded")
ok("then its recipient gets it", csc.call("GET", path).status == 200)
entries = json.loads(ctl("--json", "audit")[1])["entries"]
ok("audit: newest first, each with its event", [e["seq"] for e in entries] == sorted((e["seq"] for e in entries), reverse=True) and {"Held", "Released", "SubmissionAcceptance"} <= {e["event"] for e in entries}, entries)
held = [e for e in entries if e["event"] == "Held"]
ok("evidence of it holds", gw.judge(ctl("evidence", str(held[0]["seq"]))[1].encode())[0] == "OK", held)
ok("its sender sees it", "Held" in uhcw.call("GET", f"/v1/bundles/{d.id}/evidence").body.decode())
said("audit of an event", ctl("audit", "event=Held"), 0, "Held", d.id, "uhcw/emergency")
said("audit of another agency", ctl("audit", "agency=wmp"), 0, "no entry")
said("audit of the sender's agency", ctl("audit", "agency=uhcw", "limit=1"), 0, "Fetched" if "Fetched" in ctl("audit", "limit=1")[1] else "Released")
said("audit of a mailbox", ctl("audit", "mailbox=csc/mash"), 0, "ContentConsignment")
said("audit of a day to come", ctl("audit", "since=2999-01-01"), 0, "no entry")
said("audit until long ago", ctl("audit", "until=2000-01-01T00:00:00Z"), 0, "no entry")
for word, why in (("event=Nothing", "none of that name"), ("since=yesterday", "want a date"), ("class=general", "want agency=A"), ("until=", "want a date"), ("limit=x", "want agency=A")):
    said(f"audit {word}: 2", ctl("audit", word), 2, why)
said("report", ctl("report"), 0, "nothing has fallen due")
for word, why in (("by=child", "want by=mailbox"), ("since=soon", "want a date"), ("agency=uhcw", "want by=mailbox")):
    said(f"report {word}: 2", ctl("report", word), 2, why)
said("release of what is not there: refused", ctl("release", uuid7()), 4)
said("fsck", ctl("fsck"), 0, "all is well")
said("reload", ctl("reload"), 0, "anew")
text = read(gw.dir + "/safehand.conf")
with open(gw.dir + "/safehand.conf", "ab") as f:
    f.write(b"[front]\nnonsense = 1\n")
said("a reload of nonsense: 2, and told", ctl("reload"), 2, "nonsense")
with open(gw.dir + "/safehand.conf", "wb") as f:
    f.write(text)
said("purge", ctl("purge", d.id), 0, "done, and recorded")
said("purged is what it is then", ctl("bundles"), 0, "purged")
said("evidence stays", ctl("evidence", d.id), 0, "Purged")
said("fsck after it", ctl("fsck"), 0, "all is well")
with open(gw.dir + "/recording.bin", "wb") as f:
    f.write(os.urandom(2 * 1024 * 1024))
large = uhcw.draft("uhcw/emergency", ["csc/mash"], documents=[gw.dir + "/recording.bin"])
ok("a large bundle is sent", uhcw.put(large).status == 201)
said("fsck reads its payload", ctl("fsck"), 0, "1 large payloads: all is well")
with open(f"{gw.dir}/data/bundles/{large.id[-2:]}/{large.id}.shb", "r+b") as f:
    f.seek(-1, os.SEEK_END)
    last = f.read(1)
    f.seek(-1, os.SEEK_END)
    f.write(bytes([last[0] ^ 1]))
said("fsck finds one flipped bit, and says whose", ctl("fsck"), 1, large.id, "its payload is not the one that was signed", "1 problems")
said("fsck quick looks at its length alone", ctl("fsck", "quick"), 0, "0 large payloads: all is well")
said("fsck of another kind: 2", ctl("fsck", "deep"), 2, "deep: want quick, or nothing")
said("stop", ctl("stop"), 0, "stops when")
ok("and it stops, in order", gw.process.wait(DEADLINE) == 0)
said("then nobody listens", ctl("status"), 7)
server.shutdown()
gw.remove()
finish()
