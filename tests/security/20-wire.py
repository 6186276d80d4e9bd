# Attacks on the wire against a running gateway, each a row: smuggling, chunked oddities, targets that are no paths of ours,
# expectations, ranges, sizes, slowness. Beside tests/e2e/32-http.py, which has each request that must be refused at all.
import ssl
import sys

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/e2e")
from gateway import *  # noqa: E402

gw = Gateway("front head-timeout = 1s\nfront body-timeout = 1s\nfront idle-timeout = 60s").start()
uhcw, csc = Member(gw, "uhcw"), Member(gw, "csc")
H = "Host: localhost\r\n"
GET = "GET /v1/roster HTTP/1.1\r\n" + H
POST = "POST /v1/route HTTP/1.1\r\n" + H
BODY = '{"class":"general","from":"uhcw/emergency","to":["csc/mash"]}'
N = len(BODY)
SMUGGLED = "GET /v1/none HTTP/1.1\r\n" + H + "\r\n"
CHUNKED = POST + "Transfer-Encoding: chunked\r\n\r\n"
WHOLE = f"{N:x}\r\n{BODY}\r\n0\r\n\r\n"


def talk(raw, most=8):
    """Statuses of all answers to these bytes until the gateway closes or owes no more; and whether it closed."""
    w = uhcw.wire()
    statuses = []
    try:
        w.send(raw if isinstance(raw, bytes) else raw.encode("latin-1"))
    except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
        pass
    try:
        while len(statuses) < most:
            a = w.answer("GET")
            statuses.append(a.status)
            if a.headers.get("connection") == "close":
                break
    except (ConnectionError, ssl.SSLError):
        pass
    closed = w.closed() if statuses and len(statuses) < most else not statuses
    w.close()
    return statuses, closed


def refused(what, raw, want=range(400, 600)):
    """One refusal, and nothing of what came after it is read as a request."""
    statuses, closed = talk(raw)
    ok(f"{what}: refused once, then closed", len(statuses) == 1 and statuses[0] in want and closed, (statuses, closed))


def taken(what, raw, want):
    """These answers and, asked after them, one more: the connection is still in step."""
    statuses, _ = talk(raw + (SMUGGLED if isinstance(raw, str) else SMUGGLED.encode()), len(want) + 1)
    ok(f"{what}: {want}, and in step", statuses == want + [404], statuses)


