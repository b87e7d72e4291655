"""A mail being written, as plain text and back."""

from __future__ import annotations

import pytest

from webmail.domain.compose import add_signature_html, quote_html
from webmail.domain.html import clean_composed_html
from webmail.domain.plain import text_to_written, written_to_text
from webmail.domain.text import html_to_text


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("<div>a</div><div>b</div>", "a\nb"),
        ("<div>a</div><div><br></div><div>b</div>", "a\n\nb"),
        ("<p>a</p> <p>b</p>", "a\n\nb"),
        ("a<br>b<br><br>c<div>d<br></div>e", "a\nb\n\nc\nd\ne"),
        ("<ul><li>x</li>\n<li>y</li></ul>z", "- x\n- y\n\nz"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>x", "a b\nc\n\nx"),
    ],
)
def test_lines_stand_in_text_as_a_reader_of_the_html_sees_them(source: str, text: str) -> None:
    assert html_to_text(source) == text


def test_a_rich_mail_becomes_text_with_its_signature_above_its_quote() -> None:
    body = "<div>Dear Ana,</div><div>see you on <b>Monday</b>.</div>"
    body = add_signature_html(body + quote_html("<div>When?</div><div>Ana</div>", "On Mon, Ana wrote:"), "<p>Ines</p>")

    text = written_to_text(body)

    assert text == "Dear Ana,\nsee you on Monday.\n\n-- \nInes\n\nOn Mon, Ana wrote:\n> When?\n> Ana"


def test_a_forwarded_mail_stands_below_its_head_unquoted() -> None:
    head = "---------- Forwarded message ----------"
    body = f'<div>FYI</div><div class="webmail-quote"><p>{head}<br>From: x</p><p>Hi</p></div>'

    assert written_to_text(body) == f"FYI\n\n{head}\nFrom: x\n\nHi"


def test_an_answer_below_the_quote_stays_below_it() -> None:
    body = quote_html("<div>Q</div>", "On Mon, Ana wrote:").replace("</blockquote>", "</blockquote><div>A</div>")

    assert written_to_text(body).endswith("> Q\n\nA")


@pytest.mark.parametrize("source", ["", "<", "<p", "plain", "&amp;lt;", "<div>" * 5000, "\x00", "<!-- x -->"])
def test_odd_html_never_raises(source: str) -> None:
    written_to_text(source)


def test_text_becomes_blocks_quotes_and_links_that_cleaning_keeps() -> None:
    made = text_to_written("Hi <b>\n\n> old\n>> older\nsee https://example.com/a?b=1&c=2")

    assert made.startswith(
        "<div>Hi &lt;b&gt;</div><div><br></div><blockquote><div>old</div><blockquote><div>older</div>"
    )
    assert 'href="https://example.com/a?b=1&amp;c=2"' in clean_composed_html(made)
    assert clean_composed_html(made).count("<blockquote>") == made.count("</blockquote>") == 2


def test_text_survives_the_way_there_and_back() -> None:
    text = "Dear Ana,\n\ntwo  spaces, <tags> & signs\n\nInes"

    assert html_to_text(text_to_written(text)).replace("\u00a0", " ") == text
