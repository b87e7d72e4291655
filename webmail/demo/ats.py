"""The demo's ATS: another product on another origin, which holds this one in a frame as its developers would.

What it does is what docs/embedding.md says: it signs a launch for the person who is signed in there, puts a
<webmail-frame> into its pages, and shows the events that come out of it.
"""

from __future__ import annotations

import html
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from string import Template
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

from joserfc import jwt
from joserfc.jwk import OctKey

from webmail.config import Config
from webmail.demo.people import RECRUITER, Candidate, all_candidates
from webmail.demo.tenant import KEY, RECRUITER_ID, TENANT, contact_id, origin_of, secret_of

HOST = "127.0.0.1"
_LAUNCH_CLAIMS = ("contact", "theme", "page")


class DemoAts:
    """The ATS's pages, in a thread of this process.

    Raises:
        OSError: the port cannot be had.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        ats = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, media_type, body = ats.answer(self.path)
                self.send_response(status)
                self.send_header("Content-Type", f"{media_type}; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Cache-Control", "no-store")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing: addresses may hold launches."""

        self._server = ThreadingHTTPServer((HOST, config.demo_ats_port), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, name="ats", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()

    def answer(self, path: str) -> tuple[int, str, bytes]:
        """Give status, media type and body for an address of the ATS."""
        parts = urlsplit(path)
        arguments = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/launch":
            return 200, "text/plain", self.sign(arguments).encode()
        if parts.path in ("/ats.js", "/ats.css"):
            media_type = "text/javascript" if parts.path.endswith("js") else "text/css"
            return 200, media_type, files("webmail.demo").joinpath("site", parts.path[1:]).read_bytes()
        pages = {"/": _candidates(), "/inbox": _frame("Inbox", ""), "/settings": _frame("Mailboxes", 'page="connect"')}
        pages |= {f"/candidates/{contact_id(each)}": _candidate(each) for each in all_candidates()}
        content = pages.get(parts.path)
        return 200 if content else 404, "text/html", self._page(content or "<h1>Not here</h1>")

    def sign(self, arguments: Mapping[str, str]) -> str:
        """Sign a launch for the person who is signed in here: in this ATS always the same one."""
        claims = {
            "iss": TENANT,
            "sub": RECRUITER_ID,
            "aud": self._config.base_url,
            "exp": int(time.time()) + 55,
            "jti": uuid4().hex,
            "name": RECRUITER.name,
            "email": RECRUITER.email,
            **{name: arguments[name] for name in _LAUNCH_CLAIMS if arguments.get(name)},
        }
        return jwt.encode({"alg": "HS256", "kid": KEY}, claims, OctKey.import_key(secret_of(self._config)))

    def _page(self, content: str) -> bytes:
        template = Template(files("webmail.demo").joinpath("site", "page.html").read_text("utf-8"))
        page = template.substitute(mail=self._config.base_url, origin=origin_of(self._config), content=content)
        return page.encode()


def _candidates() -> str:
    rows = "".join(
        f'<tr><td><a href="/candidates/{contact_id(each)}">{html.escape(each.name)}</a></td>'
        f"<td>{html.escape(each.job.title)}</td><td>{html.escape(each.job.company)}</td></tr>"
        for each in sorted(all_candidates(), key=lambda candidate: candidate.name)
    )
    return f"<h1>Candidates</h1><table><tr><th>Name</th><th>Position</th><th>Client</th></tr>{rows}</table>"


def _candidate(candidate: Candidate) -> str:
    facts = {"Position": candidate.job.title, "Client": candidate.job.company, "Email": candidate.email}
    shown = "".join(f"<dt>{name}</dt><dd>{html.escape(value)}</dd>" for name, value in facts.items())
    pane = f'<webmail-frame launch-url="/launch" contact="{contact_id(candidate)}"></webmail-frame>'
    write = f'<button data-compose="{html.escape(candidate.email)}">Write to {html.escape(candidate.first)}</button>'
    return (
        f'<div class="beside"><section><h1>{html.escape(candidate.name)}</h1><dl>{shown}</dl>{write}</section>'
        f'<aside class="pane">{pane}</aside></div>'
    )


def _frame(title: str, attributes: str) -> str:
    frame = f'<webmail-frame class="whole" launch-url="/launch" {attributes}></webmail-frame>'
    return f'<h1 class="hidden">{title}</h1>{frame}'
