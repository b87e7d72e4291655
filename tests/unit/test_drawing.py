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


def noise(width: int, height: int, kind: str, mode: str = "RGB") -> bytes:
    """A picture that hardly compresses."""
    target = io.BytesIO()
    Image.effect_noise((width, height), 90).convert(mode).save(target, kind)
    return target.getvalue()


@pytest.mark.parametrize(("kind", "mode", "given"), [("JPEG", "RGB", "image/jpeg"), ("PNG", "RGBA", "image/png")])
def test_a_picture_is_made_small_enough_to_stand_in_a_mail(kind: str, mode: str, given: str) -> None:
    with file_of(noise(1600, 900, kind, mode)) as file:
        small = drawing.shrink(file, width=600, most_bytes=50_000)

    assert small is not None
    assert (small.media_type, len(small.content) <= 50_000) == (given, True)
    with Image.open(io.BytesIO(small.content)) as shown:
        assert 80 <= shown.width <= 600


def test_a_logo_stays_a_png_and_a_bomb_is_not_drawn() -> None:
    with file_of(picture(2000, 500)) as logo, file_of(bomb()) as hostile:
        small, none = (drawing.shrink(each, width=600, most_bytes=50_000) for each in (logo, hostile))

    assert small is not None
    assert small.media_type == "image/png"
    assert none is None
