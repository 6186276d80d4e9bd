# Certificates that must be refused, at TLS and in signatures, each for just the one thing that is wrong with it; and
# revocation: it ends running connections, refuses what is signed from then on, and leaves what was signed before as it was.
import datetime
import re
import ssl
import subprocess

from gateway import *

ARC = "2.25.306450688074897223438439316723139715727"
gw = Gateway()
pki = gw.dir + "/pki"
made = gw.dir + "/made"
os.makedirs(made)


def openssl(*args, **kw):
    return subprocess.run(["openssl", *args], check=True, capture_output=True, cwd=made, **kw).stdout


def pki_run(verb, *args):
    return subprocess.run([f"{TOP}/pki/{verb}", "--dir", pki, *args], check=True, capture_output=True, text=True).stdout


CA = "basicConstraints = critical, CA:TRUE, pathlen:0\nkeyUsage = critical, keyCertSign, cRLSign\nsubjectKeyIdentifier = hash\nauthorityKeyIdentifier = keyid\n"
LEAF = (
    "basicConstraints = critical, CA:FALSE\nkeyUsage = critical, digitalSignature\nextendedKeyUsage = {eku}\n"
    "subjectKeyIdentifier = hash\nauthorityKeyIdentifier = keyid\nsubjectAltName = URI:safehand:agency/uhcw\n"
)
EKU = {"agency-tls": f"clientAuth, {ARC}.1.1", "agency-sign": ARC + ".1.3"}
serial = iter(range(0x7000000000000001, 0x7FFFFFFFFFFFFFFF))


def certificate(name, issuer, ext, key=("EC", "ec_paramgen_curve:P-256"), digest="sha256", subject=None):
    """A key and a certificate in made/, issued by the stem of an issuer."""
    openssl("genpkey", "-algorithm", key[0], "-pkeyopt", key[1], "-out", name + ".key")
    openssl("req", "-new", "-key", name + ".key", "-subj", "/CN=" + (subject or name), "-out", name + ".csr")
    with open(f"{made}/{name}.ext", "w") as f:
        f.write("[e]\n" + ext)
    openssl("x509", "-req", "-" + digest, "-in", name + ".csr", "-CA", issuer + ".pem", "-CAkey", issuer + ".key", "-set_serial", hex(next(serial)),
            "-days", "30", "-extfile", name + ".ext", "-extensions", "e", "-out", name + ".pem")  # fmt: skip
    return f"{made}/{name}"


def crl_of(stem):
    """A current CRL of a CA, empty."""
    name = os.path.basename(stem)
    with open(f"{made}/{name}.ca", "w") as f:
        f.write(f"[ca]\ndefault_ca = it\n[it]\ndatabase = {made}/{name}.index\ncrlnumber = {made}/{name}.number\ndefault_md = sha256\ncrl_extensions = x\n[x]\nauthorityKeyIdentifier = keyid\n")
    for suffix, text in (("index", ""), ("number", "01\n")):
        with open(f"{made}/{name}.{suffix}", "w") as f:
            f.write(text)
    return openssl("ca", "-config", f"{made}/{name}.ca", "-gencrl", "-crldays", "20", "-cert", stem + ".pem", "-keyfile", stem + ".key")


