# 41-watch.py - the client as a service: what is dropped is sent once and what arrives is put down once, across a
# gateway that is away and kill -9 at any moment; SIGTERM ends it in order.
import json
import os
import random
import shutil
import signal
import subprocess
import time

from client import DATA, Client
from gateway import Gateway, control, finish, ok, read, wait

LETTER = os.path.join(DATA, "discharge-summary.pdf")
ORDERS = 24  # dropped while the service is killed again and again
KILLS = 10

gw = Gateway()
gw.start()
services = []


class Service:
    def __init__(self, client, **folders):
        self.client = client
        self.words = [w for k, v in folders.items() for w in ("--" + k, v)]
        services.append(self)
        self.start()

    def start(self):
        self.log = open(self.client.dir + "/watch.log", "ab")
        self.process = subprocess.Popen(self.client.argv("watch", *self.words), stderr=self.log, cwd=self.client.dir)

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.log.close()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


def drop(box, name, **order):
    """The sidecar first: the service waits for its file."""
    body = {"class": "general", "from": "uhcw/emergency", "to": ["csc/mash"], "file": [name + ".pdf"]}
    body.update(order)
    with open(f"{box}/{name}.json", "w") as f:
        json.dump(body, f)
    shutil.copy(LETTER, f"{box}/{name}.tmp")
    os.rename(f"{box}/{name}.tmp", f"{box}/{name}.pdf")


def settled(box, where):
    folder = f"{box}/{where}"
    return sum(any(n.endswith(".json") and n != "error.json" for n in os.listdir(f"{folder}/{i}")) for i in os.listdir(folder)) if os.path.isdir(folder) else 0


def arrived(box):
    folder = box + "/csc_mash"
    return [n for n in os.listdir(folder) if n.endswith(".json")] if os.path.isdir(folder) else []


