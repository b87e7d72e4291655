"""The editor's own small frame, and the change between rich and plain text.

The frame has a policy of its own: mail is written with style attributes, which the product's pages do not allow. It
holds an empty editor; what is written comes in and goes out through the page around it (`static/compose.js`).
"""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Blueprint, Response, make_response, render_template, request

from webmail.assets import asset_url
from webmail.blueprints._framed import inner_ancestors
from webmail.domain.html import clean_composed_html
from webmail.domain.plain import text_to_written, written_to_text

blueprint = Blueprint("editor", __name__)


@blueprint.get("/editor")
def frame() -> Response:
    response = make_response(render_template("editor/frame.html"))
    response.headers["Content-Security-Policy"] = _policy()
    return response


@blueprint.post("/editor/plain-text")
def plain_text() -> Response:
    return _text(written_to_text(request.form.get("body", "")))


@blueprint.post("/editor/rich-text")
def rich_text() -> Response:
    return _text(clean_composed_html(text_to_written(request.form.get("body", ""))))


def _text(text: str) -> Response:
    response = make_response(text)
    response.mimetype = "text/plain"
    return response


def _policy() -> str:
    urls = [urlsplit(asset_url(name)) for name in ("squire", "dompurify")]
    origins = sorted({f"{url.scheme}://{url.netloc}" for url in urls if url.netloc})
    scripts = " ".join(["'self'", *origins])
    # Pictures elsewhere stay unloaded: the quote of a mail would tell its sender that it is being answered.
    scripts = " ".join(["'self'", *origins])
    return (
        f"default-src 'none'; script-src {scripts}; style-src 'self'; "
        "style-src-attr 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; form-action 'none'; "
        f"frame-ancestors {inner_ancestors()}"
    )
