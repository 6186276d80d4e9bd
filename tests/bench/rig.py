# rig.py - what the measures share: the load generator beside a real gateway, CPU time and memory of each role, medians of
# rounds, rows for the table.
import statistics
import sys

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/e2e")
from gateway import *  # noqa: E402

ROUNDS = 3
rows = []  # of the table: (what, measured, goal, share of the floor, reached)


def tell(**row):
    print(json.dumps(row), flush=True)


def all_roles(gw):
    """[(name, pid)], with safehandd; several processes of a role are several rows"""
    out = [("safehandd", gw.process.pid)]
    for pid in read(f"/proc/{gw.process.pid}/task/{gw.process.pid}/children", "r").split():
        out.append((read(f"/proc/{pid}/comm", "r").strip().removeprefix("safehand-"), int(pid)))
    return out


def cpu(gw):
    """{role: CPU seconds so far, of all its processes}"""
    used = {}
    for name, pid in all_roles(gw):
        ns = int(read(f"/proc/{pid}/schedstat", "r").split()[0])
        used[name] = used.get(name, 0) + ns / 1e9
    return used


def memory(gw, key="VmHWM"):
    """{role: KiB, of the largest of its processes}"""
    peak = {}
    for name, pid in all_roles(gw):
        status = dict(line.split(":", 1) for line in read(f"/proc/{pid}/status", "r").splitlines())
        peak[name] = max(peak.get(name, 0), int(status[key].split()[0]))
    return peak


class Load:
    """The load generator; a method per command."""

    def __init__(self, gw):
        self.gw = gw
        command = [BUILD + "/bench/load", str(gw.port), gw.dir + "/pki"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __call__(self, *words):
        self.process.stdin.write(" ".join(str(w) for w in words) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"the load generator ended at: {words}\n{self.gw.text()[-2000:]}")
        return json.loads(line)

    def measured(self, *words):
        """The answer, with the CPU microseconds of each role for each of its jobs."""
        before = cpu(self.gw)
        got = self(*words)
        after = cpu(self.gw)
        got["role_us"] = {k: round((v - before.get(k, 0)) / got["n"] * 1e6, 1) for k, v in after.items()}
        return got

    def rounds(self, *words, rounds=ROUNDS):
        """The median round by rate, with the spread."""
        got = sorted((self.measured(*words) for _ in range(rounds)), key=lambda r: r["per_s"])
        out = dict(got[len(got) // 2])
        out["rounds_per_s"] = [r["per_s"] for r in got]
        for k in ("p99_ms", "max_ms"):
            out[k] = statistics.median(r[k] for r in got)
        return out

    def end(self):
        self.process.stdin.close()
        self.process.wait(DEADLINE)
