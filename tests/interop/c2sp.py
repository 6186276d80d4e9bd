# c2sp.py - signed notes, checkpoints, tlog proofs (c2sp.org) and the tree of RFC 6962. Runs in: the interop tests.
import base64
import binascii
import hashlib
import re

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

PROOF_MAGIC = "c2sp.org/tlog-proof@v1"


class LogError(ValueError):
    pass


def unbase64(text):
    """Standard alphabet, padded, canonical: no other text stands for the same bytes."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise LogError("not base64") from None
    if base64.b64encode(raw).decode("ascii") != text:
        raise LogError("base64 not in its one form")
    return raw


def number(text):
    if not re.fullmatch(r"0|[1-9][0-9]{0,18}", text):
        raise LogError(f"{text!r}: not a number")
    return int(text)


class LogKey:
    """A verifier key: name+keyid+base64(type 1, Ed25519 public key)."""

    def __init__(self, text):
        m = re.fullmatch(r"([^\s+]+)\+([0-9a-f]{8})\+(\S+)\n?", text)
        if not m:
            raise LogError("log.vkey: not a verifier key")
        self.name, typed = m[1], unbase64(m[3])
        self.id = hashlib.sha256(self.name.encode() + b"\n" + typed).digest()[:4]
        if self.id.hex() != m[2] or len(typed) != 33 or typed[0] != 1:
            raise LogError("log.vkey: key id does not fit, or no Ed25519 key")
        self.key = Ed25519PublicKey.from_public_bytes(typed[1:])


def open_note(data, key):
    """The text of a note that key signed; other signatures are ignored, as the standard wants."""
    try:
        note = data.decode("utf-8")
    except UnicodeDecodeError:
        raise LogError("note: not UTF-8") from None
    if len(data) > 16 * 1024 or any(ord(c) < 32 and c != "\n" for c in note):
        raise LogError("note: over 16 KiB, or a control character")
    at = note.rfind("\n\n")
    if at < 0 or not note.endswith("\n") or at + 2 >= len(note):
        raise LogError("note: no signature")
    text, held = note[: at + 1], False
    lines = note[at + 2 : -1].split("\n")
    if len(lines) > 16:
        raise LogError("note: too many signatures")
    for line in lines:
        m = re.fullmatch(r"\u2014 ([^\s+]+) (\S+)", line)
        if not m:
            raise LogError("note: malformed signature line")
        raw = unbase64(m[2])
        if len(raw) < 5:
            raise LogError("note: signature too short")
        if m[1] != key.name or raw[:4] != key.id:
            continue
        if held:
            raise LogError("note: two signatures of the log")
        try:
            key.key.verify(raw[4:], text.encode())
        except InvalidSignature:
            raise LogError("note: the log's signature does not hold") from None
        held = True
    if not held:
        raise LogError("note: not signed by the log")
    return text


def open_checkpoint(data, key):
    """(note text, size, root) of a checkpoint that the log signed."""
    text = open_note(data, key)
    lines = text[:-1].split("\n")
    if len(lines) < 3 or "" in lines:
        raise LogError("checkpoint: want origin, size, root")
    if lines[0] != key.name:
        raise LogError(f"checkpoint of another log: {lines[0]}")
    root = unbase64(lines[2])
    if len(root) != 32:
        raise LogError("checkpoint: the root is not 32 bytes")
    return text, number(lines[1]), root


def leaf_hash(data):
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def tree_hash(hashes):
    """RFC 6962 section 2.1, by its definition."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    k = 1 << (len(hashes) - 1).bit_length() - 1
    return node_hash(tree_hash(hashes[:k]), tree_hash(hashes[k:]))


def root_from_inclusion(index, size, leaf, path):
    """The root that a path of RFC 6962 section 2.1.1 leads to; exactly as many hashes as the place needs."""
    if index >= size:
        raise LogError("proof: index outside the tree")
    if size == 1:
        if path:
            raise LogError("proof: too long")
        return leaf
    if not path:
        raise LogError("proof: too short")
    k = 1 << (size - 1).bit_length() - 1
    if index < k:
        return node_hash(root_from_inclusion(index, k, leaf, path[:-1]), path[-1])
    return node_hash(path[-1], root_from_inclusion(index - k, size - k, leaf, path[:-1]))


def check_consistency(old, new, old_root, new_root, path):
    """RFC 6962 section 2.1.2: raises unless the tree of size new extends that of size old."""
    if old > new:
        raise LogError("consistency: the log became shorter")
    if old == 0:  # every tree extends the empty one
        if path or old_root != tree_hash([]):
            raise LogError("consistency: malformed for the empty tree")
        return
    if old == new:
        if path or old_root != new_root:
            raise LogError("consistency: same size, other root")
        return
    rest = list(path)

    def walk(m, n, whole):
        # both roots of the subtree of n leaves, of which the first m are the old tree
        if m == n:
            h = old_root if whole else rest.pop()
            return h, h
        k = 1 << (n - 1).bit_length() - 1
        right = rest.pop()
        if m <= k:
            o, w = walk(m, k, whole)
            return o, node_hash(w, right)
        left = right
        o, w = walk(m - k, n - k, False)
        return node_hash(left, o), node_hash(left, w)

    try:
        got = walk(old, new, True)
    except IndexError:
        raise LogError("consistency: too short") from None
    if rest or got != (old_root, new_root):
        raise LogError("consistency: the log rewrote its history")


def open_proof(text, key):
    """c2sp.org/tlog-proof@v1: (index, hashes, note text, size, root); extra data is refused, we make none."""
    head, blank, note = text.partition("\n\n")
    lines = head.split("\n")
    if not blank or lines[0] != PROOF_MAGIC or len(lines) < 2:
        raise LogError("proof: not a " + PROOF_MAGIC)
    if not lines[1].startswith("index "):
        raise LogError("proof: no index")
    index = number(lines[1][len("index ") :])
    hashes = [unbase64(line) for line in lines[2:]]
    if len(hashes) > 64 or any(len(h) != 32 for h in hashes):
        raise LogError("proof: not hashes, or too many")
    return (index, hashes) + open_checkpoint(note.encode(), key)
