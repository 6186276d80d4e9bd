# Certificates that nobody may seal to: a roster, properly signed, names an expired one, a revoked one, one of another
# mailbox …; the gateway refuses a bundle that is sealed to it, the client does not even seal. Each with its own code,
# and nothing is delivered.
import subprocess

from client import DATA, Client  # finds what interop has
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from gateway import *

import der  # noqa: E402

VICTIM, LETTER = "uhcw/emergency", os.path.join(DATA, "discharge-summary.pdf")
gw = Gateway().start()
pki, shr = gw.dir + "/pki", gw.dir + "/pki/roster.shr"
first = read(pki + "/roster.json", "r")
csc, uhcw = Member(gw, "csc"), Member(gw, "uhcw")
client = Client(gw, "csc")
serial = json.loads(first)["serial"]


def pki_run(verb, *args):
    return subprocess.run([f"{TOP}/pki/{verb}", "--dir", pki, *args], check=True, capture_output=True, text=True).stdout


def certificate(stem):
    return gw.pki.chain(stem)[0].public_bytes(Encoding.DER)


def dated(raw, not_before, not_after):
    """The certificate with another validity, signed anew by the issuing CA (openssl dates X25519 ones from now only)."""
    tbs, algorithm, _ = der.parse(raw).children
    parts = [n.raw for n in tbs.children]
    at = [n.tag for n in tbs.children].index(der.SEQ, 4)  # after version, serial, algorithm, issuer
    parts[at] = der.tlv(der.SEQ, der.tlv(der.UTCTIME, not_before), der.tlv(der.UTCTIME, not_after))
    inner = der.tlv(der.SEQ, *parts)
    key = load_pem_private_key(read(pki + "/issuing/issuing.key"), None)
    return der.tlv(der.SEQ, inner, algorithm.raw, der.tlv(der.BITS, b"\0" + key.sign(inner, ec.ECDSA(hashes.SHA256()))))


def self_made(raw):
    """The same, signed by a key of one's own."""
    tbs, algorithm, _ = der.parse(raw).children
    signature = ec.generate_private_key(ec.SECP256R1()).sign(tbs.raw, ec.ECDSA(hashes.SHA256()))
    return der.tlv(der.SEQ, tbs.raw, algorithm.raw, der.tlv(der.BITS, b"\0" + signature))


def publish(*certificates):
    """A roster, newer and well signed, in which the victim has just these certificates."""
    global serial
    serial += 1
    doc = json.loads(first)
    doc["serial"] = serial
    for a in doc["agencies"]:
        for m in a["mailboxes"]:
            if m["name"] == VICTIM:
                m["certificates"] = [base64.b64encode(c).decode() for c in certificates]
    text = json.dumps(doc, separators=(",", ":"), ensure_ascii=False).encode()
    with open(shr, "wb") as f:
        f.write(frame(text, cms.sign(text, [gw.pki.signer("roster-sign/admin")])))
    reload()


def reload():
    mark = len(gw.text())
    gw.process.send_signal(signal.SIGHUP)
    wait("the roster was judged", lambda: "msg=roster" in gw.text()[mark:])
    ok("the roster is in force", "msg=roster-refused" not in gw.text()[mark:], gw.text()[mark:])


def sealed_to(raw):
    """A bundle for the victim, its slot's key named by this certificate."""

    class Named(type(gw.pki)):
        def seal_to(self, mailbox):
            fingerprint, public = super().seal_to(mailbox)
            return (hashlib.sha256(raw).hexdigest() if mailbox == VICTIM else fingerprint), public

    member = Member(gw, "csc")
    gw.pki, kept = Named(pki), gw.pki
    try:
        return member.draft("csc/mash", [VICTIM])
    finally:
        gw.pki = kept


def feed():
    return uhcw.feed(VICTIM).json()["items"]


def send():
    client.run("roster")  # as an administrator says: fetch what is new
    return client.run("send", "--class", "general", "--from", "csc/mash", "--to", VICTIM, LETTER)


good = certificate("certs/agency-seal/uhcw_emergency")
pki_run("renew", "agency-seal", VICTIM)
revoked = certificate("certs/agency-seal/uhcw_emergency")
pki_run("revoke", f"{pki}/certs/agency-seal/uhcw_emergency.pem")
ok("before: a good one is taken", csc.put(sealed_to(good)).status == 201)
ROWS = [
    ("expired", dated(good, b"200101000000Z", b"210101000000Z"), "expired"),
    ("not yet valid", dated(good, b"480101000000Z", b"490101000000Z"), "expired"),
    ("revoked", revoked, "revoked"),
    ("self-made", self_made(good), "certificate"),
    ("foreign", certificate("foreign/certs/agency-seal/uhcw_emergency"), "certificate"),
    ("of profile agency-tls", certificate("certs/agency-tls/uhcw"), "profile"),
    ("of profile agency-sign", certificate("certs/agency-sign/uhcw"), "profile"),
    ("of another mailbox", certificate("certs/agency-seal/uhcw_paediatrics"), "profile"),
    ("not yet valid, and another mailbox's", dated(certificate("certs/agency-seal/csc_duty"), b"300101000000Z", b"310101000000Z"), "profile"),
    ("no certificate at all", b"\x30\x03\x02\x01\x01", "certificate"),
]  # fmt: skip
before = feed()
for what, raw, code in ROWS:
    publish(raw)
    answer = csc.put(sealed_to(raw))
    ok(f"slot, certificate {what}: the gateway says {code}", answer.code() == code, answer)
    status, out = send()
    ok(f"slot, certificate {what}: the client does not seal, {code}", status == 1 and out.get("error", {}).get("code") in (code, "expired" if "not yet" in what else code), (status, out))
ok("nothing was delivered by any of them", feed() == before, feed())

publish(good, ROWS[0][1])
ok("a good one beside an expired one: taken", csc.put(sealed_to(good)).status == 201)
ok("and the expired one beside it: refused", csc.put(sealed_to(ROWS[0][1])).code() == "expired")
status, out = send()
ok("the client takes the good one", status == 0, out)
answer = csc.put(sealed_to(revoked))
ok("one that the roster does not have: route-changed", answer.code() == "route-changed", answer)

# revoked after the roster was signed: the CRL alone says so
index = [n for n in os.listdir(pki + "/certs/agency-seal") if n.startswith("uhcw_emergency.") and n.endswith(".pem") and n != "uhcw_emergency.pem"]
pki_run("revoke", f"{pki}/certs/agency-seal/{index[0]}")
reload()
answer = csc.put(sealed_to(good))
ok("revoked since, by the CRL alone: the gateway says revoked", answer.code() == "revoked", answer)
status, out = send()
ok("and the client does not seal", status == 1 and out["error"]["code"] == "revoked", (status, out))
ok("an orderly stop", gw.stop() == 0, gw.text()[-2000:])
gw.remove()
finish()
