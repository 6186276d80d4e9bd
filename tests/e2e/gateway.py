# gateway.py - what the end-to-end scenarios share: a real daemon on loopback, members that talk to it over real TLS,
# bundles and statements made and judged in Python (tests/interop), and the count of what passed.
import base64
import hashlib
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import types

TOP = os.environ.get("TOP") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("BUILD") or os.path.join(TOP, "build")
PKI = os.environ.get("PKI") or os.path.join(BUILD, "test-pki")
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(TOP, "tests", "interop"))
import c2sp  # noqa: E402
import cms  # noqa: E402
import evidence  # noqa: E402
from make_bundle import Draft, Pki, now_text, uuid7  # noqa: E402
from nacl import bindings as na  # noqa: E402
from pki import Trust  # noqa: E402

DEADLINE = 30  # seconds that any one fact is waited for before the scenario fails
passed = failed = 0


def ok(what, good, told=""):
    global passed, failed
    if good:
        passed += 1
        print("ok -", what, flush=True)
    else:
        failed += 1
        print("not ok -", what, "\n  #", str(told)[:2000].replace("\n", "\n  # "), flush=True)
    return good


def finish():
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


def wait(what, fact):
    """Until fact() is true; its value."""
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        value = fact()
        if value:
            return value
        time.sleep(0.02)
    raise TimeoutError(what)


def read(path, mode="rb"):
    with open(path, mode) as f:
        return f.read()


class Gateway:
    """safehandd with the shipped example's configuration and the tests' classes, in a folder of its own."""

    def __init__(self, settings="", pki=PKI, own_pki=True):
        """own_pki: a copy of it, to be changed; else the one of all, to be read."""
        self.dir = tempfile.mkdtemp(prefix="safehand-e2e-")
        (shutil.copytree if own_pki else os.symlink)(pki, self.dir + "/pki")
        shutil.copy(os.path.join(TOP, "tests/conf/classes.conf"), self.dir)
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        os.makedirs(self.dir + "/jail", 0o755)
        os.chmod(self.dir, 0o755)
        self.write_conf(settings)
        self.process = None
        self.pki = Pki(self.dir + "/pki")
        self.trust = Trust(read(self.dir + "/pki/trust/root.pem"), read(self.dir + "/pki/trust/crl.pem"))
        self.key = c2sp.LogKey(read(self.dir + "/pki/log/log.vkey").decode())

    def write_conf(self, settings=""):
        """settings: lines "section key = value" that replace or add to the example's."""
        rows = [f"gateway listen = 127.0.0.1:{self.port}", "gateway jail = jail", "gateway user = nobody", "gateway grace = 5s"]
        lines, section = [], ""
        rows += [r for r in settings.splitlines() if r.strip()]
        mine = {(r.split()[0], r.split()[1]): r.split("=", 1)[1].strip() for r in rows}
        for line in read(os.path.join(TOP, "conf", "safehand.conf"), "r").splitlines():
            word = line.split("=")[0].strip()
            if line == "include calendars.conf":
                continue
            section = line.strip("[]") if line.startswith("[") else section
            if (section, word) in mine:
                continue
            lines.append(line)
            if line.startswith("["):
                lines += [f"{k} = {v}" for (s, k), v in mine.items() if s == section]
        have = [line.strip("[]") for line in lines if line.startswith("[")]
        for s in {s for s, _ in mine} - set(have):
            lines = [f"[{s}]"] + [f"{k} = {v}" for (t, k), v in mine.items() if t == s] + lines
        with open(self.dir + "/safehand.conf", "w") as f:
            f.write("\n".join(lines) + "\n")

    def start(self, **user):
        """user: of whom, as subprocess takes it."""
        self.log = open(self.dir + "/log", "ab")
        self.mark = os.path.getsize(self.dir + "/log")
        # leaks are found by ptrace, which the jail forbids; the roles' unit tests look for them
        env = dict(os.environ, ASAN_OPTIONS="detect_leaks=0:" + os.environ.get("ASAN_OPTIONS", ""))
        command = [BUILD + "/bin/safehandd", "-f", self.dir + "/safehand.conf"]
        self.process = subprocess.Popen(command, stderr=self.log, stdout=self.log, env=env, **user)
        wait("safehandd serves", lambda: self.said("msg=serving") or self.process.poll() is not None)
        wait("the roster is in force", lambda: self.said("msg=roster ") or self.process.poll() is not None)
        if self.process.poll() is not None:
            raise RuntimeError(read(self.dir + "/log", "r"))
        return self

    def text(self):
        """What was logged since the start."""
        return read(self.dir + "/log")[self.mark :].decode()

    def said(self, words):
        return words in self.text()

    def children(self):
        out = subprocess.run(["ps", "-o", "pid=,comm=", "--ppid", str(self.process.pid)], capture_output=True, text=True).stdout
        return {line.split()[1]: int(line.split()[0]) for line in out.splitlines()}

    def stop(self):
        """Orderly; the exit status."""
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(DEADLINE)
        self.log.close()
        return status

    def kill(self):
        """As a power cut would: all its processes at once, nothing flushed by them."""
        pids = list(self.children().values())
        self.process.kill()
        self.process.wait(DEADLINE)
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        wait("its roles are gone", lambda: not any(os.path.exists(f"/proc/{p}") for p in pids))
        self.log.close()

    def remove(self):
        if self.process and self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.dir)

    def judge(self, raw):
        """The independent verifier's verdict on evidence that the gateway gave: (word, why)."""
        return evidence.judge(raw if isinstance(raw, bytes) else json.dumps(raw).encode(), self.trust, self.key)


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)

    def code(self):
        """The stable code of a problem (RFC 9457)."""
        return self.json().get("code") if self.headers.get("content-type") == "application/problem+json" else None

    def __repr__(self):
        return f"{self.status} {self.headers} {self.body[:400]}"


