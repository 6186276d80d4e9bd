# store.py - each system call of the store, each time that it happens: killed before and after it, EIO, ENOSPC, half done.
# Then the gateway is started again, members repeat, and all is as if nothing had happened.
# usage: store.py [--share N [--from N]] [--jobs N] [--only PHASE:CALL:NTH:ACT]     share: every N-th case, from the N-th on
import argparse
import multiprocessing
import os
import shutil
import sys
import time
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import rig
import story

PHASES = {"first": story.FIRST, "again": story.SECOND, "ladder": story.THIRD}


def begin(phase, base):
    """A gateway and its members' past: an empty folder, or the first one with a kill -9 behind it."""
    if phase == "first":
        gw = rig.Rig()
        return gw, story.Story(gw)
    gw = rig.Rig(base["dir"])
    return gw, base["story"].clone(gw)


def count(phase, base):
    """[(call, how often)] of a phase in which nothing goes wrong."""
    gw, s = begin(phase, base)
    gw.start_under([])
    rig.play(gw, s, PHASES[phase])
    s.hang_up()
    gw.stop()
    calls = [line.split() for line in rig.read(gw.hits, "r").splitlines()]
    gw.remove()
    seen = {}
    for _, name, n in calls:
        seen[name] = max(seen.get(name, 0), int(n))
    return seen


def prepare():
    gw = rig.Rig()
    s = story.Story(gw)
    gw.start()
    rig.play(gw, s, story.FIRST)
    s.hang_up()
    gw.kill()
    return {"dir": gw.dir, "story": s, "gw": gw}


def cases(base):
    kinds = rig.kinds()
    for phase in PHASES:
        for call, n in sorted(count(phase, base).items()):
            for nth in range(1, n + 1):
                for act in rig.acts(kinds[call]):
                    yield phase, call, nth, act


def attempt(case, base):
    """(was the fault reached, what is wrong or None)"""
    phase, call, nth, act = case
    gw, s = begin(phase, base)
    told = None
    try:
        gw.start_under(["--fault", f"{call}:{nth}:{act}"])
        restarts = rig.play(gw, s, PHASES[phase])
        if act in ("before", "after") and gw.was_hit() and restarts == 0:  # after its last answer: the others follow
            story.gateway.wait("the gateway ends with its store", gw.is_dead)
        if gw.is_dead():
            s.hang_up()
            gw.log.close()
            gw.start()
        rig.finish_case(gw, s)
    except story.Violation as e:
        told = str(e)
    except Exception:
        told = traceback.format_exc()
    hit = gw.was_hit()
    if told is not None:
        told += "\n" + gw.text()[-2500:]
    s.hang_up()
    if gw.process is not None and not gw.is_dead():
        gw.kill()
    shutil.rmtree(gw.dir)
    return hit, told


BASE = None


def work(case):
    try:
        hit, told = attempt(case, BASE)
        if not hit and told is None:
            hit, told = attempt(case, BASE)  # how messages fall into groups varies a little
        return case, hit, told
    except Exception:
        return case, False, traceback.format_exc()


def main():
    global BASE
    p = argparse.ArgumentParser()
    p.add_argument("--share", type=int, default=1)
    p.add_argument("--from", type=int, default=0, dest="begin")
    p.add_argument("--jobs", type=int, default=max(1, os.cpu_count()))
    p.add_argument("--only")
    a = p.parse_args()
    start = time.monotonic()
    BASE = prepare()
    todo = list(cases(BASE))
    every = len(todo)
    todo = todo[a.begin :: a.share]
    if a.only:
        phase, call, nth, act = a.only.split(":")
        todo = [(phase, call, int(nth), act)]
    print(f"# {every} cases, {len(todo)} of them now", flush=True)
    hits, missed, bad = 0, [], []
    with multiprocessing.Pool(a.jobs) as pool:
        for case, hit, told in pool.imap_unordered(work, todo):
            name = ":".join(map(str, case))
            hits += hit
            if told is not None:
                bad.append(name)
                print(f"not ok - {name}\n  #", told.replace("\n", "\n  # "), flush=True)
            elif not hit:
                missed.append(name)
    BASE["gw"].remove()
    print(f"# not reached, since the call came less often this time: {len(missed)}", " ".join(missed[:20]))
    print(f"{'not ' * bool(bad)}ok - faults of the store: {hits} tried of {len(todo)} cases, {len(bad)} violations, {time.monotonic() - start:.0f} s", flush=True)
    sys.exit(1 if bad or not hits else 0)


if __name__ == "__main__":
    main()
