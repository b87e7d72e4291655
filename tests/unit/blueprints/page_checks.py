"""What every HTML answer owes to its reader: the checks that the `client` fixture makes (style guide, section 8)."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element

import html5lib
from flask import Flask
from werkzeug.exceptions import HTTPException
from werkzeug.test import TestResponse

from webmail.assets import asset_url
from webmail.blueprints.forms import app_passwords

FOREIGN_ENDPOINTS = frozenset({"messages.body", "shared.body", "sources.print_message", "sources.print_conversation"})
"""Pages that show what a stranger wrote, under a policy of their own; `domain.html` answers for their content."""

_PROVIDERS = Path(app_passwords.__file__).parents[2] / "providers"
_NAMED_BY_LABEL = ("input", "select", "textarea")
_SWAPPED_INTO_TABLE = re.compile(r"\s*<(tr|tbody|thead|td|th|option)\b")


def check_answer(app: Flask, answer: TestResponse) -> None:
    """Raise an AssertionError that says all that is wrong with an HTML answer; others pass.

    Args:
        answer: of the test client, so that its request is known.
    """
    if answer.mimetype != "text/html" or not answer.data or answer.status_code // 100 == 3:
        return
    policy = answer.headers.get("Content-Security-Policy", "")
    problems = list(_policy_problems(policy))
    if _endpoint_of(app, answer) not in FOREIGN_ENDPOINTS:
        with app.test_request_context():
            problems += check_html(answer.get_data(as_text=True), styles_allowed="style-src-attr" in policy)
    assert not problems, f"{answer.request.method} {answer.request.path}: " + "; ".join(problems)


def _endpoint_of(app: Flask, answer: TestResponse) -> str:
    try:
        return str(app.url_map.bind_to_environ(answer.request.environ).match()[0])
    except HTTPException:
        return ""


def check_html(source: str, *, styles_allowed: bool = False) -> list[str]:
    """Give what is wrong with a page or a partial, [] for nothing."""
    is_page = source.lstrip().lower().startswith("<!doctype")
    parser = html5lib.HTMLParser(tree=html5lib.getTreeBuilder("etree"), namespaceHTMLElements=False)
    if is_page:
        root = parser.parse(source)
    else:
        inside = _SWAPPED_INTO_TABLE.match(source)
        container = (
            {"tr": "tbody", "td": "tr", "th": "tr", "option": "select"}.get(inside[1], "table") if inside else "div"
        )
        root = parser.parseFragment(source, container=container)
    problems = [f"HTML {code} at {position} {values}" for position, code, values in parser.errors]
    problems += _id_problems(root, is_page)
    problems += _form_problems(root)
    problems += _url_problems(root)
    problems += _inline_problems(root, styles_allowed)
    problems += _name_problems(root)
    return [*problems, *(_page_problems(root) if is_page else ())]


def _tag(node: Element) -> str:
    return node.tag.rpartition("}")[2] if isinstance(node.tag, str) else ""


def _nodes(root: Element, *tags: str) -> Iterator[Element]:
    return (node for node in root.iter() if _tag(node) in tags)


def _attributes(node: Element) -> dict[str, str]:
    return {str(name).rpartition("}")[2]: value for name, value in node.attrib.items()}


def _policy_problems(policy: str) -> Iterator[str]:
    directives = {part.split()[0]: part.split()[1:] for part in policy.split(";") if part.split()}
    if directives.get("default-src") != ["'none'"]:
        yield "the policy does not begin with default-src 'none'"
    for unsafe in ("'unsafe-inline'", "'unsafe-eval'", "*", "data:"):
        if unsafe in directives.get("script-src", []):
            yield f"the policy allows scripts from {unsafe}"


def _id_problems(root: Element, is_page: bool) -> Iterator[str]:
    ids = Counter(node.get("id") for node in root.iter() if node.get("id") is not None)
    for name, count in ids.items():
        if count > 1:
            yield f"id {name!r} stands {count} times"
        if not name or name.split() != [name]:
            yield f"id {name!r} is empty or holds a space"
    if not is_page:
        return
    for node in root.iter():
        for attribute in ("for", "aria-labelledby", "aria-describedby", "aria-controls", "popovertarget", "form"):
            for name in (node.get(attribute) or "").split():
                if name not in ids:
                    yield f"{attribute}={name!r} names nothing"


def _form_problems(root: Element) -> Iterator[str]:
    for form in _nodes(root, "form"):
        method = (form.get("method") or "get").lower()
        if method == "dialog":
            continue
        if not form.get("action"):
            yield f"form {form.attrib} has no action"
        tokens = [node for node in form.iter() if node.get("name") == "csrf_token"]
        # A signed link is what guards these: there is neither session nor cookie.
        is_guarded = (form.get("action") or "").startswith("/u/")
        if method == "post" and not is_guarded and [bool(node.get("value")) for node in tokens] != [True]:
            yield f"form to {form.get('action')!r} has {len(tokens)} CSRF fields"
        if method == "get" and tokens:
            yield f"form to {form.get('action')!r} puts its CSRF token into the address"
    for node in root.iter():
        if any(node.get(name) for name in ("hx-put", "hx-patch", "hx-delete")):
            yield "a change that plain HTML cannot ask for"
        if node.get("hx-post") and _tag(node) == "button" and not node.get("formaction"):
            yield "a button that only works with htmx"


def _url_problems(root: Element) -> Iterator[str]:
    allowed = {asset_url(name) for name in ("htmx", "hx-sse", "squire", "dompurify")}
    for node in root.iter():
        attributes = _attributes(node)
        for name in ("src", "href", "action", "formaction", "srcset", "poster", "background", "data"):
            url = attributes.get(name, "").strip()
            if url.lower().startswith(("javascript:", "vbscript:")):
                yield f"{name}={url!r} runs something"
            if not urlsplit(url).netloc or url in allowed:
                continue
            if _tag(node) != "a" or urlsplit(url).hostname not in _help_hosts():
                yield f"{_tag(node)} {name}={url!r} leads elsewhere"
            elif not {"noreferrer", "noopener"} & set((node.get("rel") or "").split()):
                yield f"{url!r} is opened without rel"


@lru_cache
def _help_hosts() -> frozenset[str]:
    links = re.findall(r"https://[^\"\s]+", Path(app_passwords.__file__).read_text("utf-8"))
    for path in _PROVIDERS.glob("*.csv"):
        with path.open(encoding="utf-8", newline="") as lines:
            links += [value for row in csv.reader(lines) for value in row if value.startswith("https://")]
    return frozenset(urlsplit(link).hostname or "" for link in links)


def _inline_problems(root: Element, styles_allowed: bool) -> Iterator[str]:
    for node in root.iter():
        if _tag(node) == "script" and (not node.get("src") or (node.text or "").strip()):
            yield "an inline script"
        if not styles_allowed and (_tag(node) == "style" or node.get("style") is not None):
            yield f"an inline style in <{_tag(node)}>"
        for name in _attributes(node):
            if name.startswith(("on", "hx-on")):
                yield f"an inline handler {name}"
        if (node.get("hx-vals") or "").lstrip().lower().startswith(("js:", "javascript:")):
            yield "hx-vals that would be evaluated"


def _name_problems(root: Element) -> Iterator[str]:
    labels = {node.get("for") for node in _nodes(root, "label")}
    wrapped = {id(each) for label in _nodes(root, "label") for each in label.iter()}
    for node in root.iter():
        tag, is_named = _tag(node), bool(node.get("aria-label") or node.get("aria-labelledby") or node.get("title"))
        if tag == "img" and node.get("alt") is None:
            yield f"img {node.get('src')!r} has no alt"
        if (
            tag in ("button", "a", "summary")
            and not is_named
            and not _spoken(node)
            and node.get("aria-hidden") != "true"
        ):
            yield f"{tag} {node.attrib} has no name"
        if tag == "iframe" and not node.get("title"):
            yield "an iframe has no title"
        is_hidden = node.get("type") in ("hidden", "submit") or node.get("hidden") is not None
        is_named = is_named or node.get("id") in labels or id(node) in wrapped
        if tag in _NAMED_BY_LABEL and not is_hidden and not is_named:
            yield f"{tag} {node.get('name')!r} has no label"


def _spoken(node: Element) -> str:
    """Give the text that a screen reader finds in an element."""
    if node.get("aria-hidden") == "true":
        return ""
    own = f"{node.get('aria-label') or ''}{node.get('alt') or ''}{node.text or ''}"
    return (own + "".join(_spoken(child) + (child.tail or "") for child in node)).strip()


def _page_problems(root: Element) -> Iterator[str]:
    title = root.find("head/title")
    if title is None or not (title.text or "").strip(" ·\n"):
        yield "the page has no title"
    headings = [node for node in _nodes(root, "h1")]
    if len(headings) != 1 or not _spoken(headings[0]):
        yield f"the page has {len(headings)} h1"
    if not root.get("lang"):
        yield "the page names no language"
    if len(list(_nodes(root, "main"))) != 1:
        yield "the page has no single main"
