"""The page on which a stand-in asks who signs in, and what for."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment
from werkzeug.wrappers import Response

_CSP = "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'"


def chooser(style: str, people: Iterable[Any], asked: Iterable[tuple[str, str]], css_url: str) -> Response:
    """Build the account chooser.

    Args:
        style: `google` or `microsoft`.
        asked: the query of the authorize request; it goes along with the answer.
    """
    hidden = list(asked)
    query, everybody = dict(hidden), list(people)
    hint = query.get("login_hint", "")
    known = [person.email for person in everybody]
    return _render(
        style,
        css_url,
        people=everybody,
        chosen=hint if hint in known else known[0] if known else "",
        hidden=hidden,
        app=urlsplit(query.get("redirect_uri", "")).netloc,
        sends="Mail.Send" in query.get("scope", ""),
    )


def refusal(style: str, sentence: str, hint: str, css_url: str) -> Response:
    """Build the page of a request that leads nowhere: it must not send the browser on."""
    return _render(style, css_url, status=400, sentence=sentence, hint=hint)


def stylesheet() -> Response:
    """Give the page's own CSS."""
    return Response(_read("sign_in.css"), mimetype="text/css")


def _render(style: str, css_url: str, status: int = 200, **values: Any) -> Response:
    page = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(_read("sign_in.html"))
    html = page.render(style=style, brand=style.title(), css_url=css_url, **values)
    headers = {
        "X-Frame-Options": "DENY",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Content-Security-Policy": _CSP,
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }
    return Response(html, status, mimetype="text/html", headers=headers)


def _read(name: str) -> str:
    return files("webmail.demo").joinpath("pages", name).read_text(encoding="utf-8")
