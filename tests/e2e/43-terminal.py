# 43-terminal.py - the client at a terminal: progress with rate and time left, cleared at its end; passphrases are asked
# for and never shown. Without a terminal there is neither.
import os
import pty
import re
import select
import signal
import subprocess
import time

from client import DATA, SAFEHAND, Client
from gateway import DEADLINE, TOP, Gateway, finish, ok, read, wait

LETTER = os.path.join(DATA, "discharge-summary.pdf")
LARGE = 128 * 1024 * 1024  # bytes: some progress is there to be seen
gw = Gateway().start()
pki = gw.dir + "/pki"


class Terminal:
    """A program with a terminal of its own, on which it writes and asks."""

    def __init__(self, argv, cwd):
        self.seen = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(cwd)
            os.environ["TERM"] = "xterm"
            os.execv(argv[0], argv)

    def until(self, pattern):
        """Reads on until the pattern is there, or the program has ended; the match."""
        end = time.monotonic() + DEADLINE
        while not (m := re.search(pattern, self.seen)) and time.monotonic() < end:
            if not select.select([self.fd], [], [], 1)[0]:
                continue
            try:
                got = os.read(self.fd, 65536)
            except OSError:  # EIO: nobody has the other side open any more
                got = b""
            if not got:
                break
            self.seen += got
        return m

    def type(self, text):
        os.write(self.fd, text + b"\n")

    def end(self):
        """(exit status, all that was seen)"""
        self.until(rb"(?!)")
        if os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            os.kill(self.pid, signal.SIGKILL)  # it asks on, which is a failure
        status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        os.close(self.fd)
        return status, self.seen


def at_terminal(client, *words, type=()):
    t = Terminal(client.argv(*words), client.dir)
    asked = 0
    for text in type:
        if not t.until(rb"(?s)(?:.*passphrase[^\n]*: |.*once more: ){%d}" % (asked + 1)):
            break
        asked += 1
        t.type(text)
    return t.end()


