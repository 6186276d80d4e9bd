# 2,000 hostile connections at once, of every kind that costs the gateway something, from twenty addresses; a good client
# among them sends and fetches bundles, and is served.
import itertools
import resource
import ssl
import sys

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/e2e")
from gateway import *  # noqa: E402

CROWD = 2000
ROUNDS = 20
resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
gw = Gateway("front handshake-timeout = 60s\nfront head-timeout = 60s\nfront body-timeout = 60s").start()
uhcw, csc = Member(gw, "uhcw"), Member(gw, "csc")
member = ssl.create_default_context(cafile=gw.dir + "/pki/trust/root.pem")
member.load_cert_chain(gw.dir + "/pki/certs/agency-tls/wmp.pem", gw.dir + "/pki/certs/agency-tls/wmp.key")
HELLO = bytes.fromhex("16030100c8010000c40303") + os.urandom(40)  # a ClientHello that stops in the middle
H = b"Host: localhost\r\n"


def plain(address, first=b""):
    s = socket.socket()
    s.bind((address, 0))
    s.connect(("127.0.0.1", gw.port))
    s.sendall(first)
    return s


def known(address, first):
    s = member.wrap_socket(plain(address), server_hostname="localhost")
    s.sendall(first)
    return s


KINDS = [
    ("says nothing", lambda a: plain(a)),
    ("half a ClientHello", lambda a: plain(a, HELLO)),
    ("garbage", lambda a: plain(a, os.urandom(300))),
    ("HTTP without TLS", lambda a: plain(a, b"GET / HTTP/1.1\r\n" + H + b"\r\n")),
    ("half a head", lambda a: known(a, b"GET /v1/roster HTTP/1.1\r\n" + H)),
    ("half a body", lambda a: known(a, b"POST /v1/route HTTP/1.1\r\n" + H + b"Content-Length: 100000\r\n\r\n{")),
    ("half a bundle", lambda a: known(a, f"PUT /v1/bundles/{uuid7()} HTTP/1.1\r\n".encode() + H + b"Content-Length: 100000\r\n\r\nSHB1")),
    ("a long poll", lambda a: known(a, b"GET /v1/mailboxes/wmp/ppu?wait=300 HTTP/1.1\r\n" + H + b"\r\n")),
    ("a hundred requests, no answer read", lambda a: known(a, (b"GET /v1/roster HTTP/1.1\r\n" + H + b"\r\n") * 100)),
]


def standing():
    """Connections that the kernel holds as established at the gateway's end."""
    rows = [line.split() for line in read("/proc/net/tcp", "r").splitlines()[1:]]
    return sum(1 for r in rows if r[1].endswith(f":{gw.port:04X}") and r[3] == "01")


held, refused = [], 0
kinds = itertools.cycle(KINDS)
for i in range(CROWD):
    what, make = next(kinds)
    try:
        held.append(make(f"127.0.1.{i % 20 + 1}"))
    except OSError:  # refused at once: an answer as good as any
        refused += 1
ok(f"{CROWD} hostile connections were made", len(held) + refused == CROWD and len(held) > CROWD * 3 // 4, (len(held), refused))
began, slowest = time.monotonic(), 0.0
for i in range(ROUNDS):
    t = time.monotonic()
    d = uhcw.draft("uhcw/emergency", ["csc/mash"])
    a = uhcw.put(d)
    good = a.status == 201 and gw.judge(a.json())[0] == "OK"
    a = csc.call("GET", f"/v1/mailboxes/csc/mash/bundles/{d.id}")
    good = good and a.status == 200
    a = csc.tell("csc/mash", d.id, csc.statement("collected", "csc/mash", d.id, manifest_digest(d)))
    slowest = max(slowest, time.monotonic() - t)
    if not ok(f"in the crowd, round {i + 1}: sent, fetched, collected with its key", good and a.status == 201 and b'"slot"' in a.body, a):
        break
status, still = control(gw, "status"), standing()
print(f"# {len(held)} held, {refused} refused at once, {still} until the end; {ROUNDS} rounds in {time.monotonic() - began:.2f} s, the slowest {slowest * 1000:.0f} ms", flush=True)
ok("all but those who spoke garbage stood until the end", still >= CROWD * 7 // 9 - 10, still)
front = gw.children()["safehand-front"]
rss = int(read(f"/proc/{front}/statm", "r").split()[1]) * 4
ok("and costs less than 100 KiB each", rss < CROWD * 100, rss)
print(f"# front: {rss} KiB", flush=True)
for s in held:
    s.close()
ok("the daemon lives", uhcw.call("GET", "/v1/roster").status == 200 and status["mailboxes"] is not None, status)
ok("and stops in order", gw.stop() == 0, gw.text()[-2000:])
gw.remove()
finish()
