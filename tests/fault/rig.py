# rig.py - a gateway whose store is run under inject, and the cases: each system call, each time that it happens, each way
# in which it can go wrong. Used by store.py and disk.py.

import os
import pwd
import shutil
import signal
import subprocess
import time

import story
from gateway import BUILD, Gateway, control, read, wait

INJECT = os.path.join(BUILD, "fault", "inject")
SETTINGS = "store small = 64K\nstore journal-segment = 4M\nstore disk-reserve = 0\nverify processes = 1\ngateway grace = 1s"
CLASSES = """
[class "urgent"]
from = uhcw/*
to = schools/*
collect = within 1 second
ladder = cover at 100%, notify sender at 100%, register at 150%
"""
PATIENCE = 75  # seconds for a step to be acknowledged in the end: a ladder tries again after a minute


def kinds():
    """{call: its properties}"""
    lines = subprocess.run([INJECT, "--calls"], capture_output=True, text=True, check=True).stdout.splitlines()
    return {line.split()[0]: set(line.split()[1:]) for line in lines}


def acts(properties):
    """What can go wrong with a call. To be killed at one that changes nothing is to be killed at its neighbours."""
    out = ["before", "after"] if "changes" in properties else []
    out += ["eio"] + ["enospc"] * ("makes" in properties) + ["short"] * ("counts" in properties)
    return out + ["full"] * ({"makes", "counts"} <= properties)  # half, and then the disk is full


def is_gone(pid):
    """Ended; whoever inherited it may not have looked yet."""
    try:
        return read(f"/proc/{pid}/stat", "r").rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


class Rig(Gateway):
    verdicts = {}  # of evidence judged before, byte for byte

    def judge(self, raw):
        if raw not in self.verdicts:
            self.verdicts[raw] = super().judge(raw)
        return self.verdicts[raw]

    def __init__(self, base=None):
        super().__init__(SETTINGS, own_pki=False)
        with open(self.dir + "/classes.conf", "a") as f:
            f.write(CLASSES)
        self.hits = self.dir + "/hits"
        if base is not None:
            subprocess.run(["cp", "-a", "--sparse=always", base + "/data", self.dir + "/data"], check=True)

    def folder(self):
        """The data folder, empty, as safehandd makes it."""
        os.mkdir(self.dir + "/data", 0o700)
        self.give(self.dir + "/data")
        return self.dir + "/data"

    def give(self, path):
        """To whom the store becomes."""
        if os.geteuid() == 0:
            shutil.chown(path, "nobody", pwd.getpwnam("nobody").pw_gid)

    def start_under(self, options):
        """With its store traced. Whether it serves: the fault may have come before that."""
        self.log = open(self.dir + "/log", "ab")
        self.mark = os.path.getsize(self.dir + "/log")
        command = [INJECT, "--log", self.hits, "--after", "recvmsg", *options, "safehand-store"]
        command += [BUILD + "/bin/safehandd", "-f", self.dir + "/safehand.conf"]
        self.process = subprocess.Popen(command, stderr=self.log, stdout=self.log)
        since = time.monotonic()
        wait("safehandd serves or ends", lambda: self.said("msg=roster ") or self.is_dead() or self.serves(since))
        return not self.is_dead()

    def serves(self, since):
        """Asked when the log is long silent: its line may be what went wrong."""
        try:
            return time.monotonic() > since + 3 and "roster_serial" in control(self, "status")
        except (OSError, ValueError):
            return False

    def is_dead(self):
        return self.process.poll() is not None

    def was_hit(self):
        return os.path.exists(self.hits) and b"\nhit " in b"\n" + read(self.hits)

    def family(self):
        """Every process below ours, however deep."""
        rows = [line.split() for line in subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True).stdout.splitlines()]
        found, todo = [], [str(self.process.pid)]
        while todo:
            parent = todo.pop()
            mine = [pid for pid, ppid in rows if ppid == parent]
            found += mine
            todo += mine
        return [int(p) for p in found]

    def kill(self):
        pids = self.family()
        for pid in [self.process.pid, *pids]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait(story.gateway.DEADLINE)
        wait("its roles are gone", lambda: all(map(is_gone, pids)))
        self.log.close()


def play(gw, s, steps, acknowledged=lambda name: None):
    """The steps, each until it is acknowledged; a gateway that ended is started again, without a fault."""
    restarts = 0
    for name in steps:
        end = time.monotonic() + PATIENCE
        why = None
        while True:
            if gw.is_dead():
                s.hang_up()
                gw.log.close()
                gw.start()
                restarts += 1
            try:
                getattr(s, name)()
                acknowledged(name)
                break
            except story.Again as e:
                why = e
                time.sleep(0.01)
            if time.monotonic() > end:
                raise story.Violation(f"{name}: not acknowledged in {PATIENCE} s, last: {why}")
    return restarts


def finish_case(gw, s):
    """What holds as it runs, and after a restart. A fault that has not come yet may come as it stops."""
    if gw.was_hit():
        s.holds()
    s.hang_up()
    hit, status = gw.was_hit(), gw.stop()
    s.wrong("an orderly stop ends with", hit and status != 0 and status)
    gw.start()
    s.holds()
    s.hang_up()
    s.erased()
