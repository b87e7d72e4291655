"""The files that hang on the demo's mails: real PDF, DOCX, PNG, CSV and calendar files, made of little."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from html import escape

from webmail.domain.compose import OutgoingFile

_MEDIA_TYPES = {
    "pdf": "application/pdf",
    "png": "image/png",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "csv": "text/csv",
    "txt": "text/plain",
    "ics": "text/calendar",
}
_LONGEST_LINE = 92
_ZIP_TIME = (2026, 1, 1, 0, 0, 0)


def make_file(filename: str, title: str, lines: Sequence[str], when: datetime) -> OutgoingFile:
    """Make a file by the ending of its name.

    Args:
        title: what stands on top of it.
        lines: the text in it; a line that begins with `# ` is a heading.
        when: the time of the appointment, in a calendar file.
    """
    ending = filename.rpartition(".")[2].lower()
    if ending == "pdf":
        content = make_pdf(title, lines)
    elif ending == "docx":
        content = _make_docx(title, lines)
    elif ending == "png":
        content = make_picture(filename)
    elif ending == "ics":
        content = make_calendar(title, when, timedelta(minutes=30))
    else:
        separator = "\r\n"
        content = separator.join([*([] if ending == "csv" else [title, ""]), *lines, ""]).encode()
    return OutgoingFile(filename, _MEDIA_TYPES.get(ending, "application/octet-stream"), content)


def make_pdf(title: str, lines: Sequence[str]) -> bytes:
    """Make a PDF of one page. Letters that the standard fonts lack are left out."""
    y, drawn = 770, [_pdf_text(title, 20, 790, bold=True)]
    for line in lines:
        is_heading = line.startswith("# ")
        for piece in _wrapped(line.removeprefix("# ")):
            y -= 30 if is_heading else 16
            drawn.append(_pdf_text(piece, 13 if is_heading else 10, y, bold=is_heading))
        y -= 3
    stream = "\n".join(drawn).encode("cp1252", "ignore")
    fonts = b"<< /Font << /F1 5 0 R /F2 6 0 R >> >>"
    font = b"<< /Type /Font /Subtype /Type1 /BaseFont /%s /Encoding /WinAnsiEncoding >>"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources %s >>" % fonts,
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        font % b"Helvetica",
        font % b"Helvetica-Bold",
    ]
    return _pdf_document(objects)


def _pdf_document(objects: Sequence[bytes]) -> bytes:
    out, offsets = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"), []
    for number, content in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(out)


def _pdf_text(text: str, size: int, y: int, *, bold: bool = False) -> str:
    text = text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
    return f"BT /F{2 if bold else 1} {size} Tf 56 {y} Td ({text}) Tj ET"


def _wrapped(line: str) -> list[str]:
    rows = [""]
    for word in line.split():
        if len(rows[-1]) + len(word) > _LONGEST_LINE:
            rows.append("")
        rows[-1] += (" " if rows[-1] else "") + word
    return rows


def _make_docx(title: str, lines: Sequence[str]) -> bytes:
    kinds = "http://schemas.openxmlformats.org/package/2006"
    words = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    text = "".join(f"<w:p><w:r><w:t>{escape(line.removeprefix('# '))}</w:t></w:r></w:p>" for line in [title, *lines])
    head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{kinds}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/word/document.xml" ContentType="{_MEDIA_TYPES["docx"]}.main+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{kinds}/relationships"><Relationship Id="r1" Target="word/document.xml" '
        'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"/></Relationships>',
        "word/document.xml": f'<w:document xmlns:w="{words}"><w:body>{text}</w:body></w:document>',
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(zipfile.ZipInfo(name, _ZIP_TIME), head + content)
    return out.getvalue()


def make_picture(name: str) -> bytes:
    """Draw a picture: a floor plan for a name with `plan`, else a row of screens."""
    width, height = 560, 300
    rows = [bytearray(b"\xf4\xf1\xea" * width) for _ in range(height)]
    for left, top, right, bottom, colour in _plan() if "plan" in name else _screens():
        for row in rows[top:bottom]:
            row[left * 3 : right * 3] = bytes.fromhex(colour) * (right - left)
    return make_png(width, height, rows)


def make_png(width: int, height: int, rows: Sequence[bytes | bytearray]) -> bytes:
    """Pack rows of RGB values into a PNG."""
    raw = b"".join(b"\0" + bytes(row) for row in rows)
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(raw, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


_Box = tuple[int, int, int, int, str]


def _plan() -> list[_Box]:
    wall, desk, chosen, window = "3d4a52", "c9b79c", "b4553f", "9cc4cf"
    walls: list[_Box] = [(20, 20, 540, 26, wall), (20, 274, 540, 280, wall), (20, 20, 26, 280, wall)]
    walls += [(534, 20, 540, 280, wall), (360, 20, 366, 190, wall), (60, 18, 320, 28, window)]
    desks = [(60 + 75 * column, 60 + 90 * row) for row in range(2) for column in range(4)]
    boxes: list[_Box] = [(left, top, left + 50, top + 30, desk) for left, top in desks]
    return [*walls, *boxes, (60, 60, 110, 90, chosen), (480, 230, 520, 265, "7d8a91"), (400, 60, 500, 130, "d9d2c3")]


def _screens() -> list[_Box]:
    boxes: list[_Box] = []
    for column, accent in enumerate(("2f6b4f", "1f4b6e", "8a6d1f", "7a2e3b")):
        left = 24 + column * 134
        boxes += [(left, 24, left + 110, 276, "ffffff"), (left, 24, left + 110, 64, accent)]
        for line in range(5):
            end = left + 98 - (line * 17) % 40
            boxes.append((left + 12, 84 + line * 28, end, 94 + line * 28, "cfd6da"))
        boxes.append((left + 12, 236, left + 60, 258, accent))
    return boxes


def make_calendar(title: str, start: datetime, length: timedelta, method: str = "REQUEST") -> bytes:
    """Make a calendar file (RFC 5545) with one appointment.

    Args:
        start: aware UTC.
        method: REQUEST for an invitation, REPLY for its acceptance.
    """
    stamp = "%Y%m%dT%H%M%SZ"
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Northlight//Calendar//EN",
        f"METHOD:{method}",
        "BEGIN:VEVENT",
        f"UID:{zlib.crc32(title.encode()):08x}-{start:%Y%m%d%H%M}@northlight.example",
        f"DTSTAMP:{start - timedelta(days=2):{stamp}}",
        f"DTSTART:{start:{stamp}}",
        f"DTEND:{start + length:{stamp}}",
        f"SUMMARY:{title.replace(',', chr(92) + ',')}",
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    ]
    return "\r\n".join(lines).encode()
