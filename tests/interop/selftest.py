#!/usr/bin/python3
# selftest.py - evidence made in Python with stock openssl's timestamps, then put wrong in every way.
# usage: selftest.py PKI-DIR [--every]     prints ok / not ok lines and the count; exit 1 if any is not ok
# --every: flips each byte (half a minute), else each third.
#        selftest.py PKI-DIR --write DIR   good and bad evidence as files there, for others to judge; prints nothing
# Proves of the independent verifier that it catches each flipped byte, so that its agreement with ours means something.
import base64
import hashlib
import json
import os
import subprocess
import sys
import tempfile

import c2sp
import cms
import evidence
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from make_bundle import Pki, now_text, uuid7
from pki import Trust

COUNT = {True: 0, False: 0}
TSA_CONF = """[tsa]
default_tsa = it
[it]
serial = {dir}/serial
signer_cert = {cert}
certs = {cert}
signer_key = {key}
signer_digest = sha256
default_policy = 2.25.306450688074897223438439316723139715727.2.1
digests = sha256
ess_cert_id_alg = sha256
"""


def ok(what, good):
    COUNT[bool(good)] += 1
    print(("ok - " if good else "not ok - ") + what)


def token(pki, digest, tmp, tsa="certs/tsa/gw"):
    conf, query = os.path.join(tmp, "tsa.cnf"), os.path.join(tmp, "query")
    stem = os.path.join(pki.path, tsa)
    with open(conf, "w", encoding="ascii") as f:
        f.write(TSA_CONF.format(dir=tmp, cert=stem + ".pem", key=stem + ".key"))
    with open(os.path.join(tmp, "serial"), "w", encoding="ascii") as f:
        f.write("01\n")
    ts = ["openssl", "ts"]
    subprocess.run(ts + ["-query", "-digest", digest.hex(), "-sha256", "-cert", "-out", query], check=True, capture_output=True)
    out = os.path.join(tmp, "token")
    reply = ["-reply", "-config", conf, "-queryfile", query, "-token_out", "-out", out]
    subprocess.run(ts + reply, check=True, capture_output=True)
    with open(out, "rb") as f:
        return f.read()


def path_of(index, leaves):
    """RFC 6962 section 2.1.1, by its definition."""
    if len(leaves) <= 1:
        return []
    k = 1 << (len(leaves) - 1).bit_length() - 1
    if index < k:
        return path_of(index, leaves[:k]) + [c2sp.tree_hash(leaves[k:])]
    return path_of(index - k, leaves[k:]) + [c2sp.tree_hash(leaves[:k])]


def consistency_of(m, leaves, whole=True):
    """RFC 6962 section 2.1.2, by its definition."""
    if m == len(leaves):
        return [] if whole else [c2sp.tree_hash(leaves)]
    k = 1 << (len(leaves) - 1).bit_length() - 1
    if m <= k:
        return consistency_of(m, leaves[:k], whole) + [c2sp.tree_hash(leaves[k:])]
    return consistency_of(m - k, leaves[k:], False) + [c2sp.tree_hash(leaves[:k])]


def trees():
    leaves = [hashlib.sha256(bytes([n])).digest() for n in range(40)]
    roots = [c2sp.tree_hash(leaves[:n]) for n in range(41)]
    good = bad = 0
    for n in range(1, 41):
        for i in range(n):
            path = path_of(i, leaves[:n])
            good += c2sp.root_from_inclusion(i, n, leaves[i], path) == roots[n]
        for m in range(1, n + 1):
            path = consistency_of(m, leaves[:n])
            c2sp.check_consistency(m, n, roots[m], roots[n], path)
            try:
                c2sp.check_consistency(m, n, roots[m - 1], roots[n], path)
            except c2sp.LogError:
                bad += 1
    ok("each inclusion and consistency proof up to 40 leaves", good == 820 and bad == 820)


def base64_text(data):
    return base64.b64encode(data).decode()


