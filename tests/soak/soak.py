# soak.py - agencies at work for a long time, each with `safehand watch` on an outbox and an inbox; gateway and clients are
# killed and started again at random. Then the account: every document that was dropped is in every mailbox that it was
# for, once; all evidence is OK; and in the calm that follows neither memory nor descriptors have grown.
# usage: soak.py [--seconds N] [--seed N]
import argparse
import json
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from client import Client  # noqa: E402
from gateway import Gateway, Member, c2sp, control, finish, ok, read, wait  # noqa: E402

AGENCIES = {"uhcw": ["emergency", "paediatrics"], "csc": ["mash", "duty"], "wmp": ["ppu"], "schools": ["st-j.head"]}
MAILBOXES = [f"{a}/{r}" for a, roles in AGENCIES.items() for r in roles]
SIZES = [200, 2_000, 2_000, 30_000, 400_000]
PENDING = 6  # orders of one agency that may lie unsent: the rest of the machine is for what is under way
RATE = 0.08  # orders of an agency each tenth of a second
CALM = 0.4  # of the time, at its end: nothing is killed any more, and what grows shows
SETTLE = 300  # seconds for the last of it to arrive
GROWTH = 1.10  # of the median, from the calm's third quarter to its last: by then the ledger's page caches are full
GROWTH_KIB = 2048  # and so much that an allocator's rounding may take


