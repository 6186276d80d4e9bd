# load.py - members at work, many at once, and the account of what was acknowledged to them: for power.py.
import base64
import hashlib
import json
import os
import random
import ssl
import threading

import rig
from gateway import Member, c2sp, control, manifest_digest, wait
from story import Violation

MAILBOXES = [("csc", "csc/mash"), ("csc", "csc/duty"), ("uhcw", "uhcw/paediatrics")]
SIZES = [500, 3_000, 20_000, 100_000, 300_000]


class Load:
    def __init__(self, gw, seed):
        self.gw, self.rnd, self.lock = gw, random.Random(seed), threading.Lock()
        self.members = {a: Member(gw, a) for a in ("uhcw", "csc")}
        self.drafts, self.acked, self.unsure, self.events, self.signed = {}, {}, {}, {}, {}
        self.checkpoints, self.fresh = set(), set()

    def seen(self, evidence):
        _, size, root = c2sp.open_checkpoint(evidence["proof"].split("\n\n", 1)[1].encode(), self.gw.key)
        with self.lock:
            self.checkpoints.add((size, root))
        return evidence

    # --- at work ---

    def send(self):
        with self.lock:
            again = self.unsure.popitem()[1] if self.unsure and self.rnd.random() < 0.5 else None
            size, to = self.rnd.choice(SIZES), self.rnd.choice(MAILBOXES)
        d = again
        if d is None:
            path = f"{self.gw.dir}/load-{threading.get_ident()}.bin"
            with open(path, "wb") as f:
                f.write(os.urandom(size))
            d = self.members["uhcw"].draft("uhcw/emergency", [to[1]], documents=[path])
            d.mailbox, d.agency = to[1], to[0]
        with self.lock:
            self.drafts[d.id], self.unsure[d.id] = d, d
        a = self.members["uhcw"].put(d)
        if a.status in (200, 201):
            evidence = self.seen(a.json())
            with self.lock:
                self.unsure.pop(d.id, None)
                self.acked[d.id] = evidence
                self.fresh.add(d.id)
        elif a.status < 500:
            raise Violation(f"{d.id}: refused for good: {a}")

    def collect(self):
        with self.lock:
            ids = sorted(self.fresh)
            d = self.drafts[self.rnd.choice(ids)] if ids else None
        if d is None:
            return
        for kind, event in (("collected", "ContentHandover"), ("opened", "Opened")):
            content = hashlib.sha256(d.plain).hexdigest() if kind == "opened" else None
            with self.lock:
                framed = self.signed.get((d.id, kind)) or self.members[d.agency].statement(kind, d.mailbox, d.id, manifest_digest(d), content)
                self.signed[d.id, kind] = framed
            a = self.members[d.agency].tell(d.mailbox, d.id, framed)
            if a.status not in (200, 201):
                return
            with self.lock:
                self.events[d.id, event] = a.json()["evidence"]
            self.seen(a.json()["evidence"])

    def work(self, stop, wrong):
        while not stop.is_set():
            try:
                (self.send if self.rnd.random() < 0.6 else self.collect)()
            except (ConnectionError, ssl.SSLError, OSError, TimeoutError):
                stop.wait(0.01)
            except Exception as e:
                wrong.append(e)

    def begin(self, threads=4):
        self.stop, self.wrong = threading.Event(), []
        self.threads = [threading.Thread(target=self.work, args=(self.stop, self.wrong)) for _ in range(threads)]
        for t in self.threads:
            t.start()

    def end(self):
        self.stop.set()
        for t in self.threads:
            t.join()
        if self.wrong:
            raise self.wrong[0]

    # --- what must hold ---

    def consigned(self, agency, mailbox):
        after, ids = 0, []
        while True:
            page = self.members[agency].feed(mailbox, after).json()["items"]
            ids += [i["bundle"] for i in page if i["event"] == "ContentConsignment"]
            if len(page) < 100:
                return ids
            after = page[-1]["seq"]

    def bundle_holds(self, id):
        d = self.drafts[id]
        a = self.members[d.agency].call("GET", f"/v1/mailboxes/{d.mailbox}/bundles/{id}")
        if a.status != 200 or not a.body.endswith(d.text + d.signature + d.payload):
            raise Violation(f"[1] {id}: a row without its bytes: {a}")
        if id in self.acked and self.members["uhcw"].put(d).json().get("entry") != self.acked[id]["entry"]:
            raise Violation(f"[4] {id}: another answer than the first time")
        rows = self.members["uhcw"].call("GET", f"/v1/bundles/{id}/evidence").json()["evidence"]
        names = [r["event"] for r in rows]
        lost = [e for i, e in self.events if i == id and names.count(e) != 1]
        if lost or len(names) != len(set(names)):
            raise Violation(f"[5] {id}: {lost} of {names}")

    def log_holds(self):
        raw = self.members["uhcw"].call("GET", "/v1/log/checkpoint").body
        _, size, root = c2sp.open_checkpoint(raw, self.gw.key)
        self.checkpoints.add((size, root))
        for old, old_root in sorted(self.checkpoints):
            if old > size or (old == size and old_root != root):
                raise Violation(f"[6] the log went back from {old} to {size}")
            if old < size:
                text = self.members["uhcw"].call("GET", f"/v1/log/consistency?old={old}").body.decode()
                c2sp.check_consistency(old, size, old_root, root, [base64.b64decode(h) for h in text.partition("\n\n")[0].split("\n")[1:]])
        self.checkpoints = {(size, root)}  # the rest follows from it

    def holds(self):
        ids = [i for a, m in MAILBOXES for i in self.consigned(a, m)]
        lost = [i for i in self.acked if i not in set(ids)]
        if lost:
            raise Violation(f"{len(lost)} acknowledged are lost: {lost[:3]}")
        if len(ids) != len(set(ids)) or any(i not in self.drafts for i in ids):
            raise Violation("delivered twice, or not sent by anybody")
        for id in sorted(self.fresh):
            self.bundle_holds(id)
            word = self.gw.judge(json.dumps(self.acked[id]).encode())
            if word[0] != "OK":
                raise Violation(f"{id}: evidence: {word}")
        self.fresh = set()
        self.log_holds()
        check = wait("fsck", lambda: (lambda c: c.get("code") != "busy" and c)(control(self.gw, "fsck")))
        if not check.get("ok"):
            raise Violation(f"fsck: {check}")
