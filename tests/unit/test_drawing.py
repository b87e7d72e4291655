"""The process that draws pictures of strangers' files: what it gives, and what it refuses."""

from __future__ import annotations

import io
import struct
import tempfile
import zlib
from typing import IO

import pypdfium2
import pytest
from PIL import Image

from webmail import drawing


def picture(width: int = 600, height: int = 400, kind: str = "PNG", mode: str = "RGB") -> bytes:
    target = io.BytesIO()
    Image.new(mode, (width, height)).save(target, kind)
    return target.getvalue()


def pdf(pages: int = 2) -> bytes:
    document = pypdfium2.PdfDocument.new()
    for _ in range(pages):
        document.new_page(595, 842)
    target = io.BytesIO()
    document.save(target)
    document.close()
    return target.getvalue()


def bomb() -> bytes:
    """A PNG of 40,000 by 40,000 pixels in a few hundred bytes of file."""
    head = struct.pack(">IIBBBBB", 40_000, 40_000, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b"")]
    written = [
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(written)


def file_of(content: bytes) -> IO[bytes]:
    file = tempfile.SpooledTemporaryFile(max_size=1024 * 1024)  # noqa: SIM115  # the caller closes it
    file.write(content)
    return file


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "BMP"])
def test_a_picture_is_drawn_anew_and_small(kind: str) -> None:
    content = picture(kind=kind)
    assert drawing.kind_of(content) == "picture"

    with file_of(content) as file:
        drawn = drawing.draw(file, "picture", width=120)

    assert drawn is not None
    with Image.open(io.BytesIO(drawn.content)) as shown:
        assert (shown.format, shown.size) == ("WEBP", (120, 80))


def test_a_page_of_a_pdf_is_drawn() -> None:
    content = pdf(pages=3)
    assert drawing.kind_of(content) == "pdf"

    with file_of(content) as file:
        drawn = drawing.draw(file, "pdf", width=300, page=3)

    assert drawn is not None
    assert drawn.pages == 3
    with Image.open(io.BytesIO(drawn.content)) as shown:
        assert abs(shown.width - 300) <= 1


@pytest.mark.parametrize(
    ("kind", "content", "page"),
    [
        ("picture", bomb(), 1),
        ("picture", b"\x89PNG\r\n\x1a\n" + b"x" * 500, 1),
        ("picture", b"<svg xmlns='http://www.w3.org/2000/svg'/>", 1),
        ("picture", b"%!PS-Adobe-3.0 EPSF-3.0\n", 1),
        ("picture", b"", 1),
        ("pdf", b"%PDF-1.7 nothing", 1),
        ("pdf", pdf(1), 2),
    ],
)
def test_what_cannot_be_drawn_is_refused_quietly(kind: str, content: bytes, page: int) -> None:
    with file_of(content) as file:
        assert drawing.draw(file, kind, width=120, page=page) is None


@pytest.mark.parametrize(
    "content", [b"", b"<html>", b"<svg>", b"GIF8", b"RIFF1234WAVE", b"MZ", b"II*\x00", b"%!PS"]
)  # fmt: skip
def test_only_pictures_and_pdfs_are_known(content: bytes) -> None:
    assert drawing.kind_of(content) == ""
