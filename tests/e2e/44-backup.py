# A copy is made of the data folder while members work; a gateway that starts on the copy has everything that was
# acknowledged before it began, and proves it; who remembers more is named; what is damaged is refused.
import threading

from gateway import *

gw = Gateway("store small = 64K").start()
uhcw, csc = Member(gw, "uhcw"), Member(gw, "csc")
big = gw.dir + "/scan.bin"
with open(big, "wb") as f:
    f.write(os.urandom(200_000))
DATA, COPY = gw.dir + "/data", gw.dir + "/copy"


def ctl(*words):
    done = subprocess.run([BUILD + "/bin/safehandctl", "--socket", gw.dir + "/control", *words], capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout + done.stderr


def send(large=False):
    d = uhcw.draft("uhcw/emergency", ["csc/mash"], documents=[big] if large else [])
    a = uhcw.put(d)
    return (d, a.json()) if a.status == 201 else None


def remembered(name):
    path = f"{gw.dir}/{name}.checkpoint"
    with open(path, "wb") as f:
        f.write(uhcw.call("GET", "/v1/log/checkpoint").body)
    return path


def refused(what, code, status, *words):
    rc, told = ctl(*words)
    ok(f"{what}: refused", rc == status and code in told, (rc, told))


before = [send(i % 2 == 1) for i in range(8)]
ok("eight are accepted", all(before))
d = before[0][0]
a = csc.tell("csc/mash", d.id, csc.statement("collected", "csc/mash", d.id, manifest_digest(d)))
ok("one is collected", a.status == 201, a)
ok("one is purged", ctl("-y", "purge", before[1][0].id)[0] == 0)
early = remembered("early")

# --- while one is made, nothing is erased, and there is no other ---
held = socket.socket(socket.AF_UNIX)
held.settimeout(DEADLINE)
held.connect(gw.dir + "/control")
held.sendall(b"backup\n")
answer = json.loads(held.recv(65536))
ok("the gateway holds still, and says at which checkpoint", answer["checkpoint"].encode() == read(early), answer)
refused("a second backup", "another backup", 7, "backup", DATA, gw.dir + "/second")
shutil.rmtree(gw.dir + "/second")
refused("an erasure meanwhile", "erased when the backup is made", 7, "-y", "purge", before[3][0].id)
stem = f"{DATA}/bundles/{before[3][0].id[-2:]}/{before[3][0].id}"
ok("its bytes are there still", os.path.exists(stem + ".slots"))
ok("bundles are accepted meanwhile", send() is not None)
held.close()
wait("it is erased when the backup is done", lambda: not os.path.exists(stem + ".slots"))
ok("it is erased when the backup is done", True)

# --- made under load ---
acked, stop = [], threading.Event()


def work(large):
    while not stop.is_set():
        got = send(large)
        if got:
            acked.append(got)


threads = [threading.Thread(target=work, args=(large,)) for large in (False, True)]
for t in threads:
    t.start()
wait("some are sent", lambda: len(acked) >= 6)
sure = list(acked)
rc, told = ctl("backup", DATA, COPY)
ok("a backup while members work", rc == 0 and "entries of the log" in told, told)
wait("some more are sent", lambda: len(acked) >= len(sure) + 6)
stop.set()
for t in threads:
    t.join()
late = remembered("late")
sums = subprocess.run(["sha256sum", "--quiet", "-c", "SHA256SUMS"], cwd=COPY, capture_output=True, text=True)
ok("sha256sum agrees with its list", sums.returncode == 0, sums.stdout + sums.stderr)
ok("the gateway goes on", control(gw, "fsck")["ok"])
refused("a backup into a folder that is there", "is there already", 6, "backup", DATA, COPY)
refused("a backup of what is no data folder", "no data folder", 2, "backup", gw.dir + "/pki", gw.dir + "/third")

# --- restored ---
gw.kill()
os.rename(DATA, gw.dir + "/lost")
bad = gw.dir + "/bad"


def spoiled(what, code, status, spoil):
    shutil.copytree(COPY, bad)
    spoil()
    refused(what, code, status, "restore", bad, DATA)
    ok(f"{what}: nothing is left", not os.path.exists(DATA) and not os.path.exists(DATA + ".restoring"))
    shutil.rmtree(bad)


def flip(name):
    with open(f"{bad}/{name}", "r+b") as f:
        f.seek(100)
        byte = f.read(1)
        f.seek(100)
        f.write(bytes([byte[0] ^ 1]))


def rewrite(change):
    with open(bad + "/SHA256SUMS", "r+") as f:
        text = change(f.read())
        f.seek(0)
        f.truncate()
        f.write(text)


spoiled("a damaged segment", "damaged", 1, lambda: flip("journal/00000001.seg"))
spoiled("a damaged ledger", "damaged", 1, lambda: flip("ledger.db"))
spoiled("a copy that is not whole", "not a whole backup", 10, lambda: os.remove(bad + "/SHA256SUMS"))
spoiled("a file that is missing", "00000001.seg", 10, lambda: os.remove(bad + "/journal/00000001.seg"))
spoiled("a list that is cut", "is cut", 1, lambda: rewrite(lambda t: t[:-10]))
spoiled("a name from elsewhere", "not a file of a backup", 1, lambda: rewrite(lambda t: t.replace("journal/00000001.seg", "../pki/00000001.seg")))
spoiled("a line that is none", "not a line", 1, lambda: rewrite(lambda t: "x\n" + t))
os.mkdir(DATA)
refused("a data folder that is there", "move it away", 6, "restore", COPY, DATA)
os.rmdir(DATA)
refused("what is no checkpoint", "README", 1, "restore", COPY, DATA, TOP + "/README.md")

rc, told = ctl("restore", COPY, DATA, early, late)
ok("a client that remembers more is named", rc == 9 and "late.checkpoint: remembers" in told and "will refuse to go on" in told, (rc, told))
ok("one that does not is told to be fine", "early.checkpoint" in told and "is not older" in told, told)
shutil.rmtree(DATA)
rc, told = ctl("restore", COPY, DATA, early)
ok("restored", rc == 0, (rc, told))
gw.start()
ok("the gateway has proved it before it serves", gw.said("msg=restored ") and not os.path.exists(DATA + "/restored"), gw.text())
ids = []
while True:
    page = csc.feed("csc/mash", ids[-1][0] if ids else 0).json()["items"]
    ids += [(i["seq"], i["bundle"], i["event"]) for i in page]
    if len(page) < 100:
        break
there = [b for _, b, e in ids if e == "ContentConsignment"]
ok("everything acknowledged before it began is there, once", all(there.count(d.id) == 1 for d, _ in before + sure), (len(there), len(sure)))
lives = [x for x in before + sure if x[0] not in (before[1][0], before[3][0])]
ok("with its bytes", all(csc.call("GET", f"/v1/mailboxes/csc/mash/bundles/{d.id}").body.endswith(d.text + d.signature + d.payload) for d, _ in lives))
ok("and the first answer", all(uhcw.put(d).json().get("entry") == e["entry"] for d, e in before + sure))
_, old, old_root = c2sp.open_checkpoint(read(early), gw.key)
_, size, root = c2sp.open_checkpoint(uhcw.call("GET", "/v1/log/checkpoint").body, gw.key)
text = uhcw.call("GET", f"/v1/log/consistency?old={old}").body.decode().partition("\n\n")[0].split("\n")[1:]
c2sp.check_consistency(old, size, old_root, root, [base64.b64decode(h) for h in text])
ok("the log is consistent with what was seen before", size > old)
ok("what was purged stays so", control(gw, "fsck")["ok"] and csc.call("GET", f"/v1/mailboxes/csc/mash/bundles/{before[1][0].id}").status == 404)
ok("bundles are accepted again", send() is not None)
ok("an orderly stop", gw.stop() == 0)

# --- a copy that is whole, of a ledger that is not ---
shutil.rmtree(DATA)
ok("restored once more", ctl("restore", COPY, DATA)[0] == 0)
subprocess.run(["sqlite3", DATA + "/ledger.db", "UPDATE bundle SET head_sha256 = zeroblob(32) WHERE n = 1"], check=True)
try:
    gw.start()
    ok("a gateway does not serve what it cannot prove", False)
except RuntimeError as e:
    ok("a gateway does not serve what it cannot prove", "another head than was accepted" in str(e), str(e)[-1500:])
gw.log.close()
gw.remove()
finish()
