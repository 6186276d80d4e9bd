# 50-client.py - the client where things go wrong around it: the gateway away, killed in the middle of an upload, or with
# another history; keys, certificates and rosters that changed; files that were altered. Each with code and exit status,
# with --json (an object, nothing else on standard output) and without it (one line on standard error).
import base64
import json
import os
import shutil
import signal
import subprocess

from client import DATA, SAFEHAND, Client
from gateway import TOP, Gateway, Member, control, finish, ok, read, wait

LETTER = os.path.join(DATA, "discharge-summary.pdf")
PAPER = os.path.join(DATA, "strategy-minutes.pdf")
LARGE = 96 * 1024 * 1024  # bytes: long enough under way for a kill to come in the middle

gw = Gateway().start()
pki = gw.dir + "/pki"
root, vkey = pki + "/trust/root.pem", pki + "/log/log.vkey"
NOWHERE = dict(os.environ, HOME="/nowhere", SAFEHAND_CONFIG="")
NOWHERE.pop("SAFEHAND_CONFIG")


def issue(verb, *words):
    done = subprocess.run([f"{TOP}/pki/{verb}", "--dir", pki, *words], capture_output=True, text=True)
    ok(f"pki/{verb} {' '.join(words[:2])}", done.returncode == 0, done.stderr)
    return done.stdout.strip()


def reload():
    mark = len(gw.text())
    gw.process.send_signal(signal.SIGHUP)
    wait("the gateway took it", lambda: "msg=reload " in gw.text()[mark:] or "msg=reload-refused" in gw.text()[mark:])
    ok("the gateway took what was changed", "msg=reload-refused" not in gw.text()[mark:], gw.text()[mark:])


def plain(client, *words):
    return subprocess.run(client.argv(*words), capture_output=True, text=True, cwd=client.dir, timeout=60)


def alone(*words):
    """Without any configuration."""
    return subprocess.run([SAFEHAND, *words], capture_output=True, text=True, env=NOWHERE, cwd=gw.dir, timeout=60)


def refused(what, client, code, status, *words):
    """Said both ways."""
    client.refused(what, code, status, *words)
    done = plain(client, *words)
    lines = done.stderr.strip().splitlines()
    told = done.returncode == status and done.stdout == "" and lines != [] and lines[-1].startswith("safehand: ")
    ok("  and in a line for a person", told, (done.returncode, done.stdout, done.stderr))


def shown(what, client, *words):
    """Without --json: text, nothing on standard error."""
    done = plain(client, *words)
    ok(what, done.returncode == 0 and done.stdout != "" and done.stderr == "", (done.returncode, done.stdout, done.stderr))
    return done.stdout


def write(path, data):
    with open(path, "wb" if isinstance(data, bytes) else "w") as f:
        f.write(data)


