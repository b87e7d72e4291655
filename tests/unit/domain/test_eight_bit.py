"""Bodies that are sent as they are, in the sender's charset."""

from __future__ import annotations

import pytest

from webmail.domain.mime import parse_message

TEXT = "Führungskräfte in Zürich"


@pytest.mark.parametrize(
    "encoding", ["", "Content-Transfer-Encoding: 8bit\r\n", "Content-Transfer-Encoding: BINARY\r\n"]
)
@pytest.mark.parametrize(
    ("declared", "real"),
    [
        ("iso-8859-1", "iso-8859-1"),
        ("windows-1252", "windows-1252"),
        ("utf-8", "utf-8"),
        ("us-ascii", "iso-8859-1"),
        ("us-ascii", "utf-8"),
        ("x-unheard-of", "utf-8"),
    ],
)
def test_bytes_are_decoded_once_and_by_what_they_are(declared: str, real: str, encoding: str) -> None:
    head = f"Message-ID: <a@b.example>\r\nContent-Type: text/plain; charset={declared}\r\n{encoding}\r\n"

    assert parse_message(head.encode() + TEXT.encode(real)).text == TEXT
