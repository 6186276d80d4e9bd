# paper.py - writes PDF, ODT and PNG with the standard library alone, byte for byte the same each time.
# Runs in: tests/data/make.py.
import io
import math
import struct
import textwrap
import zipfile
import zlib
from xml.sax.saxutils import escape

PAGE_LINES, WRAP = 54, 88


def _pdf_text(s):
    raw = s.encode("cp1252")
    return raw.replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")


def _pdf_lines(text):
    """(font, size, line): # begins a heading; other lines are wrapped."""
    out = []
    for line in text.strip("\n").split("\n"):
        if line.startswith("# "):
            out.append(("F2", 13, line[2:]))
        elif line.startswith("## "):
            out += [("F1", 10, ""), ("F2", 10.5, line[3:])]
        else:
            indent = "    " if line.startswith(("- ", "  ")) else ""
            out += [("F1", 10, p) for p in textwrap.wrap(line, WRAP, subsequent_indent=indent) or [""]]
    return out


def _pdf_page(lines, footer):
    ops, y = [b"BT"], 790
    for font, size, line in lines:
        ops.append(b"/%s %g Tf 1 0 0 1 56 %g Tm (%s) Tj" % (font.encode(), size, y, _pdf_text(line)))
        y -= 13.4
    ops.append(b"/F1 8 Tf 1 0 0 1 56 32 Tm (%s) Tj ET" % _pdf_text(footer))
    return b"\n".join(ops)


def pdf(text, title, date):
    """Text with headings as PDF 1.4: real text objects, a page every 54 lines."""
    lines = _pdf_lines(text)
    pages = [lines[i : i + PAGE_LINES] for i in range(0, len(lines), PAGE_LINES)]
    font = b"<< /Type /Font /Subtype /Type1 /BaseFont /%s /Encoding /WinAnsiEncoding >>"
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b"", font % b"Helvetica", font % b"Helvetica-Bold"]
    objects.append(b"<< /Title (%s) /CreationDate (D:%s) /Producer (Safehand test data) >>" % (_pdf_text(title), date.encode()))
    kids = []
    for n, page in enumerate(pages):
        stream = zlib.compress(_pdf_page(page, f"{title}   -   page {n + 1} of {len(pages)}"), 9)
        objects.append(b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream" % (len(stream), stream))
        kids.append(b"%d 0 R" % (len(objects) + 1))
        fonts = b"<< /Font << /F1 3 0 R /F2 4 0 R >> >>"
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R /Resources %s >>" % (len(objects), fonts)
        )
    objects[1] = b"<< /Type /Pages /Kids [%s] /Count %d >>" % (b" ".join(kids), len(kids))
    out, places = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n", []
    for n, body in enumerate(objects):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (n + 1, body)
    table = b"".join(b"%010d 00000 n \n" % p for p in places)
    trailer = b"trailer\n<< /Size %d /Root 1 0 R /Info 5 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(places) + 1, len(out))
    return out + b"xref\n0 %d\n0000000000 65535 f \n" % (len(places) + 1) + table + trailer


ODT = "application/vnd.oasis.opendocument.text"
NS = "urn:oasis:names:tc:opendocument:xmlns:"


def _odt_body(text):
    for line in text.strip("\n").split("\n"):
        if line.startswith("#"):
            level = 1 if line.startswith("# ") else 2
            yield f'<text:h text:outline-level="{level}">{escape(line.lstrip("# "))}</text:h>'
        else:
            yield f"<text:p>{escape(line)}</text:p>"


