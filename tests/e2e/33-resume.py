# Uploads that are cut go on where they were; downloads too; a client that is slow does not hold up others.
import ssl

from gateway import *

gw = Gateway("store small = 64K\nfront body-timeout = 2s").start()
uhcw, csc = Member(gw, "uhcw"), Member(gw, "csc")
big = gw.dir + "/recording.bin"
with open(big, "wb") as f:
    f.write(os.urandom(9 << 20))


def begin(d, size):
    """The first size bytes of a bundle, then the connection is cut."""
    w = uhcw.wire()
    w.send(f"PUT /v1/bundles/{d.id} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(d.file)}\r\n\r\n".encode() + d.file[:size])
    w.close()


def offset(d):
    a = uhcw.call("HEAD", "/v1/bundles/" + d.id)
    return int(a.headers.get("upload-offset", -1)) if a.status in (200, 204) else None


def rest(d, at):
    return uhcw.call("PUT", "/v1/bundles/" + d.id, d.file[at:], Upload_Offset=at)


head = lambda d: len(d.file) - len(d.payload)  # noqa: E731
for what, size in [("in the fixed part", lambda d: 10), ("in the manifest", lambda d: 200), ("one byte short of the head", lambda d: head(d) - 1)]:
    d = uhcw.draft("uhcw/emergency", ["csc/mash"], documents=[big])
    begin(d, size(d))
    ok(f"cut {what}: nothing is kept", offset(d) is None, offset(d))
    ok(f"cut {what}: sent whole, taken", uhcw.put(d).status == 201)
for what, size in [("after the head", lambda d: head(d)), ("in the payload", lambda d: head(d) + (5 << 20) + 7), ("one byte short", lambda d: len(d.file) - 1)]:
    d = uhcw.draft("uhcw/emergency", ["csc/mash"], documents=[big])
    begin(d, size(d))
    at = wait("the store has what came", lambda: offset(d) == size(d) and offset(d))
    ok(f"cut {what}: HEAD tells how far it came", at == size(d), at)
    ok(f"cut {what}: not delivered", d.id not in csc.feed("csc/mash").body.decode())
    for bad in (at - 1, at + 1, 5):
        a = rest(d, bad)
        ok(f"cut {what}: at a wrong offset: refused", a.status in (400, 409, 422), a)
    a = rest(d, at)
    ok(f"cut {what}: the rest, taken", a.status == 201 and gw.judge(a.json())[0] == "OK", a)
    ok(f"cut {what}: delivered once", [i["bundle"] for i in csc.feed("csc/mash").json()["items"]].count(d.id) == 1)

d = uhcw.draft("uhcw/emergency", ["csc/mash"], documents=[big])
begin(d, head(d) + (3 << 20))
at = wait("the store has what came", lambda: offset(d) == head(d) + (3 << 20) and offset(d))
ok("a stop with an upload under way is orderly", gw.stop() == 0, gw.text()[-3000:])
gw.start()
ok("after a restart HEAD tells the same", offset(d) == at, (offset(d), at))
w = uhcw.wire()
altered = bytearray(d.file[at:])
altered[1000] ^= 1
w.send(f"PUT /v1/bundles/{d.id} HTTP/1.1\r\nHost: localhost\r\nUpload-Offset: {at}\r\nContent-Length: {len(altered)}\r\n\r\n".encode() + altered)
a = w.answer()
ok("a rest that is altered: digest", a.code() == "digest", a)
ok("then it begins again, and is taken", uhcw.put(d).status == 201)

w = uhcw.wire()
w.send(f"PUT /v1/bundles/{uuid7()} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(d.file)}\r\n\r\n".encode() + d.file[: head(d) + 1000])
ok("others are served while one stands still", uhcw.call("GET", "/v1/roster").status == 200)
try:
    w.answer()
except (ConnectionError, ssl.SSLError):
    pass
ok("who stands still is cut off", w.closed())

path = f"/v1/mailboxes/csc/mash/bundles/{d.id}"
whole = csc.call("GET", path)
ok("a large bundle is fetched whole, without slots", whole.body[head(d) - 80 :] == d.payload and whole.headers.get("etag"), len(whole.body))
got, etag = b"", whole.headers["etag"]
while len(got) < len(whole.body):
    a = csc.call("GET", path, Range=f"bytes={len(got)}-{len(got) + (2 << 20)}", If_Range=etag)
    if a.status != 206:
        break
    got += a.body
ok("and by ranges", got == whole.body, len(got))
for r in ("bytes=99999999-", "bytes=5-2", "bytes=-0", "chunks=1-2", "bytes=1-2,4-5"):
    a = csc.call("GET", path, Range=r)
    ok(f"Range {r}: 416, or the whole", a.status in (416, 200), a.status)
kept = b"".join(read(os.path.join(at, n)) for at, _, names in os.walk(gw.dir + "/data/bundles") for n in names if n == d.id + ".shb")
ok("the file that fronts are lent has no slot in it", d.slots not in kept and d.payload in kept, len(kept))
slot = csc.tell("csc/mash", d.id, csc.statement("collected", "csc/mash", d.id, manifest_digest(d))).json().get("slot")
ok("the slot comes with the receipt", slot and base64.b64decode(slot) == d.slots, slot)
ok("stops in order", gw.stop() == 0, gw.text()[-2500:])
gw.remove()
finish()
