# 44-case.py - what belongs to a case, by the client against the real gateway: subscriptions by child, class and area,
# consent, flags until they are discounted, what replaces what, withdrawal, expectations; each refusal with its code.
import os
import time

from client import DATA, Client
from gateway import Gateway, Wire, finish, ok, read, wait

CLASSES = """
[class "t-assessment"]
from = */*
to = */*
subscribe = by-consent

[class "t-discounted"]
from = csc/*, uhcw/*
to = */*
signatures = 2
discounts = yes

[class "t-private"]
from = */*
to = */*
subscribe = no

[class "t-demanding"]
from = wmp/*
to = */*
demand = csc/duty

[class "t-meeting"]
from = csc/*
to = */*
expects = t-minutes within 2 seconds of the meeting
expect-ladder = register at 100%

[class "t-minutes"]
from = csc/*
to = */*
clock = event
"""
CHILD, OTHER_CHILD = "943 476 5919", "999 026 0419"
LETTER = os.path.join(DATA, "discharge-summary.pdf")

gw = Gateway()
with open(gw.dir + "/classes.conf", "a") as f:
    f.write(CLASSES)
gw.start()


def utc(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


def send(c, what, sender, to, *more, klass="general"):
    words = ["send", "--class", klass, "--from", sender]
    for mailbox in to:
        words += ["--to", mailbox]
    return c.good(what, *words, *more, LETTER)["id"]


def recipients(c, id):
    return sorted(m["mailbox"] for m in c.good("its sender sees it", "track", id)["mailboxes"])


def events(c, id):
    return [(e["event"], e["mailbox"]) for e in c.good("its evidence is judged", "track", id)["evidence"]]


try:
    uhcw, csc, wmp, schools = (Client(gw, a) for a in ("uhcw", "csc", "wmp", "schools"))

    # --- subscriptions ---
    csc.good("a child is subscribed to", "subscribe", "--child", CHILD, "--mailbox", "csc/duty")
    csc.good("twice is once", "subscribe", "--child", CHILD, "--mailbox", "csc/duty")
    rows = csc.good("it is listed", "subscriptions", "--mailbox", "csc/duty")["subscriptions"]
    ok("once, as a pseudonym", [r["kind"] for r in rows] == ["child"] and rows[0]["value"].startswith("c:"), rows)
    csc.refused("the mailbox must be said where there are two", "usage", 2, "subscriptions")
    csc.refused("just one thing", "usage", 2, "subscribe", "--child", CHILD, "--class", "general", "--mailbox", "csc/duty")
    csc.refused("a mistyped NHS number would be another child", "format", 1, "subscribe", "--child", "943 476 5918", "--mailbox", "csc/duty")
    csc.refused("a class that is not there", "unknown", 4, "subscribe", "--class", "none", "--mailbox", "csc/duty")
    csc.refused("a class that takes no subscriptions", "denied", 5, "subscribe", "--class", "t-private", "--mailbox", "csc/duty")
    csc.refused("an area that is not there", "unknown", 4, "subscribe", "--area", "nowhere", "--mailbox", "csc/duty")
    csc.refused("another's mailbox", "unknown", 4, "subscribe", "--child", CHILD, "--mailbox", "wmp/ppu")
    id = send(wmp, "about the child, to another", "wmp/ppu", ["uhcw/emergency"], "--about", CHILD)
    ok("who subscribed has it too", "csc/duty" in recipients(wmp, id), recipients(wmp, id))
    id = send(wmp, "about another child", "wmp/ppu", ["uhcw/emergency"], "--about", OTHER_CHILD)
    ok("who subscribed to one child has not the other's", "csc/duty" not in recipients(wmp, id))
    id = send(wmp, "with an exclusion", "wmp/ppu", ["uhcw/emergency"], "--about", CHILD, "--exclude", "csc/duty")
    ok("whom the sender excludes has it not", "csc/duty" not in recipients(wmp, id))
    schools.good("an area is subscribed to", "subscribe", "--area", "west-midlands", "--mailbox", "schools/st-j.head")
    id = send(wmp, "from that area", "wmp/ppu", ["uhcw/emergency"])
    ok("who subscribed to the area has it", "schools/st-j.head" in recipients(wmp, id), recipients(wmp, id))
    id = send(uhcw, "from another area", "uhcw/emergency", ["csc/mash"])
    ok("and not what comes from elsewhere", "schools/st-j.head" not in recipients(uhcw, id), recipients(uhcw, id))
    schools.good("and no longer", "unsubscribe", "--area", "west-midlands", "--mailbox", "schools/st-j.head")
    schools.refused("what is not subscribed to", "unknown", 4, "unsubscribe", "--area", "west-midlands", "--mailbox", "schools/st-j.head")
    id = send(wmp, "what a class demands", "wmp/ppu", ["uhcw/emergency"], klass="t-demanding")
    ok("is sealed for whom it demands", "csc/duty" in recipients(wmp, id), recipients(wmp, id))

    # --- consent ---
    assess = lambda what: send(uhcw, what, "uhcw/emergency", ["schools/st-j.dsl"], "--about", CHILD, klass="t-assessment")
    ok("without consent who subscribed has it not", "csc/duty" not in recipients(uhcw, assess("an assessment")))
    asked = uhcw.good("the sender's agency is asked", "consents", "--mailbox", "uhcw/emergency")["consents"]
    ok("by whom subscribed", [(c["mailbox"], c["given_by"]) for c in asked] == [("csc/duty", None)], asked)
    uhcw.refused("for whom is not there", "unknown", 4, "consent", "--child", CHILD, "--to", "csc/none", "--mailbox", "uhcw/emergency")
    uhcw.refused("consent is of a case", "usage", 2, "consent", "--to", "csc/duty", "--mailbox", "uhcw/emergency")
    uhcw.good("it consents", "consent", "--child", CHILD, "--to", "csc/duty", "--mailbox", "uhcw/emergency")
    ok("now who subscribed has it", "csc/duty" in recipients(uhcw, assess("another assessment")))
    uhcw.good("it takes the consent back", "consent", "--child", CHILD, "--to", "csc/duty", "--withdraw", "--mailbox", "uhcw/emergency")
    ok("and again not", "csc/duty" not in recipients(uhcw, assess("a third assessment")))

    # --- flags ---
    concern = send(uhcw, "an inconclusive opinion", "uhcw/emergency", ["csc/mash"], "--about", OTHER_CHILD, "--concern", "inconclusive")
    later = send(wmp, "a later document of another agency", "wmp/ppu", ["csc/mash"], "--about", OTHER_CHILD)
    feed = lambda: Wire(gw, "certs/agency-tls/csc").call("GET", "/v1/mailboxes/csc/mash").json()["items"]
    flags = [f for i in feed() if i["bundle"] == later for f in i["flags"]]
    got = csc.good("opening it", "open", later, "--into", "flagged")
    ok("tells of the concern", (got["flags"] or "").startswith("inconclusive since "), got["flags"])
    ok("shows that the concern still stands", [(f["concern"], f["bundle"]) for f in flags] == [("inconclusive", concern)], flags)
    second = send(uhcw, "another inconclusive opinion", "uhcw/emergency", ["csc/mash"], "--about", OTHER_CHILD, "--concern", "inconclusive")
    flags = next(i["flags"] for i in feed() if i["bundle"] == later)
    ok("two that raise it are one flag, which names both",
       [(f["concern"], f["bundle"], f["bundles"], [s["bundle"] for s in f["sources"]]) for f in flags] == [("inconclusive", concern, 2, [concern, second])], flags)  # fmt: skip
    sealed = wmp.good("who seals for the child", "seal", "--class", "general", "--from", "wmp/ppu", "--to", "csc/mash", "--about", OTHER_CHILD, "--out", "sealed.shb", LETTER)
    ok("  is told in JSON", [(f["concern"], f["bundles"]) for f in sealed["flags"]] == [("inconclusive", 2)] and sealed["away"] == [], sealed)
    tracked = wmp.good("the sender of the later one tracks it", "track", later)["flags"]
    ok("  and sees the flag", [(f["concern"], f["bundle"], f["bundles"]) for f in tracked] == [("inconclusive", concern, 2)], tracked)
    uhcw.refused("one person does not discount it", "signature", 1, "send", "--class", "t-discounted", "--from", "uhcw/emergency", "--to", "csc/mash",
                 "--about", OTHER_CHILD, "--reply-to", concern, "--as", "j.patel", LETTER)  # fmt: skip
    csc.refused("nor without evidence", "format", 1, "send", "--class", "t-discounted", "--from", "csc/mash", "--to", "uhcw/emergency",
                "--about", OTHER_CHILD, "--as", "a.khan", "--as", "r.lee", LETTER)  # fmt: skip
    foreign = send(wmp, "a paper between two others", "wmp/ppu", ["uhcw/emergency"])
    csc.refused("nor by a bundle that it does not know", "unknown", 4, "send", "--class", "t-discounted", "--from", "csc/mash", "--to",
                "uhcw/emergency", "--about", OTHER_CHILD, "--reply-to", foreign, "--as", "a.khan", "--as", "r.lee", LETTER)  # fmt: skip
    send(csc, "two persons discount it, naming the evidence", "csc/mash", ["uhcw/emergency"], "--about", OTHER_CHILD, "--reply-to", concern,
         "--as", "a.khan", "--as", "r.lee", klass="t-discounted")  # fmt: skip
    ok("the concern stands no more", not any(i["flags"] for i in feed()), [i["flags"] for i in feed()])

    # --- what replaces what ---
    first = send(csc, "a provisional paper", "csc/mash", ["uhcw/paediatrics", "wmp/ppu"], "--provisional")
    final = send(csc, "its final, to one of the two", "csc/mash", ["wmp/ppu"], "--supersedes", first)
    ok("goes to both", recipients(csc, final) == ["uhcw/paediatrics", "wmp/ppu"], recipients(csc, final))
    ok("and both are told that the old one is replaced",
       [e for e in events(csc, first) if e[0] == "Superseded"] == [("Superseded", "uhcw/paediatrics"), ("Superseded", "wmp/ppu")], events(csc, first))  # fmt: skip
    csc.refused("once only", "conflict", 6, "send", "--class", "general", "--from", "csc/mash", "--to", "wmp/ppu", "--supersedes", first, LETTER)
    uhcw.refused("not another's", "unknown", 4, "send", "--class", "general", "--from", "uhcw/emergency", "--to", "wmp/ppu", "--supersedes", first, LETTER)

    # --- withdrawal ---
    id = send(uhcw, "to the wrong one", "uhcw/emergency", ["wmp/ppu"])
    wmp.refused("its recipient cannot withdraw it", "unknown", 4, "withdraw", id)
    back = uhcw.good("its sender withdraws it", "withdraw", id)
    word, why = gw.judge(read(uhcw.state("evidence", back["evidence"])))
    ok("the independent verifier agrees", word == "OK", why)
    wmp.refused("nobody opens it any more", "unknown", 4, "open", id, "--into", "got")
    uhcw.good("said again, it has the same answer", "withdraw", id)
    ok("who had it waiting is told", ("Withdrawn", "wmp/ppu") in events(uhcw, id), events(uhcw, id))
    id = send(uhcw, "to one who is quick", "uhcw/emergency", ["wmp/ppu"])
    wmp.good("it is opened", "open", id, "--into", "got")
    uhcw.good("and withdrawn", "withdraw", id)
    wmp.good("who has it may still say that it was read", "read", id, "--as", "d.green")
    ok("and is told", ("Withdrawn", "wmp/ppu") in events(wmp, id), events(wmp, id))

    # --- expectations ---
    x = uhcw.good("an outcome is expected", "expect", "--class", "general", "--from", "csc/mash", "--by", utc(3600), "--about", CHILD, "--mailbox", "uhcw/emergency")
    again = uhcw.good("the same again", "expect", "--class", "general", "--from", "csc/mash", "--by", x["due"].replace(".000Z", "Z"), "--about", CHILD,
                      "--mailbox", "uhcw/emergency", "--id", x["id"])  # fmt: skip
    ok("is the same one", again == x, (x, again))
    uhcw.refused("the same id for another", "conflict", 6, "expect", "--class", "general", "--from", "csc/mash", "--by", utc(7200), "--mailbox",
                 "uhcw/emergency", "--id", x["id"])  # fmt: skip
    uhcw.refused("a day that is over", "limit", 1, "expect", "--class", "general", "--from", "csc/mash", "--by", "2020-01-01", "--mailbox", "uhcw/emergency")
    uhcw.refused("no day", "usage", 2, "expect", "--class", "general", "--from", "csc/mash", "--by", "soon", "--mailbox", "uhcw/emergency")
    uhcw.refused("from nobody", "unknown", 4, "expect", "--class", "general", "--from", "csc/none", "--by", utc(60), "--mailbox", "uhcw/emergency")
    send(csc, "it comes", "csc/duty", ["uhcw/emergency"], "--about", CHILD)
    state = lambda c, mailbox: {e["id"]: e["state"] for e in c.good("what is expected", "expectations", "--mailbox", mailbox)["expectations"]}
    ok("and meets it", state(uhcw, "uhcw/emergency")[x["id"]] == "met", state(uhcw, "uhcw/emergency"))
    y = uhcw.good("one that is not wanted any more", "expect", "--class", "general", "--from", "wmp/ppu", "--by", utc(3600), "--mailbox", "uhcw/emergency")
    uhcw.good("is withdrawn", "expectations", "--withdraw", y["id"], "--mailbox", "uhcw/emergency")
    uhcw.refused("what was met is not", "order", 6, "expectations", "--withdraw", x["id"], "--mailbox", "uhcw/emergency")
    z = uhcw.good("one that will not come", "expect", "--class", "general", "--from", "wmp/ppu", "--by", utc(2), "--about", OTHER_CHILD, "--mailbox", "uhcw/emergency")
    wait("it is missed", lambda: uhcw.run("expectations", "--mailbox", "uhcw/emergency")[1]["expectations"][0]["state"] == "missed")

    csc.refused("a meeting without its time", "format", 1, "send", "--class", "t-meeting", "--from", "csc/mash", "--to", "wmp/ppu", LETTER)
    call = send(csc, "a meeting is announced", "csc/mash", ["wmp/ppu", "uhcw/paediatrics"], "--event-at", utc(0), "--about", CHILD, klass="t-meeting")
    ok("its minutes are expected", "ExpectationOpened" in [e for e, _ in events(csc, call)], events(csc, call))
    wait("they do not come, and are missed", lambda: any(e == "ExpectationMissed" for e, _ in events(wmp, call)))
    send(csc, "minutes that do not reach all", "csc/mash", ["wmp/ppu"], "--event-at", utc(-1), "--about", CHILD, klass="t-minutes")
    ok("are not yet the minutes", "ExpectationMet" not in [e for e, _ in events(wmp, call)])
    send(csc, "minutes for all", "csc/mash", ["wmp/ppu", "uhcw/paediatrics"], "--event-at", utc(-1), "--about", CHILD, klass="t-minutes")
    names = [e for e, _ in events(wmp, call)]
    ok("are met late; that they were missed stays", "ExpectationMet" in names and "ExpectationMissed" in names, names)
    csc.refused("minutes of a meeting that is yet to be", "clock", 7, "send", "--class", "t-minutes", "--from", "csc/mash", "--to", "wmp/ppu", "--event-at", utc(7200), LETTER)
    ok("the daemon lives, and stops in order", gw.stop() == 0, gw.text()[-2000:])
finally:
    if gw.process and gw.process.poll() is None:
        gw.stop()
    gw.remove()
finish()
