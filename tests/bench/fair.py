# fair.py - an agency that floods, and one that does not: how long the second one waits for its answers, alone and beside
# the first. One JSON line; the ratio of the two 99th percentiles is what the first one costs the second.
import json
import multiprocessing
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from gateway import Gateway, Member  # noqa: E402

QUIET = 150  # bundles of the one, one after the other, in each of the two measures
FLOOD = 16  # connections of the other, each with its next bundle as soon as the last one is answered
EACH = int(os.environ.get("FLOOD_EACH") or 400)  # bundles made ahead for each of them


def put_all(gw, agency, drafts, told=None, stop=None):
    """Seconds that each answer took, over one kept connection."""
    w, out = Member(gw, agency).wire(), []
    for d in drafts:
        if stop is not None and stop.is_set():
            break
        start = time.monotonic()
        a = w.call("PUT", "/v1/bundles/" + d.id, d.file)
        out.append(time.monotonic() - start)
        if a.status != 201:
            raise RuntimeError(a)
        if told is not None:
            with told.get_lock():
                told.value += 1
    w.close()
    return out


def flood(gw, drafts, told, stop):
    put_all(gw, "uhcw", drafts, told, stop)


def percentile(values, p):
    return sorted(values)[min(len(values) - 1, int(len(values) * p))]


def main():
    gw = Gateway().start()
    try:
        quiet, loud = Member(gw, "wmp"), Member(gw, "uhcw")
        mine = [quiet.draft("wmp/ppu", ["csc/mash"]) for _ in range(2 * QUIET + 20)]
        theirs = [[loud.draft("uhcw/emergency", ["csc/mash"]) for _ in range(EACH)] for _ in range(FLOOD)]
        put_all(gw, "wmp", mine[:20])
        alone = put_all(gw, "wmp", mine[20 : 20 + QUIET])
        told, stop = multiprocessing.Value("i", 0), multiprocessing.Event()
        work = [multiprocessing.Process(target=flood, args=(gw, drafts, told, stop)) for drafts in theirs]
        for p in work:
            p.start()
        while told.value < FLOOD:
            time.sleep(0.01)
        before, start = told.value, time.monotonic()
        beside = put_all(gw, "wmp", mine[20 + QUIET :])
        rate = (told.value - before) / (time.monotonic() - start)
        ran_dry = all(not p.is_alive() for p in work)
        stop.set()
        for p in work:
            p.join()
        if ran_dry:
            raise RuntimeError("the flood ended before the measure: FLOOD_EACH larger")
        a, b = percentile(alone, 0.99), percentile(beside, 0.99)
        row = {"bench": "fairness", "flood_connections": FLOOD, "flood_accepts_s": round(rate, 1)}
        row.update({"alone_p50_ms": round(percentile(alone, 0.5) * 1000, 2), "alone_p99_ms": round(a * 1000, 2)})
        row.update({"beside_p50_ms": round(percentile(beside, 0.5) * 1000, 2), "beside_p99_ms": round(b * 1000, 2), "p99_ratio": round(b / a, 2)})
        print(json.dumps(row), flush=True)
    finally:
        gw.remove()


main()
