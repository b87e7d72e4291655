"""Signing in at Google and Microsoft through the real Authlib and MSAL, against a server that refuses as they do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.servers.identity import RunningIdentity
from webmail.demo.identity import Person
from webmail.errors import NeedsSignIn, ProviderError, Refused, Retryable
from webmail.providers import google, microsoft

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("ignore:response_mode='form_post' is recommended:UserWarning"),
]

EMAIL = "ines@demo.example"
CALLBACK = "http://localhost:8000/oauth/callback"
MODULES = {"google": google, "microsoft": microsoft}


@pytest.fixture(params=["google", "microsoft"])
def server(request: pytest.FixtureRequest, certificates: Path) -> Iterator[RunningIdentity]:
    running = RunningIdentity(request.param, certificates, [Person(EMAIL, "Ines Demo", "subject-1")])
    yield running
    running.stop()


@pytest.fixture
def module(server: RunningIdentity) -> ModuleType:
    return MODULES[server.style]


@pytest.fixture
def sign_in(server: RunningIdentity, module: ModuleType) -> Callable[..., Any]:
    """Go through a whole sign-in: `sign_in(choice="deny")`, or with what comes back changed: `tamper=...`."""

    def run(tamper: Callable[[dict[str, str]], dict[str, str]] = dict, **choices: str) -> Any:
        begun = module.begin(server.client, CALLBACK)
        return module.finish(server.client, begun.flow, tamper(server.browse(begun.url, EMAIL, **choices)))

    return run


def test_a_sign_in_brings_who_it_was_and_lasting_tokens(server: RunningIdentity, sign_in: Callable[..., Any]) -> None:
    grant = sign_in()

    assert grant.email == EMAIL
    assert "subject-1" in grant.subject
    assert server.email_of(grant.tokens.access_token) == EMAIL
    assert grant.tokens.refresh_token
    assert grant.tokens.access_token not in repr(grant)


def test_the_account_chooser_always_shows_and_pkce_is_used(server: RunningIdentity, module: ModuleType) -> None:
    begun = module.begin(server.client, CALLBACK, login_hint=EMAIL)

    assert "select_account" in begun.url
    assert "code_challenge_method=S256" in begun.url
    assert "login_hint=ines%40demo.example" in begun.url
    assert "response_mode=query" in begun.url


def test_a_refresh_gives_another_access_token(
    server: RunningIdentity, module: ModuleType, sign_in: Callable[..., Any]
) -> None:
    grant = sign_in()

    tokens = module.refresh(server.client, grant.tokens.refresh_token)

    assert server.email_of(tokens.access_token) == EMAIL
    assert tokens.access_token != grant.tokens.access_token
    assert bool(tokens.refresh_token) == (server.style == "microsoft")


def test_nothing_is_connected_when_access_is_denied(sign_in: Callable[..., Any]) -> None:
    with pytest.raises(Refused) as caught:
        sign_in(choice="deny")

    assert caught.value.cause == "denied"
    assert "did not allow" in caught.value.user_message


def test_an_unticked_mail_box_is_named(sign_in: Callable[..., Any]) -> None:
    with pytest.raises(Refused) as caught:
        sign_in(mail="")

    assert caught.value.cause == "scope_missing"


@pytest.mark.parametrize("state", ["", "somebody-elses"])
def test_an_answer_with_a_foreign_state_is_refused(sign_in: Callable[..., Any], state: str) -> None:
    with pytest.raises(Refused) as caught:
        sign_in(lambda answer: {**answer, "state": state})

    assert caught.value.cause == "answer_mismatch"


def test_a_code_is_good_once(server: RunningIdentity, module: ModuleType) -> None:
    begun = module.begin(server.client, CALLBACK)
    answer = server.browse(begun.url, EMAIL)
    module.finish(server.client, begun.flow, answer)

    with pytest.raises(Refused) as caught:
        module.finish(server.client, begun.flow, answer)

    assert caught.value.cause == "code_refused"


def test_a_code_of_another_sign_in_is_refused(server: RunningIdentity, module: ModuleType) -> None:
    first, second = module.begin(server.client, CALLBACK), module.begin(server.client, CALLBACK)
    stolen = server.browse(first.url, EMAIL)["code"]

    with pytest.raises(Refused) as caught:
        module.finish(server.client, second.flow, {**server.browse(second.url, EMAIL), "code": stolen})

    assert caught.value.cause == "code_refused"


def test_an_id_token_for_another_sign_in_is_refused(server: RunningIdentity, sign_in: Callable[..., Any]) -> None:
    server.faults.wrong_nonce = True

    with pytest.raises(Refused) as caught:
        sign_in()

    assert caught.value.cause == "answer_mismatch"


def test_an_answer_of_another_issuer_is_refused(certificates: Path) -> None:
    server = RunningIdentity("google", certificates, [Person(EMAIL, "Ines", "s")])
    server.faults.wrong_issuer = True
    begun = google.begin(server.client, CALLBACK)

    with pytest.raises(Refused) as caught:
        google.finish(server.client, begun.flow, server.browse(begun.url, EMAIL))

    server.stop()
    assert caught.value.cause == "answer_mismatch"


def test_a_clock_that_is_a_minute_off_does_no_harm(server: RunningIdentity, sign_in: Callable[..., Any]) -> None:
    server.faults.clock_skew_s = 60

    assert sign_in().email == EMAIL


@pytest.mark.parametrize(
    ("answer", "retry_after_s"),
    [
        ((429, "{}"), 7.0),
        ((500, "boom"), 7.0),
        ((503, ""), 7.0),
        ((200, "<html>maintenance</html>"), None),
        ((200, "[1, 2]"), None),
        ((200, '{"token_type": "Bearer"}'), None),
        ((400, '{"error": "unheard_of"}'), None),
        ((400, '{"error": "temporarily_unavailable"}'), None),
    ],
)
def test_a_server_that_is_unwell_does_not_end_a_grant(
    server: RunningIdentity,
    module: ModuleType,
    sign_in: Callable[..., Any],
    answer: tuple[int, str],
    retry_after_s: float | None,
) -> None:
    grant = sign_in()
    server.faults.answers = [answer]

    with pytest.raises(Retryable) as caught:
        module.refresh(server.client, grant.tokens.refresh_token)

    assert caught.value.retry_after_s == retry_after_s
    assert module.refresh(server.client, grant.tokens.refresh_token).access_token


def test_a_missing_file_of_certificates_does_not_end_a_grant(server: RunningIdentity, module: ModuleType) -> None:
    with pytest.raises(Retryable):
        module.refresh(replace(server.client, ca_file="/nowhere/ca.pem"), "whatever")


def test_a_server_that_is_gone_does_not_end_a_grant(server: RunningIdentity, module: ModuleType) -> None:
    server.stop()

    with pytest.raises(Retryable):
        module.refresh(server.client, "whatever")


@pytest.mark.parametrize(
    ("style", "reason", "kind", "cause"),
    [
        ("google", "invalid_grant", NeedsSignIn, "withdrawn"),
        ("google", "invalid_client", Retryable, "app_misconfigured"),
        ("microsoft", "inactive", NeedsSignIn, "inactive"),
        ("microsoft", "revoked", NeedsSignIn, "password_changed"),
        ("microsoft", "mfa", NeedsSignIn, "mfa_needed"),
        ("microsoft", "policy", NeedsSignIn, "policy"),
        ("microsoft", "invalid_grant", NeedsSignIn, "withdrawn"),
        ("microsoft", "not_consented", Refused, "admin_consent_needed"),
        ("microsoft", "app_secret", Retryable, "app_secret_expired"),
        ("microsoft", "invalid_client", Retryable, "app_misconfigured"),
    ],
)
def test_each_ending_of_a_grant_has_its_meaning(
    certificates: Path, style: str, reason: str, kind: type[ProviderError], cause: str
) -> None:
    server = RunningIdentity(style, certificates, [Person(EMAIL, "Ines", "s")])
    module = MODULES[style]
    begun = module.begin(server.client, CALLBACK)
    grant = module.finish(server.client, begun.flow, server.browse(begun.url, EMAIL))
    server.revoke_grants(EMAIL, reason)

    with pytest.raises(kind) as caught:
        module.refresh(server.client, grant.tokens.refresh_token)

    server.stop()
    assert caught.value.cause == cause
    assert caught.value.user_message.endswith(".")
    assert grant.tokens.refresh_token not in str(caught.value) + caught.value.server_answer


def test_consent_that_only_an_administrator_can_give_is_named(certificates: Path) -> None:
    server = RunningIdentity("microsoft", certificates, [Person(EMAIL, "Ines", "s", ending="admin_consent")])
    begun = microsoft.begin(server.client, CALLBACK)

    with pytest.raises(Refused) as caught:
        microsoft.finish(server.client, begun.flow, server.browse(begun.url, EMAIL))

    server.stop()
    assert caught.value.cause == "admin_consent_needed"
    assert "administrator" in caught.value.next_step


def test_google_forgets_a_grant_that_is_withdrawn(certificates: Path) -> None:
    server = RunningIdentity("google", certificates, [Person(EMAIL, "Ines", "s")])
    begun = google.begin(server.client, CALLBACK)
    grant = google.finish(server.client, begun.flow, server.browse(begun.url, EMAIL))

    google.revoke(server.client, grant.tokens.refresh_token)

    assert server.email_of(grant.tokens.access_token) is None
    with pytest.raises(NeedsSignIn):
        google.refresh(server.client, grant.tokens.refresh_token)
    server.stop()
