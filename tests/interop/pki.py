# pki.py - certificates by profile, their chain to the root, revocation. Runs in: the interop tests.
# Written from the design and RFC 5280; cryptography does the X.509 parsing and the ECDSA.
import datetime
import functools
import hashlib
import re

import der
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, x25519
from cryptography.hazmat.primitives.serialization import Encoding

ARC = "2.25.306450688074897223438439316723139715727"
KEY_USAGE, SUBJECT_ALT_NAME, BASIC_CONSTRAINTS, EXTENDED_KEY_USAGE = "2.5.29.15", "2.5.29.17", "2.5.29.19", "2.5.29.37"
DIGITAL_SIGNATURE, KEY_AGREEMENT, KEY_CERT_SIGN = 0, 4, 5  # bits of key usage, RFC 5280 section 4.2.1.3
CLIENT, SERVER, STAMPING = "1.3.6.1.5.5.7.3.2", "1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.8"
# profile: extended key usages, kind of name
PROFILES = {
    "agency-tls": ({CLIENT, ARC + ".1.1"}, "agency"),
    "agency-seal": ({ARC + ".1.2"}, "mailbox"),
    "agency-sign": ({ARC + ".1.3"}, "agency"),
    "person-sign": ({ARC + ".1.4"}, "person"),
    "gateway-tls": ({SERVER, ARC + ".1.5"}, "gateway"),
    "gateway-sign": ({ARC + ".1.6"}, "gateway"),
    "tsa": ({STAMPING}, "tsa"),
    "roster-sign": ({ARC + ".1.8"}, "roster"),
}
WORD = r"[a-z0-9][a-z0-9-]{0,30}"
PAIR = WORD + r"/[a-z0-9][a-z0-9.-]{0,62}"
NAMES = {"agency": WORD, "mailbox": PAIR, "person": PAIR, "gateway": WORD, "tsa": WORD, "roster": WORD}
UTC = datetime.timezone.utc
# What reading hostile bytes may raise; cryptography has exceptions that are no ValueError.
REFUSALS = (ValueError, KeyError, IndexError, TypeError, x509.InvalidVersion, UnsupportedAlgorithm)


class PkiError(ValueError):
    """reason is one of the public names: certificate, expired, revoked, profile."""

    def __init__(self, reason, text):
        super().__init__(text)
        self.reason = reason


class Identity:
    def __init__(self, profile, by, cert):
        self.profile, self.by, self.cert = profile, by, cert
        self.name = by.split("/", 1)[1]
        self.agency = self.name.split("/")[0]
        self.fingerprint = hashlib.sha256(cert.public_bytes(Encoding.DER)).hexdigest()


@functools.lru_cache(maxsize=256)
def _extensions(tbs):
    """{oid: (critical, element)} by our own reader: cryptography 38 cannot parse object identifiers under a UUID arc."""
    out = {}
    box = [n for n in der.parse(tbs).children if n.tag == der.explicit(3)]
    for ext in box[0].children[0].children if box else []:
        r = der.Reader(ext, der.SEQ, "extension")
        name, critical = r.next().oid(), r.optional(der.BOOL) is not None
        if name in out:
            raise PkiError("certificate", f"extension {name} twice")
        out[name] = (critical, der.parse(r.next().octets()))
        r.end()
    return out


def _extension(cert, oid):
    return _extensions(cert.tbs_certificate_bytes).get(oid, (False, None))


def _name(cert):
    _, san = _extension(cert, SUBJECT_ALT_NAME)
    uris = [n.body.decode("ascii") for n in san.children if n.tag == 0x86] if san else []
    if len(uris) != 1 or not uris[0].startswith("safehand:"):
        raise PkiError("profile", "no single safehand: name")
    return uris[0][len("safehand:") :]


def _is_ca(cert):
    critical, basic = _extension(cert, BASIC_CONSTRAINTS)
    return bool(basic and critical and basic.children and basic.children[0].tag == der.BOOL)


def _has_usage(cert, bit):
    _, usage = _extension(cert, KEY_USAGE)
    bits = usage.want(der.BITS, "key usage").body[1:] if usage else b""
    return len(bits) > 0 and bool(bits[0] & 0x80 >> bit)


