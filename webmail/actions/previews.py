"""What can be seen of an attachment without opening it: a picture of it, or how its text begins."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from webmail import drawing
from webmail.actions.attachments import AttachmentFile, open_attachment_file
from webmail.domain.structure import decode_text
from webmail.drawing import Drawn
from webmail.store import cache
from webmail.store.scope import Scope

THUMBNAIL_PX = 240
PAGE_PX = 1200
MAX_THUMBNAIL_BYTES = 8 * 1024 * 1024
"""Of a file that is fetched only to be shown small."""
MAX_PREVIEW_BYTES = drawing.MAX_FILE_BYTES
_MAX_PAGE = 200
_TEXT_BYTES = 200 * 1024


@dataclass(frozen=True)
class TextPreview:
    """How a text begins; `is_cut` where it goes on."""

    text: str
    is_cut: bool


def draw_attachment(scope: Scope, uuid: UUID, *, page: int = 1, is_small: bool = False) -> Drawn | None:
    """Give a picture of an attachment, or of a page of it; None where there can be none.

    Raises:
        NotFound, ProviderError: as `open_attachment()` does.
    """
    opened = open_attachment_file(scope, uuid)
    width = THUMBNAIL_PX if is_small else PAGE_PX
    with opened.file as file:
        kind = drawing.kind_of(file.read(1024))
        largest = MAX_THUMBNAIL_BYTES if is_small else MAX_PREVIEW_BYTES
        if not kind or opened.size_bytes > largest or not 1 <= page <= _MAX_PAGE:
            return None
        return _kept_or_drawn(opened, kind, width, page)


def _kept_or_drawn(opened: AttachmentFile, kind: str, width: int, page: int) -> Drawn | None:
    name = f"{width}-{page}"
    kept = cache.read(opened.account_uuid, opened.uuid, name)
    if kept is not None:
        pages, _, content = kept.partition(b"\n")
        return Drawn(content, int(pages)) if content else None
    try:
        drawn = drawing.draw(opened.file, kind, width=width, page=page)
    except TimeoutError:
        return None
    # What cannot be drawn is kept in mind as well, so that nobody's try costs another process each time.
    cache.write(opened.account_uuid, opened.uuid, b"%d\n" % drawn.pages + drawn.content if drawn else b"0\n", name)
    return drawn


def read_beginning(scope: Scope, uuid: UUID) -> TextPreview:
    """Give how a text file begins, in whatever charset.

    Raises:
        NotFound, ProviderError: as `open_attachment()` does.
    """
    opened = open_attachment_file(scope, uuid)
    with opened.file as file:
        content = file.read(_TEXT_BYTES)
    return TextPreview(decode_text(content, ""), opened.size_bytes > _TEXT_BYTES)
