#!/usr/bin/python3
# listeners.py - real mail and web servers on loopback, that take what the courier sends or refuse it as its address says.
# usage: listeners.py PKI-DIR RECORD   prints one JSON object of ports; writes a JSON line into RECORD for each mail and POST
# that came; ends with its standard input. Mail is taken by aiosmtpd, Debian's; webhooks are judged by their rules.
#
# recipients: refused@ 550 · spam@ 554 after the text · busy@ 451 at the first try · slow@ no answer · anybody else: taken
# paths: /S/N  status S for the first N tries, then 200 · /slow · /cut · /rest/N 429 with Retry-After: N once · else: 200
import asyncio
import base64
import email
import email.policy
import hashlib
import hmac
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

KEY = bytes(range(32))  # whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=
USER, PASSWORD = b"gateway", b"secret word"
tries = {}


def record(what):
    with open(sys.argv[2], "a") as f:
        f.write(json.dumps(what) + "\n")


def count(name):
    tries[name] = tries.get(name, 0) + 1
    return tries[name]


class Mailbox:
    def __init__(self, name):
        self.name = name

    async def handle_RCPT(self, server, session, envelope, address, options):
        local = address.split("@")[0]
        if local == "refused":
            count(address)
            return "550 no such mailbox"
        if local == "busy" and count(address) == 1:
            return "451 come again"
        if local == "slow":
            count(address)
            await asyncio.sleep(60)
        envelope.rcpt_tos.append(address)
        return "250 taken"

    async def handle_DATA(self, server, session, envelope):
        if envelope.rcpt_tos[0].startswith("spam@"):
            return "554 not this"
        m = email.message_from_bytes(envelope.content, policy=email.policy.default)
        record(
            {
                "kind": "mail",
                "server": self.name,
                "tls": session.ssl is not None or server.transport.get_extra_info("sslcontext") is not None,
                "hello": session.host_name,
                "login": session.authenticated and session.auth_data.login.decode(),
                "from": envelope.mail_from,
                "to": envelope.rcpt_tos,
                "headers": [[k, v] for k, v in m.items()],
                "defects": [str(d) for d in m.defects] + [str(d) for h in m.values() for d in h.defects],
                "longest": max(map(len, envelope.content.split(b"\r\n"))),
                "bare": b"\n" in envelope.content.replace(b"\r\n", b""),
                "body": m.get_content(),
            }
        )
        return "250 kept"


class Domain(Mailbox):
    """Of a company's domain: its clients may log in by their ticket, ours by its password."""

    async def auth_GSSAPI(self, server, args):
        record({"kind": "gssapi"})
        await server.challenge_auth("")
        return AuthResult(success=False, handled=False)


def log_in(server, session, envelope, mechanism, data):
    good = data.login in (USER, USER + b"@mail.test") and data.password == PASSWORD
    return AuthResult(success=good, auth_data=data, handled=False)


def is_signed(headers, body):
    """By the rules of standardwebhooks.com."""
    text = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    mac = base64.b64encode(hmac.new(KEY, text, hashlib.sha256).digest()).decode()
    return hmac.compare_digest(headers["webhook-signature"], "v1," + mac)


def answer(path):
    parts = path.strip("/").split("/")
    if len(parts) == 2 and parts[0] == "rest":
        return (429, f"Retry-After: {parts[1]}\r\n") if count(path) == 1 else (200, "")
    if len(parts) == 2 and parts[1].isdigit() and count(path) <= int(parts[1]):
        return int(parts[0]), "Location: /taken\r\n" if parts[0] == "302" else ""
    return 200, ""


async def on_post(reader, writer):
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            method, path, _ = head[0].split(" ")
            headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in head[1:-2])}
            body = await reader.readexactly(int(headers["content-length"]))
            record(
                {
                    "kind": "hook",
                    "method": method,
                    "path": path,
                    "tls": writer.get_extra_info("sslcontext") is not None,
                    "headers": headers,
                    "signed": is_signed(headers, body),
                    "body": json.loads(body),
                }
            )
            if path == "/slow":
                await asyncio.sleep(60)
            if path == "/cut":
                break
            status, more = answer(path)
            writer.write(f"HTTP/1.1 {status} So\r\n{more}Content-Length: 2\r\n\r\nok".encode())
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    writer.close()


def tls(pki):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    c.load_cert_chain(f"{pki}/certs/gateway-tls/localhost.pem", f"{pki}/certs/gateway-tls/localhost.key")
    return c


async def main():
    pki, loop = sys.argv[1], asyncio.get_running_loop()
    good, foreign = tls(pki), tls(pki + "/foreign")
    kinds = {
        "starttls": ({"tls_context": good, "require_starttls": True}, None),
        "smtps": ({}, good),
        "login": ({"tls_context": good, "require_starttls": True, "authenticator": log_in, "auth_required": True}, None),
        "domain": ({"tls_context": good, "require_starttls": True, "authenticator": log_in, "auth_required": True}, None),
        "plain": ({}, None),
        "foreign": ({"tls_context": foreign, "require_starttls": True}, None),
    }
    servers = {}
    for name, (how, context) in kinds.items():

        def new(name=name, how=how):
            return SMTP((Domain if name == "domain" else Mailbox)(name), hostname="mail.test", loop=loop, **how)

        servers[name] = await loop.create_server(new, "127.0.0.1", 0, ssl=context)
    servers["http"] = await asyncio.start_server(on_post, "127.0.0.1", 0)
    servers["https"] = await asyncio.start_server(on_post, "127.0.0.1", 0, ssl=good)
    servers["https_foreign"] = await asyncio.start_server(on_post, "127.0.0.1", 0, ssl=foreign)
    print(json.dumps({name: s.sockets[0].getsockname()[1] for name, s in servers.items()}), flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
