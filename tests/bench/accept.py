#!/usr/bin/python3
# accept.py - load on a real gateway: durable accepts a second with evidence in the answer, and idle long polls. JSON lines.
# usage: accept.py [--seconds N] [--clients N] [--idle N]
import argparse
import multiprocessing
import resource
import statistics
import sys

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/e2e")
from gateway import *  # noqa: E402


def memory(gw):
    """{role: peak KiB}"""
    peak = {}
    for pid in [gw.process.pid] + list(all_children(gw)):
        status = dict(line.split(":", 1) for line in read(f"/proc/{pid}/status", "r").splitlines())
        name = status["Name"].strip()
        peak[name] = max(peak.get(name, 0), int(status["VmHWM"].split()[0]))
    return peak


def cpu(gw):
    """{role: CPU seconds so far, of all its processes}"""
    used = {}
    for pid in [gw.process.pid] + list(all_children(gw)):
        stat = read(f"/proc/{pid}/stat", "r")
        name, rest = stat[stat.index("(") + 1 : stat.rindex(")")], stat[stat.rindex(")") + 2 :].split()
        used[name] = used.get(name, 0) + (int(rest[11]) + int(rest[12])) / os.sysconf("SC_CLK_TCK")
    return used


def all_children(gw):
    return [int(p) for p in read(f"/proc/{gw.process.pid}/task/{gw.process.pid}/children", "r").split()]


def client(gw, size, count, barrier, out):
    """Makes its bundles first, then sends them one after the other on one connection."""
    m = Member(gw, "uhcw")
    path = f"{gw.dir}/random.{os.getpid()}"
    with open(path, "wb") as f:
        f.write(os.urandom(size))
    drafts = [m.draft("uhcw/emergency", ["csc/mash"], documents=[path]) for _ in range(count)]
    requests = [f"PUT /v1/bundles/{d.id} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(d.file)}\r\n\r\n".encode() + d.file for d in drafts]
    w = m.wire()
    barrier.wait()
    took, began = [], time.monotonic()
    for raw in requests:
        t = time.monotonic()
        w.send(raw)
        a = w.answer()
        took.append(time.monotonic() - t)
        if a.status != 201 or b'"proof"' not in a.body:
            out.put(("bad", repr(a)))
            return
    out.put((began, time.monotonic(), took))


def accepts(gw, size, clients, count):
    before = cpu(gw)
    barrier, out = multiprocessing.Barrier(clients), multiprocessing.Queue()
    work = [multiprocessing.Process(target=client, args=(gw, size, count, barrier, out)) for _ in range(clients)]
    for p in work:
        p.start()
    got = [out.get() for _ in work]
    for p in work:
        p.join()
    bad = [g for g in got if g[0] == "bad"]
    if bad:
        sys.exit(f"refused: {bad[0][1]}")
    took = sorted(t for g in got for t in g[2])
    span = max(g[1] for g in got) - min(g[0] for g in got)
    row = {
        "bench": "accept", "document_bytes": size, "clients": clients, "accepted": len(took), "per_s": round(len(took) / span, 1),
        "p50_ms": round(statistics.median(took) * 1000, 2), "p99_ms": round(took[int(len(took) * 0.99)] * 1000, 2), "peak_kib": memory(gw),
        "cpu_us_each": {k: round((v - before.get(k, 0)) / len(took) * 1e6) for k, v in cpu(gw).items()},
    }  # fmt: skip
    print(json.dumps(row), flush=True)


def idle(gw, count):
    """Long polls that nobody disturbs, then one bundle: how soon its reader is told."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, count + 500), hard))
    m, sender = Member(gw, "csc"), Member(gw, "uhcw")
    before, began = memory(gw), time.monotonic()
    wires = []
    _, size, _ = c2sp.open_checkpoint(m.call("GET", "/v1/log/checkpoint").body, gw.key)
    for i in range(count):
        w = m.wire()
        w.send(f"GET /v1/mailboxes/csc/{'mash' if i == count // 2 else 'duty'}?after={size}&wait=300 HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        wires.append(w)
    opened = time.monotonic() - began
    wait("all of them wait", lambda: control(gw, "status")["long_polls"] >= count)
    d = sender.draft("uhcw/emergency", ["csc/mash"])
    t = time.monotonic()
    sender.put(d)
    told = d.id.encode() in wires[count // 2].answer().body
    row = {"bench": "idle", "connections": count, "handshakes_per_s": round(count / opened), "told": told,
           "told_after_ms": round((time.monotonic() - t) * 1000, 1), "peak_kib": memory(gw), "before_kib": before}  # fmt: skip
    print(json.dumps(row), flush=True)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--count", type=int, default=150, help="bundles of each client")
    ap.add_argument("--clients", type=int, default=8)
    ap.add_argument("--idle", type=int, default=2000)
    a = ap.parse_args()
    gw = Gateway("front handshakes-per-address = 20000").start()
    try:
        for size in (4096, 102400):
            accepts(gw, size, a.clients, a.count)
        idle(gw, a.idle)
    finally:
        gw.remove()


main()
