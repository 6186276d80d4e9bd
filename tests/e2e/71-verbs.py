# 71-verbs.py - what a class wants and who must sign; who subscribes, consents, expects; what is withdrawn; silence that
# ends in notices, by mailbox, mail and webhook (real listeners), read with the client and the service; and a gateway
# that lies about the route.
import json
import os
import re
import shutil
import signal
import subprocess
import sys

from client import DATA, Client
from gateway import TOP, Gateway, Member, cms, finish, ok, read, wait
from tamper import Tamper

LETTER = os.path.join(DATA, "discharge-summary.pdf")
PAPER = os.path.join(DATA, "strategy-minutes.pdf")
PICTURE = os.path.join(DATA, "body-map.png")
CHILD = "999 026 0419"
KEY = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
CLASSES = """
[class "general"]
from = */*
to = */*
[class "referral"]
from = */*
to = csc/*, uhcw/*
subscribe = by-consent
[class "strategy-minutes"]
from = csc/*
to = */*
signatures = 2
require = child, meeting.at, meeting.chair, attendees, decisions, actions, medical-opinion, interpreter
media = application/pdf
clock = event
[class "domestic-incident"]
from = wmp/*
to = */*
collect = within 2 seconds
ladder = remind at 50%, cover at 100%, notify csc/service-manager at 100%, notify sender at 100%, register at 150%
"""

gw = Gateway("courier give-up = 1s\ncourier timeout = 5s\ncourier webhook-root = pki/trust/root.pem\nmail from = safehand@gw.example")
with open(gw.dir + "/classes.conf", "w") as f:
    f.write(CLASSES)
record = gw.dir + "/record"
open(record, "w").close()
listeners = subprocess.Popen(
    [sys.executable, "-B", f"{TOP}/tests/interop/listeners.py", gw.dir + "/pki", record], stdin=subprocess.PIPE, stdout=subprocess.PIPE
)
ports = json.loads(listeners.stdout.readline())
with open(gw.dir + "/hook.key", "w", opener=lambda p, f: os.open(p, f, 0o600)) as f:
    f.write(KEY + "\n")
conf = read(gw.dir + "/safehand.conf", "r")
conf = conf.replace("[mail]\n", f"[mail]\nserver = smtp://127.0.0.1:{ports['starttls']}\nroot = pki/trust/root.pem\n")
conf += f"""
[mailbox "schools/*"]
mail = dsl@st-j.example
[mailbox "csc/service-manager"]
mail = refused@coventry.example
webhook = https://127.0.0.1:{ports["https"]}/escalation
webhook-key = hook.key
"""
with open(gw.dir + "/safehand.conf", "w") as f:
    f.write(conf)
services = []


def came(kind):
    return [r for r in map(json.loads, read(record, "r").splitlines()) if r["kind"] == kind]


def inbox(client, mailbox, klass):
    return [i for i in client.run("inbox", "--mailbox", mailbox)[1].get("items", []) if i["class"] == klass]


def plain(client, *words):
    return subprocess.run(client.argv(*words), capture_output=True, text=True, cwd=client.dir, timeout=60)


def write(client, name, what):
    with open(os.path.join(client.dir, name), "w") as f:
        json.dump(what, f)