root, issuing = pki + "/root/root", pki + "/issuing/issuing"
sub = {
    "good": certificate("good-ca", root, CA),
    "no CA": certificate("no-ca", root, CA.replace("CA:TRUE, pathlen:0", "CA:FALSE")),
    "no basic constraints": certificate("no-constraints", root, CA.split("\n", 1)[1]),
    "no keyCertSign": certificate("no-sign", root, CA.replace("keyCertSign, ", "")),
    "names": certificate("names-ca", root, CA + "nameConstraints = critical, permitted;dirName:other\n[other]\nCN = other\n"),
    "unknown critical": certificate("critical-ca", root, CA + "1.2.3.4 = critical, ASN1:NULL\n"),
    "weak key": certificate("weak-ca", root, CA, key=("RSA", "rsa_keygen_bits:1024")),
    "weak digest": certificate("sha1-ca", root, CA, digest="sha1"),
    "below its limit": certificate("below-ca", issuing, CA),
}
# what: (the wrong in the chain, issuer, its wrong leaf, words of the refusal)
good = LEAF
ROWS = [
    ("none wrong", sub["good"], {}, None),
    ("an issuer that is an end entity", sub["no CA"], {}, "invalid CA certificate"),
    ("an issuer without basic constraints", sub["no basic constraints"], {}, "invalid CA certificate"),
    ("an issuer that may not sign certificates", sub["no keyCertSign"], {}, "certificate"),
    ("an issuer below one that may have none", sub["below its limit"], {}, "path length"),
    ("an issuer for other names", sub["names"], {}, "permitted subtree"),
    ("an issuer with an unknown critical extension", sub["unknown critical"], {}, "unhandled critical extension"),
    ("an issuer with a weak key", sub["weak key"], {}, "key too weak"),
    ("an issuer signed with a weak digest", sub["weak digest"], {}, "digest algorithm too weak"),
    ("an unknown critical extension", issuing, {"ext": "1.2.3.4 = critical, ASN1:NULL\n"}, "unhandled critical extension"),
    ("a weak digest", issuing, {"digest": "sha1"}, "digest algorithm too weak"),
    ("a weak key", issuing, {"key": ("RSA", "rsa_keygen_bits:1024")}, "weak|P-256"),
    ("a key of another kind", issuing, {"key": ("EC", "ec_paramgen_curve:P-384")}, "P-256"),
    ("a CA that acts itself", issuing, {"change": ("CA:FALSE", "CA:TRUE")}, "."),
    ("a key usage of another act", issuing, {"change": ("digitalSignature", "keyEncipherment")}, "."),
    ("no key usage", issuing, {"change": ("keyUsage = critical, digitalSignature\n", "")}, "."),
    ("no name", issuing, {"change": ("subjectAltName = URI:safehand:agency/uhcw\n", "")}, "."),
    ("two names", issuing, {"change": ("agency/uhcw", "agency/uhcw, URI:safehand:agency/csc")}, "."),
    ("a name in no form of ours", issuing, {"change": ("agency/uhcw", "agency/UHCW")}, "."),
    ("two profiles", issuing, {"eku": EKU["agency-tls"] + f", {ARC}.1.3"}, "."),
    ("no profile", issuing, {"eku": "clientAuth"}, "."),
]
crls = read(pki + "/trust/crl.pem")
for stem in sub.values():
    crls += crl_of(stem)
with open(pki + "/trust/crl.pem", "wb") as f:
    f.write(crls)


def leaf(profile, n, issuer, how):
    ext = good.format(eku=how.get("eku", EKU[profile])) + how.get("ext", "")
    if "change" in how:
        ext = ext.replace(*how["change"])
    stem = certificate(f"leaf-{n}-{profile}", issuer, ext, how.get("key", ("EC", "ec_paramgen_curve:P-256")), how.get("digest", "sha256"), profile + " uhcw")
    with open(stem + ".pem", "ab") as f:
        f.write(read(issuer + ".pem") + (read(issuing + ".pem") if issuer == sub["below its limit"] else b""))
    return stem


class Weak(Wire):
    """A client whose own OpenSSL does not mind how weak its certificate is."""

    def __init__(self, stem):
        ctx = ssl.create_default_context(cafile=pki + "/trust/root.pem")
        ctx.set_ciphers("ALL:@SECLEVEL=0")
        ctx.load_cert_chain(stem + ".pem", stem + ".key")
        self.sock = ctx.wrap_socket(socket.create_connection(("127.0.0.1", gw.port), timeout=DEADLINE), server_hostname="localhost")
        self.data = b""


gw.start()
uhcw, csc = Member(gw, "uhcw"), Member(gw, "csc")
for n, (what, issuer, how, words) in enumerate(ROWS):
    stem = leaf("agency-tls", n, issuer, how)
    mark = len(gw.text())
    try:
        a = Weak(stem).call("GET", "/v1/roster")
    except (ssl.SSLError, ConnectionError):
        a = None
    if words is None:
        ok(f"TLS, {what}: let in", a is not None and a.status == 200, gw.text()[mark:])
        continue
    ok(f"TLS, {what}: no answer", a is None, a)
    wait("the refusal is logged", lambda: "msg=client-refused" in gw.text()[mark:])
    said = re.search(r'msg=client-refused code=(\S+) error="([^"]*)"', gw.text()[mark:])
    ok(f"TLS, {what}: refused by name: {said and said.group(2)}", said and said.group(1) in ("certificate", "profile") and re.search(words, said.group(2)), gw.text()[mark:])