def identity(cert):
    """The profile of a leaf, by its extended key usage, name, key usage and key."""
    critical, eku = _extension(cert, EXTENDED_KEY_USAGE)
    usages = {u.oid() for u in eku.children} if eku else set()
    found = [p for p, (want, _) in PROFILES.items() if want == usages]
    if not found:
        raise PkiError("profile", "extended key usage of no profile")
    profile = found[0]
    kind = PROFILES[profile][1]
    by = _name(cert)
    if not re.fullmatch(kind + "/" + NAMES[kind], by):
        raise PkiError("profile", f"{by}: no name for {profile}")
    if profile == "tsa" and not critical:
        raise PkiError("profile", "timeStamping is not critical")
    if _is_ca(cert):
        raise PkiError("profile", "a CA is no leaf")
    if _extension(cert, BASIC_CONSTRAINTS)[1] is None:
        raise PkiError("profile", "a leaf must say that it is no CA")
    key = cert.public_key()
    if profile == "agency-seal":
        right = _has_usage(cert, KEY_AGREEMENT) and isinstance(key, x25519.X25519PublicKey)
    else:
        right = _has_usage(cert, DIGITAL_SIGNATURE) and isinstance(key, ec.EllipticCurvePublicKey)
    if not right:
        raise PkiError("profile", "key or key usage of another profile")
    return Identity(profile, by, cert)


def _signed_by(thing, tbs, ca):
    try:
        ca.public_key().verify(thing.signature, tbs, ec.ECDSA(thing.signature_hash_algorithm))
        return True
    except (InvalidSignature, TypeError, ValueError, AttributeError):
        return False


def pem_blocks(data, label):
    pattern = rb"-----BEGIN " + label + rb"-----\s.*?-----END " + label + rb"-----"
    return re.findall(pattern, data, re.S)


def load_certificates(pem):
    return [x509.load_pem_x509_certificate(b) for b in pem_blocks(pem, b"CERTIFICATE")]


def _utc(naive):
    return naive.replace(tzinfo=UTC)


class Trust:
    """One root, issuing CAs, and the CRLs that there are."""

    def __init__(self, root_pem, crl_pem=None):
        self.roots = load_certificates(root_pem)
        if not self.roots:
            raise PkiError("certificate", "no root certificate")
        blocks = pem_blocks(crl_pem, b"X509 CRL") if crl_pem else []
        self.crls = [x509.load_pem_x509_crl(b) for b in blocks]

    def _valid(self, cert, at):
        if not _utc(cert.not_valid_before) <= at <= _utc(cert.not_valid_after):
            raise PkiError("expired", f"{cert.subject.rfc4514_string()}: outside its validity at {at}")

    def _revoked(self, cert, ca, at):
        for crl in self.crls:
            if crl.issuer != ca.subject:
                continue
            if not _signed_by(crl, crl.tbs_certlist_bytes, ca):
                continue  # another CA of the same name
            row = crl.get_revoked_certificate_by_serial_number(cert.serial_number)
            if row is not None and _utc(row.revocation_date) <= at:
                raise PkiError("revoked", f"{cert.subject.rfc4514_string()}: revoked {row.revocation_date}")

    def is_ca(self, cert):
        return _is_ca(cert) and _has_usage(cert, KEY_CERT_SIGN)

    def leads_to_root(self, ca):
        """For a CA certificate that came along: is it one below our root, or the root itself?"""
        return ca in self.roots or (
            self.is_ca(ca) and any(_signed_by(ca, ca.tbs_certificate_bytes, r) for r in self.roots if r.subject == ca.issuer)
        )

    def check(self, cert, profiles, at, extra=()):
        """Leaf, issuing CA (from extra), root; all valid at that time, none revoked by then."""
        for ca in extra:
            if ca.subject != cert.issuer or not self.is_ca(ca) or not _signed_by(cert, cert.tbs_certificate_bytes, ca):
                continue
            for root in self.roots:
                if root.subject == ca.issuer and _signed_by(ca, ca.tbs_certificate_bytes, root):
                    for c in (cert, ca, root):
                        self._valid(c, at)
                    self._revoked(ca, root, at)
                    self._revoked(cert, ca, at)
                    who = identity(cert)
                    if who.profile not in profiles:
                        raise PkiError("profile", f"{who.profile}, want {' or '.join(profiles)}")
                    return who
        raise PkiError("certificate", f"{cert.subject.rfc4514_string()}: no chain to the root")
