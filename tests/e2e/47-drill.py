# Keys are in strange hands: the steps of SECURITY.md, one after the other, at a running gateway. A thief has all keys of
# one agency, then those of the gateway; after each drill the thief is out, the owner works, and what was signed before
# the loss still verifies.
import ssl

from gateway import *

gw = Gateway().start()
pki = gw.dir + "/pki"
shutil.copytree(pki, gw.dir + "/thief/pki")
thieves = types.SimpleNamespace(dir=gw.dir + "/thief", port=gw.port, pki=Pki(gw.dir + "/thief/pki"))
uhcw, csc, thief = Member(gw, "uhcw"), Member(gw, "csc"), Member(thieves, "uhcw")


def run(verb, *args):
    subprocess.run([f"{TOP}/pki/{verb}", "--dir", pki, *args], check=True, capture_output=True, text=True)


def ctl(*words):
    return subprocess.run([BUILD + "/bin/safehandctl", "-s", gw.dir + "/control", *words], capture_output=True, text=True)


def is_out(member):
    """No connection, whatever is asked for."""
    try:
        return member.call("GET", "/v1/roster") is None
    except (ssl.SSLError, ConnectionError):
        return True


def checked(raw):
    """By the project's own verifier, with the CRL of today."""
    with open(gw.dir + "/x.evidence", "wb") as f:
        f.write(raw)
    p = subprocess.run([BUILD + "/bin/safehand", "verify", gw.dir + "/x.evidence", "--root", pki + "/trust/root.pem", "--log", pki + "/log/log.vkey",
                        "--crl", pki + "/trust/crl.pem"], capture_output=True, text=True)  # fmt: skip
    return p.stdout + p.stderr


d = uhcw.draft("uhcw/emergency", ["csc/mash"], "discharge-letter")
before = uhcw.put(d)
ok("before: a bundle and its evidence", before.status == 201 and gw.judge(before.body)[0] == "OK", before)
ok("the thief is in: with the keys it is the agency", thief.put(thief.draft("uhcw/emergency", ["csc/mash"])).status == 201)
live = thief.wire()
ok("and stays in", live.call("GET", "/v1/roster").status == 200)

# --- an agency's keys (SECURITY.md, drill 1): revoke, issue, roster, reload ---
# what is signed in the very second of a revocation counts as signed after it: times of revocation are whole seconds
made = time.time()
wait("a later second than that of the evidence", lambda: int(time.time()) > int(made))
for profile in ("agency-tls", "agency-sign"):
    run("revoke", profile, "uhcw", "--reason", "keyCompromise")
    os.remove(f"{pki}/certs/{profile}/uhcw.pem")
    os.remove(f"{pki}/certs/{profile}/uhcw.key")
    run("issue", profile, "uhcw")
run("revoke", "agency-seal", "uhcw/emergency", "--reason", "keyCompromise")
os.remove(pki + "/certs/agency-seal/uhcw_emergency.pem")
os.remove(pki + "/certs/agency-seal/uhcw_emergency.key")
run("issue", "agency-seal", "uhcw/emergency")
run("roster", "--members", pki + "/members", "--area", "Coventry")
ok("drill 1: taken by a reload, without a restart", ctl("reload").returncode == 0, gw.text())
try:
    ok("drill 1: the thief's connection has ended", live.closed())
except OSError:
    ok("drill 1: the thief's connection has ended", True)
ok("drill 1: the thief comes in no more", is_out(thief))
stolen = thief.draft("uhcw/emergency", ["csc/mash"])
ok("drill 1: what the thief signs, sent by whom ever, is refused", uhcw.put(stolen).status in (403, 422), uhcw.put(stolen))
wait("the new roster is in force", lambda: uhcw.call("GET", "/v1/roster").status == 200)
ok("drill 1: the owner works with new keys", uhcw.put(uhcw.draft("uhcw/emergency", ["csc/mash"])).status == 201)
old_key = csc.draft("csc/mash", ["uhcw/emergency"])
ok("drill 1: others seal for the new key", csc.put(old_key).status == 201)
gw.trust = Trust(read(pki + "/trust/root.pem"), read(pki + "/trust/crl.pem"))
ok("drill 1: evidence from before still verifies, both verifiers", checked(before.body).startswith("OK") and gw.judge(before.body)[0] == "OK", checked(before.body))

# --- the gateway's TLS key (drill 2): revoke, issue, reload ---
was = Wire(gw).sock.getpeercert(True)
run("revoke", "gateway-tls", "localhost", "--reason", "keyCompromise")
os.remove(pki + "/certs/gateway-tls/localhost.pem")
os.remove(pki + "/certs/gateway-tls/localhost.key")
run("issue", "gateway-tls", "localhost", "--dns", "localhost", "--ip", "127.0.0.1")
ok("drill 2: taken by a reload", ctl("reload").returncode == 0, gw.text())
ok("drill 2: clients see another certificate", Wire(gw).sock.getpeercert(True) != was)
ok("drill 2: and work", uhcw.put(uhcw.draft("uhcw/emergency", ["csc/mash"])).status == 201)

# --- the timestamp key (drill 3): revoke, issue, restart ---
run("revoke", "tsa", "gw", "--reason", "keyCompromise")
os.remove(pki + "/certs/tsa/gw.pem")
os.remove(pki + "/certs/tsa/gw.key")
run("issue", "tsa", "gw")
ok("drill 3: an orderly stop", gw.stop() == 0, gw.text())
gw.start()
after = uhcw.put(uhcw.draft("uhcw/emergency", ["csc/mash"]))
ok("drill 3: stamped with the new key", after.status == 201, after)
gw.trust = Trust(read(pki + "/trust/root.pem"), read(pki + "/trust/crl.pem"))
ok("drill 3: new evidence verifies", checked(after.body).startswith("OK") and gw.judge(after.body)[0] == "OK", checked(after.body))
print("# stamps of before, by the key that was lost:", checked(before.body).splitlines()[0], flush=True)
ok("no role died in all this", not gw.said("role-died"), gw.text())
gw.stop()
gw.remove()
finish()
