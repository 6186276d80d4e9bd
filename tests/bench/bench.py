#!/usr/bin/python3
# bench.py - what `make bench` runs: the floor of this machine, then row by row what the gateway does on it; JSON lines as
# they come, at the end a table with the goals. The load generator and the gateway share the machine: no share is free.
# usage: bench.py [--full] [ROW...]     rows: accept collect idle large growth purge library; none: all
import argparse
import platform
import re
import resource
import sys

sys.path.insert(0, __file__.rsplit("/", 1)[0])
from rig import *  # noqa: E402

MAILBOXES = "csc/mash,csc/duty,wmp/ppu"
CLIENTS = 32  # connections
HEAD = 4300  # bytes of a head with three slots: manifest, signature and its certificates
ANSWER = 7000  # bytes of an answer with its evidence
MIB = 1024 * 1024


class Floor:
    """What two cores could do if an accept were nothing but its TLS records, one digest and one signature."""

    def __init__(self, folder):
        for size in (4096, 102400):
            out = subprocess.run([BUILD + "/bench/bench_floor", folder, str(size + HEAD), str(ANSWER)], capture_output=True, check=True)
            self.row = json.loads(out.stdout)
            tell(**self.row)
            us = self.row["tls_exchange_us"] + 1e6 / self.row["p256_verify_per_s"] + (size + HEAD) / self.row["sha256_mb_per_s"]
            setattr(self, f"accepts_{size}", os.cpu_count() * 1e6 / us)


def machine():
    cpu_name = re.search(r"model name\s*: (.*)", read("/proc/cpuinfo", "r")).group(1)
    total = int(read("/proc/meminfo", "r").split()[1]) // MIB
    tell(bench="machine", cpu=cpu_name, cores=os.cpu_count(), memory_gib=total, kernel=platform.release().split("-")[0],
         load=os.getloadavg()[0], date=time.strftime("%Y-%m-%d"))  # fmt: skip
    return f"{os.cpu_count()} cores of {cpu_name}, {total} GiB, {time.strftime('%Y-%m-%d')}"


def row(what, got, goal, floor="", good=None):
    rows.append((what, got, goal, floor, "" if good is None else "yes" if good else "NO"))


def share(rate, of):
    return f"{100 * rate / of:.0f} %"


# --- accepts ---