try:
    gw.start()
    uhcw, csc, wmp, schools = (Client(gw, a, "crl-age = 1h") for a in ("uhcw", "csc", "wmp", "schools"))
    minutes = ["--from", "csc/mash", "--class", "strategy-minutes", "--to", "uhcw/paediatrics"]

    # --- what a class wants ---
    told = csc.good("class lists the classes", "class")
    ok("  all of them", [k["name"] for k in told["classes"]] == ["domestic-incident", "general", "referral", "strategy-minutes"], told)
    text = plain(csc, "class", "strategy-minutes").stdout
    ok("class C says what it wants", "2 different persons" in text and "medical-opinion" in text and "--event-at" in text, text)
    csc.refused("a class that is not there", "unknown", 4, "class", "memo")
    draft = plain(csc, "cover", "strategy-minutes").stdout
    ok("cover C writes a sheet to fill in", "chair" in draft and json.loads(draft)["safehand_cover"] == 1, draft)
    write(csc, "draft.json", json.loads(draft))
    status, out = csc.run("seal", *minutes, "--cover", "draft.json", "--out", "none.shb", PAPER)
    ok("a draft left as it is is not sealed", status != 0 and not os.path.exists(csc.dir + "/none.shb"), out)
    write(csc, "half.json", {"safehand_cover": 1, "title": "Strategy meeting", "interpreter": "not needed"})
    status, out = csc.run("seal", *minutes, "--cover", "half.json", "--out", "none.shb", PAPER, PICTURE)
    text = out.get("error", {}).get("text", "")
    every = ["child", "meeting.at", "meeting.chair", "attendees", "decisions", "actions", "medical-opinion", "--event-at", "body-map.png"]
    ok("every missing field is named at once", status == 3 and all(w in text for w in every) and "interpreter" not in text, out)
    status, out = csc.run("seal", *minutes, "--offline", "--cover", "half.json", "--out", "none.shb", PAPER)
    ok("  offline too, by what was told before", status == 3 and "medical-opinion" in out["error"]["text"], out)
    whole = {
        "safehand_cover": 1, "title": "Strategy meeting", "people": [{"name": "A Child", "role": "child"}],
        "meeting": {"at": "2026-11-22T14:30:00Z", "chair": "A. Khan"}, "attendees": [{"name": "A. Khan"}],
        "decisions": [{"text": "Enquiry", "reason": "Bruising"}], "actions": [], "medical_opinion": "inconclusive", "interpreter": "not needed",
    }  # fmt: skip
    write(csc, "cover.json", whole)
    full = [*minutes, "--cover", "cover.json", "--event-at", "2026-11-22T14:30:00Z", "--about", CHILD]
    csc.refused("a document of another type", "format", 1, "seal", *full, "--out", "none.shb", PICTURE)

    # --- four eyes ---
    csc.good("sealed by a system alone", "seal", *full, "--out", "system.shb", PAPER)
    csc.refused("  is not four eyes with one person", "profile", 1, "countersign", "system.shb", "--as", "a.khan")
    sealed = csc.good("sealed by a person", "seal", *full, "--as", "a.khan", "--concern", "inconclusive", "--out", "minutes.shb", PAPER)
    csc.refused("the same person again", "repeated", 6, "countersign", "minutes.shb", "--as", "a.khan")
    wmp.refused("a person of another agency", "denied", 5, "countersign", csc.dir + "/minutes.shb", "--as", "d.green")
    csc.refused("not sent with one signature", "signature", 1, "submit", "minutes.shb")
    out = csc.good("a second person countersigns", "countersign", "minutes.shb", "--as", "r.lee")
    ok("  two signatures", out["signatures"] == 2, out)
    csc.good("and it is sent", "submit", "minutes.shb")

    # --- the flag on the case ---
    item = inbox(uhcw, "uhcw/paediatrics", "strategy-minutes")
    ok("the inbox shows the case's flag", item and [f["concern"] for f in item[0]["flags"]] == ["inconclusive"], item)
    text = plain(uhcw, "inbox", "--mailbox", "uhcw/paediatrics").stdout
    ok("  for people too", "flag: inconclusive since" in text, text)
    done = plain(uhcw, "send", "--from", "uhcw/emergency", "--class", "general", "--to", "csc/mash", "--about", CHILD, LETTER)
    ok("who sends about the child is told of it", done.returncode == 0 and "flag on the case: inconclusive since" in done.stderr, done)

    # --- subscriptions and consent ---
    schools.good("a school subscribes to the child", "subscribe", "--child", CHILD, "--mailbox", "schools/st-j.dsl")
    told = schools.good("  and sees so", "subscriptions", "--mailbox", "schools/st-j.dsl")["subscriptions"]
    ok("  by a pseudonym", [(s["kind"], s["value"][:2]) for s in told] == [("child", "c:")], told)
    letter = ["--from", "uhcw/emergency", "--class", "general", "--to", "csc/mash", "--about", CHILD]
    id = uhcw.good("a letter about the child", "send", *letter, LETTER)["id"]
    ok("  reaches the school", [i["id"] for i in inbox(schools, "schools/st-j.dsl", "general")] == [id])
    wmp.good("the police subscribe to the child", "subscribe", "--child", CHILD, "--mailbox", "wmp/ppu")
    referral = ["--from", "uhcw/emergency", "--class", "referral", "--to", "csc/mash", "--about", CHILD]
    uhcw.good("a referral without consent", "send", *referral, LETTER)
    ok("  does not reach them", inbox(wmp, "wmp/ppu", "referral") == [])
    uhcw.good("consent is given", "consent", "--to", "uhcw/paediatrics", "--child", CHILD, "--mailbox", "uhcw/emergency")
    given = uhcw.good("  and listed", "consents", "--mailbox", "uhcw/emergency")["consents"]
    ok("  with who gave it", [(g["mailbox"], g["given_by"]) for g in given if g["given_by"]] == [("uhcw/paediatrics", "uhcw/emergency")], given)
    uhcw.good("paediatrics subscribe to the child", "subscribe", "--child", CHILD, "--mailbox", "uhcw/paediatrics")
    id = uhcw.good("the next referral", "send", *referral, LETTER)["id"]
    ok("  reaches them", id in [i["id"] for i in inbox(uhcw, "uhcw/paediatrics", "referral")])
    uhcw.good("consent is taken back", "consent", "--to", "uhcw/paediatrics", "--child", CHILD, "--mailbox", "uhcw/emergency", "--withdraw")
    uhcw.good("paediatrics unsubscribe", "unsubscribe", "--child", CHILD, "--mailbox", "uhcw/paediatrics")
    uhcw.refused("  and cannot twice", "unknown", 4, "unsubscribe", "--child", CHILD, "--mailbox", "uhcw/paediatrics")
    uhcw.refused("two kinds at once", "usage", 2, "subscribe", "--child", CHILD, "--class", "general", "--mailbox", "uhcw/paediatrics")
    uhcw.refused("a mailbox of somebody else", "unknown", 4, "subscriptions", "--mailbox", "csc/mash")

    # --- a gateway that lies about the route ---
    def believe(client, lie):
        """The client's calls go to the one that lies."""
        with open(client.dir + "/lied.conf", "w") as f:
            f.write(read(client.conf, "r").replace(f"https://localhost:{gw.port}", f"https://localhost:{lie.port}"))

    def lied(client, *words):
        argv = [client.argv()[0], "--config", client.dir + "/lied.conf", "--json", *words]
        done = subprocess.run(argv, capture_output=True, cwd=client.dir, timeout=60)
        return done.returncode, json.loads(done.stdout or b"{}")

    lie = Tamper(gw, Member(gw, "uhcw"))
    lie.path = "/v1/route"
    believe(uhcw, lie)
    status, out = lied(uhcw, "send", *letter, LETTER)
    ok("as long as it tells the truth it serves", status == 0, out)

    def stranger(route):
        route["to"].append({"mailbox": "evil/listener", "as": "to", "keys": ["00" * 32]})
        return route

    def other_key(route):
        route["to"][0]["keys"] = ["00" * 32]
        return route

    def without_school(route):
        route["to"] = [r for r in route["to"] if not r["mailbox"].startswith("schools/")]
        return route

    lie.change = stranger
    status, out = lied(uhcw, "send", *letter, LETTER)
    ok("a recipient who is not in the roster is refused", status == 4 and "evil/listener" in out["error"]["text"], out)
    lie.change = other_key
    status, out = lied(uhcw, "send", *letter, LETTER)
    ok("a key that is not in the roster is refused", out.get("error", {}).get("code") == "route-changed", out)
    lie.change = without_school
    status, out = lied(uhcw, "send", *letter, LETTER)
    ok("a subscriber left out is caught by the gateway", status == 8 and out["error"]["code"] == "route-changed", out)
    lie.close()

    # --- withdrawn ---
    id = uhcw.good("a letter to the wrong place", "send", "--from", "uhcw/emergency", "--class", "general", "--to", "wmp/ppu", LETTER)["id"]
    csc.refused("not withdrawn by somebody else", "unknown", 4, "withdraw", id)
    out = uhcw.good("withdrawn by its sender", "withdraw", id)
    kept = uhcw.state("evidence", out["evidence"])
    root, vkey = gw.dir + "/pki/trust/root.pem", gw.dir + "/pki/log/log.vkey"
    ok("  its evidence is OK", plain(uhcw, "verify", kept, "--root", root, "--log", vkey).returncode == 0)
    status, out = wmp.run("open", id, "--into", "in", "--mailbox", "wmp/ppu")
    ok("  who had not collected it never can", status != 0, out)

    # --- away, and the board ---
    there = ["--mailbox", "schools/st-j.dsl"]
    ok("a mailbox is there", schools.good("how a mailbox stands", "away", *there)["away"] is None)
    schools.good("it goes away", "away", *there, "--until", "2026-12-24")
    told = schools.good("  and says so", "away", *there)
    ok("  until the end of that day", told["away"]["until"].startswith(("2026-12-24T", "2026-12-25T")), told)
    text = plain(schools, "away", *there).stdout
    ok("  in words", text.startswith("schools/st-j.dsl is away until 2026-12-2"), text)
    post = ["--from", "uhcw/emergency", "--class", "general", "--to", "schools/st-j.dsl"]
    done = plain(uhcw, "send", *post, LETTER)
    ok("  who sends to it is told", done.returncode == 0 and "st-j.dsl is away until 2026-12-2" in done.stderr, done)
    sent = uhcw.good("  sent", "send", *post, LETTER)
    id = sent["id"]
    ok("  in JSON too, with who covers", [(a["mailbox"], a["until"], a["cover"]) for a in sent["away"]] == [("schools/st-j.dsl", told["away"]["until"], "schools/st-j.head")], sent)
    asked = uhcw.good("  sealed offline", "seal", *post, "--offline", "--out", "offline.shb", LETTER)
    ok("  nobody was asked", (asked["away"], asked["flags"]) == (None, None), asked)
    away = {m["mailbox"]: m.get("away") for m in uhcw.good("  and tracked", "track", id)["mailboxes"]}
    ok("  says until when", away["schools/st-j.dsl"]["until"] == told["away"]["until"], away)
    ok("  for people too, and who covers", re.search("away until .*, covered by schools/", plain(uhcw, "track", id).stdout), away)
    schools.refused("until yesterday", "usage", 2, "away", *there, "--until", "2020-01-01")
    schools.refused("covered by itself", "usage", 2, "away", *there, "--until", "2026-12-24", "--cover", "schools/st-j.dsl")
    schools.refused("covered by nobody", "unknown", 4, "away", *there, "--until", "2026-12-24", "--cover", "schools/none")
    schools.good("it is back", "back", *there)
    schools.refused("  and cannot come back twice", "unknown", 4, "back", *there)
    csc.refused("nobody sends another away", "unknown", 4, "away", *there, "--until", "2026-12-24")
    items = wmp.good("the board of who owes nothing", "board", "--mailbox", "wmp/ppu")["items"]
    ok("  is empty", items == [], items)

    # --- silence: a notice for who must know, the key for the deputy ---
    os.mkdir(csc.dir + "/in")
    watch = subprocess.Popen(csc.argv("watch", "--inbox", "in"), stderr=open(csc.dir + "/watch.log", "wb"), cwd=csc.dir)
    services.append(watch)
    id = wmp.good("an incident, to a school that is silent", "send", "--from", "wmp/ppu", "--class", "domestic-incident", "--to", "schools/st-j.dsl", LETTER)["id"]
    notices = wait("the sender is told", lambda: inbox(wmp, "wmp/ppu", "notice"))
    ok("the notice is the gateway's", notices[0]["from"] == "gateway/notices", notices)

    # first by one who lies about it: each refused, nothing is put down, nothing is signed
    lie = Tamper(gw, Member(gw, "wmp"))
    lie.path = f"/v1/mailboxes/wmp/ppu/bundles/{notices[0]['id']}"
    believe(wmp, lie)
    asked = ["open", notices[0]["id"], "--into", "in", "--mailbox", "wmp/ppu"]
    true = Member(gw, "wmp").call("GET", lie.path).body
    manager = wait("the manager has one", lambda: inbox(csc, "csc/service-manager", "notice"))[0]
    others = Member(gw, "csc").call("GET", f"/v1/mailboxes/csc/service-manager/bundles/{manager['id']}").body
    text = true[24 : 24 + int.from_bytes(true[4:8], "big")]

    def framed(text, signer):
        der = cms.sign(text, [gw.pki.signer(signer)])
        return b"SHB1" + len(text).to_bytes(4, "big") + len(der).to_bytes(4, "big") + bytes(12) + text + der

    for what, code, raw in (
        ("another's notice", "digest", others),
        ("one to another mailbox", "denied", framed(text.replace(b'"to":"wmp/ppu"', b'"to":"csc/mash"'), "gateway-sign/gw")),
        ("a letter changed", "signature", true.replace(b"schools/st-j.dsl", b"schools/st-j.dsk", 1)),
        ("one that a member signed", "profile", framed(text, "agency-sign/csc")),
        ("one cut short", "format", true[:-1]),
        ("what is neither a notice nor a bundle", "format", true.replace(b"safehand_notice", b"safehand_notise", 1)),
    ):
        lie.raw = lambda was, raw=raw: raw
        status, out = lied(wmp, *asked)
        ok(f"{what} is refused", status != 0 and out.get("error", {}).get("code") == code, out)
        ok("  nothing is put down", not os.path.exists(f"{wmp.dir}/in/{notices[0]['id']}"))
        shutil.rmtree(wmp.state("fetched"), ignore_errors=True)
    lie.close()
    out = wmp.good("it is opened like a bundle", "open", notices[0]["id"], "--into", "in", "--mailbox", "wmp/ppu")
    ok("  and says who owes what", (out["cover"]["bundle"], out["cover"]["mailbox"], out["cover"]["owed"]) == (id, "schools/st-j.dsl", "collect"), out)
    folder = f"{wmp.dir}/in/{notices[0]['id']}"
    ok("  as text and as JSON", sorted(os.listdir(folder)) == ["notice.json", "notice.txt"], os.listdir(folder))
    text = read(folder + "/notice.txt", "r")
    ok("  in a sentence", "the cover of schools/st-j.dsl was given the key" in text and f"the collection of domestic-incident {id}" in text, text)
    wmp.good("  a person says that it was read", "read", notices[0]["id"], "--as", "d.green")
    wmp.refused("  the folder is there already", "conflict", 6, "open", notices[0]["id"], "--into", "in", "--mailbox", "wmp/ppu")
    for name in wmp.kept("evidence"):
        if name.startswith(notices[0]["id"]):
            done = plain(wmp, "verify", wmp.state("evidence", name), "--root", root, "--log", vkey)
            ok(f"  evidence {name[37:]} is OK", done.returncode == 0, done.stdout)
    items = schools.good("the board of who is silent", "board", *there)["items"]
    ok("  says what it owes", [(i["bundle"], i["owed"], i["mailbox"]) for i in items] == [(id, "collect", "schools/st-j.dsl")], items)
    ok("  and how late", items[0]["overdue_ms"] > 0, items)
    text = plain(wmp, "board", "--mailbox", "wmp/ppu").stdout
    ok("the sender's board in words", text.startswith("overdue ") and f"schools/st-j.dsl owes collect to wmp/ppu: domestic-incident from wmp/ppu  {id}" in text, text)
    ok("  no colour but on a terminal", "\033" not in text)
    text = subprocess.run(["script", "-qec", " ".join(wmp.argv("board", "--mailbox", "wmp/ppu")), "/dev/null"], capture_output=True, text=True, cwd=wmp.dir).stdout
    ok("  red there", "\033[1;31moverdue" in text, text)
    text = plain(wmp, "track", id).stdout
    ok("track says what is owed yet", "owes collect, due " in text, text)
    opened = schools.good("the deputy opens it", "open", id, "--into", "in", "--mailbox", "schools/st-j.head")
    ok("  all of it", os.path.exists(f"{schools.dir}/in/{id}/discharge-summary.pdf"), opened)
    with open(wmp.dir + "/notice.shb", "wb") as f:
        f.write(true)
    out = wmp.good("a notice that came as a file opens too", "open", "notice.shb", "--into", "by-hand")
    ok("  into the same", os.path.exists(f"{wmp.dir}/by-hand/{notices[0]['id']}/notice.json"), out)
    told = wait("the service puts the manager's notice down", lambda: [n for n in os.listdir(csc.dir + "/in/csc_service-manager") if len(n) == 36] if os.path.isdir(csc.dir + "/in/csc_service-manager") else [])
    ok("  whole", all(os.path.exists(f"{csc.dir}/in/csc_service-manager/{n}/notice.json") for n in told), told)
    mails = wait("the school was reminded by mail", lambda: came("mail"))
    ok("  at its address, about this", mails[0]["to"] == ["dsl@st-j.example"] and id in mails[0]["body"] and mails[0]["tls"], mails)
    ok("  with nothing of a document", "discharge" not in mails[0]["body"], mails[0]["body"])
    hooks = wait("the manager's system was told by webhook", lambda: came("hook"))
    ok("  signed", all(h["signed"] and h["path"] == "/escalation" for h in hooks) and hooks[0]["body"]["bundle"] == id, hooks)
    steps = lambda: {r["event"] for r in Member(gw, "wmp").call("GET", f"/v1/bundles/{id}/evidence").json()["evidence"]}
    every = {"Overdue", "Escalation", "CoverReleased", "NotificationSent", "NotificationFailure"}
    ok("each step is in the log, the mail that was refused too", wait("each step", lambda: every <= steps()), steps())
    out = wmp.good("track shows them", "track", id, "--save", "saved")
    files = sorted(os.listdir(wmp.dir + "/saved"))
    judged = plain(wmp, "verify", *[f"saved/{f}" for f in files if f.endswith(".evidence")], "--root", root, "--log", vkey)
    ok("  each OK by safehand verify", judged.returncode == 0 and any("Overdue" in f for f in files), (files, judged.stdout))
    text = plain(wmp, "track", id).stdout
    ok("  in words", "overdue" in text and "escalated" in text, text)

    # --- a service of the deputy's: the key comes to it, once, also across a restart ---
    alone = read(schools.conf, "r").split('[mailbox "schools/st-j.dsl"]\n')
    with open(schools.conf, "w") as f:
        f.write(alone[0] + alone[1].split("\n", 2)[2])
    os.mkdir(schools.dir + "/box")

    def serve():
        log = open(schools.dir + "/watch.log", "ab")
        services.append(subprocess.Popen(schools.argv("watch", "--inbox", "box"), stderr=log, cwd=schools.dir))
        return services[-1]

    deputy = serve()
    id = wmp.good("another incident, to the same school", "send", "--from", "wmp/ppu", "--class", "domestic-incident", "--to", "schools/st-j.dsl", LETTER)["id"]
    place = f"{schools.dir}/box/schools_st-j.head/{id}"
    wait("the deputy's service has it", lambda: os.path.exists(place + ".json"))
    ok("it lies there, opened", os.path.exists(place + "/discharge-summary.pdf"), os.listdir(os.path.dirname(place)))
    deputy.send_signal(signal.SIGTERM)
    ok("  the service ends in order", deputy.wait(30) == 0)
    shutil.rmtree(place)
    deputy = serve()
    last = wmp.good("one more", "send", "--from", "wmp/ppu", "--class", "domestic-incident", "--to", "schools/st-j.dsl", LETTER)["id"]
    wait("it comes too", lambda: os.path.exists(f"{schools.dir}/box/schools_st-j.head/{last}.json"))
    ok("what was taken away does not come twice", not os.path.exists(place))
    seen = [r["event"] for r in Member(gw, "wmp").call("GET", f"/v1/bundles/{id}/evidence").json()["evidence"]]
    ok("  each step is there once", all(seen.count(w) == 1 for w in ("Overdue", "CoverReleased", "ContentHandover", "Opened")), seen)
    for service in (watch, deputy):
        service.send_signal(signal.SIGTERM)
        ok("a service ends in order", service.wait(30) == 0)
finally:
    for s in services:
        if s.poll() is None:
            s.kill()
    listeners.stdin.close()
    listeners.wait(10)
    gw.remove()
finish()
