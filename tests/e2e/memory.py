# memory.py - what lies in the memory of a process, and in which shapes a key can. Reads other processes: needs root.
import base64
import re

from cryptography.hazmat.primitives import serialization


def shapes(pem, passphrase=None):
    """The private number as it can lie in memory: big-endian, in OpenSSL's words, in DER and in PEM's text."""
    key = serialization.load_pem_private_key(pem, passphrase)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    if hasattr(key, "private_numbers"):
        number = key.private_numbers().private_value.to_bytes(32, "big")
    else:
        number = key.private_bytes(serialization.Encoding.Raw, serialization.PrivateFormat.Raw, serialization.NoEncryption())
    text = re.sub(rb"-----[^-]+-----|\s", b"", pem)
    assert number in base64.b64decode(text)
    at = base64.b64decode(text).index(number)  # the part of the text that is the number, whole groups of it
    inner = text[(at + 2) // 3 * 4 : (at + 32) // 3 * 4]
    return {"bytes": number, "words": number[::-1], "text": inner[:36]}


def memory(pid):
    """Every readable byte of a process, mapping by mapping."""
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem:
        for line in maps:
            start, end = (int(x, 16) for x in line.split()[0].split("-"))
            if "r" not in line.split()[1] or "[v" in line:
                continue
            try:
                mem.seek(start)
                yield mem.read(end - start)
            except OSError:
                continue


def found(pid, wanted):
    """Which shapes of which keys lie in this process's memory."""
    here = set()
    for block in memory(pid):
        for key, forms in wanted.items():
            here |= {(key, form) for form, data in forms.items() if data in block}
    return here


def places(pid, wanted):
    """Where they lie: (key, form, name of the mapping, its flags as the kernel has them: lo locked, dd not in a core)."""
    here, span = [], None
    with open(f"/proc/{pid}/smaps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem:
        for line in maps:
            words = line.split()
            if re.fullmatch(r"[0-9a-f]+-[0-9a-f]+", words[0]):
                start, end = (int(x, 16) for x in words[0].split("-"))
                span = None if "r" not in words[1] or "[v" in line else (start, end, words[5] if len(words) > 5 else "anonymous")
            elif words[0] == "VmFlags:" and span:
                start, end, name = span
                try:
                    mem.seek(start)
                    block = mem.read(end - start)
                except OSError:
                    continue
                here += [(key, form, name, words[1:]) for key, forms in wanted.items() for form, data in forms.items() if data in block]
    return here
