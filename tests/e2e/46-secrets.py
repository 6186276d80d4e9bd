# The gateway's keys: in the memory of their one role, and nowhere else: not with another role or master, not in logs,
# arguments, environment, the data folder or a core; what holds them is kept out of swap. Reads memory: needs root.
import re

from gateway import *
from memory import found, shapes

KEYS = {"front.key": ("front", "certs/gateway-tls/localhost.key"), "log-key": ("notary", "log/localhost_log.key"), "tsa-key": ("notary", "certs/tsa/gw.key")}


if os.geteuid() != 0:
    print("# skipped: other processes' memory is read by root only: we are not root", flush=True)
    sys.exit(0)

if BUILD.endswith("-san"):
    print("# skipped: the sanitizers' memory is terabytes, most of it of no file and no key", flush=True)
    sys.exit(0)

gw = Gateway().start()
wanted = {k: shapes(read(f"{gw.dir}/pki/{path}")) for k, (_, path) in KEYS.items()}
uhcw, csc = Member(gw, "uhcw"), Member(gw, "csc")
d = uhcw.draft("uhcw/emergency", ["csc/mash"], "discharge-letter")
ok("the gateway works: keys are in use", uhcw.put(d).status == 201)


def judge(when):
    """Every process of the gateway, by its name."""
    pids = {name.removeprefix("safehand-")[:6]: pid for name, pid in gw.children().items()} | {"master": gw.process.pid}
    ok(f"{when}: all processes are there", {"front", "notary", "store", "verify", "courie", "master"} <= set(pids), pids)
    for name, pid in sorted(pids.items()):
        here = found(pid, wanted)
        own = {k for k, (role, _) in KEYS.items() if role == name}
        ok(f"{when}: {name} holds {'its own keys' if own else 'no key'} and no other's", {k for k, _ in here} == own, here)
        ok(f"{when}: {name} keeps no key as text", not any(form == "text" for _, form in here), here)
        told = read(f"/proc/{pid}/cmdline") + read(f"/proc/{pid}/environ")
        ok(f"{when}: {name}: none in arguments and environment", not any(data in told for forms in wanted.values() for data in forms.values()))


judge("at work")
ok("reload", subprocess.run([BUILD + "/bin/safehandctl", "-s", gw.dir + "/control", "reload"], capture_output=True).returncode == 0)
judge("after a reload")

sanitized = "built with sanitizers" in gw.text()
for name in ("front", "notary"):
    pid = next(p for n, p in gw.children().items() if n == "safehand-" + name)
    locked = int(re.search(r"VmLck:\s+(\d+)", read(f"/proc/{pid}/status", "r")).group(1))
    ok(f"{name}: memory is kept out of swap", locked > 0 or sanitized, locked)
    limits = read(f"/proc/{pid}/limits", "r")
    ok(f"{name}: no core", re.search(r"Max core file size\s+0\s+0", limits), limits)
ok("an orderly stop ends with 0", gw.stop() == 0, gw.text())
every = gw.text().encode()
for folder, _, names in os.walk(gw.dir + "/data"):
    for n in names:
        every += read(os.path.join(folder, n))
ok("none in the log and the data folder", not any(data in every for forms in wanted.values() for data in forms.values()))
gw.remove()
finish()
