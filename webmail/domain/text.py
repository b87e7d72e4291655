"""Plain text: out of HTML, into HTML, and in short."""

from __future__ import annotations

import re
from html import escape

from lxml import etree, html

from webmail.domain.attributions import is_attribution, is_divider, is_from_line, names_moment

_INVISIBLE = re.compile(
    r"[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
)
_BLOCKS = frozenset(
    "address article aside blockquote center dd div dl dt fieldset figure footer form h1 h2 h3 h4 h5 h6 header hr li "
    "main nav ol p pre section table tr ul".split()
)
_SPACED = frozenset({"p", "blockquote", "table", "ul", "ol"})
_SKIPPED = frozenset("head style script title meta link noscript template svg math object".split())
_URL = re.compile(
    r"(?:https?://|www\.)[^\s<>\"'\u00ab\u00bb\u201c\u201d]{2,2000}|[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}",
    re.IGNORECASE,
)
_NOISE = re.compile(r"<https?://[^<>\s]{0,2000}>|\[(?:cid|image):[^\[\]]{0,300}\]|[-_=*#~\u2014\u2500]{4,}")
# As HTML reads them; written so that nothing is tried twice, and a tag is left behind as a whole.
_ATTRIBUTE = re.compile(r"[\s/]++=?[^\s/>=]*+(?:\s*+=\s*+(?>\"[^\"]*+\"|'[^']*+'|[^\s>\"'][^\s>]*+))?+")
_TAG = re.compile(rf"<[a-zA-Z][^\s/>]*+(?:{_ATTRIBUTE.pattern})*+")
_MAX_ATTRIBUTES = 300
_MAX_REFERENCES = 50_000
_MAX_HTML = 4 * 1024 * 1024


def html_to_text(source: str) -> str:
    """Give the text of an HTML mail, with line breaks where a reader sees them; never raises."""
    root = parse_html(source)
    pieces: list[str] = []
    if root is not None:
        _collect(root, pieces)
    lines = [line.strip(" \t\u00a0") for line in "".join(pieces).split("\n")]
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
    # Beyond a depth of some thousands the parser gives up; a mail that has text is never shown as empty for that.
    is_too_deep = not text and source.count("<") > 2000
    return strip_tags(source) if root is None or is_too_deep else text


def strip_tags(source: str) -> str:
    """Give what is left of HTML that no parser should be bothered with, in one line."""
    return " ".join(re.sub(r"<[^>]{0,2000}>", " ", source[:200_000]).split())


def is_monstrous(source: str) -> bool:
    """Say whether HTML is made to keep parsers busy: they take minutes for 100,000 attributes or character references.

    The lists of both are walked anew for each entry, by libxml2 and by html5ever.
    """
    return source.count("&") > _MAX_REFERENCES or any(
        found.end() - found.start() > 2 * _MAX_ATTRIBUTES and len(_ATTRIBUTE.findall(found[0])) > _MAX_ATTRIBUTES
        for found in _TAG.finditer(source)
    )


def parse_html(source: str) -> html.HtmlElement | None:
    """Parse an HTML mail leniently; None when there is nothing in it, or it cannot or should not be parsed."""
    source = source[:_MAX_HTML]
    if is_monstrous(source):
        return None
    try:
        # "huge" only means that 2,000 levels are read instead of 256, which a long exchange can have.
        parser = html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True)
        return html.document_fromstring(source.encode("utf-8", "replace"), parser=parser)
    except (etree.LxmlError, ValueError, AssertionError, RecursionError):
        return None


def _collect(root: html.HtmlElement, pieces: list[str]) -> None:
    skipped = in_pre = 0
    for event, node in etree.iterwalk(root, events=("start", "end")):
        tag = node.tag if isinstance(node.tag, str) else ""
        if event == "start":
            skipped += tag in _SKIPPED
            in_pre += tag == "pre"
            if not skipped:
                _begin(pieces, tag)
                _append(pieces, node.text, in_pre)
            continue
        if not skipped and tag == "a":
            _append_target(pieces, node)
        elif not skipped and tag in _BLOCKS:
            _break(pieces, tag)
        skipped -= tag in _SKIPPED
        in_pre -= tag == "pre"
        if not skipped and node is not root:
            _append(pieces, node.tail, in_pre)


def _begin(pieces: list[str], tag: str) -> None:
    if tag in _BLOCKS:
        _break(pieces, tag)
    pieces.append({"br": "\n", "td": " ", "th": " ", "li": "- "}.get(tag, ""))


def _break(pieces: list[str], tag: str) -> None:
    """Begin a new line, below an empty one for what has room around it, unless the text is there already."""
    ended = 0
    while pieces and not pieces[-1].strip(" \n"):
        ended += pieces.pop().count("\n")
    pieces.append("\n" * max(ended, 2 if tag in _SPACED else 1))


def _append(pieces: list[str], text: str | None, in_pre: int) -> None:
    if text:
        pieces.append(text if in_pre else re.sub(r"[ \t\r\n\f]+", " ", text))


def _append_target(pieces: list[str], node: html.HtmlElement) -> None:
    href = (node.get("href") or "").strip()
    label = "".join(node.itertext()).strip()
    if href.startswith(("http://", "https://")) and len(href) < 300 and label and label not in href:
        pieces.append(f" <{href}>")


def make_snippet(text: str) -> str:
    """Give the first words of a mail's own text, at most 200 characters: without quotes, signature and padding."""
    words: list[str] = []
    length = 0
    lines = text[:20_000].splitlines()[:200]
    for at, line in enumerate(lines):
        line = _INVISIBLE.sub("", line).strip()
        if line == "--" or _starts_quote(line, " ".join(lines[at : at + 2]).strip()):
            break
        if not line or line.startswith((">", "|")):
            continue
        found = _NOISE.sub(" ", line).split()
        words += found
        length += sum(map(len, found)) + len(found)
        if length > 260:
            break
    snippet = " ".join(words)
    return snippet if len(snippet) <= 200 else snippet[:199].rstrip() + "…"


def _starts_quote(line: str, with_next: str) -> bool:
    is_head = is_from_line(line) and "@" in line
    return is_divider(line) or is_head or any(is_attribution(each) and names_moment(each) for each in (line, with_next))


def text_to_html(text: str) -> str:
    """Show plain text as HTML: everything escaped, web and mail addresses linked, quoted lines set apart."""
    lines = []
    for line in text.splitlines():
        body = _link(line)
        depth = _quote_depth(line)
        lines.append(f'<span class="quote-line quote-{min(depth, 3)}">{body}</span>' if depth else body)
    return "\n".join(lines)


def _quote_depth(line: str) -> int:
    found = re.match(r"(?:> ?)+", line[:40])
    return found[0].count(">") if found else 0


def _link(line: str) -> str:
    result, position = "", 0
    for found in _URL.finditer(line[:20_000]):
        target = _trimmed(found[0])
        start = target.lower()
        if start.startswith(("http://", "https://")):
            href = target
        else:
            href = f"http://{target}" if start.startswith("www.") else f"mailto:{target}"
        result += escape(line[position : found.start()])
        result += f'<a href="{escape(href)}" target="_blank" rel="noopener noreferrer">{escape(target)}</a>'
        position = found.start() + len(target)
    return result + escape(line[position:])


def _trimmed(target: str) -> str:
    """Leave out what ends the sentence and not the address; a bracket stays where it was opened inside."""
    while target[-1:] in tuple(".,;:!?)]}'*_") and not (target[-1] == ")" and target.count("(") >= target.count(")")):
        target = target[:-1]
    return target