try:
    uhcw = Client(gw, "uhcw")
    with open(uhcw.dir + "/film", "wb") as f:
        for _ in range(LARGE >> 20):
            f.write(os.urandom(1 << 20))

    # --- progress ---
    general = ["--class", "general", "--from", "uhcw/emergency", "--to", "csc/mash"]
    t = Terminal(uhcw.argv("send", *general, "film"), uhcw.dir)
    ok("progress is there", t.until(rb"sealing [0-9.]+ [KM]?i?B of 128\.0 MiB"), t.seen)
    os.kill(t.pid, signal.SIGSTOP)  # time passes that counts for rate and time left
    time.sleep(0.3)
    os.kill(t.pid, signal.SIGCONT)
    ok("with rate and time left", t.until(rb"sealing [0-9.]+ MiB of 128\.0 MiB, [0-9.]+ MiB/s, [0-9]+:[0-9][0-9] left"), t.seen)
    ok("of the sending too", t.until(rb"sending [0-9.]+ MiB of 128\.[0-9] MiB"), t.seen)
    status, seen = t.end()
    ok("it is sent", status == 0 and b"sent " in seen, seen)
    lines = seen.replace(b"\r\n", b"\n").split(b"\n")
    ok("the line of progress is taken away again", all(b"\x1b[K" in line and not line.split(b"\x1b[K")[-1].startswith((b"sealing", b"sending")) for line in lines if b"ing 1" in line), lines)
    for what, words in (("--quiet", ["--quiet"]), ("--json", ["--json"])):
        status, seen = at_terminal(uhcw, *words, "seal", *general, "--out", what + ".shb", "film")
        ok(f"none with {what}", status == 0 and b"sealing" not in seen and b"\x1b" not in seen, seen)
    done = subprocess.run(uhcw.argv("seal", *general, "--out", "pipe.shb", "film"), cwd=uhcw.dir, capture_output=True)
    ok("none where there is no terminal", done.returncode == 0 and b"sealing" not in done.stderr + done.stdout, done)

    # --- passphrases ---
    new, word = gw.dir + "/new", b"open sesame"
    first = [SAFEHAND, "enroll", "--into", new, "--agency", "hv", "--url", f"https://localhost:{gw.port}", "--root", pki + "/trust/root.pem", "--mailbox", "hv/visitors", "--person", "hv/n.gray"]

    class Enrolling:
        dir = gw.dir

        def argv(self, *words):
            return first + list(words)

    status, seen = at_terminal(Enrolling(), type=(word, b"open barley"))
    ok("two that differ: refused", status == 1 and b"differ" in seen, seen)
    ok("and nothing is made", not os.path.exists(new) or os.listdir(new) == [], new)
    status, seen = at_terminal(Enrolling(), type=(word, word))
    ok("asked twice, keys are made", status == 0, seen)
    ok("what is typed is not shown", word not in seen and b"barley" not in seen, seen)
    keys = [n for n in os.listdir(new) if n.endswith(".key")]
    ok("every key is encrypted, with Argon2id", len(keys) == 4 and all(read(f"{new}/{n}")[:4] == b"SHK1" for n in keys), keys)
    ok("the passphrase is in no file", not any(word in read(f"{new}/{n}") for n in os.listdir(new)), os.listdir(new))

    def issue(verb, *words):
        done = subprocess.run([f"{TOP}/pki/{verb}", "--dir", pki, *words], capture_output=True, text=True)
        ok(f"pki/{verb} {' '.join(words[:2])}", done.returncode == 0, done.stderr)
        return done.stdout.strip()

    class Taking:
        dir = gw.dir

        def argv(self, *words):
            return [SAFEHAND, "enroll", "--into", new, "--take", *words]

    cert = issue("issue", "agency-tls", "hv", "--csr", new + "/agency-tls.csr")
    status, seen = at_terminal(Taking(), cert)
    ok("taken in: no key is needed", status == 0 and b"passphrase" not in seen, seen)
    cert = issue("issue", "agency-sign", "hv", "--csr", new + "/agency-sign.csr")
    status, seen = at_terminal(Taking(), cert, type=(word,))
    ok("taken in: it signs the mailbox's request", status == 0 and os.path.exists(new + "/agency-seal_visitors.request"), seen)
    cert = issue("issue", "agency-seal", "hv/visitors", "--request", new + "/agency-seal_visitors.request")
    status, seen = at_terminal(Taking(), cert)
    ok("taken in: the mailbox's", status == 0, seen)
    with open(pki + "/members", "a") as f:
        f.write('agency hv "Health visitors" contact hv@coventry.example\nmailbox hv/visitors "Duty" contact hv@coventry.example\n')
    issue("roster", "--members", pki + "/members")
    mark = len(gw.text())
    gw.process.send_signal(signal.SIGHUP)
    wait("the roster is in force", lambda: "msg=roster " in gw.text()[mark:])

    class Joined(Client):
        def __init__(self):
            self.dir, self.conf = new, new + "/safehand.conf"

    hv = Joined()
    status, seen = at_terminal(hv, "roster", type=(b"open barley",))
    ok("the wrong passphrase: refused", status == 1 and b"does not open" in seen, (status, seen))
    status, seen = at_terminal(hv, "roster", type=(word,))
    ok("the right one: served", status == 0 and b"csc/mash" in seen and word not in seen, (status, seen))
    ok("it is asked for once", seen.count(b"passphrase") == 1, seen)
    uhcw.good("the roster is fetched", "roster")
    id = uhcw.good("the new member is written to", "send", "--class", "general", "--from", "uhcw/emergency", "--to", "hv/visitors", LETTER)["id"]
    status, seen = at_terminal(hv, "open", id, "--into", "in", type=(word,))
    ok("opened: three keys, one passphrase, asked for once", status == 0 and seen.count(b"passphrase") == 1, (status, seen))
    ok("the document is there", read(f"{new}/in/{id}/discharge-summary.pdf") == read(LETTER))
    done = subprocess.run(hv.argv("--json", "roster"), cwd=new, capture_output=True, stdin=subprocess.DEVNULL, start_new_session=True)
    ok("no terminal, no passphrase: refused, and told what to do", done.returncode == 1 and b"passphrase file" in done.stdout, done)
finally:
    gw.remove()
finish()
