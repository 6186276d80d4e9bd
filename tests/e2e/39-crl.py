# The life of a revocation list: current, overdue within the grace, ended, missing. What each lets in, and how it is told.
import datetime
import ssl
import subprocess

from gateway import *

gw = Gateway("trust crl-grace = 1d").start()
pki = gw.dir + "/pki"
uhcw = Member(gw, "uhcw")


def stamp(hours):
    return (datetime.datetime.utcnow() + datetime.timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")


def crl(hours):
    """A new list of the issuing CA that ends so many hours from now."""
    subprocess.run([f"{TOP}/pki/crl", "--dir", pki, "--next-update", stamp(hours)], check=True, capture_output=True)


def reload(grace=None):
    if grace:
        text = read(gw.dir + "/safehand.conf", "r")
        start = text.index("crl-grace")
        with open(gw.dir + "/safehand.conf", "w") as f:
            f.write(text[:start] + f"crl-grace = {grace}" + text[text.index("\n", start) :])
    mark = len(gw.text())
    gw.process.send_signal(1)
    wait("the reload was judged", lambda: "msg=reload " in gw.text()[mark:] or "level=error role=master" in gw.text()[mark:])
    return gw.text()[mark:]


def let_in():
    try:
        return uhcw.call("GET", "/v1/roster").status == 200
    except (ssl.SSLError, ConnectionError):
        return False


def told():
    return subprocess.run([BUILD + "/bin/safehandctl", "-s", gw.dir + "/control", "status"], capture_output=True, text=True).stdout


ok("current: told so", control(gw, "status")["crl"] == "current" and "crl       until 20" in told(), told())
ok("current: let in", let_in() and not gw.said("msg=crl-"))
stands = uhcw.wire()
ok("a connection that stands", stands.call("GET", "/v1/roster").status == 200)

crl(-2)
said = reload()
ok("overdue since two hours, a day's grace: taken, and said in the log", "result=taken" in said and "msg=crl-overdue" in said, said)
ok("overdue: told so", control(gw, "status")["crl"] == "overdue" and "OVERDUE" in told(), told())
ok("overdue: let in", let_in())
a = uhcw.put(uhcw.draft("uhcw/emergency", ["csc/mash"]))
ok("overdue: signatures are taken", a.status == 201, a)
subprocess.run([f"{TOP}/pki/revoke", "--dir", pki, "agency-tls", "wmp"], check=True, capture_output=True)
crl(-2)
reload()
try:
    ok("overdue: what it revokes stays out", False, Member(gw, "wmp").call("GET", "/v1/roster"))
except (ssl.SSLError, ConnectionError):
    ok("overdue: what it revokes stays out", True)

mark = len(gw.text())
said = reload("1h")
ok("overdue for longer than the grace: taken, and said", "result=taken" in said and "msg=crl-overdue" in said, said)
ok("ended: told so", control(gw, "status")["crl"] == "ended" and "ENDED" in told(), told())
ok("ended: nobody is let in", not let_in())
# not by "code=revoked" alone: an earlier one's may be logged late
wait("the refusal is logged", lambda: "CRL has expired" in gw.text()[mark:])
ok("ended: refused by name", "code=revoked" in gw.text()[mark:], gw.text()[mark:])
d = uhcw.draft("uhcw/emergency", ["csc/mash"])
a = stands.call("PUT", "/v1/bundles/" + d.id, d.file)
ok("ended: on a connection that stands no signature is taken", a.code() == "revoked" and "CRL" in a.json()["detail"], a)

crl(12)
said = reload()
ok("a new list: taken, and not overdue", "result=taken" in said and "crl-overdue" not in said, said)
ok("a new list: current, let in, signatures are taken", control(gw, "status")["crl"] == "current" and let_in() and uhcw.put(uhcw.draft("uhcw/emergency", ["csc/mash"])).status == 201)
ok("it ends within the day: said before it does", "msg=crl-ends" in said, said)

whole = read(pki + "/trust/crl.pem")
for what, data in [("an empty file", b""), ("no list", b"nothing\n")]:
    with open(pki + "/trust/crl.pem", "wb") as f:
        f.write(data)
    said = reload()
    ok(f"missing, {what}: the reload is refused, and the old list serves", "result=taken" not in said and let_in(), said)
begin, end = b"-----BEGIN X509 CRL-----", b"-----END X509 CRL-----\n"
first = whole[: whole.index(end) + len(end)]
second = whole[len(first) :]
for what, data in [("that of the issuing CA", first), ("that of the root", second)]:
    with open(pki + "/trust/crl.pem", "wb") as f:
        f.write(data)
    mark = len(gw.text())
    said = reload()
    ok(f"missing, {what}: nobody is let in", "result=taken" in said and not let_in(), said)
    wait("the refusal is logged", lambda: "unable to get certificate CRL" in gw.text()[mark:])
    ok(f"missing, {what}: refused by name", "code=revoked" in gw.text()[mark:], gw.text()[mark:])
with open(pki + "/trust/crl.pem", "wb") as f:
    f.write(whole)
ok("all of them again: let in", "result=taken" in reload() and let_in())
ok("the daemon stops in order", gw.stop() == 0, gw.text()[-1500:])
gw.remove()
finish()
