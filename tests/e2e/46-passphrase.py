# The gateway's keys encrypted at rest: it starts, works and reloads with them, each passphrase is its role's alone and
# only until the keys are open; a wrong one is refused, naming the file, at a start, at a reload and by safehandd -n, and
# the key that serves goes on serving.
import hashlib
import ssl

from gateway import *
from memory import found, shapes

FRONT, NOTARY = "correct horse battery", "staple and stapler"
KEYS = {
    "front.key": ("front", "certs/gateway-tls/localhost.key", FRONT), "log-key": ("notary", "log/localhost_log.key", NOTARY),
    "tsa-key": ("notary", "certs/tsa/gw.key", NOTARY), "notice-key": ("notary", "certs/gateway-sign/gw.key", NOTARY),
}  # fmt: skip
CONF = "front key-passphrase = front.word\nnotary key-passphrase = notary.word\n"


def secret(name, text):
    with open(os.open(f"{gw.dir}/{name}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as f:
        f.write(text + "\n")


def seal(path, word, source=None):
    """The key under a passphrase, as its administrator does it."""
    old, new = f"{gw.dir}/pki/{source or path}", f"{gw.dir}/sealed"
    subprocess.run(["openssl", "pkcs8", "-topk8", "-scrypt", "-in", old, "-out", new, "-passout", "pass:" + word], check=True)
    os.replace(new, f"{gw.dir}/pki/{path}")


def reload():
    p = subprocess.run([BUILD + "/bin/safehandctl", "-s", gw.dir + "/control", "reload"], capture_output=True, text=True)
    return p.returncode, p.stdout + p.stderr


def served():
    """The digest of the certificate that the gateway shows now."""
    w = Wire(gw)
    try:
        return hashlib.sha256(w.sock.getpeercert(True)).hexdigest()
    finally:
        w.close()


def on_disk(path):
    first = read(f"{gw.dir}/pki/{path}", "r").partition("-----END")[0]
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(first + "-----END CERTIFICATE-----\n")).hexdigest()


gw = Gateway(CONF)
plain = {k: read(f"{gw.dir}/pki/{path}") for k, (_, path, _) in KEYS.items()}
for _, path, word in KEYS.values():
    seal(path, word)
secret("front.word", FRONT)
secret("notary.word", NOTARY)
gw.start()
uhcw, csc = Member(gw, "uhcw"), Member(gw, "csc")


def works(what):
    return takes_a_bundle(what, gw, uhcw)


works("started with encrypted keys")

# --- who holds what ---
wanted = {k: shapes(pem) for k, pem in plain.items()}
words = {"front": {"word": FRONT.encode()}, "notary": {"word": NOTARY.encode()}}


def judge(when):
    pids = {name.removeprefix("safehand-")[:6]: pid for name, pid in gw.children().items()} | {"master": gw.process.pid}
    ok(f"{when}: all processes are there", {"front", "notary", "store", "verify", "courie", "master"} <= set(pids), pids)
    for name, pid in sorted(pids.items()):
        here = found(pid, wanted)
        own = {k for k, (role, _, _) in KEYS.items() if role == name}
        ok(f"{when}: {name} holds {'its own keys' if own else 'no key'} and no other's", {k for k, _ in here} == own, here)
        ok(f"{when}: {name} keeps no key as text", not any(form == "text" for _, form in here), here)
        ok(f"{when}: {name} keeps no passphrase", not found(pid, words), found(pid, words))


can_read = os.geteuid() == 0 and not BUILD.endswith("-san")
if can_read:
    judge("at work")
else:
    print("# skipped: the memory of other processes: we are not root, or it is the sanitizers' terabytes", flush=True)

# --- a new key under way ---
subprocess.run([TOP + "/pki/renew", "--dir", gw.dir + "/pki", "gateway-tls", "localhost", "--dns", "localhost", "--ip", "127.0.0.1",
                "--passphrase-file", gw.dir + "/front.word"], check=True, capture_output=True)  # fmt: skip
seal("certs/gateway-sign/gw.key", NOTARY, "certs/gateway-sign/gw-2.key")
os.replace(gw.dir + "/pki/certs/gateway-sign/gw-2.pem", gw.dir + "/pki/certs/gateway-sign/gw.pem")
first = served()
status, told = reload()
ok("a reload opens the new keys, inside the jails", status == 0, told)
ok("the new certificate is shown", served() == on_disk("certs/gateway-tls/localhost.pem") != first)
works("with the new keys")
if can_read:
    plain["front.key"] = subprocess.run(["openssl", "pkey", "-in", gw.dir + "/pki/certs/gateway-tls/localhost.key", "-passin", "pass:" + FRONT], capture_output=True, check=True).stdout
    wanted = {k: shapes(pem) for k, pem in plain.items() if k != "notice-key"}
    del KEYS["notice-key"]
    judge("after a reload")

# --- refusals ---
serves = served()
for name, word, path in (("front", FRONT, "certs/gateway-tls/localhost.key"), ("notary", NOTARY, "certs/gateway-sign/gw.key")):
    secret(name + ".word", "not it")
    status, told = reload()
    ok(f"a wrong passphrase of {name} is refused at a reload, naming the file", status != 0 and f"{gw.dir}/pki/{path}: the passphrase does not open it" in told, told)
    p = subprocess.run([BUILD + "/bin/safehandd", "-n", "-f", gw.dir + "/safehand.conf"], capture_output=True, text=True)
    ok(f"and by safehandd -n, with {name} named", p.returncode == 2 and f"{name}: {gw.dir}/pki/" in p.stderr and "the passphrase does not open it" in p.stderr, p.stderr)
    ok("no passphrase is told", FRONT not in p.stderr + told and NOTARY not in p.stderr + told and "not it" not in p.stderr + told)
    ok("the key that served goes on", served() == serves)
    works("after the refusal")
    secret(name + ".word", word)
status, told = reload()
ok("with the right ones again it is taken", status == 0, told)
ok("an orderly stop ends with 0", gw.stop() == 0, gw.text())
for name, word in (("front", FRONT), ("notary", NOTARY)):
    secret(name + ".word", "not it")
    try:
        gw.start()
        ok(f"a start with a wrong passphrase of {name} is refused", False)
    except RuntimeError:
        said = gw.text()
        ok(f"a start with a wrong passphrase of {name} is refused, naming the file", f"{gw.dir}/pki/" in said and "the passphrase does not open it" in said, said)
    ok("and nothing serves", gw.process.wait(DEADLINE) == 1)
    secret(name + ".word", word)
every = read(gw.dir + "/log")
for folder, _, names in os.walk(gw.dir + "/data"):
    for n in names:
        every += read(os.path.join(folder, n))
ok("no passphrase and no key in the log and the data folder", not any(d in every for f in (*wanted.values(), *words.values()) for d in f.values()))
gw.remove()
finish()
