# The courier of a gateway that was started as root, in its whole jail (another root's rules by Landlock, no privileges, a
# filter of system calls that kills): it tells contacts by mail through a server that wants TLS and a login, and by webhook. The
# server offers a login by ticket (GSSAPI) as well, as those of a company's domain do: libcurl would take it for a user with a domain, and
# the ticket's library asks for the kernel's key ring, at which the filter ends the process.
from gateway import *

COMM = "safehand-courier"[:15]  # as the kernel keeps it
KEY = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
CLASS = """
[class "urgent"]
from = uhcw/*
to = */*
collect = within 2 seconds
ladder = remind at 50%
"""
if os.geteuid() != 0:
    print("# not as root: the courier works without its whole jail", flush=True)

gw = Gateway("courier give-up = 20s\ncourier timeout = 5s\ncourier webhook-root = pki/trust/root.pem\nmail from = safehand@gw.example")
record = gw.dir + "/record"
open(record, "w").close()
listeners = subprocess.Popen(
    [sys.executable, "-B", f"{TOP}/tests/interop/listeners.py", gw.dir + "/pki", record], stdin=subprocess.PIPE, stdout=subprocess.PIPE
)
ports = json.loads(listeners.stdout.readline())


def secret(name, text):
    with open(f"{gw.dir}/{name}", "w", opener=lambda p, f: os.open(p, f, 0o600)) as f:
        f.write(text + "\n")


def configure(server, user):
    """A gateway's configuration with this mail server."""
    gw.write_conf("courier give-up = 20s\ncourier timeout = 5s\ncourier webhook-root = pki/trust/root.pem\nmail from = safehand@gw.example")
    conf = read(gw.dir + "/safehand.conf", "r")
    conf = conf.replace("[mail]\n", f"[mail]\nserver = {server}\nroot = pki/trust/root.pem\nuser = {user}\npassword = mail.password\n")
    conf += f'[mailbox "csc/*"]\nmail = mash@coventry.example\n[mailbox "schools/*"]\n'
    conf += f'webhook = https://127.0.0.1:{ports["https"]}/told\nwebhook-key = hook.key\n'
    with open(gw.dir + "/safehand.conf", "w") as f:
        f.write(conf)


def came(kind):
    return [r for r in map(json.loads, read(record, "r").splitlines()) if r["kind"] == kind]


def jail():
    """(the courier as the kernel has it, as it tells of itself)"""
    pid = gw.children()[COMM]
    kernel = {line.split(":")[0]: line.split(":")[1].split() for line in read(f"/proc/{pid}/status", "r").splitlines()}
    roles = json.loads(subprocess.run([BUILD + "/bin/safehandctl", "-s", gw.dir + "/control", "--json", "status"], capture_output=True, text=True).stdout)["roles"]
    return pid, kernel, next(r["confinement"] for r in roles if r["role"] == "courier")


def tell(server, user, what):
    configure(server, user)
    gw.start()
    mails, hooks = len(came("mail")), len(came("hook"))
    pid, kernel, told = jail()
    if os.geteuid() == 0:
        sanitized = "built with sanitizers" in told["skipped"]
        ok(f"{what}: the courier is confined: filter, no privileges, not root", (kernel["Seccomp"] == ["2"] or sanitized)
           and kernel["NoNewPrivs"] == ["1"] and kernel["CapEff"] == ["0" * 16] and kernel["Uid"] == ["65534"] * 4, kernel)  # fmt: skip
        ok(f"{what}: and by Landlock", told["landlock"] > 0 or "Landlock" in told["skipped"] or sanitized, told)
    d = Member(gw, "uhcw").draft("uhcw/emergency", ["csc/mash", "schools/st-j.dsl"], "urgent")
    ok(f"{what}: a bundle is accepted", Member(gw, "uhcw").put(d).status == 201)
    try:
        wait("the mail", lambda: len(came("mail")) > mails)
        wait("the webhook", lambda: len(came("hook")) > hooks)
    except TimeoutError as e:
        ok(f"{what}: told", False, (e, [line for line in gw.text().splitlines() if "died" in line or "signal" in line], gw.text()[-1500:]))
        return
    mail, hook = came("mail")[-1], came("hook")[-1]
    ok(f"{what}: the mail came, over TLS, logged in", mail["tls"] and mail["login"] == user and mail["to"] == ["mash@coventry.example"] and d.id in mail["body"], mail)
    ok(f"{what}: the webhook came, over TLS, signed", hook["tls"] and hook["signed"] and hook["body"]["bundle"] == d.id, hook)
    rows = lambda: [r for r in Member(gw, "uhcw").call("GET", f"/v1/bundles/{d.id}/evidence").json()["evidence"] if r["event"] == "NotificationSent"]
    sent = wait("both are evidence", lambda: len(rows()) == 2 and rows())
    ok(f"{what}: both are evidence, which holds", {r["mailbox"] for r in sent} == {"csc/mash", "schools/st-j.dsl"}
       and all(gw.judge(Member(gw, "uhcw").call("GET", f"/v1/bundles/{d.id}/evidence/{r['seq']}").body)[0] == "OK" for r in sent), sent)  # fmt: skip
    ok(f"{what}: it is the courier that began", gw.children()[COMM] == pid and not gw.said("role-died"), gw.text()[-2000:])
    ok(f"{what}: the daemon stops in order", gw.stop() == 0, gw.text()[-2000:])


secret("mail.password", "secret word")
secret("hook.key", KEY)
with open(gw.dir + "/classes.conf", "a") as f:
    f.write(CLASS)
try:
    tell(f"smtp://localhost:{ports['login']}", "gateway", "a login")
    tell(f"smtp://127.0.0.1:{ports['domain']}", "gateway@mail.test", "a login of a domain")
    ok("nobody asked for a ticket", came("gssapi") == [], came("gssapi"))
finally:
    listeners.stdin.close()
    listeners.wait(DEADLINE)
    gw.remove()
finish()
