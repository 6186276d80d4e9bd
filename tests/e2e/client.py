# client.py - what the scenarios of the client share: a configuration for each member, and the calls of the program.
import json
import os
import subprocess

from gateway import BUILD, TOP, ok

SAFEHAND = BUILD + "/bin/safehand"
DATA = os.path.join(TOP, "tests", "data")


class Client:
    """A member's machine: configuration and state folder of its own; all its agency's mailboxes and persons."""

    def __init__(self, gw, agency, settings=""):
        self.gw, self.agency = gw, agency
        self.dir = f"{gw.dir}/client-{agency}"
        os.makedirs(self.dir, 0o700)
        self.conf = self.dir + "/safehand.conf"
        certs = gw.dir + "/pki/certs"
        text = f"""[gateway]
url = https://localhost:{gw.port}
root = {gw.dir}/pki/trust/root.pem
retries = 0
{settings}
[agency]
name = {agency}
state = state
tls-certificate = {certs}/agency-tls/{agency}.pem
tls-key = {certs}/agency-tls/{agency}.key
linking-key = {gw.dir}/pki/linking.key
[identity "{agency}"]
kind = system
certificate = {certs}/agency-sign/{agency}.pem
key = {certs}/agency-sign/{agency}.key
[watch]
wait = 2s
scan = 200ms
backoff = 1s
"""
        for kind, profile in (("mailbox", "agency-seal"), ("identity", "person-sign")):
            for name in sorted(os.listdir(f"{certs}/{profile}")):
                stem, ext = os.path.splitext(name)
                if not name.startswith(agency + "_") or ext != ".pem":
                    continue
                short = stem.split("_", 1)[1]
                text += f'[{kind} "{agency + "/" + short if kind == "mailbox" else short}"]\n'
                text += "kind = person\n" if kind == "identity" else ""
                text += f"certificate = {certs}/{profile}/{name}\nkey = {certs}/{profile}/{stem}.key\n"
        with open(self.conf, "w") as f:
            f.write(text)

    def argv(self, *words):
        return [SAFEHAND, "--config", self.conf, *words]

    def run(self, *words):
        """(exit status, object on standard output)"""
        done = subprocess.run(self.argv("--json", *words), capture_output=True, cwd=self.dir, timeout=120)
        try:
            return done.returncode, json.loads(done.stdout or b"{}")
        except ValueError:
            return done.returncode, {"error": {"code": "no json", "text": (done.stdout + done.stderr).decode()}}

    def good(self, what, *words):
        status, out = self.run(*words)
        ok(what, status == 0, (status, out))
        return out

    def refused(self, what, code, status, *words):
        got, out = self.run(*words)
        ok(what, got == status and out.get("error", {}).get("code") == code, (got, out))

    def state(self, *parts):
        return os.path.join(self.dir, "state", *parts)

    def kept(self, folder):
        return sorted(os.listdir(self.state(folder))) if os.path.isdir(self.state(folder)) else []
