"""Webhooks: signatures that any library of Standard Webhooks takes, and receivers that may be named."""

from __future__ import annotations

import pytest

from webmail.domain.webhooks import WAITS_S, flaw_in_url, new_secret, signature_header, wait_s


def test_a_signature_is_that_of_the_standards_own_example() -> None:
    # Source: the test vector of the reference libraries (standard-webhooks/standard-webhooks).
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    body = b'{"test": 2432232314}'

    header = signature_header([secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)

    assert header == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_during_a_rotation_both_secrets_sign() -> None:
    old, new = new_secret(), new_secret()
    both = signature_header([new, old], "id", 1, b"{}").split(" ")

    assert both == [signature_header([each], "id", 1, b"{}") for each in (new, old)]
    assert old != new and old.startswith("whsec_")


@pytest.mark.parametrize(
    "url",
    [
        "http://ats.example/hook",
        "ftp://ats.example/",
        "https:///hook",
        "https://user:secret@ats.example/",
        "https://ats.example/#part",
        "https://ats.example:22/",
        "https://ats.example:99999/",
        "https://ats.example/a b",
        "https://ats.example/\r\nX: y",
        "https://ats.example\\@evil.example/",
        "https://äts.example/",
        "javascript:alert(1)",
        "",
    ],
)
def test_a_receiver_that_may_not_be_is_refused(url: str) -> None:
    assert flaw_in_url(url, allow_private=False)


def test_a_receiver_is_on_https_or_near_where_that_is_allowed() -> None:
    assert flaw_in_url("https://ats.example:8443/hook?tenant=1", allow_private=False) == ""
    assert flaw_in_url("http://127.0.0.1:5000/hook", allow_private=True) == ""


def test_tries_go_on_for_days_and_then_end() -> None:
    assert wait_s(1) == 5 and wait_s(len(WAITS_S)) == 86400 and wait_s(len(WAITS_S) + 1) is None
    assert 3 * 86400 < sum(WAITS_S) < 6 * 86400
