# cms.py - detached CMS signatures (RFC 5652, CAdES-BES) and RFC 3161 tokens: verified, and made for the fault tests.
# Runs in: the interop tests. Trusts: nothing. Stricter than the standard where that leaves one form only.
import datetime
import hashlib

import der
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from der import DerError, Reader, explicit
from pki import REFUSALS, UTC, PkiError

DATA, SIGNED_DATA = "1.2.840.113549.1.7.1", "1.2.840.113549.1.7.2"
TST_INFO = "1.2.840.113549.1.9.16.1.4"
CONTENT_TYPE, MESSAGE_DIGEST, SIGNING_TIME = ("1.2.840.113549.1.9.%d" % n for n in (3, 4, 5))
ESS_V1, ESS_V2 = "1.2.840.113549.1.9.16.2.12", "1.2.840.113549.1.9.16.2.47"
SKEW = datetime.timedelta(days=1)  # by which the clocks of signers may differ
SHA1 = "1.3.14.3.2.26"
SHA2 = {"2.16.840.1.101.3.4.2.%d" % n: h for n, h in ((1, "sha256"), (2, "sha384"), (3, "sha512"))}
SHA256 = "2.16.840.1.101.3.4.2.1"
ECDSA = {"1.2.840.10045.4.3.%d" % n: h for n, h in ((2, hashes.SHA256), (3, hashes.SHA384), (4, hashes.SHA512))}
ECDSA_SHA256 = "1.2.840.10045.4.3.2"


class CmsError(ValueError):
    reason = "signature"


def _algorithm(node, what, params=True):
    r = Reader(node, der.SEQ, what)
    name = r.next().oid()
    if params:
        r.optional(der.NULL)
    r.end()
    return name


def _attributes(node):
    """Signed attributes as {oid: the one value}."""
    out = {}
    for a in node.children:
        r = Reader(a, der.SEQ, "attribute")
        name, values = r.next().oid(), r.next().want(der.SET, "attribute values")
        r.end()
        if name in out:
            raise CmsError(f"attribute {name} twice")
        if name in (CONTENT_TYPE, MESSAGE_DIGEST, SIGNING_TIME, ESS_V1, ESS_V2) and len(values.children) != 1:
            raise CmsError(f"attribute {name}: want one value")
        out[name] = values.children[0] if values.children else None
    if [a.raw for a in node.children] != sorted(a.raw for a in node.children):
        raise CmsError("signed attributes are not in DER order")
    return out


def _issuer_serial(cert):
    return cert.issuer.public_bytes(), cert.serial_number


def _check_ess(attrs, cert):
    """RFC 5035: the attribute must name the certificate that signed."""
    if ESS_V2 not in attrs and ESS_V1 not in attrs:
        raise CmsError("no signing-certificate-v2 attribute")
    which = ESS_V2 if ESS_V2 in attrs else ESS_V1
    first = Reader(Reader(attrs[which], der.SEQ, "SigningCertificate").next(), der.SEQ, "certificates")
    cid = Reader(first.next(), der.SEQ, "ESSCertID")
    algorithm = "sha1" if which == ESS_V1 else "sha256"
    given = cid.optional(der.SEQ) if which == ESS_V2 else None
    if given is not None:
        algorithm = SHA2[_algorithm(given, "ESSCertIDv2 hash")]
    if hashlib.new(algorithm, cert.public_bytes(Encoding.DER)).digest() != cid.next().octets():
        raise CmsError("signing-certificate names another certificate")
    if (serial := cid.optional(der.SEQ)) is not None:
        r = Reader(serial, der.SEQ, "IssuerSerial")
        general = r.next().want(der.SEQ, "GeneralNames").children
        if (general[0].children[0].raw, r.next().int()) != _issuer_serial(cert):
            raise CmsError("signing-certificate names another issuer or serial")
    return which


