# 40-client.py - the client's verbs against the real gateway: roster, send, two signers, inbox, open, read, answer,
# inspect, enroll; each refusal with its code and exit status. The independent verifier judges what was kept.
import os
import shutil
import subprocess

from client import DATA, SAFEHAND, Client
from gateway import PKI, TOP, Gateway, finish, ok, read

gw = Gateway().start()
try:
    uhcw, csc, wmp = Client(gw, "uhcw"), Client(gw, "csc"), Client(gw, "wmp")

    roster = uhcw.good("the roster is fetched and verified", "roster")
    ok("it lists the mailboxes", "csc/mash" in [m["mailbox"] for m in roster["mailboxes"]], roster)
    uhcw.good("the kept one serves without the gateway", "roster", "--kept")

    # --- one bundle, all the way ---
    letter = os.path.join(DATA, "discharge-summary.pdf")
    sent = uhcw.good(
        "a letter is sent", "send", "--from", "uhcw/emergency", "--class", "discharge-letter", "--about", "943 476 5919",
        "--to", "csc/mash", "--keep", "kept", letter,
    )  # fmt: skip
    id = sent["id"]
    bundle = f"{uhcw.dir}/kept/{id}.shb"
    ok("nothing waits in the spool", uhcw.kept("spool") == [], uhcw.kept("spool"))
    again = uhcw.good("the same again is known", "submit", bundle)["submitted"][0]
    ok("and has its first evidence", again["known"] and again["seq"] == sent["seq"], again)
    inbox = csc.good("it is in the inbox", "inbox", "--mailbox", "csc/mash")["items"]
    ok("as waiting", [(i["id"], i["state"]) for i in inbox] == [(id, "waiting")], inbox)
    wmp.refused("a stranger is told of none", "unknown", 4, "open", id, "--into", "got")
    csc.refused("what is not opened cannot be read", "order", 6, "read", id, "--as", "a.khan")
    csc.good("it is opened", "open", id, "--into", "got")
    ok("the document came as it went", read(f"{csc.dir}/got/{id}/discharge-summary.pdf") == read(letter))
    csc.refused("not twice into one folder", "conflict", 6, "open", id, "--into", "got")
    csc.refused("a system does not read", "usage", 2, "read", id, "--as", "csc")
    csc.good("a person reads it", "read", id, "--as", "a.khan")
    csc.good("and accepts it", "answer", id, "--as", "a.khan", "--code", "accepted")
    csc.refused("no such answer", "usage", 2, "answer", id, "--as", "a.khan", "--code", "maybe")
    ok("nothing is pending", csc.kept("pending") == [], csc.kept("pending"))
    names = [n.split("-")[-1] for n in csc.kept("evidence")]
    wanted = ["ContentHandover.evidence", "Opened.evidence", "Read.evidence", "Answer.evidence"]
    ok("the evidence of each step is kept", names == wanted, names)
    for c in (uhcw, csc):
        for name in c.kept("evidence"):
            word, why = gw.judge(read(c.state("evidence", name)))
            ok(f"the independent verifier agrees on {name[37:]}", word == "OK", why)
    csc.good("another copy may be taken", "open", id, "--into", "more")
    ok("its documents are there", os.path.isdir(f"{csc.dir}/more/{id}"))

    # --- a bundle in the hand ---
    seen = uhcw.good("it is taken apart", "inspect", bundle, "--extract", "parts")
    ok("its signer is told", seen["signers"] == ["agency/uhcw"] and seen["verdict"] == "ok", seen)
    done = subprocess.run(
        ["openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", "signature.p7s", "-content", "manifest.json",
         "-CAfile", gw.dir + "/pki/trust/root.pem", "-purpose", "any", "-out", "/dev/null"],
        cwd=uhcw.dir + "/parts", capture_output=True,
    )  # fmt: skip
    ok("stock openssl verifies it", done.returncode == 0, done.stderr.decode())
    raw = bytearray(read(bundle))
    raw[-1] ^= 1
    with open(uhcw.dir + "/bent.shb", "wb") as f:
        f.write(raw)
    status, out = uhcw.run("inspect", "bent.shb")
    ok("one flipped byte is seen", status == 1 and out["verdict"] == "digest", (status, out))
    uhcw.refused("a bundle that is cut is refused", "digest", 1, "inspect", shutil.copy(bundle, uhcw.dir + "/cut.shb") and
                 (os.truncate(uhcw.dir + "/cut.shb", len(raw) - 1) or "cut.shb"))  # fmt: skip

    def inspect(root):
        words = [SAFEHAND, "--json", "inspect", bundle, "--root", root]
        return subprocess.run(words, capture_output=True, env=dict(os.environ, HOME="/nowhere"))

    ok("without a configuration it is judged by a root", inspect(gw.dir + "/pki/trust/root.pem").returncode == 0)
    ok("by another root it is refused", inspect(PKI + "/foreign/trust/root.pem").returncode == 1)

    # --- four eyes ---
    minutes = ["--from", "csc/mash", "--class", "strategy-minutes", "--to", "uhcw/paediatrics", "--provisional"]
    paper = os.path.join(DATA, "strategy-minutes.pdf")
    csc.good("minutes are sealed", "seal", *minutes, "--as", "a.khan", "--out", "m.shb", paper)
    csc.refused("one person is not enough", "signature", 1, "submit", "m.shb")
    csc.refused("the same person does not sign twice", "repeated", 6, "sign", "m.shb", "--as", "a.khan")
    signed = csc.good("a second signs", "sign", "m.shb", "--as", "r.lee")
    ok("there are two signatures", signed["signatures"] == 2, signed)
    csc.good("now they are taken", "submit", "m.shb")
    both = csc.good("two signers at once", "send", *minutes, "--as", "a.khan", "--as", "r.lee", "--action", "1:uhcw/paediatrics:2026-12-01", paper)
    got = uhcw.good("the hospital opens them", "open", both["id"], "--into", "got")
    ok("and is told who signed", sorted(got["signers"]) == ["person/csc/a.khan", "person/csc/r.lee"], got)
    uhcw.good("the action is done", "answer", both["id"], "--code", "done:1")

    # --- subscribers, covers, exclusions ---
    wmp_wire = __import__("gateway").Member(gw, "wmp")
    answer = wmp_wire.call("PUT", "/v1/subscriptions/wmp/ppu/class/discharge-letter")
    ok("the police subscribe", answer.status == 204, answer)
    more = ["--from", "uhcw/emergency", "--class", "discharge-letter", "--to", "schools/st-j.dsl"]
    sealed = uhcw.good("the route adds subscriber and cover", "seal", *more, "--out", "r.shb", letter)
    ok("three recipients", sealed["recipients"] == 3, sealed)
    sealed = uhcw.good("offline, the kept roster gives the route", "seal", *more, "--offline", "--out", "o.shb", letter)
    ok("the cover too, the subscriber not", sealed["recipients"] == 2, sealed)
    uhcw.refused("the gateway then wants the route", "route-changed", 8, "submit", "o.shb")
    sealed = uhcw.good("an excluded one is left out", "seal", *more, "--exclude", "wmp/ppu", "--out", "x.shb", letter)
    ok("two recipients", sealed["recipients"] == 2, sealed)

    # --- a mailbox whose key was renewed ---
    env = dict(os.environ, SAFEHAND_PKI=gw.dir + "/pki")
    seals = gw.dir + "/pki/certs/agency-seal"
    late = csc.good("sent before a renewal", "send", "--from", "csc/mash", "--class", "general", "--to", "uhcw/paediatrics", letter)["id"]
    subprocess.run([TOP + "/pki/renew", "agency-seal", "uhcw/paediatrics"], env=env, check=True, capture_output=True)
    uhcw.refused("the new key does not open it", "secret", 1, "open", late, "--into", "late")
    state = {i["id"]: i["state"] for i in uhcw.good("the list", "inbox", "--mailbox", "uhcw/paediatrics")["items"]}
    ok("and the sender is told so", state[late] == "failed", state)
    old = [n for n in os.listdir(seals) if n.startswith("uhcw_paediatrics.") and n.endswith(".key") and n != "uhcw_paediatrics.key"]
    with open(uhcw.conf, "a") as f:
        f.write(f'[mailbox "uhcw/paediatrics"]\nold-key = {seals}/{old[0]}\n')
    uhcw.good("the old key does", "open", late, "--into", "late")

    # --- refusals on this side ---
    send = ["send", "--from", "uhcw/emergency", "--class", "discharge-letter"]
    uhcw.refused("a mistyped NHS number", "format", 1, *send, "--to", "csc/mash", "--about", "9434765918", letter)
    uhcw.refused("a mailbox that is not in the roster", "unknown", 4, *send, "--to", "csc/nobody", letter)
    uhcw.refused("nobody to send to", "usage", 2, *send, letter)
    uhcw.refused("nothing to send", "usage", 2, *send, "--to", "csc/mash")
    uhcw.refused("an identity that is not configured", "usage", 2, *send, "--to", "csc/mash", "--as", "nobody", letter)
    uhcw.refused("an unknown option", "usage", 2, "send", "--bogus")
    uhcw.refused("an unknown command", "usage", 2, "sned")
    uhcw.refused("a class that it may not send", "denied", 5, "send", "--from", "uhcw/emergency", "--class", "marac-notes",
                 "--to", "csc/mash", letter)  # fmt: skip
    key = f"{gw.dir}/pki/certs/agency-sign/uhcw.key"
    os.chmod(key, 0o644)
    uhcw.refused("a key that others may read", "secret", 1, *send, "--to", "csc/mash", letter)
    os.chmod(key, 0o600)
    text = read(uhcw.conf, "r")
    with open(uhcw.conf, "w") as f:
        f.write(text.replace(gw.dir + "/pki/trust/root.pem", PKI + "/foreign/trust/root.pem"))
    status, out = uhcw.run("inbox")
    ok("another root's gateway is none of ours", status == 1 and out["error"]["code"] == "certificate", (status, out))
    with open(uhcw.conf, "w") as f:
        f.write(text.replace("certs/agency-tls/uhcw.pem", "certs/agency-tls/csc.pem"))
    status, out = uhcw.run("inbox")
    ok("a key of another certificate", status != 0 and out["error"]["code"] in ("secret", "network"), (status, out))
    with open(uhcw.conf, "w") as f:
        f.write(text)
    os.chmod(uhcw.state(), 0o755)
    uhcw.refused("a state folder that others may look into", "config", 2, "inbox")
    os.chmod(uhcw.state(), 0o700)

    # --- an older roster ---
    shutil.copy(gw.dir + "/pki/roster.shr", gw.dir + "/older.shr")
    subprocess.run([TOP + "/pki/roster", "--members", gw.dir + "/pki/members"], env=env, check=True, capture_output=True)
    shutil.copy(gw.dir + "/pki/roster.shr", uhcw.state("roster.shr"))
    os.remove(uhcw.state("roster.etag"))
    uhcw.refused("an older roster is refused", "history", 9, "roster")

    # --- enrolment, with the real scripts ---
    word = gw.dir + "/word"
    with open(word, "w") as f:
        f.write("open sesame\n")
    os.chmod(word, 0o600)
    new = gw.dir + "/new"

    def enroll(what, status, *words):
        done = subprocess.run([SAFEHAND, "enroll", "--into", new, *words], capture_output=True)
        ok(what, done.returncode == status, done.stdout.decode() + done.stderr.decode())

    def issue(*words):
        done = subprocess.run([TOP + "/pki/issue", *words], env=env, capture_output=True)
        ok("issued: " + words[0], done.returncode == 0, done.stderr.decode())
        return done.stdout.decode().strip()

    enroll("a mailbox of another agency is refused", 2, "--agency", "hv", "--url", "https://x", "--root", "r", "--mailbox", "csc/mash")
    first = ["--agency", "hv", "--url", f"https://localhost:{gw.port}", "--root", gw.dir + "/pki/trust/root.pem"]
    enroll("keys and requests are made", 0, *first, "--mailbox", "hv/visitors", "--person", "hv/n.gray", "--passphrase-file", word)
    ok("keys are encrypted", read(new + "/agency-tls.key")[:4] == b"SHK1")
    enroll("not over what is there", 6, *first, "--passphrase-file", word)
    taken = [issue("agency-tls", "hv", "--csr", new + "/agency-tls.csr"), issue("agency-sign", "hv", "--csr", new + "/agency-sign.csr"),
             issue("person-sign", "hv/n.gray", "--csr", new + "/person-sign_n.gray.csr")]  # fmt: skip
    enroll("a certificate that nobody asked for is refused", 1, "--take", gw.dir + "/pki/certs/agency-tls/csc.pem")
    enroll("the certificates are taken in", 0, "--take", *taken)
    enroll("the mailbox's too", 0, "--take", issue("agency-seal", "hv/visitors", "--request", new + "/agency-seal_visitors.request"))
    done = subprocess.run([SAFEHAND, "--config", new + "/safehand.conf", "roster"], capture_output=True)
    ok("the new member talks to the gateway", done.returncode == 0, done.stderr.decode())
finally:
    if gw.process.poll() is None:
        ok("the gateway stops in order", gw.stop() == 0, gw.text()[-3000:])
    gw.remove()
finish()
