#!/usr/bin/python3
# make.py - makes the test documents anew, byte for byte the same each time.
# usage: make.py [DIR]                                   (default: the folder that it stands in)
#        make.py --recording OUT.wav [--mib N] [--seed N]  an interview recording that does not compress
# Runs in: tests and demo. The documents lie beside it; only the recording is made when it is wanted.
import argparse
import os
import struct
import sys

import fhir
import paper
import story

RATE = 48000  # samples a second, 16 bits, one channel: 200 MiB are 36 minutes


def recording(path, mib, seed):
    """Noise in the place of voices: AES in counter mode is the same for a seed and as hard to compress as random."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    total = mib << 20
    size = total - 44
    head = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", size + 36, b"WAVE", b"fmt ", 16, 1, 1, RATE, RATE * 2, 2, 16, b"data", size)
    noise = Cipher(algorithms.AES(struct.pack(">QQ", 0, seed)), modes.CTR(bytes(16))).encryptor()
    block = bytes(1 << 20)
    with open(path, "wb") as f:
        f.write(head + noise.update(block[44:]))
        for _ in range(mib - 1):
            f.write(noise.update(block))


def body_map():
    """A scanned form: a child's outline, front and back, with four numbered marks."""
    s = paper.Sheet(900, 640)
    s.text(30, 24, "BODY MAP", 4)
    s.text(30, 66, "NHS " + story.spaced(story.CHILD["nhs"]) + "   21.11.2026 14:10", 2)
    s.text(150, 600, "FRONT", 3)
    s.text(600, 600, "BACK", 3)
    for x in (200, 640):
        s.ring(x, 145, 38, 46)
        s.stroke([(x - 12, 190), (x - 14, 206), (x - 62, 222), (x - 104, 372), (x - 90, 378), (x - 52, 276), (x - 46, 388)])
        s.stroke([(x - 46, 388), (x - 52, 570), (x - 20, 570), (x, 410), (x + 20, 570), (x + 52, 570), (x + 46, 388)])
        s.stroke([(x + 46, 388), (x + 52, 276), (x + 90, 378), (x + 104, 372), (x + 62, 222), (x + 14, 206), (x + 12, 190)])
    marks = [(278, 270, 16, 10), (284, 300, 12, 8), (292, 334, 9, 12), (602, 150, 8, 6)]
    for n, (x, y, rx, ry) in enumerate(marks, 1):
        s.ring(x, y, rx, ry, 2.2, 90)
        s.stroke([(x - rx, y - ry), (x + rx, y + ry)], 1.2, 120)
        s.stroke([(x + 14, y), (x + 44, y - 12)], 0.8)
        s.text(x + 50, y - 22, str(n), 3)
    for n, line in enumerate(("1-3 LEFT ARM 12 X 8 MM", "4 BEHIND LEFT EAR 6 MM", "COLOUR: RED / BLUE", "", "DR J. PATEL")):
        s.text(288, 420 + 30 * n, line, 2)
    for y in (84, 588):
        s.stroke([(30, y), (870, y)], 0.8, 150)
    return s.png()


def documents():
    return {
        "discharge-summary.pdf": paper.pdf(story.DISCHARGE, "Discharge summary", "20261121174000Z"),
        "discharge-summary.fhir.json": fhir.discharge(),
        "body-map.png": body_map(),
        "strategy-minutes.pdf": paper.pdf(story.MINUTES, "Strategy meeting: minutes", "20261122181000Z"),
        "marac-notes.odt": paper.odt(story.MARAC, "MARAC: notes of case 14", "2026-11-19T16:30:00"),
    }


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    ap = argparse.ArgumentParser()
    ap.add_argument("dir", nargs="?", default=here)
    ap.add_argument("--recording")
    ap.add_argument("--mib", type=int, default=200)
    ap.add_argument("--seed", type=int, default=1)
    a = ap.parse_args()
    if a.recording:
        recording(a.recording, a.mib, a.seed)
        return 0
    for name, data in documents().items():
        with open(os.path.join(a.dir, name), "wb") as f:
            f.write(data)
    return 0


if __name__ == "__main__":
    sys.exit(main())
