# The gateway's keys: in the memory of their one role, and nowhere else: not with another role or master, not in logs,
# arguments, environment, the data folder or a core; what holds them is kept out of swap. Reads memory: needs root.
import base64
import re

from cryptography.hazmat.primitives import serialization

from gateway import *

KEYS = {"front.key": ("front", "certs/gateway-tls/localhost.key"), "log-key": ("notary", "log/localhost_log.key"), "tsa-key": ("notary", "certs/tsa/gw.key")}


def shapes(path):
    """The private number as it can lie in memory: big-endian, in OpenSSL's words, in DER and in PEM's text."""
    pem = read(path)
    key = serialization.load_pem_private_key(pem, None)
    if hasattr(key, "private_numbers"):
        number = key.private_numbers().private_value.to_bytes(32, "big")
    else:
        number = key.private_bytes(serialization.Encoding.Raw, serialization.PrivateFormat.Raw, serialization.NoEncryption())
    text = re.sub(rb"-----[^-]+-----|\s", b"", pem)
    assert number in base64.b64decode(text)
    at = base64.b64decode(text).index(number)  # the part of the text that is the number, whole groups of it
    inner = text[(at + 2) // 3 * 4 : (at + 32) // 3 * 4]
    return {"bytes": number, "words": number[::-1], "text": inner[:36]}


def memory(pid):
    """Every readable byte of a process, mapping by mapping."""
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem:
        for line in maps:
            start, end = (int(x, 16) for x in line.split()[0].split("-"))
            if "r" not in line.split()[1] or "[v" in line:
                continue
            try:
                mem.seek(start)
                yield mem.read(end - start)
            except OSError:
                continue


def found(pid, wanted):
    """Which shapes of which keys lie in this process's memory."""
    here = set()
    for block in memory(pid):
        for key, forms in wanted.items():
            here |= {(key, form) for form, data in forms.items() if data in block}
    return here


if os.geteuid() != 0:
    print("# skipped: other processes' memory is read by root only: we are not root", flush=True)
    sys.exit(0)

if BUILD.endswith("-san"):
    print("# skipped: the sanitizers' memory is terabytes, most of it of no file and no key", flush=True)
    sys.exit(0)

gw = Gateway().start()
wanted = {k: shapes(f"{gw.dir}/pki/{path}") for k, (_, path) in KEYS.items()}
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
