# watch.py - each system call of `safehand watch`, as it sends what is dropped and as it puts down what arrives: killed
# before and after it, EIO, ENOSPC, half done. Then it is started again: sent once, put down once, nothing half-made.
# usage: watch.py [--share N [--from N]] [--jobs N] [--only SIDE:CALL:NTH:ACT]
import argparse
import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import rig
import story
from client import DATA, Client  # noqa: E402
from gateway import read, wait

LETTER = os.path.join(DATA, "discharge-summary.pdf")
AFTER = "mkdirat"  # what comes before is the loader's and the configuration's
QUICK = "crl-age = 1h"


class Side:
    """Two members on a gateway of their own; one of the two services is the one that has bad luck."""

    def __init__(self, unlucky):
        self.gw = rig.Rig()
        self.gw.start()
        self.uhcw, self.csc = Client(self.gw, "uhcw", QUICK), Client(self.gw, "csc", QUICK)
        self.unlucky = unlucky
        self.out, self.box = self.uhcw.dir + "/out", self.csc.dir + "/in"
        os.mkdir(self.out)
        self.log = self.gw.dir + "/calls"
        self.watch = None

    def argv(self):
        words = ("--outbox", self.out) if self.unlucky == "out" else ("--inbox", self.box)
        return (self.uhcw if self.unlucky == "out" else self.csc).argv("watch", *words)

    def start(self, options=None):
        under = [rig.INJECT, "--log", self.log, "--after", AFTER, *options, "safehand"] if options is not None else []
        self.said = open(self.gw.dir + "/watch.log", "ab")
        self.before = self.served()
        self.watch = subprocess.Popen(under + self.argv(), stderr=self.said, stdout=self.said, cwd=self.gw.dir, start_new_session=True)

    def served(self):
        return read(self.gw.dir + "/watch.log").count(b"msg=serving")

    def give(self):
        """What the service is to do: an order in its folder, or a bundle in its mailbox."""
        if self.unlucky == "out":
            body = {"class": "general", "from": "uhcw/emergency", "to": ["csc/mash"], "file": ["letter.pdf"]}
            with open(self.out + "/letter.json", "w") as f:
                json.dump(body, f)
            shutil.copy(LETTER, self.out + "/letter.tmp")
            os.rename(self.out + "/letter.tmp", self.out + "/letter.pdf")
        else:
            status, out = self.uhcw.run("send", "--from", "uhcw/emergency", "--to", "csc/mash", "--class", "general", LETTER)
            if status != 0:
                raise RuntimeError(out)

    def is_done(self):
        if self.unlucky == "out":
            return any(n.endswith(".json") for _, _, names in os.walk(self.out + "/sent") for n in names)
        return os.path.isdir(self.box + "/csc_mash") and any(n.endswith(".json") for n in os.listdir(self.box + "/csc_mash"))

    def was_refused(self):
        return [read(os.path.join(d, n), "r") for d, _, names in os.walk(self.out + "/failed") for n in names if n == "error.json"]

    def work(self):
        """Until it is done; a service that ended is started again, as its manager would."""
        end = time.monotonic() + rig.PATIENCE
        while not self.is_done():
            if self.was_refused():
                raise story.Violation(f"a good order was refused for good: {self.was_refused()}")
            if self.watch.poll() is not None:
                self.start()
            if time.monotonic() > end:
                raise story.Violation(f"not done in {rig.PATIENCE} s")
            time.sleep(0.02)

    def holds(self):
        feed = self.csc.run("inbox", "--mailbox", "csc/mash")[1]["items"]
        if len(feed) != 1:
            raise story.Violation(f"sent {len(feed)} times")
        if self.unlucky == "out":
            left = self.uhcw.kept("spool") + os.listdir(self.out + "/.sending")
        else:
            folder = self.box + "/csc_mash"
            left = [n for n in os.listdir(folder) if n.startswith(".") or n.endswith(".refused.json")] + self.csc.kept("pending")
            if read(f"{folder}/{feed[0]['id']}/discharge-summary.pdf") != read(LETTER):
                raise story.Violation("the document is another one")
            if feed[0]["state"] != "opened":
                raise story.Violation(f"its state is {feed[0]['state']}")
        return left

    def stop(self):
        if self.watch.poll() is not None:
            self.start()
        wait("it serves", lambda: self.watch.poll() is not None or self.served() > self.before)  # and takes signals
        self.watch.send_signal(signal.SIGTERM)
        return self.watch.wait(story.gateway.DEADLINE)

    def remove(self):
        if self.watch is not None and self.watch.poll() is None:
            os.killpg(self.watch.pid, signal.SIGKILL)
            self.watch.wait()
        self.gw.remove()


def count(side):
    s = Side(side)
    try:
        s.give()
        s.start([])
        s.work()
        seen = {}
        for line in read(s.log, "r").splitlines():
            _, name, n = line.split()
            seen[name] = int(n)
        return seen
    finally:
        s.remove()


def attempt(case):
    side, call, nth, act = case
    s = Side(side)
    try:
        s.give()
        s.start(["--fault", f"{call}:{nth}:{act}"])
        s.work()
        if s.watch.poll() is None:  # one that has not come yet may come as it stops
            s.watch.send_signal(signal.SIGTERM)
            s.watch.wait(story.gateway.DEADLINE)
        s.start()
        wait("nothing half-made is left", lambda: not s.holds())
        status = s.stop()
        if status != 0:
            raise story.Violation(f"an orderly stop ended with {status}")
        return b"hit " in read(s.log), None
    except story.Violation as e:
        return True, str(e) + "\n" + read(s.gw.dir + "/watch.log", "r")[-1500:]
    except TimeoutError as e:
        return True, f"{e}: {s.holds()}\n" + read(s.gw.dir + "/watch.log", "r")[-1500:]
    finally:
        s.remove()


def work(case):
    try:
        return case, *attempt(case)
    except Exception:
        return case, False, traceback.format_exc()


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--share", type=int, default=1)
    p.add_argument("--from", type=int, default=0, dest="begin")
    p.add_argument("--jobs", type=int, default=max(1, os.cpu_count()))
    p.add_argument("--only")
    a = p.parse_args()
    start, kinds = time.monotonic(), rig.kinds()
    todo = [(side, call, nth, act) for side in ("out", "in") for call, n in sorted(count(side).items()) for nth in range(1, n + 1) for act in rig.acts(kinds[call])]
    every = len(todo)
    todo = todo[a.begin :: a.share]
    if a.only:
        side, call, nth, act = a.only.split(":")
        todo = [(side, call, int(nth), act)]
    print(f"# {every} cases, {len(todo)} of them now", flush=True)
    hits = bad = 0
    with multiprocessing.Pool(a.jobs) as pool:
        for case, hit, told in pool.imap_unordered(work, todo):
            hits += hit
            if told is not None:
                bad += 1
                print(f"not ok - {':'.join(map(str, case))}\n  #", told.replace("\n", "\n  # "), flush=True)
    print(f"{'not ' * bool(bad)}ok - faults of watch: {hits} tried of {len(todo)} cases, {bad} violations, {time.monotonic() - start:.0f} s", flush=True)
    sys.exit(1 if bad or not hits else 0)


if __name__ == "__main__":
    main()
