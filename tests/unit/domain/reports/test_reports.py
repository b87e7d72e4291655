"""Every mail of the corpus is recognised for what it is; nothing that arrives breaks the recogniser."""

from __future__ import annotations

import time
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.domain.reports.corpus import ME, ORIGINAL_ID, TOKEN, Entry, entries, received
from webmail.domain.headers import split_fields
from webmail.domain.reports import MailPart, ReceivedMail, needs_parts, recognise

quick = settings(deadline=None, max_examples=150)
TYPES = ["message/delivery-status", "message/feedback-report", "message/rfc822", "text/rfc822-headers", "text/plain"]


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.name)
def test_each_mail_is_recognised(entry: Entry) -> None:
    report = recognise(received(entry.raw))

    assert report.kind == entry.kind
    assert [
        " ".join(filter(None, (each.email, "permanent" if each.is_permanent else "temporary", each.status)))
        if report.kind in ("bounce", "delay")
        else each.email
        for each in report.concerned
    ] == entry.concerned
    assert report.is_person == ("person" in entry.marks)
    if "id" in entry.marks:
        assert ORIGINAL_ID in report.original_ids
    assert (report.token == TOKEN) == ("token" in entry.marks)
    assert bool(report.token) == bool({"token", "forged"} & entry.marks)


def test_the_corpus_is_large_and_has_all_kinds() -> None:
    counts = Counter(entry.kind or "no report" for entry in entries())

    print(f"{len(entries())} mails: {dict(counts)}")
    assert len(entries()) >= 110
    assert counts["bounce"] >= 50
    assert counts["no report"] >= 25
    assert counts.keys() >= {"bounce", "delay", "auto_reply", "challenge", "complaint", "unsubscribe"}


def test_words_are_the_servers_own() -> None:
    said = {
        entry.name: report.concerned[0].words
        for entry in entries()
        if entry.kind == "bounce" and (report := recognise(received(entry.raw))).concerned
    }

    assert said["delivery_status: postfix: no such user"] == (
        "550 5.1.1 <cora@candidates.example>: Recipient address rejected: User unknown"
    )
    assert "no mailbox here by that name" in said["prose: qmail: no mailbox here"]
    assert said["prose: exim: unrouteable"] == "Unrouteable address"
    assert all(0 < len(words) <= 500 for name, words in said.items() if "Action: failed" in name or "prose" in name)


def test_a_report_about_ourselves_is_about_nobody() -> None:
    report = recognise(received(next(each.raw for each in entries() if "phishing" in each.name)))

    assert report.kind == ""
    assert all(each.email != ME for each in report.concerned)


@quick
@given(st.binary(max_size=600), st.binary(max_size=600), st.sampled_from(TYPES), st.booleans())
def test_no_bytes_break_it(header: bytes, content: bytes, media_type: str, is_mailer: bool) -> None:
    head = b"From: MAILER-DAEMON@x.example\r\nContent-Type: multipart/report\r\n" if is_mailer else b""
    fields = split_fields(head + header)

    report = recognise(
        ReceivedMail(
            fields, content.decode("utf-8", "replace"), frozenset({media_type}), (MailPart(media_type, content),)
        )
    )

    assert report.kind in ("", "bounce", "delay", "auto_reply", "challenge", "complaint", "unsubscribe")
    assert len(report.concerned) <= 100
    needs_parts(fields, [media_type])


@quick
@given(st.lists(st.sampled_from(sorted({line for each in entries() for line in each.raw.splitlines()})), max_size=40))
def test_no_mixture_of_real_lines_breaks_it(lines: list[bytes]) -> None:
    recognise(received(b"\r\n".join(lines)))


@pytest.mark.parametrize(
    "piece",
    ["a@", "a.b@c.", "550 ", "<a@b.example>:\n", "-- copy ", "message is held ", "\n\n", "confirm your ", "=?u?q?"],
)
def test_no_text_makes_it_slow(piece: str) -> None:
    text = piece * (400_000 // len(piece))
    fields = split_fields(
        b"From: MAILER-DAEMON@x.example\r\nSubject: undeliverable\r\nAuto-Submitted: auto-replied\r\n"
    )
    part = MailPart("message/delivery-status", text.encode())
    started = time.process_time()

    recognise(
        ReceivedMail(fields, text, frozenset({part.media_type}), (part, MailPart("message/rfc822", text.encode())))
    )
    recognise(ReceivedMail({"subject": [text], "from": [text], "in-reply-to": [text]}, text))

    assert time.process_time() - started < 2
