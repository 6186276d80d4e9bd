# What the public scanners find at a running gateway: testssl.sh and sslscan of Debian, every finding asserted. testssl.sh
# gets in with a member's certificate (openssl in its hands adds it), so that it sees what a member sees.
import subprocess
import sys

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/e2e")
from gateway import *  # noqa: E402

gw = Gateway().start()
where = f"127.0.0.1:{gw.port}"

# --- sslscan: protocols, ciphers, groups ---
text = subprocess.run(["sslscan", "--no-colour", where], capture_output=True, text=True, timeout=120).stdout
for version in ("SSLv2", "SSLv3", "TLSv1.0", "TLSv1.1", "TLSv1.2"):
    ok(f"sslscan: {version} is not spoken", any(line.split() == [version, "disabled"] for line in text.splitlines()), text)
ok("sslscan: TLS 1.3 is", "TLSv1.3   enabled" in text, text)
ok("sslscan: no renegotiation", "Session renegotiation not supported" in text, text)
ciphers = {line.split()[4] for line in text.splitlines() if line.startswith(("Preferred", "Accepted"))}
ok("sslscan: three ciphers, all AEAD", ciphers == {"TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256"}, ciphers)
groups = [line.split(None, 3)[3] for line in text.partition("Key Exchange Group")[2].splitlines() if " bits " in line and line.startswith("TLS")]
ok("sslscan: three groups, none of a finite field", sorted(groups) == ["secp256r1 (NIST P-256)", "secp384r1 (NIST P-384)", "x25519"], groups)
ok("sslscan: no name but its own in the certificate", "gateway-tls localhost" in text and "self-signed" not in text, text)

# --- testssl.sh: every finding that it does not call fine must stand here, with why it is so ---
WHY = {
    "cert_revocation": "members are given the CRL with the roster and by /v1/crl: an address in the certificate would be fetched without mutual TLS",
    "DNS_CAArecord": "no public authority issues for a private PKI",
}
wrapper = gw.dir + "/openssl"
with open(wrapper, "w") as f:
    stem = gw.dir + "/pki/certs/agency-tls/uhcw"
    f.write(f'#!/bin/sh\nif [ "$1" = s_client ]; then shift; exec openssl s_client -cert {stem}.pem -key {stem}.key "$@"; fi\nexec openssl "$@"\n')
os.chmod(wrapper, 0o755)
found = gw.dir + "/findings.json"
done = subprocess.run(
    ["testssl", "--quiet", "--color", "0", "--openssl", wrapper, "--jsonfile", found, "--warnings", "off", "--ip", "one",
     "--add-ca", gw.dir + "/pki/trust/root.pem", "-p", "-s", "-f", "-P", "-S", "-U", where],
    capture_output=True, text=True, timeout=600, stdin=subprocess.DEVNULL, cwd=gw.dir,
)  # fmt: skip
findings = json.loads(read(found))
by_id = {f["id"]: f for f in findings}
ok("testssl.sh: it looked at everything", len(findings) > 60 and {"heartbleed", "ROBOT", "LUCKY13", "TLS1_3", "PFS_ECDHE_curves"} <= set(by_id), done.stdout[-2000:])
for f in findings:
    if f["severity"] not in ("OK", "INFO"):
        ok(f"testssl.sh: {f['id']} is expected: {WHY.get(f['id'], 'no')}", f["id"] in WHY, f)
for name, want in {
    "SSLv2": "not offered", "SSLv3": "not offered", "TLS1": "not offered", "TLS1_1": "not offered", "TLS1_2": "not offered", "TLS1_3": "offered with final",
    "cipherlist_NULL": "not offered", "cipherlist_aNULL": "not offered", "cipherlist_AVERAGE": "not offered",
    "PFS_ECDHE_curves": "prime256v1 secp384r1 X25519", "sessionresumption_ticket": "not supported", "sessionresumption_ID": "No Session ID",
    "heartbleed": "not vulnerable", "CCS": "not vulnerable", "ticketbleed": "no session ticket", "secure_client_renego": "not vulnerable",
    "CRIME_TLS": "not vulnerable", "BREACH": "not vulnerable", "cert_chain_of_trust": "passed.",
}.items():  # fmt: skip
    got = by_id.get(name, {}).get("finding", "no finding")
    ok(f"testssl.sh: {name}: {want}", got.startswith(want), got)
ok("testssl.sh: no finite field", "DH_groups" not in by_id, by_id.get("DH_groups"))

ok("the daemon lives", Member(gw, "uhcw").call("GET", "/v1/roster").status == 200)
ok("and stops in order", gw.stop() == 0, gw.text()[-2000:])
gw.remove()
finish()
