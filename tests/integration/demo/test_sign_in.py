"""The demo's stand-ins for Google and Microsoft, as `make run` starts them, through the product's own code."""

from __future__ import annotations

import time
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

from tests.integration.demo.conftest import DemoProcess
from webmail.config import Config, load_config
from webmail.demo.sign_in import GOOGLE_EMAIL, MICROSOFT_EMAIL, STRICT_EMAIL
from webmail.errors import ProviderError, Refused
from webmail.process import _oauth_client
from webmail.providers import google, graph, identities, microsoft
from webmail.providers.base import PLAIN, XOAUTH2, Credentials, ServerSettings
from webmail.providers.imap import open_imap
from webmail.providers.oauth import Grant
from webmail.providers.smtp import check_smtp, send_mail

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("ignore:response_mode='form_post' is recommended:UserWarning"),
]

MODULES = {"google": google, "microsoft": microsoft}


class Demo:
    """The running demo with the configuration that the product has beside it."""

    def __init__(self, process: DemoProcess) -> None:
        self.process = process
        self.config: Config = load_config(
            {
                "WEBMAIL_DATA": str(process.data),
                "WEBMAIL_DEMO": "1",
                "WEBMAIL_DEMO_IMAP_PORT": str(process.imap.port),
                "WEBMAIL_DEMO_SMTP_PORT": str(process.smtp.port),
                "WEBMAIL_DEMO_IDENTITY_PORT": str(process.identity_port),
                "WEBMAIL_SECRET_KEY": "x" * 40,
                "WEBMAIL_ENCRYPTION_KEYS": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
            }
        )
        identities.configure(
            google=_oauth_client(self.config.google, None), microsoft=_oauth_client(self.config.microsoft, None)
        )

    def sign_in(self, style: str, email: str, **options: bool) -> Grant:
        """Go through the pages as a person does, without any certificate of the demo's."""
        client, module = identities.client_of(style), MODULES[style]
        begun = module.begin(client, f"{self.config.base_url}/oauth/{style}/callback", **options)
        with requests.Session() as browser:
            assert begun.url.startswith("http://localhost:")
            page = browser.get(begun.url, timeout=10)
            assert "Stand-in for" in page.text
            form = dict(parse_qsl(urlsplit(begun.url).query)) | {"email": email, "choice": "allow", "mail": "1"}
            answer = browser.post(begun.url.partition("?")[0], data=form, allow_redirects=False, timeout=10)
        return module.finish(client, begun.flow, dict(parse_qsl(urlsplit(answer.headers["Location"]).query)))


@pytest.fixture
def running(demo: DemoProcess) -> Iterator[Demo]:
    yield Demo(demo)
    identities.configure(google=None, microsoft=None)


def build(sender: str, subject: str) -> bytes:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, "cora@candidates.example", subject
    mail["Message-ID"] = f"<{time.time_ns()}@demo.example>"
    mail.set_content("Could we talk on Tuesday?")
    return mail.as_bytes().replace(b"\n", b"\r\n")


@pytest.mark.parametrize(("style", "email"), [("google", GOOGLE_EMAIL), ("microsoft", MICROSOFT_EMAIL)])
def test_a_token_opens_the_mailbox_and_sends(running: Demo, style: str, email: str) -> None:
    grant = running.sign_in(style, email)
    credentials = Credentials(email, grant.tokens.access_token, XOAUTH2)

    with open_imap(running.process.imap, credentials) as imap:
        state = imap.select("INBOX")
        heads = list(imap.fetch_messages(imap.newest_uids(None, 5)))
    result = send_mail(
        running.process.smtp,
        credentials,
        sender=email,
        recipients=["cora@candidates.example"],
        mime=build(email, "Hello"),
        before_data=lambda: None,
    )

    assert state.exists > 10
    assert any(email.encode() in head.header for head in heads)
    assert result.server_answer.startswith("250")


def test_a_token_opens_no_other_mailbox(running: Demo) -> None:
    grant = running.sign_in("google", GOOGLE_EMAIL)

    with pytest.raises(ProviderError):
        open_imap(running.process.imap, Credentials(MICROSOFT_EMAIL, grant.tokens.access_token, XOAUTH2))


def test_the_strict_office_sends_through_graph_only(running: Demo) -> None:
    grant = running.sign_in("microsoft", STRICT_EMAIL, with_graph=True)
    assert grant.graph is not None
    credentials = Credentials(STRICT_EMAIL, grant.tokens.access_token, XOAUTH2)
    with pytest.raises(Refused) as caught:
        check_smtp(running.process.smtp, credentials)

    result = graph.send_mail(
        identities.client_of("microsoft"),
        grant.graph.access_token,
        recipients=["cora@candidates.example"],
        mime=build(STRICT_EMAIL, "Through Graph"),
        before_data=lambda: None,
    )

    assert caught.value.cause == "smtp_auth_off"
    assert result.server_answer.startswith("202")
    with open_imap(running.process.imap, credentials) as imap:
        imap.select("Sent")
        newest = list(imap.fetch_messages(imap.newest_uids(None, 1)))
    assert b"Through Graph" in newest[0].header


def test_somebody_whom_the_administrator_does_not_let_in_is_told_so(running: Demo) -> None:
    with pytest.raises(Refused) as caught:
        running.sign_in("microsoft", "ada@closed.example")

    assert caught.value.cause == "admin_consent_needed"


def test_a_redirect_uri_of_strangers_leads_nowhere(running: Demo) -> None:
    begun = google.begin(identities.client_of("google"), "https://evil.example/callback")

    page = requests.get(begun.url, timeout=10, allow_redirects=False)

    assert page.status_code == 400
    assert "is not registered here" in page.text


def test_sign_ins_outlive_a_restart(tmp_path: Path) -> None:
    process = DemoProcess(tmp_path)
    process.start()
    demo = Demo(process)
    grant = demo.sign_in("microsoft", MICROSOFT_EMAIL)
    process.stop()

    process.start()
    renewed = microsoft.refresh(identities.client_of("microsoft"), grant.tokens.refresh_token)

    settings = ServerSettings("127.0.0.1", process.imap.port, PLAIN)
    open_imap(settings, Credentials(MICROSOFT_EMAIL, renewed.access_token, XOAUTH2)).close()
    process.stop()
    assert (tmp_path / "demo" / "microsoft.json").stat().st_mode & 0o777 == 0o600


def test_real_client_ids_take_the_stand_ins_place() -> None:
    environment = {
        "WEBMAIL_DEMO": "1",
        "WEBMAIL_GOOGLE_CLIENT_ID": "real",
        "WEBMAIL_GOOGLE_CLIENT_SECRET": "real",
        "WEBMAIL_SECRET_KEY": "x" * 40,
        "WEBMAIL_ENCRYPTION_KEYS": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
    }

    config = load_config(environment)
    without_demo = load_config(environment | {"WEBMAIL_DEMO": "0"})

    assert config.google is not None
    assert (config.google.client_id, config.google.is_stand_in) == ("real", False)
    assert config.microsoft is not None
    assert config.microsoft.is_stand_in
    assert without_demo.microsoft is None
