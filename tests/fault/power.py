# power.py - the data folder on an ext4 of its own, shut down at random moments under load without flushing its journal
# (EXT4_IOC_SHUTDOWN): what was not synced is gone, for real. Then the processes are killed, it is mounted again, the
# gateway started, and everything acknowledged is looked for. Root alone can do it; else it says what it lacks.
# usage: power.py [--moments N] [--seed N]
import argparse
import fcntl
import os
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import load
import rig
import story

EXT4_IOC_SHUTDOWN = 0x8004587D  # _IOR('X', 125, __u32)
NOLOGFLUSH = 2
IMAGE_BYTES = 512 << 20
PER_FOLDER = 20  # moments on one ledger, then a new one: the account of each grows


def run(*words):
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode != 0:
        raise OSError(f"{' '.join(words)}: {done.stderr.strip() or done.returncode}")


class Power(rig.Rig):
    def __init__(self):
        super().__init__()
        self.image, self.mount_point = self.dir + "/image", self.dir + "/mnt"
        os.mkdir(self.mount_point)
        with open(self.image, "wb") as f:
            f.truncate(IMAGE_BYTES)
        self.mounted = False
        self.write_conf(rig.SETTINGS + "\ngateway data = mnt/data")

    def format(self):
        run("mkfs.ext4", "-q", "-F", self.image)
        self.mount()
        os.mkdir(self.mount_point + "/data", 0o700)
        self.give(self.mount_point + "/data")
        run("sync", "-f", self.mount_point)

    def mount(self):
        """Anew: as long as another mount namespace of the machine holds the old one, it is that one, still shut down."""

        def is_alive():
            run("mount", "-o", "loop", self.image, self.mount_point)
            self.mounted = True
            try:
                os.listdir(self.mount_point)
                return True
            except OSError:
                self.unmount()
                return False

        rig.wait("the file system is mounted anew", is_alive)

    def unmount(self):
        run("umount", self.mount_point)
        self.mounted = False

    def cut(self):
        fd = os.open(self.mount_point, os.O_RDONLY)
        try:
            fcntl.ioctl(fd, EXT4_IOC_SHUTDOWN, struct.pack("I", NOLOGFLUSH))
        finally:
            os.close(fd)

    def remove(self):
        if self.process and not self.is_dead():
            self.kill()
        if self.mounted:
            self.unmount()
        rig.shutil.rmtree(self.dir)


def possible():
    """Whether file systems can be made, mounted and shut down here; else why not."""
    try:
        p = Power()
    except OSError as e:
        return str(e)
    try:
        p.format()
        p.cut()
        p.unmount()
        p.mount()
        return None
    except OSError as e:
        return str(e)
    finally:
        p.remove()


def moments(n, seed):
    """One data folder, cut n times. How much was acknowledged."""
    p = Power()
    try:
        p.format()
        work = load.Load(p, seed)
        p.start()
        for i in range(n):
            work.begin()
            time.sleep(0.05 + work.rnd.random() * 0.6)  # where in their work the power goes is chance: the seed is told
            p.cut()
            p.kill()
            work.end()
            p.unmount()
            p.mount()
            p.start()
            work.holds()
        status = p.stop()
        if status != 0:
            raise story.Violation(f"an orderly stop ended with {status}")
        return len(work.acked), len(work.events)
    finally:
        p.remove()


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--moments", type=int, default=100)
    a.add_argument("--seed", type=int, default=int(time.time()))
    a = a.parse_args()
    why = possible()
    if why:
        print(f"ok - file system shut down under load # skipped: {why}")
        return
    start, acked, events = time.monotonic(), 0, 0
    print(f"# seed {a.seed}", flush=True)
    for first in range(0, a.moments, PER_FOLDER):
        try:
            n, m = moments(min(PER_FOLDER, a.moments - first), a.seed + first)
        except story.Violation as e:
            print(f"not ok - file system shut down under load: moments from {first}: {e}")
            sys.exit(1)
        acked, events = acked + n, events + m
    took = time.monotonic() - start
    print(f"ok - file system shut down under load: {a.moments} moments, {acked} bundles and {events} statements acknowledged, none lost, {took:.0f} s")


if __name__ == "__main__":
    main()
