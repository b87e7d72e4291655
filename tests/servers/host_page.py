"""A host's page on an origin of its own: it holds a <webmail-frame>, signs launches, and shows every event."""

from __future__ import annotations

import html
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from tests.servers.launches import Ats

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>ATS</title>
<script src="{mail}/static/embed.js" defer></script></head>
<body style="margin: 0; height: 700px">
<webmail-frame id="mail" src="{mail}" launch-url="/launch?sub={sub}" {more}
  style="height: 700px"></webmail-frame>
<ul id="events"></ul>
<script>
const names = ["ready", "session-ended", "launch-failed", "unread-changed", "message-received", "message-sent"];
for (const name of [...names, "connected", "disconnected", "reconnect-needed"]) {{
  document.addEventListener(name, (event) => {{
    const item = document.createElement("li");
    item.textContent = `${{name}} ${{JSON.stringify(event.detail)}}`;
    document.getElementById("events").append(item);
  }});
}}
</script></body></html>"""


class HostPage:
    """Serves the host's pages over TLS.

    Args:
        mail_url: where the product is.
    """

    def __init__(self, context: ssl.SSLContext, port: int, ats: Ats, mail_url: str) -> None:
        self.url = ats.origin
        self.launches = 0
        page = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                arguments = {name: values[0] for name, values in parse_qs(parts.query).items()}
                sub = arguments.get("sub", "rita")
                if parts.path == "/launch":
                    page.launches += 1
                    claims = {name: arguments.get(name) for name in ("page", "contact", "theme")}
                    body, media_type = ats.token(sub=sub, name=sub.title(), **claims), "text/plain"
                else:
                    named = [name for name in ("page", "contact", "theme") if name in arguments]
                    more = " ".join(f'{name}="{html.escape(arguments[name])}"' for name in named)
                    body, media_type = _PAGE.format(mail=mail_url, sub=html.escape(sub), more=more), "text/html"
                self.send_response(200)
                self.send_header("Content-Type", media_type)
                self.send_header("Content-Length", str(len(body.encode())))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        # Each connection's own thread shakes hands: a browser opens some that it says nothing on.
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """Serve no further page."""
        self._server.shutdown()
        self._server.server_close()
