# disk.py - power cuts. What store and front do to the data folder is recorded, call by call; then, for each moment in it,
# states of the disk are made that a cut could leave: what was synced is there, of what was not each sector of each write,
# each change of a length and each name may be there or not, in any order. The store starts on each: what was acknowledged
# up to that moment holds, and members go on.
# usage: disk.py [--share N [--from N]] [--jobs N] [--seed N] [--only MOMENT:HOW]
import argparse
import multiprocessing
import os
import random
import shutil
import struct
import sys
import time
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import rig
import story

MADE, MADE_FOLDER, WROTE, TRUNCATED, ZEROED, EXTENDED, RENAMED, UNLINKED, SYNCED = range(1, 10)
HEAD = struct.Struct("<7Q")
SECTOR = 512
# ledger.db-shm is memory that SQLite shares between connections, and makes anew after a crash
FORGOTTEN = {"ledger.db-shm"}


def parse(path):
    """[(position in the record, kind, inode, folder, to folder, offset, length, name, bytes)]"""
    data, at, out = rig.read(path), 0, []
    while at < len(data):
        start = at
        kind, inode, folder, to, offset, length, n = HEAD.unpack_from(data, at)
        at += HEAD.size
        name = data[at : at + n].decode()
        at += n
        body = data[at : at + length] if kind == WROTE else b""
        at += len(body)
        out.append((start, kind, inode, folder, to, offset, length, name, body))
    return out


class File:
    def __init__(self):
        self.kept, self.pending = bytearray(), []


def write(data, offset, body):
    if len(data) < offset + len(body):
        data.extend(bytes(offset + len(body) - len(data)))
    data[offset : offset + len(body)] = body


def change(data, op):
    kind, offset, length, body = op
    if kind == WROTE:
        write(data, offset, body)
    elif kind == TRUNCATED:
        del data[length:]
        data.extend(bytes(length - len(data)))
    elif kind == EXTENDED and len(data) < offset + length:
        data.extend(bytes(offset + length - len(data)))
    elif kind == ZEROED:
        end = min(offset + length, len(data))
        data[offset:end] = bytes(max(0, end - offset))


class Folder:
    def __init__(self):
        self.kept, self.pending = {}, []


def rename(entries, op):
    for name, what in op:
        if what is None:
            entries.pop(name, None)
        else:
            entries[name] = what


class Disk:
    """What of a record's beginning is surely on the disk, and what may be."""

    def __init__(self, root):
        self.now = {root: Folder()}  # inode -> File or Folder; numbers come again, so entries hold the thing itself
        self.root = self.now[root]

    def take(self, rec):
        _, kind, inode, folder, to, offset, length, name, body = rec
        if kind in (MADE, MADE_FOLDER):
            self.now[inode] = File() if kind == MADE else Folder()
            self.now[folder].pending.append([(name, self.now[inode])])
        elif kind == UNLINKED:
            self.now[folder].pending.append([(name, None)])
        elif kind == RENAMED:
            old, new = name.split("/")
            if folder == to:
                self.now[folder].pending.append([(old, None), (new, self.now[inode])])
            else:
                self.now[folder].pending.append([(old, None)])
                self.now[to].pending.append([(new, self.now[inode])])
        elif kind == SYNCED:
            thing = self.now[inode]
            for op in thing.pending:
                (rename if isinstance(thing, Folder) else change)(thing.kept, op)
            thing.pending = []
        else:
            self.now[inode].pending.append((kind, offset, length, body))

    def make(self, path, rnd, thing=None):
        """rnd None: nothing that was not synced; else of it what chance wills."""
        thing = thing or self.root
        if isinstance(thing, Folder):
            entries = dict(thing.kept)
            for op in thing.pending:
                if rnd and rnd.random() < 0.5:
                    rename(entries, op)
            os.makedirs(path, 0o700, exist_ok=True)
            for name, below in entries.items():
                if name not in FORGOTTEN:
                    self.make(f"{path}/{name}", rnd, below)
        else:
            data = bytearray(thing.kept)
            for op in thing.pending if rnd else []:
                for part in sectors(op):
                    if rnd.random() < 0.5:
                        change(data, part)
            with open(path, "wb") as f:
                f.write(data)