try:
    uhcw, csc = Client(gw, "uhcw", "crl-age = 1h"), Client(gw, "csc", "crl-age = 1h")
    out, box = uhcw.dir + "/out", csc.dir + "/in"
    os.mkdir(out)
    sender, receiver = Service(uhcw, outbox=out), Service(csc, inbox=box)

    # --- as it should be ---
    drop(out, "first")
    wait("the first is sent", lambda: settled(out, "sent") == 1)
    wait("it has arrived", lambda: len(arrived(box)) == 1)
    ok("what was dropped is sent, and what arrives is put down", True)
    note = json.loads(read(f"{box}/csc_mash/{arrived(box)[0]}"))
    ok("its documents lie beside", read(f"{box}/csc_mash/{note['id']}/first.pdf") == read(LETTER), note)
    ok("both receipts are named", note["collected"] and note["opened"], note)

    # --- refused, each with its reason ---
    drop(out, "nobody", to=["csc/nobody"])
    drop(out, "class", **{"class": "marac-notes"})
    drop(out, "path", file=["../../etc/passwd"])
    with open(out + "/broken.json", "w") as f:
        f.write("{")
    wait("four are refused", lambda: settled(out, "failed") == 4)
    codes = sorted(json.loads(read(f"{out}/failed/{i}/error.json"))["code"] for i in os.listdir(out + "/failed"))
    ok("each refusal is named", codes == ["denied", "denied", "format", "unknown"], codes)
    ok("one bad order stops no other", sender.process.poll() is None)

    # --- two at once, no ---
    second = subprocess.run(uhcw.argv("--json", "watch", "--outbox", out), capture_output=True, timeout=60, cwd=uhcw.dir)
    ok("a second service on the same state is refused", second.returncode == 7, second.stdout)

    # --- the gateway is away ---
    gw.stop()
    drop(out, "waits")
    time.sleep(0.5)  # the service looks while nobody is there
    ok("nothing is lost", settled(out, "sent") == 1 and settled(out, "failed") == 4)
    gw.start()
    wait("it is sent when the gateway is back", lambda: settled(out, "sent") == 2)
    wait("and arrives", lambda: len(arrived(box)) == 2)
    ok("the gateway came back", True)

    # --- a key that is not in its place is no fault of the bundle ---
    def tries():
        log = read(csc.dir + "/watch.log")
        return log.count(b"msg=waiting") + log.count(b"msg=left-behind")

    seal = gw.dir + "/pki/certs/agency-seal/csc_mash"
    for what, hide in (("certificate", seal + ".pem"), ("key", seal + ".key")):
        n, held = len(arrived(box)), tries()
        os.rename(hide, hide + ".away")
        drop(out, "without-" + what)
        wait("it has come, and waits", lambda: tries() > held + 1)
        ok(f"without its {what} nothing is refused", not any(n.endswith(".refused.json") for n in os.listdir(box + "/csc_mash")))
        os.rename(hide + ".away", hide)
        wait("it is opened", lambda: len(arrived(box)) == n + 1)
        ok(f"with its {what} again it is opened", True)

    # --- one whose bytes are damaged stops no other ---
    def flip(id):
        """A bit of its last byte, which is of its payload, in the journal."""
        segment = gw.dir + "/data/journal/00000001.seg"
        with open(segment, "r+b") as f:
            at = f.read().find(bytes.fromhex(id.replace("-", ""))) - 32
            f.seek(at + 8)
            last = at + 64 + int.from_bytes(f.read(8), "big") - 1
            f.seek(last)
            bit = f.read(1)[0] ^ 1
            f.seek(last)
            f.write(bytes([bit]))

    n, before = len(arrived(box)), set(os.listdir(out + "/sent"))
    receiver.stop()
    drop(out, "damaged")
    wait("it is sent", lambda: settled(out, "sent") == len(before) + 1)
    (bad,) = set(os.listdir(out + "/sent")) - before
    gw.stop()
    flip(bad)
    gw.start()
    drop(out, "sound")
    receiver.start()
    wait("the one behind it has arrived", lambda: len(arrived(box)) == n + 1)
    ok("one that cannot be given out stops no other", bad + ".json" not in arrived(box) and b"left-behind bundle=" + bad.encode() in read(csc.dir + "/watch.log"))
    ok("nor is it refused", not os.path.exists(f"{box}/csc_mash/{bad}.refused.json"))
    gw.stop()
    flip(bad)
    gw.start()
    control(gw, "release " + bad)
    wait("it comes when it is whole again", lambda: bad + ".json" in arrived(box))
    ok("and comes when it is whole again", read(f"{box}/csc_mash/{bad}/damaged.pdf") == read(LETTER))

    # --- killed at any moment ---
    random.seed(20261124)
    for n in range(ORDERS):
        drop(out, f"order{n}")
        if n < KILLS:
            time.sleep(random.random() * 0.12)
            for s in (sender, receiver):
                s.kill()
                s.start()
    wait("all are sent", lambda: settled(out, "sent") == 6 + ORDERS)
    wait("all have arrived", lambda: len(arrived(box)) == 6 + ORDERS)
    feed = csc.good("the gateway's list", "inbox", "--mailbox", "csc/mash")["items"]
    ok("each was sent exactly once", len(feed) == 6 + ORDERS, len(feed))
    ok("each is opened", {i["state"] for i in feed} == {"opened"}, feed)
    folder = box + "/csc_mash"
    names = sorted(n for i in feed for n in os.listdir(f"{folder}/{i['id']}") if n.endswith(".pdf"))
    wanted = sorted(["first.pdf", "waits.pdf", "without-certificate.pdf", "without-key.pdf", "damaged.pdf", "sound.pdf"] + [f"order{n}.pdf" for n in range(ORDERS)])
    ok("each document is there exactly once", names == wanted, names)
    left = [n for n in os.listdir(folder) if n.startswith(".") or n.endswith(".refused.json")]
    ok("nothing half-made is left", left == [], left)
    ok("nothing waits", uhcw.kept("spool") == [] and csc.kept("pending") == [] and os.listdir(out + "/.sending") == [])
    ok("no order was refused wrongly", settled(out, "failed") == 4)

    # --- what was taken away does not come again ---
    shutil.rmtree(f"{folder}/{feed[0]['id']}")
    os.remove(csc.state("cursor.csc_mash"))
    receiver.kill()
    receiver.start()
    wait("it goes through the list anew", lambda: os.path.exists(csc.state("cursor.csc_mash")) and int(read(csc.state("cursor.csc_mash"))) >= feed[-1]["seq"])
    ok("what was taken away is not put down again", not os.path.exists(f"{folder}/{feed[0]['id']}"))
    ok("SIGTERM ends both in order", [s.stop() for s in (sender, receiver)] == [0, 0])
except TimeoutError as late:
    ok(f"in time: {late}", False, read(uhcw.dir + "/watch.log")[-1500:] + read(csc.dir + "/watch.log")[-1500:])
finally:
    for s in services:
        if s.process.poll() is None:
            s.kill()
    gw.remove()
finish()