for n, (what, issuer, how, words) in enumerate(ROWS):
    how = {k: v if k != "eku" else v.replace("clientAuth", "emailProtection").replace(EKU["agency-tls"].split(", ")[1], ARC + ".1.4") for k, v in how.items()}
    if how.get("key", ("EC",))[0] == "RSA" or how.get("key", ("", ""))[1].endswith("P-384"):
        continue  # tests/interop signs with P-256 alone
    stem = leaf("agency-sign", n, issuer, how)
    shutil.copy(pki + "/certs/agency-sign/uhcw.pem", made + "/own.pem")
    shutil.copy(pki + "/certs/agency-sign/uhcw.key", made + "/own.key")
    for x in ("pem", "key"):
        shutil.copy(f"{stem}.{x}", f"{pki}/certs/agency-sign/uhcw.{x}")
    try:
        a = uhcw.put(uhcw.draft("uhcw/emergency", ["csc/mash"]))
    finally:
        for x in ("pem", "key"):
            shutil.copy(f"{made}/own.{x}", f"{pki}/certs/agency-sign/uhcw.{x}")
    if words is None:
        ok(f"signature, {what}: taken", a.status == 201, a)
    else:
        ok(f"signature, {what}: refused by name: {a.json().get('detail') if a.body else ''}", a.code() in ("certificate", "profile", "signature"), a)

# --- the time that a signature says it was made: a claim, which the gateway's own time decides about ---
def dated(member, sender, seconds=None, at=None):
    """The answer to a bundle whose signature is dated so many seconds from now, or then."""
    d = member.draft(sender, ["uhcw/emergency" if member is csc else "csc/mash"])
    d.sign_how = {"dated": [cms.time_value(at or datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds))]}
    d.sign()
    d.frame()
    return member.put(d)


def valid_from(stem):
    said = openssl("x509", "-in", f"{pki}/certs/{stem}.pem", "-noout", "-startdate").decode().strip().split("=")[1]
    return datetime.datetime.strptime(said, "%b %d %H:%M:%S %Y GMT").replace(tzinfo=datetime.timezone.utc)


MINUTE = datetime.timedelta(minutes=1)
a = dated(uhcw, "uhcw/emergency", 0)
ok("dated now: taken", a.status == 201, a)
a = dated(uhcw, "uhcw/emergency", 300)
ok("dated ahead by less than clocks may differ (clock-skew, 10 minutes): taken", a.status == 201, a)
a = dated(uhcw, "uhcw/emergency", 3600)
ok(f"dated ahead by an hour: refused by name: {a.json().get('detail')}", a.code() == "clock" and "dated" in a.json()["detail"], a)
a = dated(uhcw, "uhcw/emergency", at=valid_from("agency-sign/uhcw") - 5 * MINUTE)
ok("dated before its certificate by less than clocks may differ: taken", a.status == 201, a)
a = dated(uhcw, "uhcw/emergency", at=valid_from("agency-sign/uhcw") - 60 * MINUTE)
ok(f"dated an hour before its certificate was valid: refused by name: {a.json().get('detail')}", a.code() == "expired" and "valid from" in a.json()["detail"], a)

# --- revocation while it runs ---
def reload():
    mark = len(gw.text())
    gw.process.send_signal(1)
    wait("the reload was judged", lambda: "msg=reload " in gw.text()[mark:] or "msg=reload-refused" in gw.text()[mark:])
    return gw.text()[mark:]


def evidence(member, id, event):
    rows = member.call("GET", f"/v1/bundles/{id}/evidence").json()["evidence"]
    seq = next(r["seq"] for r in rows if r["event"] == event)
    return member.call("GET", f"/v1/bundles/{id}/evidence/{seq}").body