def _signer(info, etype, content, certs):
    r = Reader(info, der.SEQ, "SignerInfo")
    version, sid = r.next().int(), r.next()
    if version != 1:
        raise CmsError(f"SignerInfo version {version}, want 1")
    s = Reader(sid, der.SEQ, "IssuerAndSerialNumber")
    who = (s.next().raw, s.next().int())
    s.end()
    digest = SHA2.get(_algorithm(r.next(), "digest algorithm"))
    attrs_node = r.next().want(explicit(0), "signed attributes")
    sigalg = _algorithm(r.next(), "signature algorithm", params=False)
    signature = r.next().octets()
    r.end()  # unsigned attributes would be bytes that nothing protects
    if digest is None or sigalg not in ECDSA:
        raise CmsError("want SHA-2 and ECDSA")
    cert = next((c for c in certs if _issuer_serial(c) == who), None)
    if cert is None:
        raise CmsError("the signer's certificate is not inside")
    attrs = _attributes(attrs_node)
    if CONTENT_TYPE not in attrs or attrs[CONTENT_TYPE].oid() != etype:
        raise CmsError("content type attribute missing or wrong")
    if MESSAGE_DIGEST not in attrs or attrs[MESSAGE_DIGEST].octets() != hashlib.new(digest, content).digest():
        raise CmsError("the digest is of other content")
    which = _check_ess(attrs, cert)
    if etype == DATA and which != ESS_V2:
        raise CmsError("want signing-certificate-v2")
    key = cert.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise CmsError("the signer's key is no EC key")
    try:  # RFC 5652 section 5.4: what is signed is the SET OF, not the [0]
        key.verify(signature, b"\x31" + attrs_node.raw[1:], ec.ECDSA(ECDSA[sigalg]()))
    except InvalidSignature:
        raise CmsError("the signature does not hold") from None
    return cert, digest


def _dates(data):
    """When each signer says that it signed; None: it does not say."""
    infos = der.parse(data).children[1].children[0].children[-1].children
    for info in infos:
        attrs = _attributes(next(c for c in info.children if c.tag == explicit(0)))
        yield _time(attrs[SIGNING_TIME]) if SIGNING_TIME in attrs else None


def _time(node):
    """RFC 5652 section 11.3: UTCTime up to 2049, else GeneralizedTime, both to the second and in Z."""
    if node is None or node.tag not in (der.UTCTIME, der.GENTIME):
        raise CmsError("the time of signing is no time")
    form = "%y%m%d%H%M%SZ" if node.tag == der.UTCTIME else "%Y%m%d%H%M%SZ"
    return datetime.datetime.strptime(node.body.decode("ascii"), form).replace(tzinfo=UTC)


def _check_dated(cert, dated_at, at):
    """The claim decides nothing, but must not contradict the time of the judgement or the certificate's own."""
    if dated_at is None:
        return
    if dated_at > at + SKEW:
        raise PkiError("clock", f"dated {dated_at}, and it was there at {at}")
    if dated_at < cert.not_valid_before.replace(tzinfo=UTC) - SKEW:
        raise PkiError("expired", f"dated {dated_at}, before its certificate was valid")


def _certificates(node):
    try:
        return [x509.load_der_x509_certificate(c.want(der.SEQ, "certificate").raw) for c in node.children]
    except REFUSALS as e:
        raise CmsError(f"certificate inside: {e}") from None


def open_signed(data, content, etype):
    """content: the detached bytes, or None if they must be inside.
    Returns (content, certificates inside, certificates of the signers)."""
    outer = Reader(der.parse(data), der.SEQ, "ContentInfo")
    if outer.next().oid() != SIGNED_DATA:
        raise CmsError("no SignedData")
    box = outer.next().want(explicit(0), "[0]")
    outer.end()
    if len(box.children) != 1:
        raise CmsError("[0] of ContentInfo: want one element")
    r = Reader(box.children[0], der.SEQ, "SignedData")
    version = r.next().int()
    if version != (1 if etype == DATA else 3):  # RFC 5652 section 5.1
        raise CmsError(f"SignedData version {version}")
    digests = {SHA2.get(_algorithm(a, "digest algorithm")) for a in r.next().want(der.SET, "digest algorithms").children}
    inner = Reader(r.next(), der.SEQ, "EncapsulatedContentInfo")
    if inner.next().oid() != etype:
        raise CmsError("content of another type")
    carried = inner.optional(explicit(0))
    inner.end()
    if (carried is None) != (content is not None):
        raise CmsError("content inside" if carried else "no content inside")
    if carried is not None:
        content = carried.children[0].octets()
    certs = _certificates(r.next().want(explicit(0), "certificates"))
    infos = r.next().want(der.SET, "SignerInfos").children
    r.end()
    if not infos:
        raise CmsError("nobody signed")
    signers, used = [], set()
    for info in infos:
        cert, digest = _signer(info, etype, content, certs)
        signers.append(cert)
        used.add(digest)
    if used != digests:
        raise CmsError("digest algorithms are not those of the signers")
    if len({c.public_bytes(Encoding.DER) for c in signers}) != len(signers):
        raise CmsError("a signer twice")
    return content, certs, signers


