"""Plain text: out of HTML, into HTML, and in short."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.domain.wild import WILD_TEXT, at_most
from webmail.domain.text import html_to_text, is_monstrous, make_snippet, parse_html, strip_tags, text_to_html


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("<p>One</p><p>Two</p>", "One\n\nTwo"),
        ("One<br>Two<br/>Three", "One\nTwo\nThree"),
        ("<div>One</div><div>Two</div>", "One\nTwo"),
        ("<ul><li>One</li><li>Two</li></ul>", "- One\n\n- Two"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\n\nc"),
        ("a  \n\t b", "a b"),
        ("<pre>a\n  b</pre>", "a\nb"),
        ("a&nbsp;&amp;&lt;b&gt;&euro;&#8364;&#x20ac;", "a\xa0&<b>€€€"),
        ("<style>p{}</style><script>x()</script><title>t</title><p>shown</p>", "shown"),
        ("<!-- hidden --><p>shown</p><!--[if mso]><p>mso</p><![endif]-->", "shown"),
        ('<a href="https://example.com/a">here</a>', "here <https://example.com/a>"),
        ('<a href="https://example.com/">example.com</a>', "example.com"),
        ('<a href="mailto:a@b.example">mail</a> <a href="javascript:x()">js</a>', "mail js"),
        ("<p>Grüße 中文 \U0001f600</p>", "Grüße 中文 \U0001f600"),
        ("<svg><text>x</text></svg><math>y</math>z", "z"),
        ("<p>a<b>b<i>c", "abc"),
        ("plain", "plain"),
        ("1 < 2", "1 < 2"),
        ("", ""),
        ("<html></html>", ""),
    ],
)
def test_html_is_read_as_a_reader_sees_it(source: str, text: str) -> None:
    assert " ".join(html_to_text(source).split()) == " ".join(text.split())
    assert ("\n" in html_to_text(source)) == ("\n" in text)


def test_a_long_exchange_keeps_its_text_to_the_end() -> None:
    source = "".join(f"<div>level {n}" for n in range(900)) + "</div>" * 900 + "<p>after"

    text = html_to_text(source)

    assert "level 0" in text and "level 899" in text and text.endswith("after")


HOSTILE = [
    "<div>" * 100_000 + "x",
    "<b>" * 100_000 + "x",
    "<table>" * 50_000,
    "<pre>x" + " " * 500_000 + "x</pre>",
    "x" + "&nbsp;" * 40_000 + "x",
    "&" * 400_000,
    "&x " * 300_000,
    "<" * 500_000,
    "<a " * 300_000,
    ("<a " * 298 + ">") * 1_000,
    "<p " + " ".join(f"a{n}=1" for n in range(100_000)) + ">x",
    "<p " + " ".join(f"a{n}='>'" for n in range(100_000)) + ">x",
    '<a b="' * 200_000,
    "<!--" * 200_000,
    "<style>" * 100_000,
    "<a href=https://x.example>" * 20_000,
    "]]>" * 200_000,
    "\n" * 500_000,
]


@pytest.mark.parametrize("source", HOSTILE, ids=range(len(HOSTILE)))
def test_no_html_keeps_a_worker_busy(source: str) -> None:
    with at_most(4):
        html_to_text(source)


def test_monsters_are_shown_without_being_parsed() -> None:
    crowded = "<p " + " ".join(f"a{n}" for n in range(400)) + ">still <b>readable</b>"

    assert is_monstrous(crowded) and parse_html(crowded) is None
    assert html_to_text(crowded) == "still readable"
    assert not is_monstrous(
        '<img src="data:image/png;base64,' + "iVBO" * 100_000 + '"><p style="a:b; c:d">' + "&nbsp;" * 900
    )
    assert strip_tags("a <b>c</b>\n d <e") == "a c d <e"


@given(WILD_TEXT)
def test_any_html_gives_text_that_can_be_stored(source: str) -> None:
    html_to_text(source).encode("utf-8")


@given(
    st.lists(
        st.sampled_from(
            "<p> </p> <b> </i> <table> <td> </table> <a href=x> <!-- --> <pre> <li> <br> x & < > <svg> </svg>".split()
        )
    )
)
def test_tags_in_any_order_lose_no_text_before_the_parser_does(pieces: list[str]) -> None:
    html_to_text("".join(pieces)).encode("utf-8")


@pytest.mark.parametrize(
    ("text", "snippet"),
    [
        ("Hello Ann,\n\nthank you for your time.", "Hello Ann, thank you for your time."),
        ("> quoted\n> more\nThe answer", "The answer"),
        ("New text\n\nOn Mon, 23 Nov 2026 at 10:42, Bob <bob@example.org> wrote:\n> old", "New text"),
        ("New\n\nOn Mon, 23 Nov 2026 at 10:42, Bob Longname\n<bob@example.org> wrote:\n> old", "New"),
        ("Neu\n\nAm 23.11.2026 um 10:42 schrieb Bob:\n> alt", "Neu"),
        ("Nouveau\n\nLe lun. 23 nov. 2026 à 10:42, Bob <b@example.org> a écrit :\n> vieux", "Nouveau"),
        ("New\n\n-----Original Message-----\nFrom: Bob", "New"),
        ("New\n\nFrom: Bob <bob@example.org>\nSent: Monday", "New"),
        ("Hello\n-- \nAnn Lee\nRecruiter", "Hello"),
        ("A colleague wrote:\nsomething", "A colleague wrote: something"),
        ("From: the desk of Ann", "From: the desk of Ann"),
        ("View in browser <https://t.example/" + "x" * 400 + ">\nNews", "View in browser News"),
        ("[image: logo]\n[cid:ii_123]\nHello", "Hello"),
        ("=====================\nTitle\n---------------------", "Title"),
        ("\u200c\u00ad\u034f \u200bHello\ufeff", "Hello"),
        ("a" * 300, "a" * 199 + "…"),
        ("https://example.com/jobs", "https://example.com/jobs"),
        ("", ""),
        (">\n>\n", ""),
    ],
)
def test_a_snippet_is_the_mails_own_first_words(text: str, snippet: str) -> None:
    assert make_snippet(text) == snippet


@given(WILD_TEXT)
def test_a_snippet_is_one_short_line(text: str) -> None:
    snippet = make_snippet(text * 3)

    assert len(snippet) <= 200 and len(snippet.splitlines()) <= 1


@pytest.mark.parametrize(
    "text", ["On " * 20_000, "x " * 100_000, "-" * 300_000, "<https://" * 60_000, "[cid:" * 60_000, "\n" * 300_000]
)
def test_a_snippet_costs_little(text: str) -> None:
    with at_most(1):
        make_snippet(text)


@pytest.mark.parametrize(
    ("text", "href"),
    [
        ("see https://example.com/a?b=c&d=e.", "https://example.com/a?b=c&amp;d=e"),
        ("(https://example.com/a)", "https://example.com/a"),
        ("https://en.wikipedia.example/wiki/A_(b)", "https://en.wikipedia.example/wiki/A_(b)"),
        ("<https://example.com>", "https://example.com"),
        ("www.example.com,", "http://www.example.com"),
        ("HTTPS://EXAMPLE.COM", "HTTPS://EXAMPLE.COM"),
        ("ann@example.com.", "mailto:ann@example.com"),
        ("httpfan@example.com", "mailto:httpfan@example.com"),
        ("https://例え.example/道", "https://例え.example/道"),
    ],
)
def test_addresses_in_text_become_links(text: str, href: str) -> None:
    assert f'<a href="{href}" target="_blank" rel="noopener noreferrer">' in text_to_html(text)


@pytest.mark.parametrize("text", ["javascript:alert(1)", "https://", "a@b", "@", "data:text/html,x", "http://"])
def test_what_is_no_address_stays_text(text: str) -> None:
    assert "<a" not in text_to_html(text)


def test_quoted_lines_are_set_apart_by_their_depth() -> None:
    assert text_to_html("a\n> b\n>> c\n>>>>> d").split("\n") == [
        "a",
        '<span class="quote-line quote-1">&gt; b</span>',
        '<span class="quote-line quote-2">&gt;&gt; c</span>',
        '<span class="quote-line quote-3">&gt;&gt;&gt;&gt;&gt; d</span>',
    ]


@given(WILD_TEXT)
def test_text_shown_as_html_reads_the_same_and_runs_nothing(text: str) -> None:
    root = parse_html(f"<pre>{text_to_html(text)}</pre>")

    tags = {node.tag for node in root.iter()}
    assert tags <= {"html", "body", "pre", "span", "a"}
    shown = "".join(root.itertext()).replace("\n", "").replace("\r", "")
    if text.isprintable():
        assert shown == text


@pytest.mark.parametrize(
    "text", ["a." * 50_000, "a@" * 50_000, "https://" * 10_000, "> " * 50_000, "http://x" + ")" * 50_000]
)
def test_linking_costs_little(text: str) -> None:
    with at_most(1):
        text_to_html(text)
