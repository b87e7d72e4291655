"""Plain text: out of HTML, into HTML, and in short."""

from __future__ import annotations

import re
from html import escape

from lxml import etree, html

_INVISIBLE = re.compile(
    r"[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
)
_BLOCKS = frozenset(
    "address article aside blockquote center dd div dl dt fieldset figure footer form h1 h2 h3 h4 h5 h6 header hr li "
    "main nav ol p pre section table tr ul".split()
)
_SKIPPED = frozenset("head style script title meta link noscript template svg math object".split())
_URL = re.compile(
    r"(?:https?://|www\.)[^\s<>\"'\u00ab\u00bb\u201c\u201d]{2,2000}|[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}"
)
_MAX_HTML = 4 * 1024 * 1024
_MAX_DEPTH = 300


def html_to_text(source: str) -> str:
    """Give the text of an HTML mail, with line breaks where a reader sees them; never raises."""
    root = parse_html(source)
    if root is None:
        return " ".join(re.sub(r"<[^>]{0,2000}>", " ", source[:200_000]).split())
    pieces: list[str] = []
    _collect(root, pieces, 0, in_pre=False)
    text = "".join(pieces)
    text = re.sub(r"[ \t\u00a0]*\n[ \t\u00a0]*", "\n", text)
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def parse_html(source: str) -> html.HtmlElement | None:
    """Parse an HTML mail leniently; None when there is nothing in it or it cannot be parsed."""
    try:
        parser = html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=False)
        return html.document_fromstring(source[:_MAX_HTML].encode("utf-8", "replace"), parser=parser)
    except (etree.LxmlError, ValueError, AssertionError, RecursionError):
        return None


def _collect(node: html.HtmlElement, pieces: list[str], depth: int, *, in_pre: bool) -> None:
    tag = node.tag if isinstance(node.tag, str) else ""
    if tag in _SKIPPED or depth > _MAX_DEPTH:
        return
    in_pre = in_pre or tag == "pre"
    if tag == "br":
        pieces.append("\n")
    elif tag in _BLOCKS:
        _break(pieces, tag)
        if tag == "li":
            pieces.append("- ")
    elif tag in ("td", "th"):
        pieces.append(" ")
    _append(pieces, node.text, in_pre)
    for child in node:
        _collect(child, pieces, depth + 1, in_pre=in_pre)
        _append(pieces, child.tail, in_pre)
    if tag == "a":
        _append_target(pieces, node)
    elif tag in _BLOCKS:
        _break(pieces, tag)


def _break(pieces: list[str], tag: str) -> None:
    """Begin a new line, below an empty one for what has room around it, unless the text is there already."""
    ended = 0
    while pieces and not pieces[-1].strip(" \n"):
        ended += pieces.pop().count("\n")
    wanted = 2 if tag in ("p", "blockquote", "table", "ul", "ol") else 1
    pieces.append("\n" * max(ended, wanted))


def _append(pieces: list[str], text: str | None, in_pre: bool) -> None:
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
    for line in text[:20_000].splitlines()[:200]:
        line = _INVISIBLE.sub("", line).strip()
        if line in ("--", "-- ") or _starts_quote(line):
            break
        if not line or line.startswith((">", "|")):
            continue
        line = re.sub(r"[-_=*#~\u2014\u2500]{4,}", " ", line)
        words += line.split()
        length += len(line) + 1
        if length > 260:
            break
    snippet = " ".join(words)
    return snippet if len(snippet) <= 200 else snippet[:199].rstrip() + "…"


def _starts_quote(line: str) -> bool:
    return bool(
        re.match(r"(?:-{2,}\s?(?:Original Message|Ursprüngliche Nachricht|Message d'origine)|From: .{1,200}@)", line)
        or (
            len(line) < 300
            and re.match(
                r"(?:On|Am|Le|El|Il|Op|Den) .{4,280}(?:wrote|schrieb.{0,120}|écrit|escribió|scritto|schreef.{0,120}|skrev.{0,120})\s?:$",
                line,
            )
        )
    )


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
        target = found[0].rstrip(".,;:!?)]}'\"")
        if "@" in target and not target.startswith(("http", "www.")):
            href = f"mailto:{target}"
        else:
            href = target if target.startswith("http") else f"http://{target}"
        result += escape(line[position : found.start()])
        result += f'<a href="{escape(href)}" target="_blank" rel="noopener noreferrer">{escape(target)}</a>'
        position = found.start() + len(target)
    return result + escape(line[position:])
