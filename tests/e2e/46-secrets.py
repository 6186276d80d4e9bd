# The gateway's keys: in the memory of their one role, once, locked and in no core, also after a reload; and nowhere else:
# not with another role or master, not in logs, arguments, environment, the data folder or a core. Reads memory: needs root.
import re

from gateway import *
from memory import found, places, shapes

KEYS = {
    "front.key": ("front", "certs/gateway-tls/localhost.key"), "log-key": ("notary", "log/localhost_log.key"), "tsa-key": ("notary", "certs/tsa/gw.key"), "notice-key": ("notary", "certs/gateway-sign/gw.key"),
}  # fmt: skip


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


def judge_places(when, held):
    """Each key lies once: in the heap of keys."""
    for name in ("front", "notary"):
        here = places(next(p for n, p in gw.children().items() if n == "safehand-" + name), held)
        own = {k for k, (role, _) in KEYS.items() if role == name and k in held}
        ok(f"{when}: {name} has each of its keys once", sorted(k for k, *_ in here) == sorted(own), here)
        ok(f"{when}: {name}: locked, and in no core", all({"lo", "dd"} <= set(flags) for *_, flags in here), here)


def reload():
    return subprocess.run([BUILD + "/bin/safehandctl", "-s", gw.dir + "/control", "reload"], capture_output=True).returncode == 0


def renew(profile, name, *more):
    """Another key under way; the one before it."""
    path = f"{gw.dir}/pki/certs/{profile}/{name}.key"
    before = shapes(read(path))
    subprocess.run([TOP + "/pki/renew", "--dir", gw.dir + "/pki", profile, name, *more], check=True, capture_output=True)
    return before, shapes(read(path))


judge("at work")
judge_places("at work", wanted)
ok("reload", reload())
judge("after a reload")
judge_places("after a reload", wanted)
front_old, wanted["front.key"] = renew("gateway-tls", "localhost", "--dns", "localhost", "--ip", "127.0.0.1")
notice_old, wanted["notice-key"] = renew("gateway-sign", "gw")
ok("a reload with other keys", reload())
judge("with other keys")
judge_places("with other keys", wanted)
old = {"front.key": front_old, "notice-key": notice_old}
for name, pid in gw.children().items():
    ok(f"{name} has nothing left of the keys before", not found(pid, old), found(pid, old))

for name in ("front", "notary"):
    pid = next(p for n, p in gw.children().items() if n == "safehand-" + name)
    limits = read(f"/proc/{pid}/limits", "r")
    ok(f"{name}: no core", re.search(r"Max core file size\s+0\s+0", limits), limits)
ok("an orderly stop ends with 0", gw.stop() == 0, gw.text())
every = gw.text().encode()
for folder, _, names in os.walk(gw.dir + "/data"):
    for n in names:
        every += read(os.path.join(folder, n))
ok("none in the log and the data folder", not any(data in every for forms in wanted.values() for data in forms.values()))
gw.remove()

# --- started by somebody who may lock little ---
gw = Gateway()
for folder, _, names in os.walk(gw.dir):
    for path in [folder, *(os.path.join(folder, n) for n in names)]:
        os.chown(path, 65534, 65534)
gw.start(user=65534, group=65534, extra_groups=[])
wanted = {k: shapes(read(f"{gw.dir}/pki/{path}")) for k, (_, path) in KEYS.items()}
Member(gw, "uhcw").call("GET", "/v1/roster")
judge_places("unprivileged", wanted)
ok("reload, unprivileged", reload())
judge_places("unprivileged, after a reload", wanted)
ok("an orderly stop", gw.stop() == 0, gw.text())
gw.remove()
finish()
