# slowhttptest (Debian) against a running gateway: slow heads, slow bodies, slow reading. It knows no client certificates, so
# its connections come in through a relay that adds a member's; and once without, against TLS itself. All the while a
# good client of another agency is served.
import asyncio
import re
import ssl
import subprocess
import sys
import threading

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/e2e")
from gateway import *  # noqa: E402

CONNECTIONS, SECONDS = 200, 12
gw = Gateway("front head-timeout = 2s\nfront body-timeout = 2s\nfront handshake-timeout = 2s").start()
csc = Member(gw, "csc")


class Relay:
    """Plain TCP on a port of its own; each connection goes on to the gateway as one of the agency uhcw."""

    def __init__(self):
        ctx = ssl.create_default_context(cafile=gw.dir + "/pki/trust/root.pem")
        ctx.load_cert_chain(gw.dir + "/pki/certs/agency-tls/uhcw.pem", gw.dir + "/pki/certs/agency-tls/uhcw.key")
        self.ctx, self.loop, self.ended = ctx, asyncio.new_event_loop(), 0
        self.server = self.loop.run_until_complete(asyncio.start_server(self.take, "127.0.0.1", 0, backlog=1000))
        self.port = self.server.sockets[0].getsockname()[1]
        threading.Thread(target=self.loop.run_forever, daemon=True).start()

    @staticmethod
    async def pump(source, sink):
        try:
            while data := await source.read(4096):
                sink.write(data)
                await sink.drain()
        except (OSError, ssl.SSLError):
            pass
        sink.close()

    async def take(self, reader, writer):
        try:
            r, w = await asyncio.open_connection("127.0.0.1", gw.port, ssl=self.ctx, server_hostname="localhost")
        except (OSError, ssl.SSLError):
            writer.close()
            return
        await asyncio.gather(self.pump(reader, w), self.pump(r, writer))
        self.ended += 1


relay = Relay()


def served(until):
    """How often a good client was served, and its longest wait, while a process runs."""
    n, longest = 0, 0
    while until.poll() is None:
        t = time.monotonic()
        if csc.call("GET", "/v1/roster").status != 200:
            return 0, 0
        n, longest = n + 1, max(longest, time.monotonic() - t)
        time.sleep(0.05)
    return n, longest


for what, url, options in [
    ("slow heads", f"http://127.0.0.1:{relay.port}/v1/roster", ["-H", "-i", "1"]),
    ("slow bodies", f"http://127.0.0.1:{relay.port}/v1/route", ["-B", "-i", "1", "-s", "8192", "-t", "POST"]),
    ("slow reading", f"http://127.0.0.1:{relay.port}/v1/roster", ["-X", "-w", "1", "-y", "2", "-n", "1", "-z", "1", "-k", "3"]),
    ("ranges", f"http://127.0.0.1:{relay.port}/v1/roster", ["-R", "-a", "5", "-b", "3000"]),
    ("no certificate", f"https://127.0.0.1:{gw.port}/v1/roster", ["-H", "-i", "1"]),
]:
    before = relay.ended
    attack = subprocess.Popen(
        ["slowhttptest", "-c", str(CONNECTIONS), "-r", "100", "-l", str(SECONDS), "-p", "3", "-x", "24", "-u", url, *options],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=gw.dir,
    )  # fmt: skip
    n, longest = served(attack)
    text = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", attack.stdout.read())
    ok(f"slowhttptest, {what}: it ran its course", "Exit status:" in text and attack.returncode is not None, text[-1500:])
    ok(f"slowhttptest, {what}: a good client was served all along", n >= 3, (n, longest))
    ended = relay.ended - before
    if "https" not in url:
        wait(f"slowhttptest, {what}: the gateway has ended all of them", lambda: relay.ended - before >= CONNECTIONS)
        ok(f"slowhttptest, {what}: every connection was ended", True)
    print("#", what, "served", n, "longest", round(longest * 1000), "ms; ended meanwhile", ended, flush=True)
ok("the daemon lives", csc.put(csc.draft("csc/mash", ["uhcw/emergency"])).status == 201)
ok("and stops in order", gw.stop() == 0, gw.text()[-2000:])
gw.remove()
finish()