before = csc.draft("csc/mash", ["uhcw/emergency"])
ok("a bundle before the revocation: accepted", csc.put(before).status == 201)
to_csc = uhcw.draft("uhcw/emergency", ["csc/mash"])
ok("one to the agency: accepted", uhcw.put(to_csc).status == 201)
collected = csc.statement("collected", "csc/mash", to_csc.id, manifest_digest(to_csc))
ok("its receipt before the revocation: taken", csc.tell("csc/mash", to_csc.id, collected).status == 201)
live, poll, other = csc.wire(), csc.wire(), uhcw.wire()
ok("its connections stand", live.call("GET", "/v1/roster").status == 200 and other.call("GET", "/v1/roster").status == 200)
poll.send(b"GET /v1/mailboxes/csc/duty?wait=300 HTTP/1.1\r\nHost: localhost\r\n\r\n")
wait("its long poll waits", lambda: control(gw, "status")["long_polls"] == 1)
kept = {e: evidence(uhcw if e == "ContentHandover" else csc, to_csc.id if e == "ContentHandover" else before.id, e) for e in ("ContentHandover", "SubmissionAcceptance")}
spoiled = csc.draft("csc/mash", ["uhcw/emergency"])  # signed before the revocation, sent after it
moment = int(time.time())
wait("the next second, which revocation times are told in", lambda: time.time() >= moment + 1)
pki_run("revoke", "agency-sign", "csc", "--reason", "keyCompromise")
with open(pki + "/trust/crl.pem", "ab") as f:
    for stem in sub.values():
        f.write(crl_of(stem))
ok("the signing certificate revoked: the CRL is taken", "result=taken" in reload())
ok("its connections stand: only what it signs is refused", live.call("GET", "/v1/roster").status == 200)
a = csc.put(csc.draft("csc/mash", ["uhcw/emergency"]))
ok("what it signs now: refused as revoked", a.code() == "revoked", a)
a = dated(csc, "csc/mash", at=datetime.datetime.fromtimestamp(moment - 5, datetime.timezone.utc))
ok("what it signs now and dates before the revocation: refused as revoked", a.code() == "revoked", a)
a = csc.put(spoiled)
ok("what it has signed before and sends now: refused as revoked", a.code() == "revoked", a)
again = csc.put(before)
ok("what was accepted before: the first answer again", again.status == 200, again)
a = csc.tell("csc/mash", to_csc.id, csc.statement("opened", "csc/mash", to_csc.id, manifest_digest(to_csc), "11" * 32))
ok("a statement that it signs now: refused as revoked", a.code() == "revoked", a)
from pki import Trust  # noqa: E402

gw.trust = Trust(read(pki + "/trust/root.pem"), read(pki + "/trust/crl.pem"))
for event, raw in kept.items():
    ok(f"evidence of before, {event}: OK with the new CRL, by the independent verifier", gw.judge(raw)[0] == "OK", gw.judge(raw))
    path = f"{gw.dir}/{event}.evidence"
    with open(path, "wb") as f:
        f.write(raw)
    done = subprocess.run([BUILD + "/bin/safehand", "verify", path, "--root", pki + "/trust/root.pem", "--log", pki + "/log/log.vkey", "--crl", pki + "/trust/crl.pem"], capture_output=True, text=True)
    ok(f"evidence of before, {event}: OK with the new CRL, by ours", done.returncode == 0 and done.stdout.startswith("OK"), done)
pki_run("revoke", "agency-tls", "csc", "--reason", "keyCompromise")
with open(pki + "/trust/crl.pem", "ab") as f:
    for stem in sub.values():
        f.write(crl_of(stem))
ok("the TLS certificate revoked: the CRL is taken", "result=taken" in reload())


def ended(w):
    try:
        return w.closed()
    except OSError:
        return True


ok("its idle connection ends", ended(live))
ok("its long poll ends, without an answer", ended(poll) and not poll.data, poll.data)
ok("another's goes on", other.call("GET", "/v1/roster").status == 200)
try:
    ok("it cannot come back", False, csc.call("GET", "/v1/roster"))
except (ssl.SSLError, ConnectionError):
    ok("it cannot come back", True)
ok("the daemon lives, and stops in order", uhcw.put(uhcw.draft("uhcw/emergency", ["wmp/ppu"])).status == 201 and gw.stop() == 0, gw.text()[-1500:])
gw.remove()
finish()
