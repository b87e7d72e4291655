"""create_app(): the only wiring of the web."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, abort, g, request, url_for
from flask_login import current_user
from flask_wtf.csrf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

from webmail.assets import asset_integrity, asset_url
from webmail.blueprints import _framed, _times
from webmail.blueprints._connect_tab import STATUS_WORDS
from webmail.blueprints._languages import init_languages
from webmail.blueprints._metrics import count_requests
from webmail.blueprints._session import limit_strangers, login_manager, refuse_frame, require_sign_in
from webmail.blueprints._told import told
from webmail.blueprints.api import blueprint as api_blueprint
from webmail.blueprints.errors import register_error_handlers
from webmail.config import Config, load_config

BLUEPRINTS = (
    "auth",
    "profile",
    "accounts",
    "oauth",
    "signatures",
    "health",
    "assets",
    "inbox",
    "conversations",
    "sharing",
    "shared",
    "selection",
    "searches",
    "moves",
    "snoozes",
    "messages",
    "sources",
    "previews",
    "invitations",
    "compose",
    "outbox",
    "people",
    "editor",
    "events",
    "ledger",
    "embed",
    "api",
    "unsubscribe",
    "contacts",
    "contact_lists",
    "suppressions",
    "mail_templates",
    "mailings",
    "mailing_drafts",
    "mailing_recipients",
    "mailing_tables",
    "mailing_follow_ups",
    "mailing_previews",
)
_STATIC = Path(__file__).parent / "static"
_MAX_REQUEST_BYTES = 60 * 1024 * 1024
"""An attachment of 40 MB, encoded as a form, with the rest of the mail."""


def create_app(config: Config | None = None) -> Flask:
    """Build the web application.

    Args:
        config: the configuration of a process that is prepared already (see `webmail.process`). Without one, as a
            WSGI server calls it, the configuration is read from the environment and the process prepared.
    """
    if config is None:
        from webmail.process import prepare_process  # noqa: PLC0415  # tests prepare their own process

        config = load_config()
        prepare_process(config, "web")
    app = Flask(__name__)
    _set_options(app, config)
    if config.proxies:
        # Without it, everybody would share the proxy's address, and so its number of tries at sign-in.
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=config.proxies, x_proto=0, x_host=0)  # type: ignore[method-assign]  # Werkzeug's way
    app.session_interface = _framed.Sessions()
    count_requests(app)
    app.before_request(refuse_frame)
    app.before_request(require_sign_in)
    app.before_request(limit_strangers)  # whoever is not known gets no further than here with anything large
    app.before_request(_refuse_nul)
    csrf = CSRFProtect(app)
    csrf.exempt("webmail.blueprints.embed.launch")  # it is posted by the host's page, and signed
    csrf.exempt("webmail.blueprints.oauth.redeem")  # a popup has no session; its ticket is what guards it
    csrf.exempt("webmail.blueprints.unsubscribe.confirm")  # mail programs post it; the signed link is what guards it
    csrf.exempt("webmail.blueprints.unsubscribe.undo")
    csrf.exempt(api_blueprint)  # it takes keys, and no session
    app.url_defaults(_framed.name_frame)
    login_manager.init_app(app)
    app.after_request(_add_headers)
    register_error_handlers(app)
    init_languages(app)
    _add_template_names(app)
    for name in BLUEPRINTS:
        if find_spec(f"webmail.blueprints.{name}"):
            app.register_blueprint(import_module(f"webmail.blueprints.{name}").blueprint)
    return app


def _set_options(app: Flask, config: Config) -> None:
    app.config.update(
        WEBMAIL=config,
        SECRET_KEY=config.secret_key,
        SESSION_COOKIE_NAME="webmail_session",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=config.is_https,
        PERMANENT_SESSION_LIFETIME=timedelta(days=14),
        WTF_CSRF_TIME_LIMIT=None,  # an old draft must still be sendable
        MAX_CONTENT_LENGTH=_MAX_REQUEST_BYTES,
        MAX_FORM_MEMORY_SIZE=_MAX_REQUEST_BYTES,
        SEND_FILE_MAX_AGE_DEFAULT=timedelta(days=365),
        CONTENT_SECURITY_POLICY=_content_security_policy(),
    )
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True}


def _content_security_policy() -> str:
    """Build the policy of the product's own pages; the frame of a mail's HTML sets its own."""
    urls = {asset_url(name) for name in ("htmx", "hx-sse")}
    origins = {f"{parts.scheme}://{parts.netloc}" for url in urls if (parts := urlsplit(url)).netloc}
    scripts = " ".join(["'self'", *sorted(origins)])
    return (
        f"default-src 'none'; script-src {scripts}; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


def _refuse_nul() -> None:
    # No database takes the character and no page may hold it; people never type it.
    # The API takes no forms, looks at its JSON itself, and reads nothing of it before it knows who asks.
    read = (request.args,) if request.blueprint == "api" else (request.args, request.form)
    if any("\x00" in value for values in read for _, value in values.items(multi=True)):
        abort(400)


def _add_headers(response: Response) -> Response:
    headers = response.headers
    headers.setdefault("Content-Security-Policy", _policy_of_this_app())
    frame = _framed.current_frame()
    if frame is not None and frame.name:
        headers.setdefault(_framed.HEADER, frame.name)
        _framed.name_in_headers(response, frame.name)
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "same-origin")
    if request.path == "/static/embed.js":
        headers["Access-Control-Allow-Origin"] = "*"  # hosts check it by its hash, which takes leave to read it
        if "v" not in request.args:
            headers["Cache-Control"] = "public, max-age=300"
    if request.endpoint not in ("static", "assets.file"):
        headers.setdefault("Cache-Control", "no-store")
    return response


def _policy_of_this_app() -> str:
    from flask import current_app  # noqa: PLC0415

    policy = str(current_app.config["CONTENT_SECURITY_POLICY"])
    frame = _framed.current_frame()
    return _framed.with_ancestors(policy, frame.origins) if frame else policy


def _add_template_names(app: Flask) -> None:
    app.add_template_filter(_times.short_time)
    app.add_template_filter(_times.short_day)
    app.add_template_filter(_times.full_time)
    app.add_template_filter(_times.time_tag)
    app.add_template_filter(told)
    app.add_template_global(asset_url)
    app.add_template_global(asset_integrity)
    app.add_template_global(static_url)
    app.add_template_global(dom_id)
    app.jinja_env.globals["status_words"] = STATUS_WORDS
    app.context_processor(_page_names)


def _page_names() -> dict[str, Any]:
    theme = current_user.theme if current_user.is_authenticated else "auto"
    return {"theme": theme, "framed": _framed.current_frame()}


def static_url(filename: str) -> str:
    """Give the URL of one of our own files, which changes when the file does: browsers keep it for a year."""
    # A page names the same file many times: each icon is a place in one.
    known: dict[str, str] = g.setdefault("static_urls", {})
    if filename not in known:
        path = _STATIC / filename
        known[filename] = url_for("static", filename=filename, v=_digest(path, path.stat().st_mtime_ns))
    return known[filename]


@lru_cache
def _digest(path: Path, _changed_at: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:10]


def dom_id(thing: Any, part: str) -> str:
    """Give the id of a part of the page that shows a row, such as `conversation-<uuid>-row`."""
    return f"{type(thing).__name__.lower()}-{thing.uuid}-{part}"
