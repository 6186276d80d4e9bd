# story.py - what members do while something goes wrong, and what must hold afterwards. A step is a method that returns
# when it was acknowledged; it raises Again when it was not (no answer, or "not now"), and is repeated, as a client does.
# A new step: write the method, put its name into FIRST (an empty data folder), SECOND (after a restart) or THIRD (after another), and say in
# holds() what it promised.
import base64
import copy
import hashlib
import os
import ssl
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import gateway  # noqa: E402
from gateway import Member, c2sp, control, manifest_digest, open_slot  # noqa: E402

gateway.DEADLINE = 15  # seconds until no answer is a violation of its own
FIRST = [
    "submit_small", "submit_chunked", "submit_large", "submit_in_two", "fetch_small", "fetch_large", "collect_small",
    "open_small", "read_small", "answer_small",
    "collect_large", "open_large", "purge_small", "purge_large",
]  # fmt: skip
SECOND = ["submit_late", "fetch_late", "collect_late", "open_late", "collect_in_two", "purge_late"]
THIRD = ["submit_urgent", "escalated", "noticed"]
# what comes of an urgent one that nobody collects: once each, whatever happens in between
LADDER = [
    ("Overdue", "schools/st-j.dsl"), ("CoverReleased", "schools/st-j.head"), ("Overdue", "schools/st-j.head"),
    *[("Escalation", m) for m in ["schools/st-j.dsl"] * 3 + ["schools/st-j.head"] * 3],
]  # fmt: skip
NOTICES = 4  # to the sender: of each mailbox, that it is late and what became of its cover
SIZES = {"urgent": 1_000, "small": 3_000, "chunked": 2_000, "large": 100_000, "in_two": 90_000, "late": 4_000}


class Again(Exception):
    """Not acknowledged: nothing was promised, the client repeats."""


class Violation(Exception):
    """A promise is broken."""


