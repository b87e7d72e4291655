"""Find where a mail stops and what it answers begins, so that the rest can be folded. Nothing is ever deleted."""

from __future__ import annotations

import re
from itertools import islice

from lxml import etree, html

from webmail.domain.attributions import is_attribution, is_divider, is_from_line, is_sent_line, names_moment
from webmail.domain.text import parse_html

_MAX_HTML = 1024 * 1024
_MAX_LINES = 3000


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
    all_quoted_from, is_any_quoted = _last_own_line(lines) + 1, any(line.startswith(">") for line in lines)
    for at, line in enumerate(lines):
        if is_divider(line):
            return at
        if is_from_line(line) and any(is_sent_line(each) for each in lines[at + 1 : at + 5]):
            return at - 1 if at and re.fullmatch(r"\s*_{10,80}\s*", lines[at - 1]) else at
        if line.startswith(">") and at >= all_quoted_from:
            return at
        length = _attribution_length(lines, at)
        # Yahoo and some phones mark no line of the quote; then only what is surely theirs counts.
        is_unmarked = not is_any_quoted and names_moment(" ".join(lines[at : at + length]))
        if length and (at + length >= all_quoted_from or is_unmarked):
            return at
    return None


def _last_own_line(lines: list[str]) -> int:
    """Give the index of the last line that is neither quoted nor blank, -1 if there is none."""
    own = (at for at in range(len(lines) - 1, -1, -1) if lines[at].strip() and not lines[at].lstrip().startswith(">"))
    return next(own, -1)


def _attribution_length(lines: list[str], at: int) -> int:
    """Give how many lines the attribution that begins here takes, 0 if none does: some programs wrap long ones."""
    for length in (1, 2, 3):
        if is_attribution(" ".join(each[:400].strip() for each in lines[at : at + length])):
            return length
        if not lines[at].strip() or (length > 1 and not lines[at + length - 1 : at + length]):
            return 0
    return 0


_QUOTE_CLASSES = frozenset(
    "gmail_quote gmail_quote_container yahoo_quoted protonmail_quote tutanota_quote moz-cite-prefix webmail-quote "
    "zmail_extra".split()
)
_OUTLOOK_HEADS = frozenset({"appendonsend", "divRplyFwdMsg", "mail-editor-reference-message-container"})


def fold_quotes_html(source: str, label: str = "Show quoted text") -> str:
    """Wrap the quoted tail of an HTML mail into `<details class="quoted">`; to be called before cleaning.

    Args:
        label: what is pressed to unfold it, in the reader's language.

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
        if start is None:
            return source
        _wrap_tail(start, label)
        return str(html.tostring(root, encoding="unicode"))
    except (etree.LxmlError, ValueError, RecursionError, AttributeError):
        return source


def _find_start(body: html.HtmlElement) -> html.HtmlElement | None:
    """Give the element with which the quoted tail begins, None where there is none or where it is all there is.

    What Outlook puts above a quote has the quote behind it, to the end. All others put the quote into an element:
    where something new follows it, somebody has answered between the lines, and nothing may be folded away.
    """
    start, has_own = None, False
    inside = 0
    for count, (event, node) in enumerate(etree.iterwalk(body, events=("start", "end"))):
        if count > 60_000:
            return None
        is_element = isinstance(node.tag, str)
        if event == "start" and is_element and node is not body:
            if not inside and has_own and _is_outlook_head(node):
                return _climb(node)
            if inside or _holds_quote(node) or _is_passed_over(node):
                if not inside and start is None and _holds_quote(node):
                    start = node
                inside += 1
        is_own_text = not inside and event == "start" and is_element and bool((node.text or "").strip())
        if event == "end" and is_element and node is not body:
            inside -= 1 if inside else 0
            is_own_text = not inside and bool((node.tail or "").strip())
        if is_own_text:
            start, has_own = None, True
        has_own = has_own or (node.tag == "img" and start is None)
    return start if has_own else None


def _climb(node: html.HtmlElement) -> html.HtmlElement:
    """Leave the wrappers that begin with this element: the quote lies beside the outermost of them."""
    parent = node.getparent()
    while parent is not None and parent.tag == "div" and parent[0] is node and not (parent.text or "").strip():
        node, parent = parent, parent.getparent()
    return node


def _is_passed_over(node: html.HtmlElement) -> bool:
    """Whether an element counts neither as new nor as quoted."""
    return node.tag in ("style", "script", "title", "head") or (node.get("class") or "").startswith("moz-signature")


def _holds_quote(node: html.HtmlElement) -> bool:
    classes = (node.get("class") or "").split()
    identity = node.get("id") or ""
    return (
        bool(_QUOTE_CLASSES.intersection(classes))
        # Yahoo puts a random prefix before its names.
        or any(name.endswith("yahoo_quoted") for name in (*classes, identity))
        or identity.startswith("yahoo_quoted")
        or identity in ("reply-intro", "OLK_SRC_BODY_SECTION")
        or (node.tag == "blockquote" and (node.get("type") or "").lower() == "cite")
        or (node.tag == "div" and node.get("name") == "quote")
        or (node.tag == "blockquote" and _follows_attribution(node))
        or (node.tag in ("div", "p") and len(node) < 8 and _is_attribution_element(node))
    )


def _is_attribution_element(node: html.HtmlElement) -> bool:
    """Whether it is the line above a quote; Apple Mail and GMX leave it outside of the quote."""
    following = node.getnext()
    while following is not None and following.tag == "br" and not (following.tail or "").strip():
        following = following.getnext()
    if following is None or (node.tail or "").strip() or following.tag not in ("blockquote", "div"):
        return False
    is_before_quote = following.tag == "blockquote" or following.get("name") == "quote"
    return is_before_quote and is_attribution(" ".join("".join(node.itertext()).split())[:400])


def _follows_attribution(node: html.HtmlElement) -> bool:
    before = node.getprevious()
    while before is not None and before.tag == "br":
        before = before.getprevious()
    return before is not None and before.tag in ("div", "p") and len(before) < 8 and _is_attribution_element(before)


def _is_outlook_head(node: html.HtmlElement) -> bool:
    if node.get("id") in _OUTLOOK_HEADS:
        return True
    style = (node.get("style") or "").replace(" ", "").lower()
    return node.tag == "div" and "border-top:solid#" in style and _looks_like_outlook_head(node)


def _looks_like_outlook_head(node: html.HtmlElement) -> bool:
    pieces = [text for piece in islice(node.itertext(), 60) if (text := " ".join(piece.split()))]
    has_sent = any(is_sent_line(" ".join(pieces[at : at + 2])) for at in range(1, len(pieces)))
    return has_sent and is_from_line(" ".join(pieces))


def _wrap_tail(start: html.HtmlElement, label: str) -> None:
    """Put the element and what follows it among its siblings into a folded block."""
    parent = start.getparent()
    tail = [start, *start.itersiblings()]
    details = html.Element("details")
    details.set("class", "quoted")
    summary = html.Element("summary")
    summary.text = label
    details.append(summary)
    parent.insert(parent.index(start), details)
    for node in tail:
        details.append(node)
