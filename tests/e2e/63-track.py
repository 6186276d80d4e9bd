# safehand track against the real daemon: the timeline, its evidence on disk, the log's past; a log that forks, shrinks or
# signs two roots is refused until a person has seen to it.
import stat

from cryptography.hazmat.primitives.serialization import load_pem_private_key
from gateway import *

gw = Gateway().start()
uhcw, csc, schools = (Member(gw, a) for a in ("uhcw", "csc", "schools"))


class Client:
    """safehand of one agency, with a state folder of its own."""

    def __init__(self, agency):
        self.state, self.conf = f"{gw.dir}/state-{agency}", f"{gw.dir}/client-{agency}.conf"
        pki = gw.dir + "/pki"
        with open(self.conf, "w") as f:
            f.write(f"[gateway]\nurl = https://localhost:{gw.port}\nroot = {pki}/trust/root.pem\nissuing = {pki}/trust/issuing.pem\n")
            f.write("retries = 0\n")
            f.write(f"[agency]\nname = {agency}\nstate = {self.state}\n")
            f.write(f"tls-certificate = {pki}/certs/agency-tls/{agency}.pem\ntls-key = {pki}/certs/agency-tls/{agency}.key\n")

    def run(self, *words):
        return subprocess.run([BUILD + "/bin/safehand", "--config", self.conf, *words], capture_output=True, text=True, timeout=DEADLINE)

    def log(self, name):
        return f"{self.state}/log/{name}"


def note(size, root, key="log/localhost_log"):
    """A checkpoint that the log's own key signed, of whatever we like."""
    text = f"localhost/log\n{size}\n{base64.b64encode(root).decode()}\n"
    signer = load_pem_private_key(read(f"{gw.dir}/pki/{key}.key"), None)
    signed = base64.b64encode(gw.key.id + signer.sign(text.encode())).decode()
    return (text + f"\n\u2014 localhost/log {signed}\n").encode()


def head(member=uhcw):
    raw = member.call("GET", "/v1/log/checkpoint").body
    return raw, c2sp.open_checkpoint(raw, gw.key)[1]


d = uhcw.draft("uhcw/emergency", ["csc/mash", "schools/st-j.dsl"], "discharge-letter", documents=[TOP + "/tests/data/make.py"])
ok("a bundle is accepted", uhcw.put(d).status == 201)
M, C = manifest_digest(d), hashlib.sha256(d.plain).hexdigest()
for step in (
    csc.statement("collected", "csc/mash", d.id, M),
    csc.statement("opened", "csc/mash", d.id, M, C),
    csc.statement("read", "csc/mash", d.id, M, C, "csc/a.khan"),
    csc.statement("answered", "csc/mash", d.id, M, C, "csc/a.khan"),
):
    ok("a statement is taken", csc.tell("csc/mash", d.id, step).status == 201)

sender, recipient, stranger = Client("uhcw"), Client("csc"), Client("wmp")
got = sender.run("track", d.id, "--save", gw.dir + "/evidence")
ok("the sender tracks it: 0", got.returncode == 0, got)
lines = got.stdout.splitlines()
ok("it is named, with its class and sender", lines and lines[0] == f"bundle {d.id}, discharge-letter from uhcw/emergency, signed by agency/uhcw", got.stdout)
ok("each mailbox stands with its state", "csc/mash: answered" in lines and "schools/st-j.dsl: waiting" in lines, got.stdout)
words = "accepted delivered collected opened read answered delivered".split()
ok("each step in its order, with its verdict", [next(w for w in line.split() if w in words) for line in lines if line.endswith("[OK]")] == words and got.stdout.count("[OK]") == 7, got.stdout)
ok("the reader is named", any(" read by person/csc/a.khan " in line for line in lines), got.stdout)
saved = sorted(os.listdir(gw.dir + "/evidence"))
ok("all evidence is saved", len(saved) == 7 and all(n.startswith(d.id) for n in saved), saved)
ok("the independent verifier says OK to each", all(gw.judge(read(f"{gw.dir}/evidence/{n}"))[0] == "OK" for n in saved))
ok("and so does verify, by the configuration alone", sender.run("verify", *(f"{gw.dir}/evidence/{n}" for n in saved)).returncode == 0)

got = recipient.run("track", d.id, "--json")
ok("a recipient sees what concerns it", got.returncode == 0, got)
events = [(p["event"], p["mailbox"], p["verdict"]) for p in json.loads(got.stdout or '{"evidence": []}')["evidence"]]
ok("and nothing of others", ("Read", "csc/mash", "OK") in events and all(m in (None, "csc/mash") for _, m, _ in events), got.stdout)
ok("a stranger is told that there is none: 4", stranger.run("track", d.id).returncode == 4)
ok("no bundle's id: 2", sender.run("track", "no-id").returncode == 2)

# the log's past
ok("what was seen of the log is kept, for its owner alone", read(sender.log("checkpoint")) == head()[0]
   and stat.S_IMODE(os.stat(sender.log("checkpoint")).st_mode) == 0o600)  # fmt: skip
uhcw.put(uhcw.draft("uhcw/emergency", ["csc/mash"]))
ok("the log grew, and is followed", sender.run("track", d.id).returncode == 0 and read(sender.log("checkpoint")) == head()[0])

true, size = head()
forged = {
    "a log that was longer": note(size + 100, b"\x01" * 32),
    "two roots of one size": note(size, b"\x02" * 32),
    "a fork": note(size - 2, b"\x03" * 32),
}
for what, seen in forged.items():
    with open(sender.log("checkpoint"), "wb") as f:
        f.write(seen)
    got = sender.run("track", d.id)
    ok(f"{what}: 9", got.returncode == 9 and "CONTRADICTION" in got.stderr and got.stdout == "", got)
    ok(f"{what}: both checkpoints are kept", read(sender.log("contradiction.old")) == seen and read(sender.log("contradiction.new")) == true)
    got = sender.run("roster")
    ok(f"{what}: no command goes on", got.returncode == 9 and got.stdout == "", got)
    ok(f"{what}: refused again, though the log is true again", sender.run("track", d.id).returncode == 9)
    os.remove(sender.log("CONTRADICTION"))
    os.remove(sender.log("checkpoint"))
    ok(f"{what}: goes on when a person has seen to it", sender.run("track", d.id).returncode == 0)
with open(sender.log("checkpoint"), "wb") as f:
    f.write(note(size, b"\x02" * 32, "foreign/log/localhost_log"))
got = sender.run("track", d.id)
ok("a remembered checkpoint that the log never signed: 9, and no mark", got.returncode == 9 and not os.path.exists(sender.log("CONTRADICTION")), got)
os.remove(sender.log("checkpoint"))

gw.stop()
got = sender.run("track", d.id)
ok("a gateway that is away: 7", got.returncode == 7, got)
gw.remove()
finish()