class Story:
    def __init__(self, gw):
        self.acked, self.events, self.signed, self.checkpoints, self.purged, self.drafts = {}, {}, {}, [], {}, {}
        self.fetched = set()  # names whose bytes were sent: in the log, even if nobody waited for that [12]
        self.under_way = ""  # the step that was not acknowledged: done or not, both are right
        self.at(gw)

    def at(self, gw):
        self.gw, self.wires = gw, {}
        self.uhcw, self.csc = Member(gw, "uhcw"), Member(gw, "csc")
        return self

    def clone(self, gw):
        """The same past in another folder."""
        other = copy.copy(self)
        for name in ("acked", "events", "signed", "checkpoints", "purged", "drafts", "fetched"):
            setattr(other, name, copy.copy(getattr(self, name)))
        return other.at(gw)

    # --- the wire ---

    def hang_up(self):
        for w in self.wires.values():
            w.close()
        self.wires = {}

    def call(self, member, method, path, body=None, good=(200, 201, 204, 206), **headers):
        try:
            w = self.wires.get(member.agency) or self.wires.setdefault(member.agency, member.wire())
            a = w.call(method, path, body, **headers)
        except TimeoutError:
            self.hang_up()
            raise Violation(f"{method} {path}: neither an answer nor an end")
        except (ConnectionError, ssl.SSLError, OSError) as e:
            self.hang_up()
            raise Again(f"{method} {path}: {e!r}")
        if a.headers.get("connection", "").lower() == "close":
            self.hang_up()
        if a.status >= 500:
            raise Again(f"{method} {path}: {a}")
        if a.status not in good:
            raise Violation(f"{method} {path}: refused for good: {a}")
        return a

    def seen(self, raw):
        _, size, root = c2sp.open_checkpoint(raw, self.gw.key)
        self.checkpoints.append((size, root))

    def seen_in(self, evidence):
        self.seen(evidence["proof"].split("\n\n", 1)[1].encode())
        return evidence

    # --- steps ---

    def draft(self, name):
        if name not in self.drafts:
            path = f"{self.gw.dir}/{name}.bin"
            with open(path, "wb") as f:
                f.write(os.urandom(SIZES[name]))
            self.drafts[name] = self.uhcw.draft("uhcw/emergency", ["csc/mash"], documents=[path])
            os.remove(path)
        return self.drafts[name]

    def accepted(self, name, answer):
        evidence = self.seen_in(answer.json())
        first = self.acked.setdefault(name, evidence)
        if first["entry"] != evidence["entry"]:
            raise Violation(f"{name}: accepted twice")

    def submit(self, name):
        d = self.draft(name)
        self.accepted(name, self.call(self.uhcw, "PUT", "/v1/bundles/" + d.id, d.file))

    def submit_small(self):
        self.submit("small")

    def submit_chunked(self):
        """A small one that comes in parts: its head is taken first, then its payload."""
        d = self.draft("chunked")
        body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(d.file), d.file)
        self.accepted("chunked", self.call(self.uhcw, "PUT", "/v1/bundles/" + d.id, body, Transfer_Encoding="chunked"))

    def submit_large(self):
        self.submit("large")

    def submit_late(self):
        self.submit("late")

    def submit_in_two(self):
        """Cut in the middle, then gone on with where HEAD says that it stands."""
        d = self.draft("in_two")
        if "in_two" not in self.acked and not self.signed.get("cut"):
            self.signed["cut"] = True
            self.send_half(d)
        a = self.call(self.uhcw, "HEAD", "/v1/bundles/" + d.id, good=(200, 204, 404))
        at = int(a.headers.get("upload-offset", 0))
        if a.status == 404 or at == len(d.file):
            self.submit("in_two")
        else:
            a = self.call(self.uhcw, "PUT", "/v1/bundles/" + d.id, d.file[at:], good=(200, 201, 404, 409), Upload_Offset=at)
            if a.status in (404, 409):
                raise Again("the rest does not fit")
            self.accepted("in_two", a)

    def send_half(self, d):
        try:
            w = self.uhcw.wire()
            half = len(d.file) - len(d.payload) // 2
            w.send(f"PUT /v1/bundles/{d.id} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(d.file)}\r\n\r\n".encode() + d.file[:half])
            time.sleep(0.05)  # most of it is there; HEAD tells how much
            w.close()
        except (ConnectionError, ssl.SSLError, OSError) as e:
            raise Again(repr(e))

    def tell(self, name, kind, event, content=None, person=None):
        d = self.draft(name)
        # signed once and sent until it is answered, as a client must: a second signing is another statement
        if (name, kind) not in self.signed:
            self.signed[name, kind] = self.csc.statement(kind, "csc/mash", d.id, manifest_digest(d), content, person)
        a = self.call(self.csc, "POST", f"/v1/mailboxes/csc/mash/bundles/{d.id}/statements", self.signed[name, kind])
        evidence = self.seen_in(a.json()["evidence"])
        first = self.events.setdefault((name, event), evidence)
        if first["entry"] != evidence["entry"]:
            raise Violation(f"{name}: {event} is there twice")
        return a

    def collect(self, name):
        a = self.tell(name, "collected", "ContentHandover")
        if open_slot(self.gw, "csc/mash", a.json()["slot"]) != self.draft(name).key:
            raise Violation(f"{name}: the slot does not hold the key")

    def opened(self, name):
        self.tell(name, "opened", "Opened", hashlib.sha256(self.draft(name).plain).hexdigest())

    def fetch(self, name):
        a = self.call(self.csc, "GET", f"/v1/mailboxes/csc/mash/bundles/{self.draft(name).id}")
        self.wrong(f"{name}: other bytes", not a.body.endswith(self.draft(name).payload) and a)
        self.fetched.add(name)

    def fetch_small(self):
        self.fetch("small")

    def fetch_large(self):
        self.fetch("large")

    def fetch_late(self):
        self.fetch("late")

    def collect_small(self):
        self.collect("small")

    def collect_large(self):
        self.collect("large")

    def collect_late(self):
        self.collect("late")

    def collect_in_two(self):
        self.collect("in_two")

    def open_small(self):
        self.opened("small")

    def open_large(self):
        self.opened("large")

    def open_late(self):
        self.opened("late")

    def read_small(self):
        self.tell("small", "read", "Read", hashlib.sha256(self.draft("small").plain).hexdigest(), "csc/a.khan")

    def answer_small(self):
        self.tell("small", "answered", "Answer", hashlib.sha256(self.draft("small").plain).hexdigest(), "csc/a.khan")

    def purge(self, name):
        try:
            a = control(self.gw, "purge " + self.draft(name).id)
        except (OSError, ValueError) as e:
            raise Again(repr(e))
        if a.get("done") or a.get("code") == "order":  # order: it is purged already
            self.purged[name] = True
        else:
            raise Again(a)

    def purge_small(self):
        self.purge("small")

    def purge_large(self):
        self.purge("large")

    def purge_late(self):
        self.purge("late")

    def submit_urgent(self):
        d = self.drafts.get("urgent") or self.uhcw.draft(
            "uhcw/emergency", ["schools/st-j.dsl"], klass="urgent", cover_for=["schools/st-j.head=schools/st-j.dsl"]
        )
        self.drafts["urgent"] = d
        self.submit("urgent")

    def climbed(self):
        rows = self.call(self.uhcw, "GET", f"/v1/bundles/{self.drafts['urgent'].id}/evidence").json()["evidence"]
        return [(r["event"], r.get("mailbox"), r["code"]) for r in rows if r["event"] in ("Overdue", "CoverReleased", "Escalation")]

    def escalated(self):
        """Waits for the ladder's end: its times are real."""
        time.sleep(0.2 if self.signed.get("climbing") else 2.6)  # asked seldom: each question is calls of the store
        self.signed["climbing"] = True
        if len(self.climbed()) < len(LADDER):
            raise Again("not all steps are there yet")

    def noticed(self):
        """The notices are in the sender's mailbox."""
        items = self.call(self.uhcw, "GET", "/v1/mailboxes/uhcw/emergency?after=0&wait=0").json()["items"]
        ids = [i["bundle"] for i in items if i["event"] == "ContentConsignment" and i.get("from") == "gateway/notices"]
        self.wrong("a notice is there twice", len(ids) != len(set(ids)))
        if len(ids) < NOTICES:
            raise Again(f"notices: {items}")
        self.wrong("more notices than steps", len(ids) > NOTICES and ids)

    def ladder_holds(self):
        steps = self.climbed()
        self.wrong("a step is there twice", [x for x in steps if steps.count(x) > 1])
        self.wrong("a step is missing, or there is another", sorted(x[:2] for x in steps) != sorted(LADDER) and steps)
        self.noticed()

    # --- what must hold ---

    def wrong(self, what, found):
        if found:
            raise Violation(f"{what}: {found}")

    def consigned(self):
        after, ids = 0, []
        while True:
            page = self.call(self.csc, "GET", f"/v1/mailboxes/csc/mash?after={after}&wait=0").json()["items"]
            ids += [i["bundle"] for i in page if i["event"] == "ContentConsignment"]
            if len(page) < 100:
                return ids
            after = page[-1]["seq"]

    def bytes_hold(self, name, d):
        a = self.call(self.csc, "GET", f"/v1/mailboxes/csc/mash/bundles/{d.id}", good=(200, 404, 410))
        if name in self.purged:
            self.wrong(f"{name}: purged, and still served", a.status == 200 and a)
        elif a.status == 404 and self.under_way == "purge_" + name:
            return
        elif a.status != 200 or not a.body.endswith(d.text + d.signature + d.payload):
            raise Violation(f"[1] {name}: a row without its bytes: {a}")

    def fetch_is_told(self, name, d):
        """By the group that the start begins with, if by none before: nobody waits for it but us."""
        end = time.monotonic() + gateway.DEADLINE
        while name in self.fetched:
            rows = self.call(self.uhcw, "GET", f"/v1/bundles/{d.id}/evidence").json()["evidence"]
            if any(r["event"] == "Fetched" and r.get("mailbox") == "csc/mash" for r in rows):
                return
            self.wrong(f"[12] {name}: fetched, and not in the log", time.monotonic() > end and rows)
            time.sleep(0.02)

    def evidence_holds(self, name, d):
        self.fetch_is_told(name, d)
        rows = self.call(self.uhcw, "GET", f"/v1/bundles/{d.id}/evidence").json()["evidence"]
        names = [(r["event"], r.get("mailbox")) for r in rows]
        self.wrong(f"[5] {name}: there twice", [n for n in names if names.count(n) > 1])
        wanted = [("SubmissionAcceptance", None), ("ContentConsignment", "csc/mash")]
        wanted += [(e, "csc/mash") for n, e in self.events if n == name]
        wanted += [("Purged", None)] if name in self.purged else []
        self.wrong(f"[3] {name}: acknowledged, and not in the log", [w for w in wanted if w not in names])
        self.evidence_of(name)

    def evidence_of(self, name):
        id = self.drafts[name].id
        for r in self.call(self.uhcw, "GET", f"/v1/bundles/{id}/evidence").json()["evidence"]:
            raw = self.call(self.uhcw, "GET", f"/v1/bundles/{id}/evidence/{r['seq']}").body
            word = self.gw.judge(raw)
            self.wrong(f"{name}: evidence of {r['event']}", word[0] != "OK" and word)

    def log_holds(self):
        self.seen(self.call(self.uhcw, "GET", "/v1/log/checkpoint").body)
        size, root = self.checkpoints[-1]
        for old, old_root in sorted(set(self.checkpoints)):
            if old > size:
                raise Violation(f"[6] the log went back from {old} to {size}")
            if old < size:
                text = self.call(self.uhcw, "GET", f"/v1/log/consistency?old={old}").body.decode()
                hashes, _, note = text.partition("\n\n")
                proof = [base64.b64decode(h) for h in hashes.split("\n")[1:]]
                # to the checkpoint that came with it: the log may have grown since (a fetch is entered when it is)
                _, last, last_root = c2sp.open_checkpoint(note.encode(), self.gw.key)
                try:
                    c2sp.check_consistency(old, last, old_root, last_root, proof)
                except c2sp.LogError as e:
                    raise Violation(f"[6] checkpoints {old} and {last}: {e}")
            elif old_root != root:
                raise Violation(f"[6] two checkpoints of size {size}")

    def erased(self):
        """[8] No byte of what was purged is in the data folder any more."""
        gone = [d.payload[100:132] for n, d in self.drafts.items() if n in self.purged]
        gone += [d.slots[:32] for n, d in self.drafts.items() if n in self.purged]
        for folder, _, names in os.walk(self.gw.dir + "/data"):
            for name in names:
                data = gateway.read(os.path.join(folder, name))
                self.wrong(f"[8] purged bytes are left in {name}", any(g in data for g in gone))

    def fsck(self):
        for _ in range(100):
            check = control(self.gw, "fsck")
            if check.get("code") != "busy":
                break
        self.wrong("fsck", not check.get("ok") and check)

    def holds(self):
        try:
            ids = self.consigned()
            acked = {self.drafts[n].id: n for n in self.acked}
            self.wrong("nothing acknowledged may be lost", [n for i, n in acked.items() if i not in ids and n != "urgent"])
            self.wrong("nothing may be delivered twice", [i for i in ids if ids.count(i) > 1])
            known = {d.id: (n, d) for n, d in self.drafts.items()}
            self.wrong("nothing may be there that nobody sent", [i for i in ids if i not in known])
            if "urgent" in self.acked:
                self.ladder_holds()
                self.evidence_of("urgent")
            for name, d in (known[i] for i in ids):
                self.bytes_hold(name, d)
                if name in self.acked:
                    self.evidence_holds(name, d)
                    self.submit(name)  # [4] a repeat gets the first answer again
            self.log_holds()
            self.fsck()
        except Again as e:
            raise Violation(f"not answered, though nothing goes wrong any more: {e}")
