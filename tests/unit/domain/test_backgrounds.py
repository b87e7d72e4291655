"""Colours behind a mail's text: kept when they are colours, dropped when they could load something."""

from __future__ import annotations

import pytest

from webmail.domain.html import clean_mail_html


@pytest.mark.parametrize(
    ("style", "expected"),
    [
        ("background:#1a3c6e;color:#fff", "background-color:#1a3c6e;color:#fff"),
        ("BACKGROUND: rgb(1, 2, 3) !important", "background-color:rgb(1, 2, 3)"),
        ("background: navy", "background-color:navy"),
        ("background:url(https://t.example/p.gif)", ""),
        ("background:#fff url(https://t.example/p.gif)", ""),
        ("background:image-set('https://t.example/p.gif' 1x)", ""),
        ("background:var(--x)", ""),
        ("background:linear-gradient(red, blue)", ""),
    ],
)
def test_a_background_is_kept_as_far_as_it_is_a_colour(style: str, expected: str) -> None:
    cleaned = clean_mail_html(f'<p style="{style}">x</p>', cid_urls={}).html

    assert cleaned == (f'<p style="{expected}">x</p>' if expected else cleaned)
    assert "t.example" not in cleaned
    assert ("background" in cleaned) == ("background" in expected)


def test_a_background_of_a_style_block_reaches_what_it_is_for() -> None:
    source = (
        "<style>.bar { background: #1a3c6e; background-image: url(x); }</style><td class='bar'><p class='bar'>x</p>"
    )

    cleaned = clean_mail_html(source, cid_urls={}).html

    assert "background-color:#1a3c6e" in cleaned
    assert "url" not in cleaned
