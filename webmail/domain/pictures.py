"""The pictures in a body that is written here. Each function takes cleaned HTML, and only drops or renames."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from html import escape, unescape

from webmail.domain.compose import OutgoingFile

_IMAGE = re.compile(r"<img(?:\s+[\w-]+(?:=\"[^\"]*\")?)*\s*/?>")
_SOURCE = re.compile(r"(?<=\ssrc=\")[^\"]*(?=\")")
_DATA = re.compile(r"data:image/(png|gif|jpe?g|webp);base64,(.*)", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class TakenOut:
    """A body whose `data:` pictures became files of their own, named in it by Content-ID."""

    html: str
    files: list[OutgoingFile]


def take_out_pictures(body: str, new_content_id: Callable[[], str]) -> TakenOut:
    """Turn pictures that stand in a body as `data:` into files; one that cannot be read is dropped."""
    files: dict[str, OutgoingFile] = {}

    def replace(found: re.Match[str]) -> str:
        source = _SOURCE.search(found[0])
        picture = _DATA.fullmatch(source[0]) if source else None
        if source is None or picture is None:
            return found[0]
        try:
            content = base64.b64decode("".join(picture[2].split()), validate=True)
        except (binascii.Error, ValueError):
            return ""
        kind = picture[1].lower().replace("jpg", "jpeg")
        if source[0] not in files:
            name = f"picture-{len(files) + 1}.{kind.replace('jpeg', 'jpg')}"
            files[source[0]] = OutgoingFile(name, f"image/{kind}", content, new_content_id())
        return found[0].replace(source[0], f"cid:{files[source[0]].content_id}")

    return TakenOut(_IMAGE.sub(replace, body), list(files.values()))


def content_ids_in(body: str) -> set[str]:
    """Give the Content-IDs of the pictures that a body shows."""
    sources = (_SOURCE.search(found[0]) for found in _IMAGE.finditer(body))
    return {unescape(source[0][4:]) for source in sources if source and source[0].lower().startswith("cid:")}


def rename_pictures(body: str, names: Mapping[str, str]) -> str:
    """Give pictures other Content-IDs: {old: new}; one whose Content-ID has no new one is dropped."""

    def replace(found: re.Match[str]) -> str:
        source = _SOURCE.search(found[0])
        if source is None or not source[0].lower().startswith("cid:"):
            return found[0]
        new = names.get(unescape(source[0][4:]))
        return "" if new is None else f"{found[0][: source.start()]}cid:{escape(new)}{found[0][source.end() :]}"

    return _IMAGE.sub(replace, body)


def keep_pictures(body: str, content_ids: Collection[str]) -> str:
    """Drop pictures whose Content-ID is not among these."""
    return rename_pictures(body, {each: each for each in content_ids})
