"""The process that draws: `child.py KIND WIDTH PAGE`, the file on standard input, the picture on standard output.

KIND is `picture`, `pdf` or `small`: a picture as mail carries it, of at most PAGE bytes.

It is run as a script and imports nothing of the product. The answer is a line with the number of pages, then WebP
(`small`: PNG or JPEG); if anything is wrong with the file it ends with 1 and says nothing.
"""

from __future__ import annotations

import io
import resource
import sys
import warnings
from collections.abc import Iterator

from PIL import Image, ImageOps

MEMORY_BYTES = 1024 * 1024 * 1024
CPU_S = 8
PICTURE_BYTES = 8 * 1024 * 1024
FILE_BYTES = 40 * 1024 * 1024
MAX_PIXELS = 64_000_000
MAX_HEIGHT = 4096
LEAST_WIDTH = 80
FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP")


def give_up_rights() -> None:
    """Limit this process for good; a hard limit cannot be raised again."""
    limits = {
        resource.RLIMIT_CPU: CPU_S,
        resource.RLIMIT_FSIZE: PICTURE_BYTES,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: 3,
        resource.RLIMIT_AS: MEMORY_BYTES,
    }
    for limit, value in limits.items():
        try:
            resource.setrlimit(limit, (value, value))
        except ValueError:
            if sys.platform != "darwin":  # which takes no limit of memory
                raise


def warm_up() -> None:
    """Have the decoders loaded, as long as files can still be opened."""
    Image.init()
    for name in FORMATS:
        target = io.BytesIO()
        Image.new("RGB", (2, 2)).save(target, name)
        draw_picture(target.getvalue(), 1).save(io.BytesIO(), "WEBP")
    for mode in ("RGB", "RGBA"):
        shrink(Image.new(mode, (64, 64)), 0, is_photo=mode == "RGB")


def draw_picture(content: bytes, width: int) -> Image.Image:
    """Give the first frame of a picture, upright and scaled down."""
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    with Image.open(io.BytesIO(content), formats=FORMATS) as picture:
        if picture.width * picture.height > MAX_PIXELS:
            raise ValueError("too many pixels")
        picture.draft("RGB", (width, MAX_HEIGHT))
        picture.load()
        upright = ImageOps.exif_transpose(picture)
    has_holes = upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info
    drawn = upright.convert("RGBA" if has_holes else "RGB")
    drawn.thumbnail((width, MAX_HEIGHT))
    return drawn


def shrink(picture: Image.Image, most_bytes: int, *, is_photo: bool) -> bytes:
    """Write a picture as PNG or JPEG of so many bytes, smaller and smaller; b"" where none is small enough."""
    while True:
        for written in _written(picture, is_photo=is_photo):
            if len(written) <= most_bytes:
                return written
        if picture.width < LEAST_WIDTH:
            return b""
        picture = picture.resize((max(picture.width * 4 // 5, 1), max(picture.height * 4 // 5, 1)))


def _written(picture: Image.Image, *, is_photo: bool) -> Iterator[bytes]:
    if not is_photo:
        target = io.BytesIO()
        picture.quantize(256, method=Image.Quantize.FASTOCTREE).save(target, "PNG", optimize=True)
        yield target.getvalue()
    if picture.mode == "RGB":
        target = io.BytesIO()
        picture.save(target, "JPEG", quality=82, optimize=True)
        yield target.getvalue()


def draw_page(content: bytes, width: int, page: int) -> tuple[Image.Image, int]:
    """Give a page of a PDF as a picture, and how many pages there are."""
    document = pypdfium2.PdfDocument(content)
    drawn = document[page - 1]
    wide, high = drawn.get_size()
    scale = min(width / max(wide, 1), MAX_HEIGHT / max(high, 1))
    return drawn.render(scale=scale, may_draw_forms=False).to_pil().convert("RGB"), len(document)


def main(kind: str, width: int, page: int) -> None:
    """Draw what stands on standard input."""
    content = sys.stdin.buffer.read(FILE_BYTES + 1)
    if len(content) > FILE_BYTES:
        raise ValueError("too many bytes")
    if kind == "small":
        answer = shrink(draw_picture(content, width), page, is_photo=content.startswith(b"\xff\xd8\xff"))
        sys.stdout.buffer.write(b"1\n" + answer)
        return
    picture, pages = draw_page(content, width, page) if kind == "pdf" else (draw_picture(content, width), 1)
    target = io.BytesIO()
    picture.save(target, "WEBP", quality=80, method=3)
    sys.stdout.buffer.write(b"%d\n" % pages + target.getvalue())
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    if sys.argv[1] == "pdf":
        import pypdfium2
    warm_up()
    give_up_rights()
    try:
        main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
    except BaseException:  # noqa: BLE001  # whatever a decoder comes up with, it has no more to say
        sys.exit(1)