def sectors(op):
    kind, offset, length, body = op
    if kind != WROTE:
        return [op]
    out, at = [], 0
    while at < len(body):
        n = min(SECTOR - (offset + at) % SECTOR, len(body) - at)
        out.append((WROTE, offset + at, n, body[at : at + n]))
        at += n
    return out


class Past:
    """A run that was recorded: its records, and at which of them what was acknowledged."""

    def __init__(self):
        self.gw = gw = rig.Rig()
        data, record = gw.folder(), gw.dir + "/record"
        self.root = os.stat(data).st_ino
        self.marks = [(0, 0, story.Story(gw))]  # (position, steps done, the story then)
        self.story = s = story.Story(gw)
        self.steps = story.FIRST + story.SECOND

        def acknowledged(name):
            self.marks.append((os.path.getsize(record), len(self.marks), s.clone(gw)))

        for steps in (story.FIRST, story.SECOND):
            gw.start_under(["--record", record, data, "safehand-front"])
            rig.play(gw, s, steps, acknowledged)
            s.hang_up()
            gw.kill()
        self.records = parse(record)

    def promised(self, moment):
        """(steps done, story) at the moment before that record."""
        position = self.records[moment][0] if moment < len(self.records) else 1 << 62
        return max((m for m in self.marks if m[0] <= position), key=lambda m: m[1])[1:]

    def disk(self, moment):
        d = Disk(self.root)
        for rec in self.records[:moment]:
            d.take(rec)
        return d


PAST = None


def attempt(moment, how):
    gw = rig.Rig()
    done, s = PAST.promised(moment)
    s = s.clone(gw)
    s.drafts.update(PAST.story.drafts)  # what was on its way may have arrived
    s.fetched = set()  # noted without a sync: a power cut may take that
    PAST.disk(moment).make(gw.dir + "/data", random.Random(how) if how else None)
    for folder, _, names in os.walk(gw.dir + "/data"):
        for path in [folder] + [os.path.join(folder, n) for n in names]:
            gw.give(path)
    try:
        gw.start()
        s.under_way = (PAST.steps + [""])[done]
        s.holds()
        s.under_way = ""
        rig.play(gw, s, PAST.steps[done:])
        s.holds()
    finally:
        s.hang_up()
        told = gw.text()
        if gw.process is not None and not gw.is_dead():
            gw.kill()
        shutil.rmtree(gw.dir)
    return told


def work(case):
    try:
        attempt(*case)
        return case, None
    except story.Violation as e:
        return case, str(e)
    except Exception:
        return case, traceback.format_exc()


def main():
    global PAST
    p = argparse.ArgumentParser()
    p.add_argument("--share", type=int, default=1)
    p.add_argument("--from", type=int, default=0, dest="begin")
    p.add_argument("--jobs", type=int, default=max(1, os.cpu_count()))
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--only")
    a = p.parse_args()
    if os.geteuid() != 0:
        print("ok - power cuts # skipped: the store's calls can be recorded by root alone, since it is not dumpable")
        return
    start = time.monotonic()
    PAST = Past()
    todo = [(m, how) for m in range(len(PAST.records) + 1) for how in (0, a.seed * 1000 + m)]
    every = len(todo)
    todo = [tuple(map(int, a.only.split(":")))] if a.only else todo[a.begin :: a.share]
    print(f"# {len(PAST.records)} records, {every} states of the disk, {len(todo)} of them now", flush=True)
    bad = 0
    with multiprocessing.Pool(a.jobs) as pool:
        for case, told in pool.imap_unordered(work, todo):
            if told is not None:
                bad += 1
                print(f"not ok - moment {case[0]}:{case[1]}\n  #", told.replace("\n", "\n  # "), flush=True)
    PAST.gw.remove()
    print(f"{'not ' * bool(bad)}ok - power cuts: {len(todo)} states tried, {bad} violations, {time.monotonic() - start:.0f} s", flush=True)
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
