"""The error tree: what a person reads, and what only logs hold."""

from __future__ import annotations

import inspect

import pytest

from webmail import errors
from webmail.errors import InputRefused, LeaseLost, NotFound, ProviderError, Refused, Retryable, WebmailError

CLASSES = [each for _, each in inspect.getmembers(errors, inspect.isclass) if each.__module__ == errors.__name__]


@pytest.mark.parametrize("error", CLASSES)
def test_every_error_is_in_the_tree_and_in_its_drawing(error: type[Exception]) -> None:
    assert issubclass(error, WebmailError)
    assert error.__name__ in (errors.__doc__ or "")


def test_logs_hold_the_detail_and_people_read_the_message() -> None:
    error = WebmailError("It did not work.", detail="errno 7")

    assert error.user_message == "It did not work." and str(error) == "errno 7"
    assert str(WebmailError("It did not work.")) == "It did not work."


def test_what_is_not_there_and_what_is_not_yours_look_the_same() -> None:
    assert NotFound().user_message == "This is not here, or not yours."
    assert NotFound("Gone.").user_message == "Gone."


def test_a_refused_input_names_its_field() -> None:
    assert InputRefused("email", "Type it.").field == "email"


def test_a_server_error_carries_side_cause_next_step_and_the_servers_words() -> None:
    error = Refused("No such folder.", side="imap", cause="folder_missing", next_step="Choose one.", server_answer="NO")

    assert (error.side, error.cause, error.next_step, error.server_answer) == (
        "imap",
        "folder_missing",
        "Choose one.",
        "NO",
    )
    assert str(error) == "imap folder_missing: NO"
    assert str(ProviderError("Away.", side="smtp", cause="away")) == "smtp away: Away."


def test_a_wait_that_the_server_asked_for_is_kept() -> None:
    assert Retryable("Later.", side="imap", cause="throttled", retry_after_s=7.5).retry_after_s == 7.5
    assert Retryable("Later.", side="imap", cause="throttled").retry_after_s is None


def test_a_lost_lease_needs_no_words() -> None:
    assert LeaseLost().user_message.endswith(".")