def odt(text, title, date):
    """Text with headings as OpenDocument 1.2: the mimetype first and stored, as the standard wants."""
    head = f'<?xml version="1.0" encoding="UTF-8"?>\n<office:document-%s xmlns:office="{NS}office:1.0" xmlns:text="{NS}text:1.0"'
    head += f' xmlns:meta="{NS}meta:1.0" xmlns:dc="http://purl.org/dc/elements/1.1/" office:version="1.2">'
    content = head % "content" + "<office:body><office:text>" + "".join(_odt_body(text))
    content += "</office:text></office:body></office:document-content>"
    meta = head % "meta" + f"<office:meta><dc:title>{escape(title)}</dc:title><dc:date>{date}</dc:date></office:meta>"
    entries = "".join(
        f'<manifest:file-entry manifest:full-path="{p}" manifest:media-type="{t}"/>'
        for p, t in (("/", ODT), ("content.xml", "text/xml"), ("meta.xml", "text/xml"), ("styles.xml", "text/xml"))
    )
    parts = {
        "mimetype": ODT,
        "content.xml": content,
        "meta.xml": meta + "</office:document-meta>",
        "styles.xml": head % "styles" + "</office:document-styles>",
        "META-INF/manifest.xml": '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<manifest:manifest xmlns:manifest="{NS}manifest:1.0" manifest:version="1.2">{entries}</manifest:manifest>',
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:
        for name, data in parts.items():
            info = zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_STORED if name == "mimetype" else zipfile.ZIP_DEFLATED
            z.writestr(info, data.encode())
    return out.getvalue()


class Sheet:
    """A grey sheet to draw on; 0 black, 255 white."""

    def __init__(self, width, height, paper=246):
        self.w, self.h = width, height
        self.rows = [bytearray([paper - (y // 160)] * width) for y in range(height)]

    def dot(self, x, y, r, ink=40):
        for yy in range(max(0, int(y - r)), min(self.h, int(y + r) + 1)):
            for xx in range(max(0, int(x - r)), min(self.w, int(x + r) + 1)):
                if (xx - x) ** 2 + (yy - y) ** 2 <= r * r:
                    self.rows[yy][xx] = ink

    def stroke(self, points, r=1.6, ink=40):
        for (x0, y0), (x1, y1) in zip(points, points[1:]):
            n = max(1, int(math.hypot(x1 - x0, y1 - y0)))
            for i in range(n + 1):
                self.dot(x0 + (x1 - x0) * i / n, y0 + (y1 - y0) * i / n, r, ink)

    def ring(self, x, y, rx, ry, r=1.6, ink=40):
        self.stroke([(x + rx * math.cos(a / 40 * math.pi), y + ry * math.sin(a / 40 * math.pi)) for a in range(81)], r, ink)

    def text(self, x, y, words, scale=2, ink=40):
        for i, c in enumerate(words):
            for row, bits in enumerate(FONT.get(c, FONT[" "])):
                for col in range(5):
                    if bits >> (4 - col) & 1:
                        self.dot(x + (6 * i + col) * scale, y + row * scale, scale * 0.5, ink)

    def png(self):
        def chunk(kind, data):
            return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

        raw = b"".join(b"\0" + bytes(r) for r in self.rows)
        head = struct.pack(">IIBBBBB", self.w, self.h, 8, 0, 0, 0, 0)
        density = struct.pack(">IIB", 5906, 5906, 1)  # 150 dots an inch
        parts = ((b"IHDR", head), (b"pHYs", density), (b"IDAT", zlib.compress(raw, 9)), (b"IEND", b""))
        return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(k, d) for k, d in parts)


# 5 x 7 letters, a row of five bits each
FONT = {
    c: [int(r, 36) for r in rows]
    for c, rows in {
        " ": "0000000", "-": "000v000", ".": "0000044", ":": "0440440", "/": "1122448", "0": "ehjpphe", "1": "4c4444e",
        "2": "eh1248v", "3": "v2421he", "4": "26aiv22", "5": "vgu11he", "6": "68guhhe", "7": "v124888", "8": "ehhehhe",
        "9": "ehhf12c", "A": "ehhvhhh", "B": "uhhuhhu", "C": "ehggghe", "D": "sihhhis", "E": "vgguggv", "F": "vgguggg",
        "G": "ehgnhhf", "H": "hhhvhhh", "I": "e44444e", "J": "72222ic", "K": "hikokih", "L": "ggggggv", "M": "hrllhhh",
        "N": "hhpljhh", "O": "ehhhhhe", "P": "uhhuggg", "Q": "ehhhlid", "R": "uhhukih", "S": "fgge11u", "T": "v444444",
        "U": "hhhhhhe", "V": "hhhhha4", "W": "hhhllra", "X": "hha4ahh", "Y": "hhha444", "Z": "v1248gv",
    }.items()
}  # fmt: skip
