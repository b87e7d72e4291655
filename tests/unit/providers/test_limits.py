"""What providers let a mailbox send, and what they answer when that is enough."""

from __future__ import annotations

import pytest

from webmail.providers.limits import limits_of, quota_of
from webmail.providers.presets import all_presets


@pytest.mark.parametrize(
    ("answer", "is_for_the_day"),
    [
        ("550 5.4.5 Daily user sending limit exceeded. For more information on Gmail sending limits go to", True),
        ("550-5.4.5 Daily SMTP relay limit exceeded for customer", True),
        ("432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded [Hostname=X]", False),
        ("432 4.3.2 Concurrent connections limit exceeded. Visit https://aka.ms/concurrent_sending", False),
        ("554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException; Failed to process", True),
        ("550 5.1.90 Your message can't be sent because you've reached your daily limit for message recipients", True),
        ("550 5.7.232 Your message can't be sent because your trial tenant has exceeded its daily limit", True),
        ("403 ErrorExceededMessageLimit: The limit was reached", True),
        ("421 4.7.28 Gmail has detected an unusual rate of unsolicited mail originating from your IP", False),
        ("550 5.4.6 Unusual sending activity detected. Please try after sometime", True),
        ("452 4.2.0 You have exceeded the hourly sending limit", False),
        ("554 Message limit exceeded", False),
        ("451 4.7.1 Too many messages, slow down", False),
    ],
)
def test_answers_that_say_enough_are_known(answer: str, is_for_the_day: bool) -> None:
    quota = quota_of(answer)

    assert quota is not None
    assert quota.until_day_ends == is_for_the_day
    assert quota.until_day_ends or quota.wait_s >= 60


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "550 5.1.1 No such user",
        "552 5.2.2 Mailbox full: the recipient's quota is exceeded, message limit exceeded",
        "452 4.2.2 The email account that you tried to reach is over quota",
        "552 5.3.4 Message size exceeds fixed limit",
        "450 4.2.1 Greylisted, try again later",
        "550 5.7.1 Message rejected as spam",
        "421 4.3.0 Temporary system problem",
    ],
)
def test_answers_about_a_recipient_or_a_mail_are_something_else(answer: str) -> None:
    assert quota_of(answer) is None


def test_what_the_list_of_providers_tells_is_kept_to() -> None:
    assert limits_of("gmail", {}).per_day == 500
    assert limits_of("google_workspace", {}).per_day == 2000
    assert limits_of("microsoft365", {}).per_minute == 30
    assert limits_of("ionos_co_uk", {}).per_hour == limits_of("zoho_eu_pro", {}).per_hour == 50


def test_an_unknown_provider_is_treated_with_care_until_the_user_knows_better() -> None:
    careful = limits_of("", {})
    told = limits_of("", {"day": 5000, "minute": True, "hour": -1})

    assert (careful.per_minute, careful.per_hour, careful.per_day) == (10, 60, 300)
    assert (told.per_minute, told.per_hour, told.per_day) == (20, None, 5000)
    assert limits_of("gmail", {"minute": 5}).per_day == 500


def test_each_limit_that_the_list_knows_is_a_fact_here() -> None:
    for preset in all_presets():
        limits = limits_of(preset.id, {})
        assert limits.source
        assert limits.words.endswith(".")
