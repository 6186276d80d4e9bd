# The roles' confinement, seen from outside (/proc) and as they tell it (safehandctl status), of a gateway started as
# root and of one started by a user; and the courier's real work in its jail: names resolved, TLS spoken.
import http.server
import threading

from gateway import *

ROLES = ("store", "notary", "verify", "courier", "front")
NOBODY = 65534


def ctl(gw, *words):
    return subprocess.run([BUILD + "/bin/safehandctl", "-s", gw.dir + "/control", *words], capture_output=True, text=True).stdout


def told(gw):
    """role -> its confinement, as the first of each tells it."""
    return {r["role"]: r["confinement"] for r in reversed(json.loads(ctl(gw, "--json", "status"))["roles"])}


def kernel(pid):
    text = read(f"/proc/{pid}/status", "r")
    return {line.split(":")[0]: line.split(":")[1].split() for line in text.splitlines()}


def judge(gw, as_root):
    jails = told(gw)
    ok("every role tells of its jail", set(jails) == set(ROLES), jails)
    for role in ROLES:
        jail, pid = jails[role], jails[role]["pid"]
        now = kernel(pid)
        filtered = "built with sanitizers" not in jail["skipped"]
        want = {"Seccomp": ["2" if filtered else "0"], "NoNewPrivs": ["1"], "CapEff": ["0" * 16], "Uid": [str(NOBODY)] * 4, "Groups": [str(NOBODY)] if as_root else []}
        got = {k: now[k] for k in want}
        ok(f"{role}: the kernel's word", got == want, (got, want))
        ok(f"{role}: told is what the kernel says", (jail["seccomp"], jail["no_new_privs"], jail["uid"]) == (now["Seccomp"][0], now["NoNewPrivs"][0], now["Uid"][0]), jail)
        ok(f"{role}: not dumpable, no core", (jail["dumpable"], jail["core"]) == (0, 0), jail)
        if not filtered:
            print(f"# {role}: skipped: {jail['skipped']}", flush=True)
        if as_root:
            where = os.readlink(f"/proc/{pid}/root")
            ok(f"{role}: its root", where == ("/" if role == "courier" else gw.dir + "/jail"), where)
            ok(f"{role}: nothing was skipped for want of root", "root" not in jail["skipped"], jail)
        else:
            ok(f"{role}: what needs root is said to be skipped", "empty root, change of user: not started as root" in jail["skipped"], jail)
    shown = ctl(gw, "status")
    ok("status shows it in words", "LANDLOCK" in shown and ("filter" in shown or "sanitizers" in shown), shown)
    ok("status says what was skipped", as_root or "not started as root" in shown, shown)


def work(gw):
    uhcw, csc = Member(gw, "uhcw"), Member(gw, "csc")
    d = uhcw.draft("uhcw/emergency", ["csc/mash"], "discharge-letter")
    ok("a bundle is accepted in there", uhcw.put(d).status == 201)
    ok("and waits for its recipient", d.id.encode() in csc.call("GET", "/v1/mailboxes/csc/mash?after=0").body)


class Authority(http.server.BaseHTTPRequestHandler):
    asked = 0

    def do_POST(self):
        Authority.asked += 1
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(503)
        self.end_headers()

    def log_message(self, *_):
        pass


def serve(tls=None):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Authority)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def with_authorities(gw):
    """One by name over plain HTTP, one by name over TLS whose certificate the system's roots do not know."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(gw.dir + "/pki/certs/gateway-tls/localhost.pem", gw.dir + "/pki/certs/gateway-tls/localhost.key")
    plain, secure = serve(), serve(tls)
    with open(gw.dir + "/safehand.conf", "a") as f:
        f.write(f'[tsa "plain"]\nurl = http://localhost:{plain.server_port}/tsr\nroot = pki/trust/root.pem\n')
        f.write(f'[tsa "secure"]\nurl = https://localhost:{secure.server_port}/tsr\nroot = pki/trust/root.pem\n')
    return plain, secure


def run(as_root):
    gw = Gateway()
    servers = with_authorities(gw)
    user = {}
    if not as_root and os.geteuid() == 0:
        subprocess.run(["chown", "-R", f"{NOBODY}:{NOBODY}", gw.dir], check=True)
        user = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    gw.start(**user)
    asked = Authority.asked
    judge(gw, as_root)
    work(gw)
    wait("the courier reached a server by its name", lambda: Authority.asked > asked)
    wait("the courier spoke TLS and judged", lambda: gw.said("tsa secure, again in"))
    ok("a certificate of no known root is refused, and the courier lives", "certificate" in next(x for x in gw.text().splitlines() if "tsa secure" in x), gw.text())
    judge(gw, as_root)
    ok("an orderly stop ends with 0", gw.stop() == 0, gw.text())
    ok("no role died", not gw.said("role-died"), gw.text())
    for s in servers:
        s.shutdown()
    gw.remove()


if os.geteuid() == 0:
    run(True)
else:
    print("# skipped: a gateway started as root: we are not root", flush=True)
    NOBODY = os.geteuid()
run(False)
finish()
