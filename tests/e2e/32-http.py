# Requests that must be refused, each sent as it is to the running daemon: an error status, then the connection closes.
import ssl

from gateway import *

gw = Gateway("front head-timeout = 1s\nfront tls-min = 1.2").start()
uhcw = Member(gw, "uhcw")
H = "Host: localhost\r\n"
GET = "GET /v1/roster HTTP/1.1\r\n"
POST = "POST /v1/route HTTP/1.1\r\n" + H
TE = POST + "Transfer-Encoding: chunked\r\n\r\n"
BODY = '{"class":"general","from":"uhcw/emergency","to":[]}'
ROWS = [
    ("bare LF head", GET.replace("\r", "") + "Host: localhost\n\n"),
    ("bare LF in one header line", GET + "Host: localhost\nA: b\r\n\r\n"),
    ("space before colon", GET + "Host : localhost\r\n\r\n"),
    ("obs-fold", GET + H + "A: b\r\n c\r\n\r\n"),
    ("obs-fold TE", POST + "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n"),
    ("CL twice, differing", POST + "Content-Length: 5\r\nContent-Length: 6\r\n\r\n{    }"),
    ("CL twice, same", POST + "Content-Length: 5\r\nContent-Length: 5\r\n\r\n{   }"),
    ("CL list 5, 5", POST + "Content-Length: 5, 5\r\n\r\n{   }"),
    ("CL + TE chunked", POST + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ("TE chunked + CL", POST + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"),
    ("TE: xchunked", POST + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
    ("TE: identity, CL 5", POST + "Transfer-Encoding: identity\r\nContent-Length: 5\r\n\r\n{   }"),
    ("TE: chunked, identity", POST + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"),
    ("TE: gzip, chunked", POST + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
    ("TE twice", POST + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ("TE \\x0bchunked", POST + "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n"),
    ("CL +5", POST + "Content-Length: +5\r\n\r\n{   }"),
    ("CL -1", POST + "Content-Length: -1\r\n\r\n"),
    ("CL 0x5", POST + "Content-Length: 0x5\r\n\r\n{   }"),
    ("CL 5abc", POST + "Content-Length: 5abc\r\n\r\n{   }"),
    ("CL empty", POST + "Content-Length:\r\n\r\n"),
    ("CL 2^64+5", POST + "Content-Length: 18446744073709551621\r\n\r\n{   }"),
    ("chunk size 2^64+5", TE + "10000000000000005\r\n{   }\r\n0\r\n\r\n"),
    ("chunk size 0x5", TE + "0x5\r\n{   }\r\n0\r\n\r\n"),
    ("chunk size -5", TE + "-5\r\n{   }\r\n0\r\n\r\n"),
    ("chunk size then space", TE + "5 \r\n{   }\r\n0\r\n\r\n"),
    ("chunk line bare LF", TE + "5\n{   }\r\n0\r\n\r\n"),
    ("chunk ext bare LF", TE + "5;a=b\n{   }\r\n0\r\n\r\n"),
    ("chunk data not ended by CRLF", TE + "5\r\n{   }xx0\r\n\r\n"),
    ("no Host", GET + "\r\n"),
    ("two Hosts", GET + H + H + "\r\n"),
    ("empty header name", GET + H + ": b\r\n\r\n"),
    ("NUL in value", GET + H + "A: b\0c\r\n\r\n"),
    ("bare CR in value", GET + H + "A: b\rc\r\n\r\n"),
    ("ctl in name", GET + H + "A\x01: b\r\n\r\n"),
    ("high byte in path", "GET /v1/r\xffster HTTP/1.1\r\n" + H + "\r\n"),
    ("NUL in path", "GET /v1/ro\0ster HTTP/1.1\r\n" + H + "\r\n"),
    ("two spaces in request line", "GET  /v1/roster HTTP/1.1\r\n" + H + "\r\n"),
    ("tab in request line", "GET\t/v1/roster HTTP/1.1\r\n" + H + "\r\n"),
    ("HTTP/1.0", "GET /v1/roster HTTP/1.0\r\n" + H + "\r\n", 505),
    ("HTTP/0.9", "GET /v1/roster\r\n"),
    ("HTTP/2.0", "GET /v1/roster HTTP/2.0\r\n" + H + "\r\n"),
    ("HTTP/1.1x", "GET /v1/roster HTTP/1.1x\r\n" + H + "\r\n"),
    ("HTTP/1.9", "GET /v1/roster HTTP/1.9\r\n" + H + "\r\n"),
    ("h2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    ("GET with body", GET + H + "Content-Length: 5\r\n\r\nhello"),
    ("unknown expectation", POST + "Expect: miracles\r\nContent-Length: 5\r\n\r\n{   }", 417),
    ("header 64 KiB", GET + H + "A: " + "a" * 65536 + "\r\n\r\n"),
    ("5000 small headers", GET + H + "a: b\r\n" * 5000 + "\r\n"),
    ("URI 64 KiB", "GET /" + "a" * 65536 + " HTTP/1.1\r\n" + H + "\r\n"),
    ("head of 1 MiB never ending", GET + "a" * (1 << 20)),
    ("garbage", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 40),
    ("POST without length", POST + "\r\n" + BODY, 411),
    ("CL 9 GiB where the route takes less", POST + "Content-Length: 9663676416\r\n\r\n", 413),
]
ok("a good request before", uhcw.call("GET", "/v1/roster").status == 200)
ok("a good chunked one", uhcw.wire().call("POST", "/v1/route", None, Transfer_Encoding="chunked\r\n\r\n33\r\n" + BODY + "\r\n0\r\n\r\n"[:-4]).status != 400)
for name, raw, *want in ROWS:
    w = uhcw.wire()
    try:
        w.send(raw.encode("latin-1"))
    except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
        pass
    try:
        status = w.answer().status
    except (ConnectionError, ssl.SSLError):
        status = 0
    good = status == want[0] if want else 400 <= status < 600
    ok(f"{name}: refused with {status}", good, status)
    ok(f"{name}: the connection closes", w.closed(), w.data)
    w.close()

# --- what is slow is cut off by its deadline, what is pipelined is answered in order ---
w = uhcw.wire()
w.send(b"GET /v1/ro")
status = 0
try:
    status = w.answer().status
except ConnectionError:
    pass
ok("a head that does not come: 408 or closed", status in (0, 408) and w.closed(), status)
w = uhcw.wire()
w.send((GET + H + "\r\n" + "HEAD /v1/roster HTTP/1.1\r\n" + H + "\r\n" + "GET /v1/none HTTP/1.1\r\n" + H + "\r\n").encode())
got = [w.answer("GET").status, w.answer("HEAD").status, w.answer("GET").status]
ok("three requests in one write: answered in order", got == [200, 200, 404], got)
ok("a name that is none of ours in Host is of no matter, TLS named us", w.call("GET", "/v1/roster").status == 200)
for method, path, status in [
    ("GET", "/", 404), ("GET", "/v1", 404), ("GET", "/v1/roster/", 404), ("GET", "/v1/roster?x=1", 400), ("DELETE", "/v1/roster", 405),
    ("PATCH", "/v1/route", 405), ("GET", "/v1/bundles/../roster", 404), ("GET", "/v1/bundles/%2e%2e", 400), ("GET", "/v1/mailboxes/uhcw/emergency?after=1&after=2", 400),
    ("GET", "/v1/mailboxes/uhcw/emergency?wait=301", 400), ("GET", "/v1/log/tile/64/000", 404), ("OPTIONS", "*", 400),
]:  # fmt: skip
    a = uhcw.call(method, path)
    ok(f"{method} {path}: {status}", a.status == status and a.headers.get("content-type") == "application/problem+json", a)
ok("a 405 says what is allowed", "GET" in uhcw.call("DELETE", "/v1/roster").headers.get("allow", ""))
w = Wire(gw, "certs/agency-tls/uhcw", tls=ssl.TLSVersion.TLSv1_2)
ok("TLS 1.2 is spoken where it is configured", w.call("GET", "/v1/roster").status == 200)
ok("the daemon lives", uhcw.put(uhcw.draft("uhcw/emergency", ["csc/mash"])).status == 201)
ok("and stops in order", gw.stop() == 0, gw.text())
gw.remove()
finish()
