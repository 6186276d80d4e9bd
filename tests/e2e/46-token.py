# The timestamp key and the notices' key in a PKCS#11 token (SoftHSM2), which a process of its own serves (p11-kit server):
# the notary signs by it from its jail, the keys never are in the gateway's memory, a wrong PIN is refused, and a token that
# goes away ends the gateway before anything unstamped is acknowledged.
import pwd

from gateway import *
from memory import found, shapes

CLIENT = subprocess.run(["dpkg", "-L", "p11-kit-modules"], capture_output=True, text=True, check=True).stdout
CLIENT = next(line for line in CLIENT.splitlines() if line.endswith("/p11-kit-client.so"))
TOKEN_USER = "nobody" if os.geteuid() == 0 else None  # another than the gateway's
KEYS = {"tsa-key": "certs/tsa/gw.key", "notice-key": "certs/gateway-sign/gw.key", "next-key": "certs/gateway-sign/gw-2.key"}
PIN = "73911957"


def uri(label, pin=PIN, module=CLIENT):
    return f"pkcs11:token=safehand;object={label};type=private?module-path={module}&pin-value={pin}\n"


def put(path, text):
    with open(os.open(f"{gw.dir}/pki/{path}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as f:
        f.write(text)


class Token:
    def __init__(self, gw):
        self.dir = gw.dir + "/token"
        self.socket = self.dir + "/socket"
        self.process = None
        os.makedirs(self.dir + "/objects", 0o711)
        with open(self.dir + "/softhsm2.conf", "w") as f:
            f.write(f"directories.tokendir = {self.dir}/objects\nlog.level = ERROR\n")
        if TOKEN_USER:
            for path in (self.dir, self.dir + "/objects"):
                shutil.chown(path, TOKEN_USER)
        self.util("--init-token", "--free", "--label", "safehand", "--so-pin", "1234", "--pin", PIN)

    def run(self, *command, **how):
        env = dict(os.environ, SOFTHSM2_CONF=self.dir + "/softhsm2.conf", HOME="/nonexistent")
        return subprocess.Popen(command, env=env, user=TOKEN_USER, group=pwd.getpwnam(TOKEN_USER).pw_gid if TOKEN_USER else None, **how)

    def util(self, *arguments):
        if self.run("softhsm2-util", *arguments, stdout=subprocess.DEVNULL).wait(DEADLINE) != 0:
            raise RuntimeError("softhsm2-util")

    def take(self, label, pem):
        """The key goes into the token; outside it is gone."""
        path = self.dir + "/import"
        with open(path, "wb") as f:
            f.write(pem)
        if TOKEN_USER:
            shutil.chown(path, TOKEN_USER)
        self.util("--import", path, "--label", label, "--id", label.encode().hex(), "--token", "safehand", "--pin", PIN)
        os.remove(path)

    def serve(self):
        allow = ["--user", "root"] if TOKEN_USER else []  # who may connect: the notary, ahead of its jail
        self.process = self.run("p11-kit", "server", "--foreground", *allow, "--name", self.socket, "--provider", "/usr/lib/softhsm/libsofthsm2.so",
                                "pkcs11:token=safehand", stdout=subprocess.DEVNULL)  # fmt: skip
        wait("the token is served", lambda: os.path.exists(self.socket))
        if TOKEN_USER:
            shutil.chown(self.socket, "root")

    def servants(self):
        out = subprocess.run(["ps", "-o", "pid=", "--ppid", str(self.process.pid)], capture_output=True, text=True).stdout
        return [int(line) for line in out.split()]

    def end(self):
        """With all that it has running for those who are connected."""
        pids = [*self.servants(), self.process.pid]
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        self.process.wait(DEADLINE)
        if os.path.exists(self.socket):
            os.remove(self.socket)


def check(*ahead):
    p = subprocess.run([*ahead, BUILD + "/bin/safehandd", "-n", "-f", gw.dir + "/safehand.conf"], capture_output=True, text=True)
    return p.returncode, p.stdout + p.stderr


def reload():
    p = subprocess.run([BUILD + "/bin/safehandctl", "-s", gw.dir + "/control", "reload"], capture_output=True, text=True)
    return p.returncode, p.stdout + p.stderr


gw = Gateway("notary token = token/socket\n")
plain = {k: read(f"{gw.dir}/pki/{path}") for k, path in KEYS.items()}
token = Token(gw)
for label, pem in plain.items():
    token.take(label, pem)
put(KEYS["tsa-key"], uri("tsa-key"))
put(KEYS["notice-key"], uri("notice-key"))
status, told = check()
ok("without its server there is no token", status == 2 and f"token: {token.socket}: No such file" in told, told)
with open(token.socket, "w"):
    status, told = check()
os.remove(token.socket)
ok("a file is no socket", status == 2 and f"token: {token.socket}: no socket" in told, told)
token.serve()
status, told = check()
ok("keys in a token are taken", status == 0, told)
if TOKEN_USER:
    unit = read(TOP + "/conf/systemd/safehandd.service", "r").split("CapabilityBoundingSet=")[1].splitlines()[0].split()
    few = "-all," + ",".join("+" + word.removeprefix("CAP_").lower() for word in unit)
    status, told = check("setpriv", "--bounding-set", few, "--inh-caps", "-all")
    ok("with the capabilities of the shipped unit, too", status == 0, told)
    shutil.chown(token.socket, TOKEN_USER)
    status, told = check("setpriv", "--bounding-set", few, "--inh-caps", "-all")
    ok("with which the socket must be root's own", status == 2 and "the token gives no such key" in told, told)
    shutil.chown(token.socket, "root")
put(KEYS["tsa-key"], uri("tsa-key", pin="00000000"))
status, told = check()
ok("a wrong PIN is refused, naming the file", status == 2 and "certs/tsa/gw.key: pkcs11: the token gives no such key" in told, told)
ok("and no PIN is told", "00000000" not in told and PIN not in told, told)
put(KEYS["tsa-key"], uri("none"))
status, told = check()
ok("a key that is not in it", status == 2 and "the token gives no such key" in told, told)
put(KEYS["tsa-key"], uri("notice-key"))
status, told = check()
ok("another certificate's key", status == 2 and "key and certificate do not fit" in told, told)
put(KEYS["tsa-key"], uri("tsa-key"))

gw.start()
uhcw, csc = Member(gw, "uhcw"), Member(gw, "csc")


def works(what):
    return takes_a_bundle(what, gw, uhcw)


first = works("with the token")
for _ in range(20):
    uhcw.put(uhcw.draft("uhcw/emergency", ["csc/mash"], "discharge-letter"))
works("after many")

# --- where the keys are ---
if os.geteuid() == 0 and not BUILD.endswith("-san"):
    wanted = {k: shapes(pem) for k, pem in plain.items()}
    pids = {name: pid for name, pid in gw.children().items()} | {"master": gw.process.pid}
    for name, pid in sorted(pids.items()):
        ok(f"{name} holds no key of the token", not found(pid, wanted), found(pid, wanted))
        pin = {k for k, _ in found(pid, {"pin": {"text": f"pin-value={PIN}".encode()}})}
        ok(f"{name} keeps no URI with the PIN", not pin, pin)
    log = {"log-key": shapes(read(gw.dir + "/pki/log/localhost_log.key"))}
    ok("its own key, which is in no token, would be found", found(pids["safehand-notary"], log))
    roles = control(gw, "status")["roles"]
    notary = next(r for r in roles if r["role"] == "notary")["confinement"]
    ok("the notary's jail is whole", notary["chroot"] == "yes" and notary["seccomp"] == "2" and not any(w in notary["skipped"] for w in ("root", "landlock", "filter")), notary)
else:
    print("# skipped: where the keys lie, and the jail as root: we are not root, or it is the sanitizers' memory", flush=True)

# --- a reload, from inside the jail ---
put(KEYS["notice-key"], uri("next-key"))
os.replace(gw.dir + "/pki/certs/gateway-sign/gw-2.pem", gw.dir + "/pki/certs/gateway-sign/gw.pem")
status, told = reload()
ok("a reload takes another key of the token", status == 0, told)
put(KEYS["notice-key"], uri("none"))
status, told = reload()
ok("one that is not there is refused, naming the file", status != 0 and "certs/gateway-sign/gw.key: pkcs11: the token gives no such key" in told, told)
works("after the refusal")
put(KEYS["notice-key"], uri("next-key"))

# --- the token goes away ---
for pid in token.servants():
    os.kill(pid, signal.SIGKILL)
wait("its servants are gone", lambda: not token.servants())
lost = uhcw.draft("uhcw/emergency", ["csc/mash"], "discharge-letter")
try:
    answer = uhcw.put(lost)
except (ConnectionError, OSError) as e:
    answer = Answer(0, {}, repr(e).encode())
ok("without the token nothing is acknowledged", answer.status not in (200, 201), answer)
ok("and the gateway ends, for its service manager to start it again", gw.process.wait(DEADLINE) == 1)
ok("saying why", gw.said("role=notary") and gw.said("msg=sign "), gw.text())
token.end()
try:
    gw.start()
    ok("it does not start without the token", False)
except RuntimeError:
    ok("it does not start without the token", gw.said(f"token: {token.socket}: No such file"), gw.text())
gw.process.wait(DEADLINE)
token.serve()
gw.start()
ok("when the token is back it serves", uhcw.put(first).status == 200)
works("as before")
ok("what was not acknowledged can be sent again", uhcw.put(lost).status in (200, 201))
ok("an orderly stop ends with 0", gw.stop() == 0, gw.text())

# --- one that comes under way ---
put(KEYS["tsa-key"], plain["tsa-key"].decode())
put(KEYS["notice-key"], plain["next-key"].decode())
gw.start()
works("without a token")
put(KEYS["notice-key"], uri("next-key"))
status, told = reload()
ok("a token that comes with a reload is refused: no jail is opened for it", status != 0 and "a token is reached for at a start only: restart" in told, told)
works("the gateway goes on")
ok("an orderly stop", gw.stop() == 0, gw.text())
ok("no PIN in the log", PIN.encode() not in read(gw.dir + "/log"))
token.end()
gw.remove()
finish()