class Wire:
    """One TLS connection of a member; bytes as one likes."""

    def __init__(self, gw, stem="certs/agency-tls/uhcw", cert=True, host="localhost", tls=None):
        ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        ctx.load_verify_locations(gw.dir + "/pki/trust/root.pem")
        if cert:
            ctx.load_cert_chain(f"{gw.dir}/pki/{stem}.pem", f"{gw.dir}/pki/{stem}.key")
        if tls:
            ctx.maximum_version = tls
        raw = socket.create_connection(("127.0.0.1", gw.port), timeout=DEADLINE)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = ctx.wrap_socket(raw, server_hostname=host)
        self.data = b""

    def send(self, data):
        self.sock.sendall(data)

    def more(self):
        got = self.sock.recv(65536)
        self.data += got
        return bool(got)

    def closed(self):
        """Whether the peer closes now, with nothing more to read."""
        try:
            return not self.more()
        except (ssl.SSLError, ConnectionResetError):
            return True

    def answer(self, method="GET"):
        """The next answer that is final; 100 Continue is passed over."""
        while True:
            while b"\r\n\r\n" not in self.data:
                if not self.more():
                    raise ConnectionError("closed without an answer")
            head, _, self.data = self.data.partition(b"\r\n\r\n")
            lines = head.decode().split("\r\n")
            status = int(lines[0].split()[1])
            if status != 100:
                break
        headers = {k.strip().lower(): v.strip() for k, _, v in (line.partition(":") for line in lines[1:])}
        length = 0 if method == "HEAD" or status in (204, 304) else int(headers.get("content-length", 0))
        while len(self.data) < length:
            if not self.more():
                raise ConnectionError("closed inside an answer")
        body, self.data = self.data[:length], self.data[length:]
        return Answer(status, headers, body)

    def call(self, method, path, body=None, **headers):
        head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n"
        if body is not None and "Transfer_Encoding" not in headers:
            head += f"Content-Length: {len(body)}\r\n"
        head += "".join(f"{k.replace('_', '-')}: {v}\r\n" for k, v in headers.items())
        try:
            self.send(head.encode() + b"\r\n" + (body or b""))
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            pass  # refused while we were still sending: the answer is there to be read
        return self.answer(method)

    def close(self):
        self.sock.close()


class Member:
    """An agency with its keys."""

    def __init__(self, gw, agency):
        self.gw, self.agency = gw, agency

    def wire(self):
        return Wire(self.gw, "certs/agency-tls/" + self.agency)

    def call(self, method, path, body=None, **headers):
        w = self.wire()
        try:
            return w.call(method, path, body, **headers)
        finally:
            w.close()

    def draft(self, sender, to, klass="general", sign=None, documents=(), fault=None, id=None, cover_for=None, about=None):
        a = types.SimpleNamespace(
            sender=sender, klass=klass, to=to, cover_for=cover_for, sign=sign, about=about, id=id, cover=None, documents=list(documents)
        )
        return Draft(a, self.gw.pki).make(fault)

    def put(self, draft):
        return self.call("PUT", "/v1/bundles/" + draft.id, draft.file)

    def statement(self, kind, mailbox, id, manifest, content=None, person=None, code=None, signer=None, **changes):
        """The framed bytes of a signed statement; signer: another certificate than the right one."""
        body = {
            "safehand_statement": 1, "kind": kind, "bundle": id, "mailbox": mailbox, "manifest_sha256": manifest,
            "content_sha256": content, "at": now_text(), "by": "person/" + person if person else "agency/" + self.agency,
            "code": code or ("accepted" if kind == "answered" else "ok"), "reply": None,
        }  # fmt: skip
        body.update(changes)
        text = json.dumps(body, separators=(",", ":")).encode()
        which = "person-sign/" + person if person else "agency-sign/" + self.agency
        return frame(text, cms.sign(text, [self.gw.pki.signer(signer or which)]))

    def tell(self, mailbox, id, framed):
        return self.call("POST", f"/v1/mailboxes/{mailbox}/bundles/{id}/statements", framed)

    def feed(self, mailbox, after=0, wait=0):
        return self.call("GET", f"/v1/mailboxes/{mailbox}?after={after}&wait={wait}")


def frame(content, signature):
    return b"SHS1" + len(content).to_bytes(4, "big") + len(signature).to_bytes(4, "big") + content + signature


def open_slot(gw, mailbox, slot):
    """The content key in a slot, with the mailbox's key."""
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

    key = load_pem_private_key(read(f"{gw.dir}/pki/certs/agency-seal/{mailbox.replace('/', '_')}.key"), None)
    secret = key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    public = na.crypto_scalarmult_base(secret)
    return na.crypto_box_seal_open(base64.b64decode(slot), public, secret)


def manifest_digest(draft):
    return hashlib.sha256(draft.text).hexdigest()


def takes_a_bundle(what, gw, sender):
    """A letter to csc/mash goes in, and its evidence holds. The draft."""
    d = sender.draft("uhcw/emergency", ["csc/mash"], "discharge-letter")
    answer = sender.put(d)
    ok(f"{what}: a bundle is taken, stamped and logged", answer.status == 201 and gw.judge(answer.body)[0] == "OK", answer)
    return d


def control(gw, line):
    """What safehandctl asks, as JSON."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(DEADLINE)
        s.connect(gw.dir + "/control")
        s.sendall(line.encode() + b"\n")
        got = b""
        while True:
            more = s.recv(65536)
            if not more:
                return json.loads(got)
            got += more
