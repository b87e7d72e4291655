"""Pictures that mails name, fetched from a server of the web as bad as it may be."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from webmail.providers import network, pictures
from webmail.providers.pictures import fetch_picture

pytestmark = pytest.mark.integration

PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 100


class _Web(BaseHTTPRequestHandler):
    asked: list[tuple[str, dict[str, str]]] = []

    def do_GET(self) -> None:
        self.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
        kind = self.path.partition("?")[0]
        answers = {
            "/p.png": (200, {}, PNG),
            "/moved": (302, {"Location": "/p.png"}, b""),
            "/home": (302, {"Location": "http://127.0.0.1:6379/p.png"}, b""),
            "/file": (302, {"Location": "file:///etc/passwd"}, b""),
            "/loop": (302, {"Location": "/loop"}, b""),
            "/page": (200, {"Content-Type": "image/png"}, b"<html><script>alert(1)</script></html>"),
            "/svg": (200, {"Content-Type": "image/svg+xml"}, b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
            "/huge": (200, {}, PNG + bytes(pictures.MAX_BYTES)),
        }
        status, headers, body = answers.get(kind, (404, {}, PNG))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            return

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def web() -> Iterator[pictures.Connect]:
    """The way to a server of ours, whatever host is named, with the ports of the web leading there."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Web)
    Thread(target=server.serve_forever, daemon=True).start()
    _Web.asked.clear()

    def connect(_host: str, _port: int, timeout_s: float) -> socket.socket:
        return socket.create_connection(("127.0.0.1", server.server_port), timeout_s)

    yield connect
    server.shutdown()
    server.server_close()


def test_a_picture_comes_and_the_request_says_of_nobody(web: pictures.Connect) -> None:
    assert fetch_picture("http://pictures.example/p.png?to=rita&x=ü", connect=web) == PNG

    ((path, headers),) = _Web.asked
    assert path == "/p.png?to=rita&x=%C3%BC"
    assert set(headers) == {"host", "connection", "user-agent", "accept"}
    assert headers["host"] == "pictures.example"


def test_a_redirect_is_followed_and_checked_anew(web: pictures.Connect) -> None:
    hosts: list[str] = []

    def connect(host: str, port: int, timeout_s: float) -> socket.socket:
        hosts.append(f"{host}:{port}")
        return web(host, port, timeout_s)

    assert fetch_picture("http://pictures.example/moved", connect=connect) == PNG
    assert hosts == ["pictures.example:80"] * 2


@pytest.mark.parametrize("path", ["/home", "/file", "/loop", "/page", "/svg", "/huge", "/none"])
def test_anything_else_is_no_picture(web: pictures.Connect, path: str) -> None:
    assert fetch_picture(f"http://pictures.example{path}", connect=web) is None


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/p.png",
        "http://localhost/p.png",
        "http://[::1]/p.png",
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.1/",
        "http://0x7f000001/",
        "http://pictures.example:6379/",
        "ftp://pictures.example/p.png",
        "http:///p.png",
        "http://[broken/p.png",
    ],
)
def test_nothing_private_is_reached_even_where_private_mail_servers_are(url: str) -> None:
    network.configure(allow_private_hosts=True, ca_file=None)
    try:
        assert fetch_picture(url) is None
    finally:
        network.configure(allow_private_hosts=False, ca_file=None)


def test_a_server_that_takes_its_time_is_left() -> None:
    here, there = socket.socketpair()
    with there:
        there.sendall(b"HTTP/1.1 200 OK\r\n")
        here.settimeout(0.2)
        assert fetch_picture("http://slow.example/", connect=lambda *_: _impatient(here)) is None


class _Impatient(socket.socket):
    def settimeout(self, _value: float | None) -> None:
        super().settimeout(0.2)


def _impatient(connection: socket.socket) -> socket.socket:
    return _Impatient(connection.family, connection.type, connection.proto, connection.detach())
