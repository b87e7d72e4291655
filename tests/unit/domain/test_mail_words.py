"""The words above a quote and under a mailing's mail, in the language of who writes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from webmail.domain.addresses import Address
from webmail.domain.attributions import is_attribution, is_divider
from webmail.domain.compose import add_signature_text, quote_text
from webmail.domain.mail_words import attribution, forward_head, sent_words, unsubscribe_words

ANA = Address("Ana Silva", "ana@x.example")
SENT = datetime(2026, 11, 3, 14, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("locale", "line", "forwarded", "link"),
    [
        ("", "On Tue 3 November 2026, 14:05, Ana Silva wrote:", "From: Ana Silva <ana@x.example>", "Unsubscribe"),
        ("fr", "On Tue 3 November 2026, 14:05, Ana Silva wrote:", "From: Ana Silva <ana@x.example>", "Unsubscribe"),
        ("de-AT", "Am Di 3. November 2026, 14:05 schrieb Ana Silva:", "Von: Ana Silva <ana@x.example>", "Abmelden"),
    ],
)
def test_mails_are_put_into_words_as_their_writer_does(locale: str, line: str, forwarded: str, link: str) -> None:
    sent = sent_words(SENT, locale)
    head = forward_head(ANA, sent, "Hello", [ANA], [], locale)
    quote = quote_text("Hello", attribution(ANA, sent, locale))

    assert attribution(ANA, sent, locale) == line
    assert head[1] == forwarded
    assert unsubscribe_words(locale)[0] == link
    assert is_attribution(line) and is_divider(head[0]), "a quote of ours is known as one"
    assert add_signature_text(f"Yes.\n\n{quote}", "Rita").endswith(f"-- \nRita\n\n{quote}")