class Agency:
    def __init__(self, gw, name):
        self.name, self.client = name, Client(gw, name, "crl-age = 1h")
        self.out, self.box = self.client.dir + "/out", self.client.dir + "/in"
        os.mkdir(self.out)
        self.process, self.dropped = None, {}

    def start(self):
        self.log = open(self.client.dir + "/watch.log", "ab")
        words = self.client.argv("watch", "--outbox", self.out, "--inbox", self.box)
        self.process = subprocess.Popen(words, stderr=self.log, stdout=self.log, cwd=self.client.dir, start_new_session=True)

    def kill(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.log.close()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def unsent(self):
        return sum(n.endswith(".json") for n in os.listdir(self.out))

    def settled(self, where):
        return {n for _, _, names in os.walk(f"{self.out}/{where}") for n in names if n.endswith(".json") and n != "error.json"}

    def drop(self, rnd, n):
        name, sender = f"order{n}", f"{self.name}/{rnd.choice(AGENCIES[self.name])}"
        to = rnd.sample([m for m in MAILBOXES if m != sender], rnd.randint(1, 3))
        text = f"{name} {self.name} ".encode() + os.urandom(rnd.choice(SIZES) // 2).hex().encode() + b"\n"
        with open(f"{self.out}/{name}.json", "w") as f:  # the sidecar first: the service waits for its file
            json.dump({"class": "general", "from": sender, "to": to, "file": [name + ".txt"]}, f)
        with open(f"{self.out}/{name}.tmp", "wb") as f:
            f.write(text)
        os.rename(f"{self.out}/{name}.tmp", f"{self.out}/{name}.txt")
        self.dropped[name] = (to, text)


class Soak:
    def __init__(self, seed):
        self.rnd = random.Random(seed)
        self.gw = Gateway("store small = 64K\nstore journal-segment = 4M\ngateway grace = 2s")
        self.gw.start()
        self.agencies = [Agency(self.gw, name) for name in AGENCIES]
        for a in self.agencies:
            a.start()
        self.n, self.told = 0, {}
        self.samples = {}

    def count(self, what):
        self.told[what] = self.told.get(what, 0) + 1

    # --- work, and bad luck ---

    def work(self):
        for a in self.agencies:
            if a.process.poll() is not None:
                raise RuntimeError(f"watch of {a.name} ended by itself: {read(a.client.dir + '/watch.log')[-1500:]}")
            if a.unsent() < PENDING and self.rnd.random() < RATE:
                a.drop(self.rnd, self.n)
                self.n += 1

    def gateway_killed(self):
        self.gw.kill()
        time.sleep(self.rnd.random())
        self.gw.start()

    def gateway_restarted(self):
        if self.gw.stop() != 0:
            raise RuntimeError(f"no orderly stop: {self.gw.text()[-2000:]}")
        self.gw.start()

    def client_killed(self):
        a = self.rnd.choice(self.agencies)
        a.kill()
        a.start()

    def client_restarted(self):
        a = self.rnd.choice(self.agencies)
        if a.stop() != 0:
            raise RuntimeError(f"no orderly stop of {a.name}: {read(a.client.dir + '/watch.log')[-1500:]}")
        a.start()

    def checked(self):
        found = control(self.gw, "fsck")
        if not found.get("ok"):
            raise RuntimeError(f"fsck: {found}")

    def reloaded(self):
        control(self.gw, "reload")

    LUCK = [gateway_killed, gateway_killed, gateway_restarted, client_killed, client_killed, client_restarted, checked, reloaded]

    def stormy(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            pause = time.monotonic() + self.rnd.uniform(0.5, 6)
            while time.monotonic() < pause:
                self.work()
                time.sleep(0.1)
            what = self.rnd.choice(self.LUCK)
            what(self)
            self.count(what.__name__)

    # --- calm ---

    def sample(self):
        roles = {f"gateway {n}": p for n, p in self.gw.children().items()}
        roles["gateway safehandd"] = self.gw.process.pid
        for a in self.agencies:
            below = subprocess.run(["ps", "-o", "pid=", "--ppid", str(a.process.pid)], capture_output=True, text=True).stdout.split()
            roles.update({f"watch of {a.name}, {i}": int(p) for i, p in enumerate([a.process.pid, *sorted(below, key=int)])})
        for name, pid in roles.items():
            status = dict(line.split(":", 1) for line in read(f"/proc/{pid}/status", "r").splitlines() if ":" in line)
            fds = len(os.listdir(f"/proc/{pid}/fd"))
            self.samples.setdefault(name, []).append((int(status["RssAnon"].split()[0]), fds))

    def calm(self, seconds):
        end, next_sample = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            self.work()
            if time.monotonic() > next_sample:
                self.sample()
                next_sample = time.monotonic() + 1
            time.sleep(0.1)
        for name, rows in sorted(self.samples.items()):
            quarter = max(1, len(rows) // 4)
            for what, k, slack in (("KiB", 0, GROWTH_KIB), ("descriptors", 1, 8)):
                early = statistics.median(r[k] for r in rows[2 * quarter : 3 * quarter])
                late = statistics.median(r[k] for r in rows[-quarter:])
                ok(f"{name}: {what} {early:.0f} -> {late:.0f}", late <= early * GROWTH + slack, rows[:: max(1, len(rows) // 40)])

    # --- the account ---

    def sent(self):
        return all(len(a.settled("sent")) == len(a.dropped) for a in self.agencies)

    def arrived(self, mailbox):
        """{document's name: [its bytes, each time that it is there]}"""
        folder = f"{next(a for a in self.agencies if a.name == mailbox.split('/')[0]).box}/{mailbox.replace('/', '_')}"
        out = {}
        for where, _, names in os.walk(folder) if os.path.isdir(folder) else []:
            for n in names:
                if n.endswith(".txt"):
                    out.setdefault(n, []).append(os.path.join(where, n))
        return out

    def wanted(self, mailbox):
        return {n + ".txt": text for a in self.agencies for n, (to, text) in a.dropped.items() if mailbox in to}

    def settle(self):
        end = time.monotonic() + SETTLE
        while time.monotonic() < end:
            if self.sent() and all(len(self.arrived(m)) == len(self.wanted(m)) and self.unopened(m) == [] for m in MAILBOXES):
                break
            time.sleep(0.5)
        time.sleep(3)  # what would come twice comes now

    def account(self):
        for a in self.agencies:
            ok(f"{a.name}: each of {len(a.dropped)} orders is sent", len(a.settled("sent")) == len(a.dropped), (a.unsent(), a.settled("failed")))
            ok(f"{a.name}: none is refused", not a.settled("failed"), [read(os.path.join(d, n)) for d, _, names in os.walk(a.out + "/failed") for n in names if n == "error.json"][:3])
        for m in MAILBOXES:
            there, wanted = self.arrived(m), self.wanted(m)
            ok(f"{m}: all {len(wanted)} are there", set(there) == set(wanted), (set(wanted) ^ set(there)))
            ok(f"{m}: once", all(len(p) == 1 for p in there.values()), [p for p in there.values() if len(p) > 1][:3])
            ok(f"{m}: as they were dropped", all(read(p[0]) == wanted.get(n) for n, p in there.items()))
            self.feed_holds(m, len(wanted))

    def consigned(self, mailbox):
        member, after, items = Member(self.gw, mailbox.split("/")[0]), 0, []
        while True:
            page = member.feed(mailbox, after).json()["items"]
            items += [i for i in page if i["event"] == "ContentConsignment"]
            if len(page) < 100:
                return items
            after = page[-1]["seq"]

    def unopened(self, mailbox):
        return [(i["bundle"], i["state"]) for i in self.consigned(mailbox) if i["state"] != "opened"]

    def feed_holds(self, mailbox, wanted):
        ids = [i["bundle"] for i in self.consigned(mailbox)]
        ok(f"{mailbox}: the gateway has just as many, each once", len(ids) == len(set(ids)) == wanted, (len(ids), wanted))
        ok(f"{mailbox}: each is opened", self.unopened(mailbox) == [], self.unopened(mailbox))

    def evidence(self):
        """What the clients keep, by our verifier; every entry that the gateway gives to a sender, by the other one."""
        for a in self.agencies:
            files = [os.path.join(d, n) for d, _, names in os.walk(a.client.dir) for n in names if n.endswith(".evidence")]
            bad = []
            for i in range(0, len(files), 200):
                words = a.client.argv("verify", *files[i : i + 200], "--root", self.gw.dir + "/pki/trust/root.pem", "--log", self.gw.dir + "/pki/log/log.vkey")
                done = subprocess.run(words, capture_output=True, text=True)
                bad += [line for line in done.stdout.splitlines() if not line.startswith("OK")] if done.returncode != 0 else []
            ok(f"{a.name}: {len(files)} evidence files are OK", files and not bad, bad[:3])
        bad, n = [], 0
        for agency in AGENCIES:
            member = Member(self.gw, agency)
            w = member.wire()
            for b in control(self.gw, f"bundles agency={agency} limit=10000")["bundles"]:
                for e in w.call("GET", f"/v1/bundles/{b['id']}/evidence").json()["evidence"][:: 1 if n < 500 else 7]:
                    word = self.gw.judge(w.call("GET", f"/v1/bundles/{b['id']}/evidence/{e['seq']}").body)
                    n += 1
                    if word[0] != "OK":
                        bad.append((b["id"], e, word))
            w.close()
        ok(f"{n} pieces of evidence of the gateway are OK", n and not bad, bad[:3])

    def remove(self):
        for a in self.agencies:
            if a.process.poll() is None:
                a.kill()
        self.gw.remove()


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--seconds", type=int, default=3600)
    p.add_argument("--seed", type=int, default=int(time.time()))
    a = p.parse_args()
    print(f"# seed {a.seed}, {a.seconds} s", flush=True)
    s = Soak(a.seed)
    try:
        s.stormy(a.seconds * (1 - CALM))
        print("#", s.told, flush=True)
        s.calm(a.seconds * CALM)
        s.settle()
        s.account()
        s.evidence()
        s.checked()
        ok("fsck finds nothing", True)
        ok("SIGTERM ends all in order", [x.stop() for x in s.agencies] == [0] * len(s.agencies) and s.gw.stop() == 0)
        print(f"# {s.n} documents")
    except Exception as e:
        ok("it goes on to the end", False, repr(e))
    finally:
        if os.environ.get("KEEP") and __import__("gateway").failed:
            print("# kept:", shutil.copytree(s.gw.dir, tempfile.mkdtemp() + "/soak", symlinks=True, ignore=lambda d, n: [x for x in n if x == "control"]))
        s.remove()
    finish()


if __name__ == "__main__":
    main()
