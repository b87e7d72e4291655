"""A stand-in for the one call of Microsoft Graph that the product makes: `POST /me/sendMail` with a mail in base64."""

from __future__ import annotations

import base64
import binascii
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from typing import Any

from werkzeug.wrappers import Request, Response

from webmail.demo.identity import IdentityServer

PATH = "/v1.0/me/sendMail"
_SCOPE = "https://graph.microsoft.com/Mail.Send"
_LARGEST_BYTES = 4 * 1024 * 1024


@dataclass
class GraphFaults:
    """What goes wrong next, for tests: each is used up by one request, in order.

    `answers` are (HTTP status, error code) given instead of taking the mail; `delay_s` goes by before each answer;
    `loses_answer` takes the mail and answers 504; `retry_after_s` stands in every refusal.
    """

    answers: list[tuple[int, str]] = field(default_factory=list)
    delay_s: float = 0.0
    loses_answer: bool = False
    retry_after_s: int = 7


class GraphServer:
    """A WSGI application beside an identity server.

    Args:
        identity: whose tokens are taken.
        deliver: takes a mail over: (sender, recipients, mail without Bcc).
    """

    def __init__(self, identity: IdentityServer, deliver: Callable[[str, list[str], bytes], None]) -> None:
        self.identity = identity
        self.faults = GraphFaults()
        self._deliver = deliver

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        answer: Iterable[bytes] = self._answer(Request(environ))(environ, start_response)
        return answer

    def _answer(self, request: Request) -> Response:
        if self.faults.delay_s:
            time.sleep(self.faults.delay_s)
        if request.method != "POST":
            return _error(405, "MethodNotAllowed")
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        sender = self.identity.email_of(token)
        if sender is None:
            return _error(401, "InvalidAuthenticationToken")
        if not self.identity.has_scope(token, _SCOPE):
            return _error(403, "ErrorAccessDenied")
        if self.faults.answers:
            return _error(*self.faults.answers.pop(0), self.faults.retry_after_s)
        body = request.get_data()
        if len(body) > _LARGEST_BYTES:
            return _error(413, "RequestEntityTooLarge")
        try:
            mime = base64.b64decode(body, validate=True)
        except binascii.Error:
            return _error(400, "ErrorMimeContentInvalidBase64String")
        self._deliver(sender, *_taken_apart(mime))
        if self.faults.loses_answer:
            self.faults.loses_answer = False
            return _error(504, "GatewayTimeout")
        return Response(status=202)


def _taken_apart(mime: bytes) -> tuple[list[str], bytes]:
    """Give whom a mail goes to, and the mail as they get it."""
    mail = message_from_bytes(mime, policy=policy.SMTP)
    named = [
        each.addr_spec for name in ("To", "Cc", "Bcc") for header in mail.get_all(name, []) for each in header.addresses
    ]
    del mail["Bcc"]
    return list(dict.fromkeys(named)), mail.as_bytes()


def _error(status: int, code: str, retry_after_s: int = 7) -> Response:
    body = json.dumps({"error": {"code": code, "message": f"The stand-in answers {code}."}})
    return Response(body, status, mimetype="application/json", headers={"Retry-After": str(retry_after_s)})
