#!/usr/bin/python3
# oracle.py - can a stranger tell by the clock whether a bundle exists that is not his? The same calls for bundles of others
# and for ids that are nobody's, in random order on one connection. A JSON line for each call.
# usage: oracle.py [--count N]
#
# advantage: how much better than a coin the best single threshold on one measured time tells the two apart (0: not at all,
# 1: always), and what two samples of the very same kind show by chance (noise). t: Welch's, of the times below the 95th
# percentile; beyond 4.5 leakage is usually taken as shown. difference: of the medians.
import argparse
import random
import statistics
import sys

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/e2e")
from gateway import *  # noqa: E402

BUNDLES = 64  # that exist, so that no single row of the ledger is measured


def advantage(a, b):
    """Kolmogorov-Smirnov's distance: the best threshold's true less false positives."""
    best = at = 0
    for _, side in sorted([(x, 1 / len(a)) for x in a] + [(x, -1 / len(b)) for x in b]):
        at += side
        best = max(best, abs(at))
    return best


def welch(a, b):
    cut = statistics.quantiles(a + b, n=20)[-1]
    a, b = [x for x in a if x < cut], [x for x in b if x < cut]
    return (statistics.mean(a) - statistics.mean(b)) / (statistics.variance(a) / len(a) + statistics.variance(b) / len(b)) ** 0.5


def measure(w, requests, count):
    """[seconds of each answer] for each kind of request, mixed."""
    took = [[] for _ in requests]
    order = [i for i in range(len(requests)) for _ in range(count)]
    random.shuffle(order)
    for i in order:
        raw = random.choice(requests[i])
        t = time.perf_counter()
        w.send(raw)
        a = w.answer()
        took[i].append(time.perf_counter() - t)
        if a.status != 404:
            sys.exit(f"not a refusal: {a}")
    return took


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--count", type=int, default=2000, help="calls of each kind")
    count = ap.parse_args().count
    gw = Gateway().start()
    try:
        sender, stranger = Member(gw, "uhcw"), Member(gw, "wmp")
        there = []
        for _ in range(BUNDLES):
            d = sender.draft("uhcw/emergency", ["csc/mash", "csc/duty"])
            if sender.put(d).status != 201:
                sys.exit("a good bundle was refused")
            there.append(d.id)
        none = [uuid7() for _ in there]
        said = stranger.statement("collected", "wmp/ppu", there[0], "00" * 32)
        for name, method, path, body in [
            ("bundle", "GET", "/v1/bundles/{}", b""), ("evidence", "GET", "/v1/bundles/{}/evidence", b""),
            ("entry", "GET", "/v1/bundles/{}/evidence/1", b""), ("fetch", "GET", "/v1/mailboxes/wmp/ppu/bundles/{}", b""),
            ("foreign-mailbox", "GET", "/v1/mailboxes/csc/mash/bundles/{}", b""),
            ("statement", "POST", "/v1/mailboxes/wmp/ppu/bundles/{}/statements", said),
        ]:  # fmt: skip
            length = f"Content-Length: {len(body)}\r\n" if body else ""
            raw = [[f"{method} {path.format(i)} HTTP/1.1\r\nHost: localhost\r\n{length}\r\n".encode() + body for i in ids] for ids in (there, none, none)]
            theirs, nobody, again = measure(stranger.wire(), raw, count)
            row = {
                "bench": "oracle", "call": name, "calls": count, "not_yours_us": round(statistics.median(theirs) * 1e6, 1),
                "none_us": round(statistics.median(nobody) * 1e6, 1),
                "difference_us": round((statistics.median(theirs) - statistics.median(nobody)) * 1e6, 1),
                "t": round(welch(theirs, nobody), 1), "t_noise": round(welch(again, nobody), 1),
                "advantage": round(advantage(theirs, nobody), 3), "advantage_noise": round(advantage(again, nobody), 3),
            }  # fmt: skip
            print(json.dumps(row), flush=True)
    finally:
        gw.remove()


main()