def accept(full, floor):
    gw = Gateway("front handshakes-per-address = 20000").start()
    try:
        load = Load(gw)
        for size, n, goal in ((4096, 3000, 2000), (102400, 1200, 800)):
            load("make", "uhcw/emergency", MAILBOXES, size, 10 * n)
            load("open", "uhcw", CLIENTS)
            load("accept", n // 2, 0)
            got = load.rounds("accept", n, 0)
            best = getattr(floor, f"accepts_{size}")
            tell(bench="accept", document_bytes=size, mailboxes=3, connections=CLIENTS, floor_per_s=round(best), **got)
            cores = sum(got["role_us"].values()) + got["cpu_us"]
            row(f"durable accepts/s, {size // 1024} KiB to 3 mailboxes, evidence", f"{got['per_s']:.0f}/s ({cores:.0f} us CPU)", f"{goal}/s",
                share(got["per_s"], best), got["per_s"] >= goal)  # fmt: skip
            load("open", "uhcw", 8)
            eight = load.rounds("accept", n // 2, 0)
            load("open", "uhcw", CLIENTS)
            tell(bench="accept, 8 connections", document_bytes=size, **eight)
            row(f"the same over 8 connections, {size // 1024} KiB", f"{eight['per_s']:.0f}/s, p50 {eight['p50_ms']:.1f}, p99 {eight['p99_ms']:.1f} ms", "500/s", "", eight["per_s"] >= 500)
            if size == 4096:
                half = min(got["per_s"], goal) / 2
                got = load.rounds("accept", int(half * 2), half)
                tell(bench="accept at half load", rate=round(half), **got)
                row(f"p99 of the answer at {half:.0f}/s", f"{got['p99_ms']:.1f} ms", "50 ms", "", got["p99_ms"] <= 50)
        load.end()
        tell(bench="memory", after="accepts", peak_kib=memory(gw))
    finally:
        gw.remove()


def collect(full, floor):
    gw = Gateway("front handshakes-per-address = 20000").start()
    try:
        load = Load(gw)
        n = 1500
        load("make", "uhcw/emergency", MAILBOXES, 4096, 4 * n)
        load("open", "uhcw", CLIENTS)
        load("accept", 4 * n, 0)
        got = load.rounds("track", 2 * n, 0)
        tell(bench="track", **got)
        row("track (state of a bundle), per second", f"{got['per_s']:.0f}/s", "", "")
        load("receipts", "csc/mash", 3 * n + 500)
        load("open", "csc", CLIENTS)
        load("collect", 500, 0)
        got = load.rounds("collect", n, 0)
        tell(bench="collect", **got)
        row("collect + statement + slot, per second", f"{got['per_s']:.0f}/s", "2000/s", "", got["per_s"] >= 2000)
        load.end()
    finally:
        gw.remove()


# --- idle ---


def log_size(gw):
    return c2sp.open_checkpoint(Member(gw, "csc").call("GET", "/v1/log/checkpoint").body, gw.key)[1]


def idle(full, floor):
    """Long polls that nobody disturbs, then one bundle: how soon its reader is told, and what the many cost."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    count = min(10000, hard - 200)
    # two fronts: each keeps a descriptor in reserve for every connection, and a machine may allow 20,000 to a process
    gw = Gateway("front handshakes-per-address = 20000\nfront processes = 2").start()
    try:
        load, m, sender = Load(gw), Member(gw, "csc"), Member(gw, "uhcw")
        size = log_size(gw)
        got = load("hold", "csc/duty", size, count)
        w = m.wire()
        w.send(f"GET /v1/mailboxes/csc/mash?after={size}&wait=300 HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        wait("all of them wait", lambda: control(gw, "status").get("long_polls", 0) > count)
        draft = sender.draft("uhcw/emergency", ["csc/mash"])
        began = time.monotonic()
        sender.put(draft)
        told = draft.id.encode() in w.answer().body
        after = (time.monotonic() - began) * 1000
        used = memory(gw, "VmRSS")
        tell(bench="idle", connections=count, handshakes_per_s=round(count / got["seconds"]), told=told, told_after_ms=round(after, 1), kib=used)
        good = all(kib <= 32 * 1024 + (30 * count if name == "front" else 0) for name, kib in used.items())
        row(f"{count} idle long polls: memory of each role", ", ".join(f"{k} {v / 1024:.0f}" for k, v in used.items() if v > 9000) + " MiB",
            "32 MiB + 30 KiB a connection", "", good and told)  # fmt: skip
        load.process.kill()
        load.process.wait()
    finally:
        gw.remove()


# --- large ---


def configure(gw, agency, mailbox):
    """A client's configuration; the path of it."""
    home = f"{gw.dir}/{agency}"
    os.makedirs(home)
    c = gw.dir + "/pki/certs"
    with open(home + "/safehand.conf", "w") as f:
        f.write(f"[gateway]\nurl = https://localhost:{gw.port}\nroot = {gw.dir}/pki/trust/root.pem\n")
        f.write(f"[agency]\nname = {agency}\nstate = state\ntls-certificate = {c}/agency-tls/{agency}.pem\ntls-key = {c}/agency-tls/{agency}.key\n")
        f.write(f'[identity "{agency}"]\nkind = system\ncertificate = {c}/agency-sign/{agency}.pem\nkey = {c}/agency-sign/{agency}.key\n')
        stem = f"{c}/agency-seal/{mailbox.replace('/', '_')}"
        f.write(f'[mailbox "{mailbox}"]\ncertificate = {stem}.pem\nkey = {stem}.key\n')
    return home + "/safehand.conf"


def client(conf, *args):
    """(seconds, processor seconds, peak KiB, its output)"""
    out = tempfile.TemporaryFile()
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    p = subprocess.Popen([BUILD + "/bin/safehand", "--config", conf, "--json", *args], stdout=out)
    peak = 0  # not from wait4: what this interpreter used before exec would count as theirs
    while p.poll() is None:
        try:
            lines = read(f"/proc/{p.pid}/status", "r").splitlines()
            peak = max([peak] + [int(line.split()[1]) for line in lines if line.startswith("VmHWM")])
        except OSError:
            pass
        time.sleep(0.02)
    took, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    out.seek(0)
    text = out.read()
    if p.returncode != 0:
        sys.exit(f"safehand {args[0]}: status {p.returncode}: {text.decode()}")
    return took, busy, peak, json.loads(text)


class Nginx:
    """Debian's nginx with the same certificates: TLS 1.3, a client's certificate asked for, PUT into a folder of the same disk."""

    def __init__(self, gw):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.dir = gw.dir + "/nginx"
        os.makedirs(self.dir + "/root/v1/bundles")
        c = gw.dir + "/pki/certs/gateway-tls/localhost"
        with open(self.dir + "/trust.pem", "wb") as f:
            f.write(read(gw.dir + "/pki/trust/root.pem") + read(gw.dir + "/pki/trust/issuing.pem"))
        with open(self.dir + "/nginx.conf", "w") as f:
            f.write(f"""daemon off; worker_processes 1; pid {self.dir}/pid; error_log {self.dir}/error; user root;
events {{}}
http {{ access_log off; client_body_temp_path {self.dir}/body; client_max_body_size 0; client_body_buffer_size 128k;
  server {{ listen 127.0.0.1:{self.port} ssl; root {self.dir}/root; ssl_protocols TLSv1.3; ssl_certificate {c}.pem; ssl_certificate_key {c}.key;
    ssl_client_certificate {self.dir}/trust.pem; ssl_verify_client on; ssl_verify_depth 3; location / {{ dav_methods PUT; }} }} }}
""")
        self.process = subprocess.Popen(["nginx", "-p", self.dir, "-c", self.dir + "/nginx.conf", "-e", self.dir + "/error"])
        wait("nginx listens", lambda: self.process.poll() is not None or socket.socket().connect_ex(("127.0.0.1", self.port)) == 0)

    def cpu(self):
        """Processor seconds so far, of all its processes."""
        workers = read(f"/proc/{self.process.pid}/task/{self.process.pid}/children", "r").split()
        return sum(int(read(f"/proc/{pid}/schedstat", "r").split()[0]) for pid in [self.process.pid, *workers]) / 1e9

    def end(self):
        self.process.terminate()
        self.process.wait(DEADLINE)


def upload(port, gw, id, path):
    out = subprocess.run(put_command(port, gw, id, path), capture_output=True, text=True)
    if out.returncode != 0:
        sys.exit(out.stderr)
    return os.path.getsize(path) / 1e6 / json.loads(out.stdout)["seconds"]


def one_size(gw, mib, sender, reader, whole):
    """One document sealed, sent, opened by the real client; ({step: MB/s}, MB/s of the three one after the other, their processor
    seconds, peaks of the gateway and of the client)."""
    document = gw.dir + "/recording.wav"
    subprocess.run([TOP + "/tests/data/make.py", "--recording", document, "--mib", str(mib)], check=True)
    shb, rates, spent, used, peaks = gw.dir + "/it.shb", {}, 0, 0, {}
    for verb, conf, args in [
        ("seal", sender, ["--class", "general", "--to", "csc/mash", "--out", shb, document]),
        ("submit", sender, [shb]),
        ("open", reader, None),
    ]:
        before = cpu(gw)
        took, busy, peaks[verb], said = client(conf, verb, *(args or [id, "--into", gw.dir + "/in"]))
        roles = {k: round(v - before[k], 2) for k, v in cpu(gw).items() if v - before[k] >= 0.01}
        id = re.search(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f-]{21}", json.dumps(said)).group(0)
        spent += took
        used += busy + sum(roles.values())
        rates[verb] = mib * 1.048576 / took
        tell(bench="line", step=verb, mib=mib, seconds=round(took, 2), mb_per_s=round(rates[verb]), client_cpu_s=round(busy, 2), role_cpu_s=roles,
             peak_kib=peaks[verb])  # fmt: skip
    opened = [os.path.join(at, n) for at, _, names in os.walk(gw.dir + "/in") for n in names if n.endswith(".wav")]
    same = subprocess.run(["cmp", document, opened[0]]).returncode == 0
    shutil.rmtree(gw.dir + "/in")
    tell(bench="line", step="gateway", mib=mib, same=same, peak_kib=memory(gw))
    if not same:
        sys.exit("what was opened is not what was sealed")
    if not whole:
        os.unlink(shb)
    return rates, mib * 1.048576 / spent, used, dict(memory(gw), **peaks)


def large(full, floor):
    gw = Gateway()
    with open(gw.dir + "/classes.conf") as f:
        text = f.read()
    with open(gw.dir + "/classes.conf", "w") as f:
        f.write(text.replace('[class "general"]', '[class "general"]\nmax-bytes = 32G'))
    gw.start()
    try:
        sender, reader = configure(gw, "uhcw", "uhcw/emergency"), configure(gw, "csc", "csc/mash")
        peaks = {}
        for mib in (1, 2048) + ((10240,) if full else ()):
            rates, rate, used, peaks[mib] = one_size(gw, mib, sender, reader, False)
            if mib != 2048:
                continue
            for verb, what in (("seal", "sealed"), ("submit", "sent, kept, with evidence"), ("open", "fetched, collected, opened")):
                row(f"2 GiB {what}", f"{rates[verb]:.0f} MB/s", "250 MB/s", "", rates[verb] >= 250)
            # all that the three steps took, spread over all processors, is what they could be done in at best
            best = mib * 1.048576 * os.cpu_count() / used
            row("2 GiB sealed, sent, opened, one after the other", f"{rate:.0f} MB/s ({used:.1f} s CPU)", "250 MB/s", f"its CPU time allows {best:.0f}", rate >= 250)
        worst = {name: peaks[max(peaks)][name] - peaks[1][name] for name in peaks[1]}
        tell(bench="memory", mib=sorted(peaks), peaks_kib=peaks, growth_kib=worst)
        row(f"memory, 1 MiB to {max(peaks) // 1024} GiB: most that any process grew", f"{max(worst.values()) / 1024:.1f} MiB", "flat", "",
            max(worst.values()) < 4096)  # fmt: skip
        document = gw.dir + "/recording.wav"
        subprocess.run([TOP + "/tests/data/make.py", "--recording", document, "--mib", "2048"], check=True)
        against_nginx(gw, sender, document)
        beside(gw, sender, document)
    finally:
        gw.remove()


def sealed(gw, sender, document, shb):
    """The id of a bundle of this document."""
    said = client(sender, "seal", "--class", "general", "--to", "csc/mash", "--out", shb, document)[3]
    return re.search(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f-]{21}", json.dumps(said)).group(0)


def put_command(port, gw, id, path):
    return [BUILD + "/bench/load", "put", str(port), gw.dir + "/pki", "uhcw", "/v1/bundles/" + id, path]


def beside(gw, sender, document):
    """Small accepts at a modest rate, without anything else, and while 2 GiB are sent, synced and accepted."""
    rate, n, shb = 200, 600, gw.dir + "/beside.shb"
    id, load, without, during = sealed(gw, sender, document, shb), Load(gw), [], []
    load("make", "uhcw/emergency", MAILBOXES, 4096, 20 * n)
    load("open", "uhcw", CLIENTS)
    for _ in range(2):
        without.append(load("accept", n, rate)["p99_ms"])
    put = subprocess.Popen(put_command(gw.port, gw, id, shb), stdout=subprocess.DEVNULL)
    while put.poll() is None and len(during) < 17:
        during.append(load("accept", n, rate)["p99_ms"])
    if put.wait(DEADLINE) != 0:
        sys.exit("the upload failed")
    load.end()
    os.unlink(shb)
    tell(bench="beside an upload of 2 GiB", rate=rate, p99_ms_without=without, p99_ms=during)
    row(f"p99 of {rate}/s small accepts while 2 GiB are sent", f"{max(during):.1f} ms, without {max(without):.1f} ms", "50 ms", "", max(during) <= 50)


def against_nginx(gw, sender, document):
    """The same file by the same client to both, in turn."""
    nginx, rates, used = Nginx(gw), {"safehand": [], "nginx": []}, {"safehand": 0, "nginx": 0}
    try:
        for i in range(2):
            shb = f"{gw.dir}/{i}.shb"
            id = sealed(gw, sender, document, shb)
            os.sync()
            before = nginx.cpu(), sum(cpu(gw).values())
            rates["nginx"].append(upload(nginx.port, gw, id, shb))
            os.sync()
            rates["safehand"].append(upload(gw.port, gw, id, shb))
            used["nginx"] += nginx.cpu() - before[0]
            used["safehand"] += sum(cpu(gw).values()) - before[1]
            os.unlink(shb)
            os.unlink(f"{nginx.dir}/root/v1/bundles/{id}")
    finally:
        nginx.end()
    got = {k: round(statistics.median(v)) for k, v in rates.items()}
    used = {k: round(v / 2, 2) for k, v in used.items()}
    tell(bench="upload", mib=2048, mb_per_s=got, rounds=rates, server_cpu_s=used)
    row("one 2 GiB upload (nginx syncs nothing, and takes no digest)", f"{got['safehand']} MB/s ({used['safehand']} s CPU); nginx {got['nginx']} ({used['nginx']})", "80 % of nginx",
        share(got["safehand"], got["nginx"]) + " of nginx", got["safehand"] >= 0.8 * got["nginx"])  # fmt: skip


# --- growth ---


def three(load, gw, n):
    """Rates of accept, feed and track now."""
    load("make", "uhcw/emergency", MAILBOXES, 4096, 4 * n)
    load("open", "uhcw", CLIENTS)
    load("accept", n, 0)
    got = {"accept": load.rounds("accept", n, 0), "track": load.rounds("track", n, 0)}
    load("open", "csc", CLIENTS)
    got["feed"] = load.rounds("get", f"/v1/mailboxes/csc/mash?after={log_size(gw) - 400}", n, 0)
    return got


def grow(gw, bundles, due):
    """Stops the gateway, fills its ledger, starts it; (bytes of ledger a delivery, seconds of the start)."""
    gw.stop()
    before = os.path.getsize(gw.dir + "/data/ledger.db")
    out = subprocess.run([BUILD + "/bench/grow", gw.dir + "/data", gw.dir + "/pki", str(bundles), str(due)], capture_output=True, text=True)
    if out.returncode != 0:
        sys.exit(out.stderr)
    print(out.stdout, end="")
    subprocess.run(["chown", "-R", "--reference=" + gw.dir + "/data", gw.dir + "/data"], check=True)
    grown = os.path.getsize(gw.dir + "/data/ledger.db") - before
    began = time.monotonic()
    gw.start()
    return grown / (3 * bundles), time.monotonic() - began


def growth(full, floor):
    bundles, n = (1000000 if full else 100000), 1200
    gw = Gateway("front handshakes-per-address = 20000").start()
    try:
        load = Load(gw)
        small = three(load, gw, n)
        load.end()
        each, seconds = grow(gw, bundles, 0)
        load = Load(gw)
        big = three(load, gw, n)
        load.end()
        for k, goal in (("accept", 0.9), ("feed", 0.8), ("track", 0.8)):
            tell(bench="growth", what=k, bundles=bundles, empty=small[k], grown=big[k])
            part = big[k]["per_s"] / small[k]["per_s"]
            row(f"{k} with {bundles} bundles", f"{big[k]['per_s']:.0f}/s, {100 * part:.0f} % of {small[k]['per_s']:.0f}/s", f"{100 * goal:.0f} %", "", part >= goal)
        tell(bench="growth", what="start", bundles=bundles, seconds=round(seconds, 2), ledger_bytes_per_delivery=round(each))
        row(f"start with {bundles} bundles", f"{seconds:.2f} s", "5 s", "", seconds < 5)
        row("ledger for each delivery", f"{each:.0f} bytes", "2048 bytes", "", each < 2048)
        tell(bench="memory", after="growth", peak_kib=memory(gw))
    finally:
        gw.remove()


def purge(full, floor):
    due, n = (100000 if full else 20000), 3000
    gw = Gateway("front handshakes-per-address = 20000").start()
    try:
        grow(gw, due, 0)
        load = Load(gw)
        load("make", "uhcw/emergency", MAILBOXES, 4096, 4 * n)
        load("open", "uhcw", CLIENTS)
        rate = min(1000, load("accept", n, 0)["per_s"] / 2)
        without = load.rounds("accept", n, rate)
        load.end()
        grow(gw, due, due)
        load = Load(gw)
        load("make", "uhcw/emergency", MAILBOXES, 4096, 3 * n)
        load("open", "uhcw", CLIENTS)
        during = load.rounds("accept", n, rate)
        purged = read(gw.dir + "/log").count(b"msg=purged")
        load.end()
        tell(bench="purge", due=due, purged_meanwhile=purged, rate=round(rate), without=without, during=during)
        row(f"purge of {due} bundles: p99 at {rate:.0f}/s", f"{during['p99_ms']:.1f} ms, without {without['p99_ms']:.1f} ms; {purged} purged meanwhile", "not held up",
            "", during["p99_ms"] <= max(50, 2 * without["p99_ms"]) and purged > 0)  # fmt: skip
    finally:
        gw.remove()


def library(full, floor):
    """Sealing, opening and judging without a gateway."""
    with tempfile.TemporaryDirectory(prefix="safehand-bench-") as folder:
        for command in (["bench_verify", folder], ["bench_deadline", folder], ["bench_bundle", folder, "1", "64"]):
            subprocess.run([BUILD + "/bench/" + command[0]] + command[1:], check=True, env=dict(os.environ, PKI=PKI))


def table(where):
    print(f"\n{where}")
    head = ("measure", "measured", "goal", "of the floor", "reached")
    wide = [max(len(str(r[i])) for r in rows + [head]) for i in range(len(head))]
    for r in [head] + rows:
        print("  ".join(str(c).ljust(w) for c, w in zip(r, wide)).rstrip())


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--full", action="store_true", help="1,000,000 bundles, 10 GiB, 100,000 purged")
    ap.add_argument("rows", nargs="*")
    a = ap.parse_args()
    known = {f.__name__: f for f in (accept, collect, idle, large, growth, purge, library)}
    where = machine()
    with tempfile.TemporaryDirectory(prefix="safehand-bench-") as folder:
        floor = Floor(folder)
    row("floor: fdatasync, P-256 verify a core, SHA-256, TLS both ends", "{fdatasync_per_s}/s, {p256_verify_per_s}/s, {sha256_mb_per_s} MB/s, {tls_mb_per_s} MB/s".format(**floor.row), "")
    for name in a.rows or known:
        known[name](a.full, floor)
    table(where)


if __name__ == "__main__":
    main()
