"""Cleaning: nothing dangerous is left, nothing harmless is lost, and nothing takes long."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element

import html5lib
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.domain.hostile import FAMILIES, PIECES
from tests.unit.domain.wild import WILD_TEXT, at_most
from webmail.domain.html import clean_composed_html, clean_mail_html, inline_styles

TAGS = frozenset(
    "a abbr acronym address b bdi bdo big blockquote br caption center cite code col colgroup dd del details dfn "
    "dir div dl dt em figcaption figure font h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q rp rt ruby s samp "
    "section small span strike strong sub summary sup table tbody td tfoot th thead time tr tt u ul var wbr".split()
)
ATTRIBUTES = frozenset(
    "align alt bgcolor border cellpadding cellspacing class color colspan datetime dir face height href hspace lang "
    "nowrap open rel rowspan scope size span src start style summary target title type valign value vspace "
    "width".split()
)
CLASSES = {"quoted", "webmail-quote", "webmail-signature"}
LINKS = ("http://", "https://", "mailto:", "tel:")
IMAGES = ("http://", "https://", "/attachments/", "cid:", "data:image/png;", "data:image/gif;")
FORBIDDEN_IN_STYLE = re.compile(
    r"url|expression|javascript|import|binding|behavior|position|z-index|content|cursor|\\|<|>|/\*|var\(", re.IGNORECASE
)


def cleaned(source: str) -> str:
    return clean_mail_html(source, cid_urls={"logo@x": "/attachments/1"}).html


def parse(source: str) -> Element:
    parser = html5lib.HTMLParser(tree=html5lib.getTreeBuilder("etree"), namespaceHTMLElements=False)
    return parser.parseFragment(source)


def dangers(source: str) -> list[str]:
    """Give what is left in cleaned HTML that must not be, as a browser would parse it."""
    root = parse(source)
    nodes = [node for node in root.iter() if node is not root]
    found = [f"<{node.tag}>" for node in nodes if node.tag not in TAGS]
    found += [f"{name}={value}" for node in nodes for name, value in node.attrib.items() if not is_safe(name, value)]
    for link in root.iter("a"):
        if link.get("href") and (link.get("target"), link.get("rel")) != ("_blank", "noopener noreferrer"):
            found.append("a link that knows its opener")
    return found


def is_safe(name: str, value: str) -> bool:
    start = "".join(value.split()).lower()
    rules = {
        "href": start.startswith(LINKS),
        "src": start.startswith(IMAGES),
        "style": not FORBIDDEN_IN_STYLE.search(value),
        "class": set(value.split()) <= CLASSES,
    }
    return name in ATTRIBUTES and rules.get(name, True)


@pytest.mark.parametrize(("family", "source"), PIECES)
def test_nothing_dangerous_is_left(family: str, source: str) -> None:
    for clean in (cleaned, clean_composed_html):
        result = clean(source)

        assert dangers(result) == []
        assert "KEEP ME" not in source or "KEEP ME" in "".join(parse(result).itertext())


def test_only_the_image_that_was_named_stays() -> None:
    result = cleaned("".join(FAMILIES["loading"]))

    assert "evil.example" not in result


@pytest.mark.parametrize(("family", "source"), PIECES)
def test_cleaning_twice_changes_nothing_more(family: str, source: str) -> None:
    once = cleaned(source)

    assert facts(cleaned(once)) == facts(once)


def facts(source: str) -> list[tuple[str, dict[str, str], str]]:
    """Give what a browser makes of HTML, but for an empty style."""
    return [
        (node.tag, {name: value for name, value in node.attrib.items() if value}, f"{node.text}{node.tail}")
        for node in parse(source).iter()
    ]


@given(st.lists(st.one_of(st.sampled_from([source for _, source in PIECES]), WILD_TEXT), max_size=5))
def test_hostile_pieces_do_not_help_each_other(pieces: list[str]) -> None:
    source = "".join(pieces)

    assert dangers(cleaned(source)) == []
    assert dangers(clean_composed_html(source)) == []


FRAGMENTS = re.findall(r"</?[a-z!]+|[^<]{1,12}", " ".join(source for _, source in PIECES))


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=30))
def test_fragments_in_any_order_are_harmless(fragments: list[str]) -> None:
    assert dangers(cleaned("".join(fragments))) == []


@pytest.mark.parametrize(
    "source",
    [
        "<p>Hello <b>Ann</b>, <i>how</i> <u>are</u> you?</p>",
        '<p style="color:red;font-size:14px;margin:0 0 8px;text-align:center">styled</p>',
        '<table width="600" border="0" bgcolor="#ffffff"><tbody><tr><td align="center">x</td></tr></tbody></table>',
        '<font face="Arial" size="2" color="#333333">old</font>',
        '<ul><li>one</li></ul><ol start="3"><li>three</li></ol>',
        '<details class="quoted"><summary>Show quoted text</summary>old</details>',
        '<div class="webmail-signature">Ann</div>',
        '<p dir="rtl" lang="ar">مرحبا</p>',
        "<pre>a\n  b</pre>",
        "<blockquote>words</blockquote><hr><br>",
        "a &lt; b &amp;&amp; c &gt; d",
        "plain",
    ],
)  # fmt: skip
def test_harmless_html_stays_as_it_is(source: str) -> None:
    assert cleaned(source) == source
    assert clean_composed_html(source) == source


def test_links_stay_open_elsewhere_and_have_no_words_beside_them() -> None:
    result = cleaned('<a href="https://example.com/a?b=c&amp;d=e" title="t">x</a> <a href="mailto:a@b.example">m</a>')

    link = result.partition("<a ")[2].partition(">")[0]
    assert set(re.findall(r'\w+="[^"]*"', link)) == {
        'href="https://example.com/a?b=c&amp;d=e"', 'target="_blank"', 'rel="noopener noreferrer"',
    }  # fmt: skip
    assert 'href="mailto:a@b.example"' in result


def test_style_blocks_survive_as_attributes() -> None:
    result = cleaned(
        "<style>.a{color:red;position:fixed} @media print{.a{color:blue}} a:hover{color:green}</style><p class=a>x</p>"
    )

    assert re.fullmatch(r'<p style="color:\s*red;?">x</p>', result)


def test_a_broken_style_costs_only_the_styles() -> None:
    assert "KEEP ME" in cleaned('<style>p{color:red}</style><p style="expression(alert(1));}{">KEEP ME</p>')
    assert "KEEP ME" in cleaned("<style>{{{{</style><p>KEEP ME</p>")


@pytest.mark.parametrize(
    ("source", "html", "has_remote"),
    [
        ('<img src="cid:logo@x">', '<img src="/attachments/1">', False),
        ('<img src="CID:logo@x">', '<img src="/attachments/1">', False),
        ('<img src="cid:logo%40x">', '<img src="/attachments/1">', False),
        ('<img src="cid:unknown">', "<img>", False),
        ('<img src="https://example.com/x.png" alt="x">', '<img src="https://example.com/x.png" alt="x">', True),
        ('<img src="data:image/png;base64,iVBORw0=">', '<img src="data:image/png;base64,iVBORw0=">', False),
        ('<img src="data:image/png,abc">', "<img>", False),
        ('<img src="x.png">', "<img>", False),
        ('<a href="https://example.com/">x</a>', None, False),
        ("<p style='background:url(https://example.com/x)'>x</p>", "<p>x</p>", False),
        ('<img src="https://a.example/" width="6" height="999999">', '<img src="https://a.example/" width="6">', True),
    ],
)  # fmt: skip
def test_images_come_from_the_mail_or_are_said_to_be_remote(source: str, html: str | None, has_remote: bool) -> None:
    result = clean_mail_html(source, cid_urls={"logo@x": "/attachments/1"})

    assert result.has_remote is has_remote
    assert html is None or result.html == html


def test_what_is_written_here_keeps_its_own_images() -> None:
    result = clean_composed_html('<img src="cid:a@b"><img src="https://example.com/x.png"><img src="/static/x.png">')

    assert result == '<img src="cid:a@b"><img src="https://example.com/x.png"><img>'


MANY_RULES = "".join(f"*{{color:#{n:06x};padding:{'1 ' * 90}}}" for n in range(3000))
HUGE = {
    "deep": "<style>p{color:red}</style>" + "<div>" * 100_000 + "x",
    "deep by misnesting": "<style>p{color:red}</style>" + "<div><table></div></table>" * 30_000,
    "deep formatting": "".join(f"<font color=#{n:06x}>" for n in range(2000)) + "<p>x" * 2000,
    "rules for everything": f"<style>{MANY_RULES}</style>" + "<p>x" * 3000,
    "few rules, many elements": f"<style>{MANY_RULES[:20_000]}</style>" + "<p>x" * 100_000,
    "custom properties": "<style>" + "".join(f"*{{--a{n}:red}}" for n in range(3000)) + "</style>" + "<p>" * 3000,
    "attributes": "<p " + " ".join(f"a{n}=1" for n in range(100_000)) + ">x",
    "references": "&x " * 400_000,
    "brackets": "<" * 500_000,
    "comments": "<!--" * 200_000,
    "styles": "<style>" * 100_000,
    "braces": "<style>" + "{;a:" * 200_000 + "</style>",
    "media": "<style>" + "@media a{b{c:d}" * 50_000 + "</style>",
    "css comments": "<style>" + "/*" * 200_000 + "</style>",
    "style attributes": '<p style="' + "color:red;" * 300_000 + '">x</p>',
    "data image": '<img src="data:image/png;base64,' + "iVBO" * 700_000 + '">x',
    "links": "<a href=https://example.com/>" * 10_000,
}


@pytest.mark.parametrize("name", HUGE)
def test_no_html_keeps_a_page_waiting_or_brings_the_process_down(name: str) -> None:
    with at_most(4):
        result = cleaned(HUGE[name])

    assert len(result) < 40_000_000


def test_a_monster_is_shown_as_text() -> None:
    crowded = "<p " + " ".join(f"a{n}" for n in range(400)) + ">1 < 2 <b>readable</b>"

    assert "readable" in cleaned(crowded) and dangers(cleaned(crowded)) == []


@given(WILD_TEXT)
def test_styles_of_any_kind_are_survived(css: str) -> None:
    inline_styles(f"<style>{css}</style><p style='{css}'>x</p>")
    assert dangers(cleaned(f'<style>p{{{css}}}</style><p style="{css}">x</p>')) == []