try:
    uhcw, csc, wmp = (Client(gw, a, "crl-age = 1h") for a in ("uhcw", "csc", "wmp"))
    general = ["--from", "uhcw/emergency", "--class", "general", "--to", "csc/mash"]
    minutes = ["--from", "csc/mash", "--class", "strategy-minutes", "--to", "uhcw/paediatrics"]

    # --- waiting for something to come ---
    waiting = subprocess.Popen(csc.argv("--json", "inbox", "--mailbox", "csc/mash", "--wait", "25"), stdout=subprocess.PIPE, cwd=csc.dir)
    wait("the inbox is asked", lambda: csc.kept("log") != [] or waiting.poll() is not None)
    id = uhcw.good("a letter is sent", "send", *general, "--keep", "kept", LETTER)["id"]
    items = json.loads(waiting.communicate(timeout=30)[0])["items"]
    ok("inbox --wait ends with what came", [i["id"] for i in items] == [id], items)
    ok("an empty one is said to be", shown("inbox of nothing", csc, "inbox", "--mailbox", "csc/duty") == "nothing has arrived\n")
    waiting = subprocess.Popen(csc.argv("--json", "inbox", "--mailbox", "csc/duty", "--wait"), stdout=subprocess.PIPE, cwd=csc.dir)
    wait("the duty's inbox is asked", lambda: control(gw, "status")["long_polls"] > 0 or waiting.poll() is not None)
    late = uhcw.good("a letter for duty", "send", "--from", "uhcw/emergency", "--class", "general", "--to", "csc/duty", LETTER)["id"]
    items = json.loads(waiting.communicate(timeout=30)[0])["items"]
    ok("inbox --wait, however long it takes, ends with what came", [i["id"] for i in items] == [late], items)
    bundle = f"{uhcw.dir}/kept/{id}.shb"
    shown("inbox for a person", csc, "inbox")
    shown("roster for a person", csc, "roster")
    shown("the configuration", csc, "config")
    csc.good("the configuration as JSON", "config")

    # --- opened from a file that came another way; twice; by whom it is not for ---
    refused("a bundle for another's mailbox", wmp, "unknown", 4, "open", bundle, "--into", "in")
    refused("another's mailbox by its name", wmp, "denied", 5, "open", bundle, "--mailbox", "wmp/ppu", "--into", "in")
    first = csc.good("it is opened from a file", "open", bundle, "--into", "in")
    ok("the document is there", read(f"{csc.dir}/in/{id}/discharge-summary.pdf") == read(LETTER))
    again = csc.good("opened once more, by its id", "open", id, "--into", "again")
    ok("the first receipt of the collection stands", again["collected"] == first["collected"], (first, again))
    names = [n.split("-")[-1] for n in csc.kept("evidence")]
    ok("one collection, one opening", names == ["ContentHandover.evidence", "Opened.evidence"], names)
    csc.good("it is read", "read", id, "--as", "a.khan")
    csc.good("it is answered", "answer", id, "--as", "a.khan", "--code", "accepted")
    for what, words in (("read", ("read", id, "--as", "a.khan")), ("accepted", ("answer", id, "--as", "a.khan", "--code", "accepted"))):
        status, out = csc.run(*words)  # the same words in the same second are the same statement; later ones are a second
        ok(f"{what} once more: known, or refused", status == 0 or (status == 6 and out["error"]["code"] == "repeated"), (status, out))
    names = [n.split("-")[-1].split(".")[0] for n in csc.kept("evidence")]
    ok("each is recorded once", sorted(names) == ["Answer", "ContentHandover", "Opened", "Read"], names)
    refused("reading what is not there", csc, "unknown", 4, "read", "019ab000-0000-7000-8000-000000000000", "--as", "a.khan")
    refused("a bundle that there is not", csc, "unknown", 4, "open", "019ab000-0000-7000-8000-000000000000", "--into", "in")
    refused("a file that there is not", csc, "unknown", 4, "submit", "none.shb")

    # --- altered on the way ---
    raw = read(bundle)
    middle = len(raw) // 2
    write(uhcw.dir + "/bent.shb", raw[:middle] + bytes([raw[middle] ^ 1]) + raw[middle + 1 :])
    refused("an altered bundle is not opened", csc, "digest", 1, "open", uhcw.dir + "/bent.shb", "--mailbox", "csc/mash", "--into", "bent")
    ok("nothing of it is put down", not os.path.isdir(csc.dir + "/bent") or os.listdir(csc.dir + "/bent") == [])
    write(uhcw.dir + "/not.shb", b"%PDF-1.7\n" + bytes(4096))
    refused("what is no bundle is not sent", uhcw, "format", 1, "submit", "not.shb")

    # --- four eyes; offline in steps; the gateway away ---
    both = csc.good("two persons sign", "send", *minutes, "--as", "a.khan", "--as", "r.lee", PAPER)["id"]
    line = shown("track for a person", csc, "track", both).splitlines()[0]
    ok("track names both signers", sorted(line.split(", signed by ")[-1].split(" and ")) == ["person/csc/a.khan", "person/csc/r.lee"], line)
    told = csc.good("track as JSON", "track", both, "--save", "evidence")
    ok("and so does its JSON", sorted(told["signers"]) == ["person/csc/a.khan", "person/csc/r.lee"] and told["class"] == "strategy-minutes", told)
    gw.stop()
    sealed = csc.good("sealed while nobody is there", "seal", *minutes, "--offline", "--as", "a.khan", "--out", "m.shb", PAPER)
    csc.good("signed by the second", "sign", "m.shb", "--as", "r.lee")
    refused("the gateway is away", csc, "network", 7, "submit", "m.shb")
    refused("it cannot be asked for the route", csc, "network", 7, "send", *minutes, "--as", "a.khan", "--as", "r.lee", PAPER)
    refused("nor for the inbox", csc, "network", 7, "inbox")
    shown("the kept roster needs nobody", csc, "roster", "--kept")

    # --- judged by anybody, offline, without a configuration ---
    saved = sorted(f"{csc.dir}/evidence/{n}" for n in os.listdir(csc.dir + "/evidence"))
    done = alone("verify", *saved, bundle, "--root", root, "--log", vkey)
    ok("verify needs no configuration and is silent", done.returncode == 0 and done.stderr == "" and done.stdout.count("\n") == len(saved) + 1, done)
    ok("all is OK", all(row.startswith("OK ") for row in done.stdout.splitlines()), done.stdout)
    done = alone("--json", "verify", *saved, "--root", root, "--log", vkey)
    ok("verify as JSON", json.loads(done.stdout)["verdict"] == "OK" and done.stderr == "", done)
    evidence = json.loads(read(saved[0]))
    bent = dict(evidence, entry=base64.b64encode(base64.b64decode(evidence["entry"]).replace(b'"ok"', b'"no"')).decode())
    write(gw.dir + "/bent.evidence", json.dumps(bent))
    ok("altered evidence: FAIL, 1", alone("verify", gw.dir + "/bent.evidence", "--root", root, "--log", vkey).returncode == 1)
    del evidence["timestamp"]
    write(gw.dir + "/half.evidence", json.dumps(evidence))
    done = alone("verify", gw.dir + "/half.evidence", "--root", root, "--log", vkey)
    ok("evidence without its timestamp: INCOMPLETE, 3", done.returncode == 3 and done.stdout.startswith("INCOMPLETE "), done)
    done = alone("inspect", bundle, "--extract", gw.dir + "/parts")
    ok("inspect needs no configuration and is silent", done.returncode == 0 and done.stderr == "" and "not judged" in done.stdout, done)
    done = alone("--json", "inspect", bundle)
    ok("inspect as JSON says that it judged nothing", json.loads(done.stdout)["verdict"] is None and done.stderr == "", done)
    words = "cms -verify -binary -inform DER -in signature.p7s -content manifest.json -purpose any -out /dev/null -CAfile".split()
    done = subprocess.run(["openssl", *words, root], cwd=gw.dir + "/parts", capture_output=True)
    ok("stock openssl verifies what was taken apart", done.returncode == 0, done.stderr)
    ok("a verb that needs one says which is missing: 2", alone("inbox").returncode == 2 and "client.conf" in alone("inbox").stderr, alone("inbox"))

    # --- the gateway comes back, and is killed in the middle of an upload ---
    gw.start()
    csc.good("what was sealed and signed offline is taken", "submit", "m.shb")
    got = uhcw.good("it opens", "open", sealed["id"], "--into", "in")
    ok("signed by both", sorted(got["signers"]) == ["person/csc/a.khan", "person/csc/r.lee"], got)
    with open(uhcw.dir + "/film", "wb") as f:
        for _ in range(LARGE >> 20):
            f.write(os.urandom(1 << 20))
    large = uhcw.good("a recording is sealed", "seal", *general, "--out", "film.shb", "film")["id"]
    size = os.path.getsize(uhcw.dir + "/film.shb")
    member = Member(gw, "uhcw")

    def offset():
        return int(member.call("HEAD", "/v1/bundles/" + large).headers.get("upload-offset", 0))

    sending = subprocess.Popen(uhcw.argv("--json", "submit", "film.shb"), cwd=uhcw.dir, stdout=subprocess.PIPE)
    wait("some of it has come", lambda: sending.poll() is not None or offset() > 1 << 20)
    gw.kill()
    told = json.loads(sending.communicate(timeout=60)[0])
    ok("the gateway was killed in the middle: 7", sending.returncode == 7 and told["error"]["code"] == "network", (sending.returncode, told))
    gw.start()
    there = offset()
    ok("the gateway kept what had come", 0 < there < size, (there, size))
    uhcw.good("the next try sends the rest", "submit", "film.shb")
    known = uhcw.good("once more is no second one", "submit", "film.shb")["submitted"][0]
    ok("it is known, with its first evidence", known["known"], known)
    os.remove(uhcw.dir + "/film.shb")
    csc.good("it opens", "open", large, "--into", "in")
    same = subprocess.run(["cmp", uhcw.dir + "/film", f"{csc.dir}/in/{large}/film"])
    ok("byte for byte", same.returncode == 0)

    # --- who joins: requests, certificates, roster; then as any other, with keys that are encrypted ---
    word, wrong, new = gw.dir + "/word", gw.dir + "/wrong", gw.dir + "/new"
    for path, text in ((word, "open sesame\n"), (wrong, "open barley\n")):
        write(path, text)
        os.chmod(path, 0o600)
    url = ["--url", f"https://localhost:{gw.port}", "--root", root]
    done = alone("--json", "enroll", "--into", new, "--agency", "hv", *url, "--mailbox", "hv/visitors", "--person", "hv/n.gray", "--passphrase-file", word)
    ok("enroll as JSON", done.returncode == 0 and json.loads(done.stdout)["folder"] == new, done)
    taken = [issue("issue", "agency-tls", "hv", "--csr", new + "/agency-tls.csr"), issue("issue", "agency-sign", "hv", "--csr", new + "/agency-sign.csr"),
             issue("issue", "person-sign", "hv/n.gray", "--csr", new + "/person-sign_n.gray.csr")]  # fmt: skip
    done = alone("enroll", "--into", new, "--take", *taken)
    ok("certificates are taken in", done.returncode == 0, done)
    taken = issue("issue", "agency-seal", "hv/visitors", "--request", new + "/agency-seal_visitors.request")
    ok("the mailbox's too", alone("enroll", "--into", new, "--take", taken).returncode == 0)
    with open(pki + "/members", "a") as f:
        f.write('agency hv "Health visitors" contact hv@coventry.example\nmailbox hv/visitors "Duty" contact hv@coventry.example\n')
    issue("roster", "--members", pki + "/members")
    mark = len(gw.text())
    reload()
    wait("the new roster is in force", lambda: "msg=roster " in gw.text()[mark:])
    uhcw.good("the roster is fetched by hand", "roster")
    hello = uhcw.good("the new member is written to", "send", "--from", "uhcw/emergency", "--class", "general", "--to", "hv/visitors", LETTER)["id"]
    conf = read(new + "/safehand.conf", "r")

    class Joined(Client):
        def __init__(self):
            self.dir, self.conf = new, new + "/safehand.conf"

    hv = Joined()
    ok("the passphrase's file is configured", word in conf, conf)
    write(hv.conf, conf.replace(word, wrong))
    refused("the wrong passphrase", hv, "secret", 1, "open", hello, "--into", new + "/in")
    os.chmod(word, 0o644)
    write(hv.conf, conf)
    refused("a passphrase that others may read", hv, "secret", 1, "open", hello, "--into", new + "/in")
    os.chmod(word, 0o600)
    hv.good("the new member opens it", "open", hello, "--into", new + "/in")
    hv.good("its person reads it", "read", hello)
    os.chmod(new + "/agency-sign.key", 0o640)
    refused("a key that others may read", hv, "secret", 1, "open", hello, "--into", new + "/more")
    os.chmod(new + "/agency-sign.key", 0o600)

    # --- sealed by a roster of before ---
    renewed = ["--from", "csc/mash", "--class", "general", "--to", "uhcw/emergency"]
    two = csc.good("sealed offline, for the deputy too", "seal", *renewed, "--offline", "--out", "old.shb", LETTER)
    ok("two recipients", two["recipients"] == 2, two)
    text = read(pki + "/members", "r")
    write(pki + "/members", text.replace("cover uhcw/paediatrics ", ""))
    ok("there is no deputy any more", text != read(pki + "/members", "r"))
    issue("roster", "--members", pki + "/members")
    reload()
    refused("the route has changed since", csc, "route-changed", 8, "submit", "old.shb")
    csc.good("sealed anew it goes", "send", *renewed, LETTER)

    # --- our own certificates are revoked ---
    issue("revoke", "agency-sign", "wmp")
    reload()
    wmp.good("the CRL is fetched by hand", "roster")
    refused("what a revoked certificate signs is not taken", wmp, "revoked", 1, "send", "--from", "wmp/ppu", "--class", "general", "--to", "csc/mash", LETTER)
    issue("revoke", "agency-tls", "wmp")
    reload()
    status, out = wmp.run("inbox")
    ok("a revoked member is not let in", status in (1, 7) and out["error"]["code"] in ("revoked", "network"), (status, out))
    ok("and is told why", "revoked" in out["error"]["text"], out)

    # --- another history ---
    gw.stop()
    subprocess.run(["cp", "-a", gw.dir + "/data", gw.dir + "/aside"], check=True)
    gw.start()
    lost = uhcw.good("what will have been", "send", *general, LETTER)["id"]
    gw.stop()
    shutil.rmtree(gw.dir + "/data")
    os.rename(gw.dir + "/aside", gw.dir + "/data")
    gw.start()
    refused("a log that has become shorter", uhcw, "history", 9, "track", id)
    other = ["send", "--from", "csc/mash", "--class", "general", "--to", "uhcw/emergency", LETTER]
    csc.good("others, who had not seen it, go on", *other)
    csc.good("and on", *other)
    refused("a log that went another way", uhcw, "history", 9, "inbox")
    refused("nothing is sent into it", uhcw, "history", 9, "send", *general, LETTER)
    ok("both checkpoints are kept as proof", len(uhcw.kept("log")) >= 2, uhcw.kept("log"))
    mine = [f"{uhcw.dir}/state/evidence/{n}" for n in uhcw.kept("evidence") if n.startswith(lost)]
    done = alone("verify", *mine, "--root", root, "--log", vkey)
    ok("the evidence of what was denied stands", mine != [] and done.returncode == 0, done)

    # --- wrong usage, of every verb ---
    for words in (("config", "x"), ("enroll",), ("roster", "x"), ("seal", "x"), ("sign",), ("send",), ("inbox", "--wait", "soon"), ("open", id),
                  ("read",), ("answer", id, "--code", "perhaps"), ("inspect",), ("track", "x"), ("watch",), ("verify",), ("submit", "--bogus")):  # fmt: skip
        refused("wrong usage: " + " ".join(words), csc, "usage", 2, *words)
finally:
    gw.remove()
finish()
