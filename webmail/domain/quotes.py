"""Find where a mail stops and what it answers begins, so that the rest can be folded. Nothing is ever deleted."""

from __future__ import annotations

import re

from lxml import etree, html

from webmail.domain.text import parse_html

_MAX_HTML = 1024 * 1024
_MAX_LINES = 3000
_ATTRIBUTION = re.compile(
    r"^\s*(?:On|Am|Le|El|Il|Op|Den|Dnia|W dniu|Em)\b.{4,250}"
    r"(?:wrote|schrieb\b.{0,100}|a écrit|escribió|ha scritto|schreef\b.{0,100}|skrev\b.{0,100}|napisał\(?a?\)?|escreveu)\s*:\s*$"
)
_DIVIDER = re.compile(
    r"^\s*-{2,}\s*(?:Original Message|Original-Nachricht|Ursprüngliche Nachricht|Message d'origine|Mensaje original|"
    r"Messaggio originale|Oorspronkelijk bericht|Forwarded message|Weitergeleitete Nachricht)\s*-{2,}\s*$",
    re.IGNORECASE,
)
_FROM_LINE = re.compile(r"^\s*\*?(?:From|Von|De|Da|Van|Od|От)\*?\s*:\s*\S", re.IGNORECASE)
_SENT_LINE = re.compile(
    r"^\s*\*?(?:Sent|Date|Gesendet|Datum|Envoyé|Enviado|Fecha|Inviato|Data|Verzonden|Wysłano|Отправлено)\*?\s*:\s*\S",
    re.IGNORECASE,
)


def split_quoted_text(text: str) -> tuple[str, str]:
    """Split plain text into what is new and the quoted tail, "" if there is none.

    An answer between the lines of a quote is no tail: then nothing is split off. Costs linear time in the text.
    """
    lines = text.split("\n")
    if len(lines) > _MAX_LINES:
        lines = [*lines[:_MAX_LINES], "\n".join(lines[_MAX_LINES:])]
    start = _tail_start(lines)
    if start is None or not any(line.strip() for line in lines[:start]):
        return text, ""
    return "\n".join(lines[:start]).rstrip(), "\n".join(lines[start:]).strip("\n")


def _tail_start(lines: list[str]) -> int | None:
    for at, line in enumerate(lines):
        short = line[:400]
        if _DIVIDER.match(short):
            return at
        if _FROM_LINE.match(short) and any(_SENT_LINE.match(each[:400]) for each in lines[at + 1 : at + 5]):
            return at
        # Long attributions are wrapped by some clients after the name or before "wrote:".
        joined = " ".join(each[:400].strip() for each in lines[at : at + 2])
        if (_ATTRIBUTION.match(short) or _ATTRIBUTION.match(joined)) and _rest_is_quote(lines[at + 1 :]):
            return at
        if line.startswith(">") and _rest_is_quote(lines[at:]):
            return at
    return None


def _rest_is_quote(lines: list[str]) -> bool:
    """Whether only quoted and blank lines follow (one line that ends an attribution aside)."""
    rest = [line for line in lines if line.strip()]
    if rest and rest[0].rstrip().endswith(":") and not rest[0].startswith(">"):
        rest = rest[1:]
    quoted = sum(line.lstrip().startswith(">") for line in rest)
    return not rest or quoted == len(rest)


_SUMMARY = "Show quoted text"


def fold_quotes_html(source: str) -> str:
    """Wrap the quoted tail of an HTML mail into `<details class="quoted">`; to be called before cleaning.

    Returns:
        The source itself where no tail is found, where the quote is all there is, or where the HTML resists.
    """
    if len(source) > _MAX_HTML:
        return source
    root = parse_html(source)
    body = root.find(".//body") if root is not None else None
    if root is None or body is None:
        return source
    try:
        start = _find_start(body)
        if start is None or not _has_text_before(body, start):
            return source
        _wrap_tail(start)
        return str(html.tostring(root, encoding="unicode"))
    except (etree.LxmlError, ValueError, RecursionError, AttributeError):
        return source


def _find_start(body: html.HtmlElement) -> html.HtmlElement | None:
    """Give the element with which the quoted tail begins."""
    for count, node in enumerate(body.iter()):
        if count > 20_000:
            return None
        if isinstance(node.tag, str) and node is not body and _begins_quote(node):
            return node
    return None


def _begins_quote(node: html.HtmlElement) -> bool:
    classes = set((node.get("class") or "").split())
    identity = node.get("id") or ""
    if classes & {
        "gmail_quote",
        "gmail_quote_container",
        "yahoo_quoted",
        "protonmail_quote",
        "moz-cite-prefix",
        "webmail-quote",
        "zmail_extra",
    }:
        return True
    if identity in ("appendonsend", "divRplyFwdMsg", "reply-intro", "OLK_SRC_BODY_SECTION") or identity.startswith(
        "yahoo_quoted"
    ):
        return True
    if node.tag == "blockquote" and (node.get("type") or "").lower() == "cite":
        return True
    style = (node.get("style") or "").replace(" ", "").lower()
    if node.tag == "div" and "border-top:solid#" in style:
        return _looks_like_outlook_head(node)
    return False


def _looks_like_outlook_head(node: html.HtmlElement) -> bool:
    text = " ".join("".join(node.itertext()).split())[:600]
    return bool(re.match(r"(?:From|Von|De|Da|Van|Od)\s*:", text)) and bool(
        re.search(r"(?:Sent|Date|Gesendet|Datum|Envoyé|Enviado|Inviato|Verzonden)\s*:", text)
    )


def _has_text_before(body: html.HtmlElement, start: html.HtmlElement) -> bool:
    for node in body.iter():
        if node is start:
            return False
        is_before = node is body or node not in set(start.iterancestors())
        if (node.text or "").strip() and isinstance(node.tag, str) and node.tag not in ("style", "script"):
            return True
        if is_before and node is not body and (node.tail or "").strip() and not _contains(node, start):
            return True
        if node.tag == "img":
            return True
    return False


def _contains(node: html.HtmlElement, other: html.HtmlElement) -> bool:
    return any(each is node for each in other.iterancestors())


def _wrap_tail(start: html.HtmlElement) -> None:
    """Put the element and what follows it among its siblings into a folded block."""
    parent = start.getparent()
    tail = [start, *start.itersiblings()]
    details = html.Element("details")
    details.set("class", "quoted")
    summary = html.Element("summary")
    summary.text = _SUMMARY
    details.append(summary)
    parent.insert(parent.index(start), details)
    for node in tail:
        details.append(node)