# --- smuggling: two readings of where a request ends; the second request inside must never be answered ---
for what, raw in [
    ("CL.TE", POST + f"Content-Length: {N + 5}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED),
    ("TE.CL", POST + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n5c\r\n" + SMUGGLED + "0\r\n\r\n"),
    ("CL.CL", POST + f"Content-Length: 0\r\nContent-Length: {len(SMUGGLED)}\r\n\r\n" + SMUGGLED),
    ("TE.TE, the second unknown", POST + "Transfer-Encoding: chunked\r\nTransfer-Encoding: cow\r\n\r\n0\r\n\r\n" + SMUGGLED),
    ("TE with a tab before it", POST + "Transfer-Encoding:\tchunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n" + SMUGGLED),
    ("TE with a space before the colon", POST + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + SMUGGLED),
    ("TE on a folded line", POST + "A: b\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED),
    ("TE after a bare LF", POST + "A: b\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED),
    ("TE after a bare CR", POST + "A: b\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED),
    ("TE in quotes", POST + 'Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n' + SMUGGLED),
    ("TE with a comma before", POST + "Transfer-Encoding: , chunked\r\n\r\n0\r\n\r\n" + SMUGGLED),
    ("TE chunked, chunked", POST + "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n" + SMUGGLED),
    ("TE chunked with a parameter", POST + "Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n" + SMUGGLED),
    ("TE chunked on a GET", GET + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED),
    ("CL on a GET", GET + f"Content-Length: {len(SMUGGLED)}\r\n\r\n" + SMUGGLED),
    ("CL on a DELETE", "DELETE /v1/subscriptions/uhcw/emergency/class/general HTTP/1.1\r\n" + H + "Content-Length: 4\r\n\r\nabcd" + SMUGGLED),
    ("CL with a zero before it", POST + f"Content-Length: 0{N}\r\n\r\n{BODY}" + SMUGGLED),
    ("CL with a point", POST + f"Content-Length: {N}.0\r\n\r\n{BODY}" + SMUGGLED),
    ("CL of an exponent", POST + "Content-Length: 6e1\r\n\r\n" + BODY + SMUGGLED),
    ("CL with an underscore", POST + "Content-Length: 6_1\r\n\r\n" + BODY + SMUGGLED),
    ("CL of Arabic digits", (POST + "Content-Length: \u0666\u0661\r\n\r\n" + BODY + SMUGGLED).encode()),
    ("CL with a NUL", POST + f"Content-Length: {N}\0\r\n\r\n{BODY}" + SMUGGLED),
    ("CL 2^63", POST + "Content-Length: 9223372036854775808\r\n\r\n" + SMUGGLED),
    ("CL -0", POST + "Content-Length: -0\r\n\r\n" + SMUGGLED),
    ("a line break before the request", "\r\n" + SMUGGLED),
    ("a space before the request", " " + SMUGGLED),
    ("LF CR", GET + "A: b\n\r\r\n" + SMUGGLED),
    ("CR CR LF", GET + "A: b\r\r\n\r\n" + SMUGGLED),
    ("a header before the request line's end", "GET /v1/roster HTTP/1.1 " + H + "\r\n" + SMUGGLED),
    ("Upgrade: h2c is not answered to with 101", GET + "Connection: Upgrade\r\nUpgrade: h2c\r\nA:\tb\r\n\r\n" + SMUGGLED),
    ("CONNECT", "CONNECT localhost:443 HTTP/1.1\r\n" + H + "\r\n" + SMUGGLED),
]:
    refused("smuggling, " + what, raw)
taken("smuggling, an underscore makes another header", POST + f"Transfer_Encoding: chunked\r\nContent-Length: {N}\r\n\r\n{BODY}", [200])
taken("smuggling, a method in lower case is none of ours", "get /v1/roster HTTP/1.1\r\n" + H + "\r\n", [405])
taken("smuggling, TRACE", "TRACE /v1/roster HTTP/1.1\r\n" + H + "\r\n", [405])
taken("smuggling, Upgrade alone is ignored", GET + "Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n", [200])
taken("smuggling, X-HTTP-Method-Override is ignored", GET + "X-HTTP-Method-Override: DELETE\r\n\r\n", [200])
taken("smuggling, X-Forwarded-For and X-Original-URL are ignored", GET + "X-Forwarded-For: 10.0.0.1\r\nX-Original-URL: /v1/none\r\n\r\n", [200])

# --- chunked: what is good, and what only looks so ---
taken("chunked", CHUNKED + WHOLE, [200])
taken("chunked, one byte a chunk", CHUNKED + "".join(f"1\r\n{c}\r\n" for c in BODY) + "0\r\n\r\n", [200])
taken("chunked, zeros before the size", CHUNKED + f"00000{N:x}\r\n{BODY}\r\n000\r\n\r\n", [200])
taken("chunked, size in capitals", CHUNKED + f"{N:X};a=b\r\n{BODY}\r\n0\r\n\r\n", [200])
taken("chunked, TE in capitals", POST + "TRANSFER-ENCODING: CHUNKED\r\n\r\n" + WHOLE, [200])
for what, raw in [
    ("size of 16 digits", CHUNKED + f"{N:016x}\r\n{BODY}\r\n0\r\n\r\n"), ("size of 2^60", CHUNKED + "1000000000000000\r\n"),
    ("no size", CHUNKED + f"\r\n{BODY}\r\n0\r\n\r\n"), ("size in words", CHUNKED + "ten\r\n"), ("space before the size", CHUNKED + f" {N:x}\r\n{BODY}\r\n0\r\n\r\n"),
    ("plus before the size", CHUNKED + f"+{N:x}\r\n{BODY}\r\n0\r\n\r\n"), ("size with an underscore", CHUNKED + f"0_{N:x}\r\n{BODY}\r\n0\r\n\r\n"),
    ("quoted extension", CHUNKED + f'{N:x};a="\r\n"\r\n{BODY}\r\n0\r\n\r\n'), ("two extensions", CHUNKED + f"{N:x};a;b\r\n{BODY}\r\n0\r\n\r\n"),
    ("an extension of 64 KiB", CHUNKED + f"{N:x};a=" + "b" * 65536 + f"\r\n{BODY}\r\n0\r\n\r\n"), ("NUL in an extension", CHUNKED + f"{N:x};a=\0\r\n{BODY}\r\n0\r\n\r\n"),
    ("trailer", CHUNKED + f"{N:x}\r\n{BODY}\r\n0\r\nA: b\r\n\r\n"), ("a length in the trailer", CHUNKED + f"{N:x}\r\n{BODY}\r\n0\r\nContent-Length: 0\r\n\r\n"),
    ("a chunk longer than its size", CHUNKED + f"{N - 1:x}\r\n{BODY}\r\n0\r\n\r\n"), ("a chunk shorter than its size", CHUNKED + f"{N + 1:x}\r\n{BODY}\r\n0\r\n\r\n"),
    ("end of a chunk with LF", CHUNKED + f"{N:x}\r\n{BODY}\n0\r\n\r\n"), ("end of a chunk with CR", CHUNKED + f"{N:x}\r\n{BODY}\r0\r\n\r\n"),
    ("end of all with LF", CHUNKED + f"{N:x}\r\n{BODY}\r\n0\n\n"), ("more than the route takes", CHUNKED + f"{200000:x}\r\n" + " " * 200000 + "\r\n0\r\n\r\n"),
    ("a size that the route does not take", CHUNKED + "fffffffff\r\n" + " " * 200000),
]:  # fmt: skip
    refused("chunked, " + what, raw + SMUGGLED)
statuses, closed = talk(CHUNKED + f"{N:x}\r\n{BODY}\r\n0\r\n")
ok("chunked, the last line break does not come: 408", statuses == [408] and closed, (statuses, closed))

# --- targets ---
for target in (
    "https://localhost/v1/roster", "http://10.0.0.1/v1/roster", "//localhost/v1/roster@", "localhost:443", "*", "v1/roster", "?a=b", "/v1/roster#a", "/v1/roster\\",
    "/v1/rost%65r", "/v1%2froster", "/%2e%2e/v1/roster", "/v1/roster%00", "/v1/%c0%ae%c0%ae/roster", "/v1/roster%0d%0aA:%20b", "/v1/\"roster\"", "/v1/{roster}", "/v1/roster|ls", "/v1/<a>",
    "/v1/roster?a", "/v1/mailboxes/uhcw/emergency?after=-1", "/v1/mailboxes/uhcw/emergency?after=18446744073709551616", "/v1/mailboxes/uhcw/emergency?after=1e3",
    "/v1/mailboxes/uhcw/emergency?after=", "/v1/mailboxes/uhcw/emergency?after=1&", "/v1/mailboxes/uhcw/emergency?&after=1", "/v1/mailboxes/uhcw/emergency?AFTER=1", "/v1/mailboxes/uhcw/emergency?wait=99999",
    "//v1/roster", "/v1//roster", "/v1/./roster", "/v1/../v1/roster", "/v1/roster/..", "/v1/roster/.", "/v1/roster;a=b", "/V1/roster", "/v1/ROSTER", "/v1/roster.json", "/..", "/../../../etc/passwd",
    "/v1/mailboxes/../roster", "/v1/mailboxes/uhcw/..", "/v1/mailboxes/uhcw/emergency/../../csc/mash", "/v1/mailboxes/uhcw//emergency", "/v1/mailboxes/UHCW/emergency", "/v1/mailboxes/uhcw/",
    "/v1/bundles/" + uuid7().upper(), "/v1/bundles/{}", "/v1/bundles/00000000-0000-0000-0000-000000000000", "/v1/bundles/" + uuid7() + "/", "/v1/bundles/" + uuid7() + "/evidence/-1",
    "/v1/bundles/" + uuid7() + "/evidence/1/..", "/v1/log/tile/0/../checkpoint", "/v1/log/tile/00/000", "/v1/log/tile/64/000", "/v1/log/tile/-1/000", "/v1/log/tile/0/x000/000", "/v1/log/tile/0/000.p/256",
    "/v1/log/tile/0/000.p/0", "/v1/log/tile/0/000.p/01", "/v1/log/tile/0/1", "/v1/log/tile/0/" + "x001/" * 7 + "000", "/v1/log/consistency?old=-1", "/v1/log/consistency", "/metrics", "/control", "/status", "/admin", "/.git/config",
):  # fmt: skip
    statuses, _ = talk(f"GET {target} HTTP/1.1\r\n{H}\r\n", 1)
    ok(f"target {target}: 400 or 404", statuses in ([400], [404]), statuses)
taken("target: many slashes", "GET " + "/" * 1000 + " HTTP/1.1\r\n" + H + "\r\n", [404])

# --- 100-continue ---
w = uhcw.wire()
w.send((POST + f"Expect: 100-continue\r\nContent-Length: {N}\r\n\r\n").encode())
while b"\r\n\r\n" not in w.data and w.more():
    pass
ok("100-continue: sent before the body", w.data == b"HTTP/1.1 100 Continue\r\n\r\n", w.data)
w.send(BODY.encode())
ok("100-continue: then the answer", w.answer().status == 200)
for what, raw, status in [
    ("for a body that is too large: refused, never invited", POST + "Expect: 100-continue\r\nContent-Length: 99999999\r\n\r\n", 413),
    ("for a target that is none", "POST /v1/none HTTP/1.1\r\n" + H + "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n", 404),
    ("for a method that is none", "PUT /v1/route HTTP/1.1\r\n" + H + "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n", 405),
    ("twice", POST + "Expect: 100-continue\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n", 400),
    ("and another", POST + "Expect: 100-continue, x\r\nContent-Length: 5\r\n\r\n", 417),
    ("for a bundle larger than any", f"PUT /v1/bundles/{uuid7()} HTTP/1.1\r\n" + H + "Expect: 100-continue\r\nContent-Length: 9223372036854775807\r\n\r\n", 413),
]:
    w = uhcw.wire()
    w.send(raw.encode())
    while b"\r\n\r\n" not in w.data and w.more():
        pass
    ok(f"100-continue {what}: {status}", w.data.startswith(f"HTTP/1.1 {status} ".encode()), w.data[:200])
taken("100-continue with nothing to come", GET + "Expect: 100-continue\r\n\r\n", [200])

# --- ranges of a bundle ---
with open(gw.dir + "/document.bin", "wb") as f:
    f.write(os.urandom(100_000))
d = uhcw.draft("uhcw/emergency", ["csc/mash"], documents=[gw.dir + "/document.bin"])
ok("a bundle to ask ranges of", uhcw.put(d).status == 201)
fetch = f"/v1/mailboxes/csc/mash/bundles/{d.id}"
whole = csc.call("GET", fetch).body
S = len(whole)
for value, status, first, count in [
    ("bytes=0-0", 206, 0, 1), ("bytes=-1", 206, S - 1, 1), (f"bytes={S - 1}-", 206, S - 1, 1), ("bytes=5-9", 206, 5, 5), (f"bytes=-{S + 100}", 206, 0, S),
    (f"bytes=0-{S + 100}", 206, 0, S), ("bytes=0-9223372036854775807", 206, 0, S), ("bytes=0-18446744073709551615", 200, 0, S), (f"bytes={S}-", 416, 0, 0),
    ("bytes=9223372036854775807-", 416, 0, 0), ("bytes=-0", 416, 0, 0), ("bytes=9-5", 200, 0, S), ("bytes=--5", 200, 0, S), ("bytes=-9223372036854775808", 200, 0, S),
    ("bytes=99999999999999999999-", 200, 0, S), ("bytes=0-0,5-9", 200, 0, S), ("bytes=" + ",".join(f"{i}-{i}" for i in range(1000)), 200, 0, S), ("bytes= 0-0", 200, 0, S),
    ("bytes=0x0-0x5", 200, 0, S), ("bytes=", 200, 0, S), ("bytes=-", 200, 0, S), ("octets=0-0", 200, 0, S), ("bytes=0-0;q=1", 200, 0, S), ("Bytes=1-1", 206, 1, 1), ("bytes=+1-2", 200, 0, S),
]:  # fmt: skip
    a = csc.call("GET", fetch, None, Range=value)
    good = a.status == status and (status == 416 or a.body == whole[first : first + count]) and int(a.headers["content-length"]) == len(a.body)
    ok(f"range {value[:60]}: {status}", good, (a.status, len(a.body), a.headers))
ok("range, two of them", csc.call("GET", fetch, None, Range="bytes=0-0\r\nRange: bytes=1-1").status == 400)
a = csc.call("GET", fetch, None, Range="bytes=0-0", If_Range='"another"')
ok("range, If-Range of another: the whole", a.status == 200 and a.body == whole, a.status)
a = csc.call("HEAD", fetch, None, Range="bytes=0-0")
ok("range of a HEAD: no body", a.status in (200, 206) and not a.body, a)

# --- sizes ---
for what, raw, status in [
    ("method of 10,000", "A" * 10000 + " / HTTP/1.1\r\n" + H + "\r\n", {400, 414}), ("target of 8,193", "GET /" + "a" * 8192 + " HTTP/1.1\r\n" + H + "\r\n", {414}),
    ("a name of 32 KiB", GET + "a" * 32768 + ": b\r\n\r\n", {431}), ("101 headers of a byte", GET + "a:b\r\n" * 1000 + "\r\n", {431}), ("Host of 10,000", "GET / HTTP/1.1\r\nHost: " + "a" * 10000 + "\r\n\r\n", {404, 431}),
    ("1 MiB of line breaks", "\r\n" * 524288, {400}), ("1 MiB of NUL", "\0" * 1048576, {400}), ("a bundle of no bytes", f"PUT /v1/bundles/{uuid7()} HTTP/1.1\r\n{H}Content-Length: 0\r\n\r\n", {400, 422}),
    ("a bundle of 8 EiB", f"PUT /v1/bundles/{uuid7()} HTTP/1.1\r\n{H}Content-Length: 9223372036854775807\r\n\r\n", {413}),
    ("a bundle's head of 4 GiB", f"PUT /v1/bundles/{uuid7()} HTTP/1.1\r\n{H}Content-Length: 1000\r\n\r\nSHB1" + "\xff" * 996, {413, 422}),
    ("an upload that ends in the middle of a bundle's head", f"PUT /v1/bundles/{d.id} HTTP/1.1\r\n{H}Content-Length: 20\r\n\r\n" + "SHB1" + "\0" * 16, {400, 422}),
    ("Upload-Offset beyond all", f"PUT /v1/bundles/{uuid7()} HTTP/1.1\r\n{H}Upload-Offset: 9223372036854775807\r\nContent-Length: 1\r\n\r\na", {400, 404, 409, 413}),
    ("Upload-Offset below none", f"PUT /v1/bundles/{uuid7()} HTTP/1.1\r\n{H}Upload-Offset: -1\r\nContent-Length: 1\r\n\r\na", {400}),
]:  # fmt: skip
    statuses, _ = talk(raw, 1)
    ok(f"size, {what}: {sorted(status)}", len(statuses) == 1 and statuses[0] in status, statuses)

# --- pipelining ---
w = uhcw.wire()
w.send(("GET /v1/none HTTP/1.1\r\n" + H + "\r\n" + GET + "\r\n").encode() * 100)
got = [w.answer().status for _ in range(200)]
ok("pipelining: 200 requests at once, answered in order", got == [404, 200] * 100, got)
refused("pipelining: what follows a refusal is not read", "GET  / HTTP/1.1\r\n\r\n" + SMUGGLED * 10)
statuses, closed = talk(GET + "Connection: close\r\n\r\n" + SMUGGLED * 3)
ok("pipelining: nothing after Connection: close", statuses == [200] and closed, statuses)
w = uhcw.wire()
w.send((GET + "\r\n").encode() * 20000)  # and reads not one answer: what it has asked for may not pile up here
front = lambda: int(read(f"/proc/{gw.children()['safehand-front']}/statm", "r").split()[1]) * 4  # noqa: E731
ok("pipelining: who does not read his answers costs no memory", front() < 64 * 1024, front())
w.close()


# --- slowness: each is cut off by its own deadline, whatever it sends on ---
def dripping(start, drop):
    """Seconds until the gateway ends a connection that sends one more piece every 0.2 s."""
    w = uhcw.wire()
    began = time.monotonic()
    w.sock.settimeout(0.2)
    try:
        w.send(start.encode())
        while time.monotonic() - began < DEADLINE:
            try:
                if not w.more():
                    break
            except TimeoutError:
                w.send(drop)
    except (ConnectionError, ssl.SSLError):
        pass
    w.close()
    return time.monotonic() - began, w.data


for what, start, drop in [
    ("a head, a byte at a time", "GET /v1/roster HT", b"T"), ("a head, a line at a time", GET, b"A: b\r\n"), ("a request line that never ends", "GET /", b"a"),
    ("a body, a byte at a time", POST + "Content-Length: 60000\r\n\r\n", b" "), ("a chunked body, a byte at a time", CHUNKED, b"1\r\n \r\n"),
    ("a chunk's line, a digit at a time", CHUNKED, b"0"), ("a bundle, a byte at a time", f"PUT /v1/bundles/{uuid7()} HTTP/1.1\r\n{H}Content-Length: 60000\r\n\r\n", b"S"),
]:  # fmt: skip
    took, data = dripping(start, drop)
    ok(f"slow, {what}: cut off with 408", took < DEADLINE and (b" 408 " in data[:16] or b" 400 " in data[:16]), (took, data[:100]))

ok("the daemon lives", uhcw.put(uhcw.draft("uhcw/emergency", ["csc/mash"])).status == 201)
ok("and stops in order", gw.stop() == 0, gw.text()[-2000:])
gw.remove()
finish()
