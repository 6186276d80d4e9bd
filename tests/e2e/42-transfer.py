# 42-transfer.py - a large bundle whose sender and whose recipient are killed in the middle: both go on where they
# stopped, in constant memory.
import json
import os
import signal
import subprocess
import time

from client import Client
from gateway import Gateway, Member, finish, ok, read, wait

SIZE = 160 * 1024 * 1024
MEMORY = 32 * 1024  # KiB: the limit of every process, whatever the size


def peak(pid):
    """KiB that a process had in memory at most."""
    try:
        return int(next(line for line in read(f"/proc/{pid}/status", "r").splitlines() if line.startswith("VmHWM")).split()[1])
    except (OSError, StopIteration):
        return 0  # it has ended


gw = Gateway().start()
try:
    uhcw, csc = Client(gw, "uhcw"), Client(gw, "csc")
    with open(uhcw.dir + "/film", "wb") as f:
        for _ in range(SIZE // (1024 * 1024)):
            f.write(os.urandom(1024 * 1024))
    sealed = uhcw.good("a recording is sealed", "seal", "--from", "uhcw/emergency", "--class", "general", "--to", "csc/mash", "--out", "b.shb", "film")
    id, size = sealed["id"], os.path.getsize(uhcw.dir + "/b.shb")
    path = "/v1/bundles/" + id

    # --- the upload is cut ---
    member = Member(gw, "uhcw")

    def offset():
        return int(member.call("HEAD", path).headers.get("upload-offset", 0))

    sending = subprocess.Popen(uhcw.argv("--quiet", "submit", "b.shb"), cwd=uhcw.dir)
    gw_sees = wait("some of it has come", lambda: offset() > 1024 * 1024 or sending.poll() is not None)
    sending.send_signal(signal.SIGKILL)
    status = sending.wait()
    ok("its sender is killed in the middle", status == -signal.SIGKILL, status)
    there = wait("the gateway keeps what came", lambda: offset())
    ok("the gateway has a part", 0 < there < size, there)
    ok("no evidence is claimed", uhcw.kept("evidence") == [], uhcw.kept("evidence"))
    uhcw.good("the next try sends the rest", "submit", "b.shb")
    ok("and has the evidence", len(uhcw.kept("evidence")) == 1, uhcw.kept("evidence"))
    resumed = [line for line in gw.text().splitlines() if id in line and "refused" in line and "status=409" in line]
    ok("from the right place at once", resumed == [], resumed)

    # --- the download is cut ---
    part = csc.state("fetched", id + ".csc_mash.shb")
    opening = subprocess.Popen(csc.argv("--quiet", "open", id, "--into", "got"), cwd=csc.dir, stdout=subprocess.DEVNULL)
    wait("some of it has come", lambda: opening.poll() is not None or (os.path.exists(part) and os.path.getsize(part) > 1024 * 1024))
    opening.send_signal(signal.SIGKILL)
    status = opening.wait()
    got = os.path.getsize(part)
    ok("its recipient is killed in the middle", status == -signal.SIGKILL and 0 < got < size, (status, got))
    inode = os.stat(part).st_ino
    head = read(part)[:65536]
    again = subprocess.Popen(csc.argv("--json", "open", id, "--into", "got"), cwd=csc.dir, stdout=subprocess.PIPE)
    wait("it goes on", lambda: again.poll() is not None or os.path.getsize(part) > got)
    most = peak(again.pid)
    shrunk = os.path.exists(part) and (os.stat(part).st_ino != inode or read(part)[:65536] != head)
    during = 0
    while again.poll() is None:
        during = max(during, peak(again.pid))
        time.sleep(0.02)
    out = json.loads(again.communicate()[0])
    ok("the next try opens it", again.returncode == 0, out)
    ok("it went on with what was there", not shrunk)
    same = subprocess.run(["cmp", uhcw.dir + "/film", f"{csc.dir}/got/{id}/film"]).returncode
    ok("the recording came as it went", same == 0)
    ok("what was fetched is not kept", csc.kept("fetched") == [], csc.kept("fetched"))
    most = max(most, during)
    ok(f"opening needed no more than 32 MiB ({most} KiB)", "san" in os.environ.get("BUILD", "") or 0 < most < MEMORY, most)
finally:
    gw.remove()
finish()