def make(pki, tmp):
    """Evidence of a reading, as its parts."""
    m = {"safehand": 1, "id": uuid7(), "created": now_text(), "event_at": None, "from": "csc/mash", "class": "general"}
    m |= {"status": "final", "about": [], "to": [{"mailbox": "uhcw/emergency", "as": "to", "key": "0" * 64}], "actions": []}
    m |= {"reply_to": None, "supersedes": None, "concern": None, "slots_sha256": "0" * 64, "payload_sha256": "0" * 64}
    manifest = json.dumps(m | {"payload_bytes": 100, "key_commitment": "0" * 64}).encode()
    chain, key = pki.signer("person-sign/uhcw/j.patel")
    hashed = hashlib.sha256(manifest).hexdigest()
    s = {"safehand_statement": 1, "kind": "read", "bundle": m["id"], "manifest_sha256": hashed, "mailbox": "uhcw/emergency"}
    s |= {"content_sha256": "0" * 64, "at": now_text(), "by": "person/uhcw/j.patel", "code": "ok", "reply": None}
    text = json.dumps(s).encode()
    e = {"safehand_entry": 1, "seq": 5, "time": now_text()[:-1] + ".412Z", "event": "Read", "bundle": m["id"]}
    e |= {"manifest_sha256": hashed, "mailbox": "uhcw/emergency", "actor": hashlib.sha256(der_of(chain[0])).hexdigest()}
    e |= {"statement_sha256": hashlib.sha256(text).hexdigest(), "code": "ok", "salt": "00" * 16}
    entry = json.dumps(e, separators=(",", ":")).encode()
    leaves = [hashlib.sha256(bytes([n])).digest() for n in range(11)]
    leaves[5] = c2sp.leaf_hash(entry)
    note = f"localhost/log\n11\n{base64_text(c2sp.tree_hash(leaves))}\n"
    with open(os.path.join(pki.path, "log/localhost_log.key"), "rb") as f:
        log_key = load_pem_private_key(f.read(), None)
    log_id = c2sp.LogKey(read(pki, "log/log.vkey").decode()).id
    signed = note + f"\n\u2014 localhost/log {base64_text(log_id + log_key.sign(note.encode()))}\n"
    proof = "\n".join([c2sp.PROOF_MAGIC, "index 5"] + [base64_text(h) for h in path_of(5, leaves)]) + "\n\n" + signed
    parts = {"entry": base64_text(entry), "proof": proof}
    parts["timestamp"] = base64_text(token(pki, hashlib.sha256(note.encode()).digest(), tmp))
    parts["manifest"] = base64_text(manifest)
    parts["signature"] = base64_text(cms.sign(manifest, [pki.signer("agency-sign/csc")]))
    parts["statement"] = base64_text(text)
    parts["statement_signature"] = base64_text(cms.sign(text, [(chain, key)]))
    return parts


def der_of(cert):
    return cert.public_bytes(cms.Encoding.DER)


def read(pki, name):
    with open(os.path.join(pki.path, name), "rb") as f:
        return f.read()


def flips(parts, trust, key, step):
    """One bit of each byte, or of each third; a different bit from byte to byte."""
    good = evidence.write(parts)
    survived = []
    places = range(0, len(good), step)
    for i in places:
        bad = bytearray(good)
        bad[i] ^= 1 << i % 7
        if evidence.judge(bytes(bad), trust, key)[0] == "OK":
            survived.append(i)
    ok(f"one bit flipped in each of {len(places)} bytes of {len(good)} is caught (survived: {survived[:8]})", not survived)


def write(pki, into, tmp):
    """Good, lacking, mixed and flipped ones, as N.evidence."""
    parts, other = make(pki, tmp), make(pki, tmp)
    files = [evidence.write(parts)]
    files += [evidence.write({k: v for k, v in parts.items() if k != name}) for name in parts]
    files += [evidence.write(parts | {name: other[name]}) for name in parts]
    for i in range(0, len(files[0]), 41):
        bad = bytearray(files[0])
        bad[i] ^= 1 << i % 7
        files.append(bytes(bad))
    for n, data in enumerate(files):
        with open(os.path.join(into, f"{n}.evidence"), "xb") as f:
            f.write(data)


def main():
    if "--write" in sys.argv:
        with tempfile.TemporaryDirectory() as tmp:
            write(Pki(sys.argv[1]), sys.argv[sys.argv.index("--write") + 1], tmp)
        return 0
    pki = Pki(sys.argv[1])
    trust = Trust(read(pki, "trust/root.pem"), read(pki, "trust/crl.pem"))
    key = c2sp.LogKey(read(pki, "log/log.vkey").decode())
    trees()
    with tempfile.TemporaryDirectory() as tmp:
        parts = make(pki, tmp)
        word, why = evidence.judge(evidence.write(parts), trust, key)
        ok(f"good evidence is OK ({why})", word == "OK")
        for name in parts:
            less = {k: v for k, v in parts.items() if k != name}
            word, why = evidence.judge(evidence.write(less), trust, key)
            ok(f"without {name}: INCOMPLETE, naming it ({why})", word == "INCOMPLETE" and name in why)
        other = make(pki, tmp)
        for name in parts:
            word, why = evidence.judge(evidence.write(parts | {name: other[name]}), trust, key)
            ok(f"another bundle's {name}: FAIL ({why})", word == "FAIL")
        foreign = Trust(read(pki, "foreign/trust/root.pem"))
        ok("judged by a foreign root: FAIL", evidence.judge(evidence.write(parts), foreign, key)[0] == "FAIL")
        foreign_log = c2sp.LogKey(read(pki, "foreign/log/log.vkey").decode())
        ok("judged by a foreign log key: FAIL", evidence.judge(evidence.write(parts), trust, foreign_log)[0] == "FAIL")
        flips(parts, trust, key, 1 if "--every" in sys.argv else 3)
    print(f"{COUNT[True]} passed, {COUNT[False]} failed")
    return 1 if COUNT[False] else 0


if __name__ == "__main__":
    sys.exit(main())
