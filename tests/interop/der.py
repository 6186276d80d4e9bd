# der.py - a small strict DER reader and writer (ITU-T X.690). Runs in: the interop tests. Trusts: nothing.
# Written because Debian's python3-cryptography has no CMS or RFC 3161; only what those two need.

BOOL, INT, BITS, OCTETS, NULL, OID, UTF8, UTCTIME, GENTIME = 1, 2, 3, 4, 5, 6, 12, 23, 24
SEQ, SET = 0x30, 0x31
DEPTH_MAX = 24


class DerError(ValueError):
    pass


def explicit(n):
    """The tag byte of constructed context [n]."""
    return 0xA0 | n


class Node:
    """One element: tag byte, body, raw (header and body), children when constructed."""

    def __init__(self, tag, body, raw, children):
        self.tag, self.body, self.raw, self.children = tag, body, raw, children

    def want(self, tag, what):
        if self.tag != tag:
            raise DerError(f"{what}: tag {self.tag:#x}, want {tag:#x}")
        return self

    def int(self):
        self.want(INT, "integer")
        return int.from_bytes(self.body, "big", signed=True)

    def oid(self):
        self.want(OID, "object identifier")
        return oid_text(self.body)

    def octets(self):
        return self.want(OCTETS, "octet string").body


class Reader:
    """Walks the children of one element in order."""

    def __init__(self, node, tag, what):
        self.kids, self.at, self.what = node.want(tag, what).children, 0, what

    def next(self):
        if self.at >= len(self.kids):
            raise DerError(f"{self.what}: ends too early")
        self.at += 1
        return self.kids[self.at - 1]

    def optional(self, tag):
        if self.at < len(self.kids) and self.kids[self.at].tag == tag:
            return self.next()
        return None

    def end(self):
        if self.at != len(self.kids):
            raise DerError(f"{self.what}: {len(self.kids) - self.at} elements too many")


def _length(data, at):
    if at >= len(data):
        raise DerError("no length")
    first = data[at]
    if first < 0x80:
        return first, at + 1
    n = first & 0x7F
    if n == 0 or n > 4 or at + 1 + n > len(data):
        raise DerError("indefinite, oversized or cut length")
    value = int.from_bytes(data[at + 1 : at + 1 + n], "big")
    if value < 0x80 or value >> (8 * (n - 1)) == 0:
        raise DerError("length not in its shortest form")
    return value, at + 1 + n


def _primitive(tag, body):
    if tag == BOOL and body not in (b"\x00", b"\xff"):
        raise DerError("boolean is neither 00 nor ff")
    if tag == INT:
        if not body:
            raise DerError("empty integer")
        if len(body) > 1 and ((body[0] == 0 and body[1] < 0x80) or (body[0] == 0xFF and body[1] >= 0x80)):
            raise DerError("integer not in its shortest form")
    if tag == NULL and body:
        raise DerError("null with a body")
    if tag == OID:
        oid_text(body)


def _parse(data, at, end, depth):
    if depth > DEPTH_MAX:
        raise DerError("nested too deeply")
    tag = data[at]
    if tag & 0x1F == 0x1F:
        raise DerError("long tag")
    size, start = _length(data, at + 1)
    stop = start + size
    if stop > end:
        raise DerError("element reaches beyond its parent")
    kids = None
    if tag & 0x20:
        kids, inner = [], start
        while inner < stop:
            kid, inner = _parse(data, inner, stop, depth + 1)
            kids.append(kid)
    else:
        _primitive(tag, data[start:stop])
    return Node(tag, data[start:stop], data[at:stop], kids), stop


def parse(data):
    """The one element that is the whole of data."""
    if not data:
        raise DerError("nothing there")
    node, stop = _parse(bytes(data), 0, len(data), 0)
    if stop != len(data):
        raise DerError(f"{len(data) - stop} bytes after the end")
    return node


def oid_text(body):
    if not body or body[-1] & 0x80:
        raise DerError("object identifier cut off")
    arcs, value, fresh = [], 0, True
    for b in body:
        if fresh and b == 0x80:
            raise DerError("object identifier with a padded arc")
        value, fresh = value << 7 | b & 0x7F, not b & 0x80
        if fresh:
            arcs.append(value)
            value = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, [first, arcs[0] - 40 * first] + arcs[1:]))


# ---- writing ----


def tlv(tag, *parts):
    body = b"".join(parts)
    n = len(body)
    if n < 0x80:
        return bytes([tag, n]) + body
    size = n.to_bytes((n.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(size)]) + size + body


def integer(n):
    return tlv(INT, n.to_bytes(n.bit_length() // 8 + 1, "big", signed=True))


def oid(text):
    arcs = [int(a) for a in text.split(".")]
    out = b""
    for a in [40 * arcs[0] + arcs[1]] + arcs[2:]:
        part = bytes([a & 0x7F])
        while a := a >> 7:
            part = bytes([a & 0x7F | 0x80]) + part
        out += part
    return tlv(OID, out)


def set_of(*parts):
    return tlv(SET, *sorted(parts))
