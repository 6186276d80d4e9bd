#!/usr/bin/python3
# line.py - one large bundle along the whole line with the real client: time of each step, peak memory of each process. JSON lines.
# usage: line.py [--mib N]
import argparse
import re
import sys

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/e2e")
from gateway import *  # noqa: E402


def configure(gw, agency, mailbox):
    """A client's configuration; the path of it."""
    home = f"{gw.dir}/{agency}"
    os.makedirs(home)
    c = gw.dir + "/pki/certs"
    with open(home + "/safehand.conf", "w") as f:
        f.write(f"[gateway]\nurl = https://localhost:{gw.port}\nroot = {gw.dir}/pki/trust/root.pem\n")
        f.write(f"[agency]\nname = {agency}\nstate = state\ntls-certificate = {c}/agency-tls/{agency}.pem\ntls-key = {c}/agency-tls/{agency}.key\n")
        f.write(f'[identity "{agency}"]\nkind = system\ncertificate = {c}/agency-sign/{agency}.pem\nkey = {c}/agency-sign/{agency}.key\n')
        stem = f"{c}/agency-seal/{mailbox.replace('/', '_')}"
        f.write(f'[mailbox "{mailbox}"]\ncertificate = {stem}.pem\nkey = {stem}.key\n')
    return home + "/safehand.conf"


def run(conf, *args):
    """(seconds, peak KiB, its output)"""
    out = tempfile.TemporaryFile()
    began = time.monotonic()
    p = subprocess.Popen([BUILD + "/bin/safehand", "--config", conf, "--json", *args], stdout=out)
    peak = 0  # not from wait4: what this interpreter used before exec would count as theirs
    while p.poll() is None:
        try:
            lines = read(f"/proc/{p.pid}/status", "r").splitlines()
            peak = max([peak] + [int(line.split()[1]) for line in lines if line.startswith("VmHWM")])
        except OSError:
            pass
        time.sleep(0.02)
    took, status = time.monotonic() - began, p.returncode
    out.seek(0)
    text = out.read()
    if status != 0:
        sys.exit(f"safehand {args[0]}: status {status}: {text.decode()}")
    return took, peak, json.loads(text)


def gateway_peak(gw):
    peak = {}
    for name, pid in list(gw.children().items()) + [("safehandd", gw.process.pid)]:
        status = dict(line.split(":", 1) for line in read(f"/proc/{pid}/status", "r").splitlines())
        peak[name] = int(status["VmHWM"].split()[0])
    return peak


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--mib", type=int, default=2000, help="below the class's limit of 2 GiB")
    a = ap.parse_args()
    gw = Gateway().start()
    try:
        sender, reader = configure(gw, "uhcw", "uhcw/emergency"), configure(gw, "csc", "csc/mash")
        document = gw.dir + "/recording.wav"
        subprocess.run([TOP + "/tests/data/make.py", "--recording", document, "--mib", str(a.mib)], check=True)
        for verb, conf, args in [
            ("seal", sender, ["--class", "general", "--to", "csc/mash", "--out", gw.dir + "/it.shb", document]),
            ("submit", sender, [gw.dir + "/it.shb"]),
            ("open", reader, None),
        ]:
            took, peak, said = run(conf, verb, *(args or [id, "--into", gw.dir + "/in"]))
            id = re.search(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f-]{21}", json.dumps(said)).group(0)
            row = {"bench": "line", "step": verb, "mib": a.mib, "seconds": round(took, 1), "mb_per_s": round(a.mib * 1.048576 / took), "peak_kib": peak}
            print(json.dumps(row), flush=True)
        opened = [os.path.join(at, n) for at, _, names in os.walk(gw.dir + "/in") for n in names if n.endswith(".wav")]
        same = subprocess.run(["cmp", document, opened[0]]).returncode == 0
        print(json.dumps({"bench": "line", "step": "gateway", "same": same, "peak_kib": gateway_peak(gw)}))
    finally:
        gw.remove()


main()
