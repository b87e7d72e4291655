"""A mail being written, as plain text and back: what a textarea shows of it, and what *Plain text* makes of it."""

from __future__ import annotations

import re
from html import escape

from lxml import etree, html

from webmail.domain.compose import add_signature_text, quote_text
from webmail.domain.text import html_to_text, parse_html, text_to_html

_SIGNATURE, _QUOTE = "webmail-signature", "webmail-quote"


def written_to_text(source: str) -> str:
    """Give HTML that was written here as plain text: the signature after its `-- ` line, the quote behind `> `.

    Args:
        source: the body of a draft; its signature and its quote stand at the top level, as they were put there.
    """
    root = parse_html(f"<div>{source}</div>")
    top = root.find(".//body/div") if root is not None else None
    if top is None:
        return ""
    written, signature, quotes = escape(top.text or "", quote=False), "", []
    for node in top:
        classes = set((node.get("class") or "").split())
        piece = str(html.tostring(node, encoding="unicode", with_tail=False))
        if _SIGNATURE in classes and not signature:
            signature = html_to_text(piece)
        elif _QUOTE in classes:
            quotes.append(_quote(node))
        else:
            written += piece
        written += escape(node.tail or "", quote=False)
    text = add_signature_text(html_to_text(written), signature)
    text = "\n\n".join(part for part in (text.rstrip("\n"), *quotes) if part.strip())
    return text.replace("\u00a0", " ")


def _quote(node: html.HtmlElement) -> str:
    """Give a quote as text; a forwarded mail stands there as it is, with its head above it."""
    block = next((child for child in node if child.tag == "blockquote"), None)
    if block is None:
        return html_to_text(etree.tostring(node, encoding="unicode", method="html", with_tail=False))
    index = node.index(block)
    above = "".join(html.tostring(child, encoding="unicode") for child in node[:index])
    below = "".join(html.tostring(child, encoding="unicode") for child in node[index + 1 :])
    inside = html_to_text(html.tostring(block, encoding="unicode", with_tail=False))
    text = quote_text(inside, html_to_text(above))
    return f"{text}\n{html_to_text(below + escape(block.tail or '', quote=False))}".strip()


def text_to_written(text: str) -> str:
    """Give plain text as HTML that an editor goes on from: a block for each line, quoted lines as a quote, links."""
    blocks: list[str] = []
    depth = 0
    for line in text.expandtabs(4).splitlines():
        marks = re.match(r"(?:> ?){0,20}", line)
        assert marks is not None
        level = marks[0].count(">")
        blocks.append("<blockquote>" * (level - depth) + "</blockquote>" * (depth - level))
        depth = level
        blocks.append(_block(line[marks.end() :]))
    blocks.append("</blockquote>" * depth)
    return "".join(blocks)


def _block(line: str) -> str:
    spaced = re.sub(r" (?= )", "\u00a0", text_to_html(line))
    return f"<div>{spaced or '<br>'}</div>"