def verify(content, data, trust, profiles, at):
    """All SignerInfos hold, by certificates good at that time. Returns their identities."""
    try:
        _, certs, signers = open_signed(data, content, DATA)
        who = _trusted(trust, certs, signers, profiles, at)
        for cert, dated_at in zip(signers, _dates(data)):
            _check_dated(cert, dated_at, at)
        return who
    except (DerError, KeyError, IndexError, TypeError) as e:
        raise CmsError(f"signature: {e}") from None


def _trusted(trust, certs, signers, profiles, at):
    """Besides the signers only CAs that lead to the root may be inside: every byte there is vouched for."""
    cas = [c for c in certs if c not in signers]
    for c in cas:
        if not trust.leads_to_root(c):
            raise PkiError("certificate", f"{c.subject.rfc4514_string()}: inside, and neither signer nor CA")
    return [trust.check(c, profiles, at, cas) for c in signers]


def token_time(node):
    text = node.want(der.GENTIME, "genTime").body.decode("ascii")
    if not text.endswith("Z"):
        raise CmsError("genTime is not UTC")
    whole, _, part = text[:-1].partition(".")
    at = datetime.datetime.strptime(whole, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    return at + datetime.timedelta(seconds=float("0." + part) if part else 0)


def verify_token(data, digest, trust):
    """RFC 3161 token over a SHA-256 digest; judged at its own time. Returns (time, identity)."""
    try:
        content, certs, signers = open_signed(data, None, TST_INFO)
        r = Reader(der.parse(content), der.SEQ, "TSTInfo")
        if r.next().int() != 1:
            raise CmsError("TSTInfo version")
        r.next().oid()  # policy
        imprint = Reader(r.next(), der.SEQ, "messageImprint")
        if SHA2.get(_algorithm(imprint.next(), "imprint")) != "sha256" or imprint.next().octets() != digest:
            raise CmsError("the timestamp is over other bytes")
        imprint.end()
        r.next().int()  # serial
        at = token_time(r.next())
        if len(signers) != 1:
            raise CmsError("a token has one signer")
        return at, _trusted(trust, certs, signers, ["tsa"], at)[0]
    except (DerError, KeyError, IndexError, TypeError) as e:
        raise CmsError(f"timestamp: {e}") from None


# ---- making: used for bundles that Python writes, and for bad ones ----


def _attribute(name, value):
    return der.tlv(der.SEQ, der.oid(name), der.tlv(der.SET, value))


def _sign_one(content, cert, key, ess=True, ess_cert=None, digest=None, etype=DATA, dated=()):
    sha = der.tlv(der.SEQ, der.oid(SHA256))
    attrs = [
        _attribute(CONTENT_TYPE, der.oid(etype)),
        _attribute(MESSAGE_DIGEST, der.tlv(der.OCTETS, digest or hashlib.sha256(content).digest())),
    ]
    if ess:
        named = (ess_cert or cert).public_bytes(Encoding.DER)
        cid = der.tlv(der.SEQ, der.tlv(der.OCTETS, hashlib.sha256(named).digest()))
        attrs.append(_attribute(ESS_V2, der.tlv(der.SEQ, der.tlv(der.SEQ, cid))))
    attrs += [_attribute(SIGNING_TIME, value) for value in dated]
    signed = der.set_of(*attrs)
    signature = key.sign(signed, ec.ECDSA(hashes.SHA256()))
    issuer, serial = _issuer_serial(cert)
    return der.tlv(
        der.SEQ,
        der.integer(1),
        der.tlv(der.SEQ, issuer, der.integer(serial)),
        sha,
        b"\xa0" + signed[1:],
        der.tlv(der.SEQ, der.oid(ECDSA_SHA256)),
        der.tlv(der.OCTETS, signature),
    )


def time_value(at):
    """Of a signing-time attribute."""
    return der.tlv(der.UTCTIME, at.strftime("%y%m%d%H%M%SZ").encode())


def sign(content, signers, embed=False, **how):
    """signers: list of (certificate chain, key). DER of the SignedData; embed puts the content inside (a fault)."""
    infos = [_sign_one(content, chain[0], key, **how) for chain, key in signers]
    certs = {c.public_bytes(Encoding.DER) for chain, _ in signers for c in chain}
    inner = der.oid(DATA) + (der.tlv(explicit(0), der.tlv(der.OCTETS, content)) if embed else b"")
    body = der.tlv(
        der.SEQ,
        der.integer(1),
        der.tlv(der.SET, der.tlv(der.SEQ, der.oid(SHA256))),
        der.tlv(der.SEQ, inner),
        der.tlv(explicit(0), *sorted(certs)),
        der.set_of(*infos),
    )
    return der.tlv(der.SEQ, der.oid(SIGNED_DATA), der.tlv(explicit(0), body))
