"""Header fields in whatever state they come."""

from __future__ import annotations

from datetime import UTC, datetime
from email.message import Message

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.domain.wild import HEADERISH, WILD_BYTES, at_most
from webmail.domain.addresses import Address
from webmail.domain.headers import ParsedHeaders, decode_raw, decode_value, field_text, parse_headers, raw_values


def parsed(field: bytes | str) -> ParsedHeaders:
    return parse_headers((field.encode() if isinstance(field, str) else field) + b"\r\n\r\nbody")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("=?utf-8?Q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        ("=?UTF-8?b?R3LDvMOfZQ==?=", "Grüße"),
        ("=?utf-8?B?R3LDvMOfZQ?=", "Grüße"),
        ("=?iso-8859-1?q?Gr=FC=DFe?= aus =?utf-8?q?K=C3=B6ln?=", "Grüße aus Köln"),
        ("=?utf-8?Q?Gr=C3?= =?utf-8?Q?=BC=C3=9Fe?=", "Grüße"),
        ("=?utf-8?Q?Gr=C3?=\r\n =?UTF-8?B?vMOfZQ==?=", "Grüße"),
        ("=?utf-8?q?a_b?= c", "a b c"),
        ("=?utf-8?q?a?= =?utf-8?q?b?=", "ab"),
        ("=?utf-8?Q?Hello World?=", "Hello World"),
        ("=?utf-8?Q?Really??=", "Really?"),
        ("=?utf-8?q?a?=b=?utf-8?q?c?=", "abc"),
        ("=?utf-8*de?q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        ("=?unknown?q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        ("=?utf-8?q?Gr=FC=DFe?=", "Grüße"),
        ("=?gb2312?B?1tDOxLzywPo=?=", "中文简历"),
        ("=?iso-2022-jp?B?GyRCRnxLXDhsGyhC?=", "日本語"),
        ("=?utf-8?b?SGVsbG8gV29ybGQhI?= there", "Hello World! there"),
        ("=?utf-8?b?!!!?=", ""),
        ("=?utf-8?x?abc?=", "=?utf-8?x?abc?="),
        ("=?utf-8?q?no end", "=?utf-8?q?no end"),
        ("2 =? 3 ?= 4", "2 =? 3 ?= 4"),
        ("a\r\n b\r\n\tc", "a b c"),
        ("=?utf-8?q?a=00b=0D=0AX-Evil:_1?=", "ab\r\nX-Evil: 1"),
        ("=?utf-7?Q?+2AA-?=", "\ufffd"),
        ("", ""),
    ],
)  # fmt: skip
def test_encoded_words_are_read_in_all_their_misuses(value: str, text: str) -> None:
    assert decode_value(value) == text


@pytest.mark.parametrize("codec", ["utf-8", "cp1252"])
def test_raw_bytes_in_a_header_are_no_question_marks(codec: str) -> None:
    raw = "Subject: Grüße aus Köln\r\nFrom: Jürgen Größe <j@example.com>\r\nTo: Zoë <z@example.com>\r\n\r\n".encode(
        codec
    )

    headers = parse_headers(raw)

    assert headers.subject == "Grüße aus Köln"
    assert headers.from_ == Address("Jürgen Größe", "j@example.com")
    assert headers.to == [Address("Zoë", "z@example.com")]


def test_raw_japanese_is_read_though_it_has_seven_bits() -> None:
    assert parsed(b"Subject: " + "日本語の件名".encode("iso-2022-jp")).subject == "日本語の件名"


def test_a_subject_is_one_line_without_control_characters() -> None:
    assert parsed("Subject: =?utf-8?q?a=00b=0D=0AX-Evil:_1=1B[31m?=  c").subject == "ab X-Evil: 1[31m c"
    assert parsed(b"Subject:").subject == ""


@pytest.mark.parametrize(
    ("field", "address"),
    [
        ("From: =?utf-8?q?M=C3=BCller=2C_J=C3=B6rg?= <j@example.com>", Address("Müller, Jörg", "j@example.com")),
        ('From: "=?utf-8?q?M=C3=BCller?=" <j@example.com>', Address("Müller", "j@example.com")),
        ("From: =?utf-8?q?M=C3=BC?=\r\n =?utf-8?q?ller?= <j@example.com>", Address("Müller", "j@example.com")),
        ("From: =?utf-8?q?Evil_=3Ca=40evil.example=3E?= <j@example.com>",
         Address("Evil <a@evil.example>", "j@example.com")),
        ("From: =?utf-8?b?5bCR5bm0?=<j@example.com>", Address("少年", "j@example.com")),
        ("From: j@example.com (=?utf-8?q?J=C3=B6rg?=)", Address("Jörg", "j@example.com")),
        ("From: MAILER-DAEMON", Address("MAILER-DAEMON", "")),
        ("From: ", Address("", "")),
        ("From: a@example.com\r\nFrom: b@example.com", Address("", "a@example.com")),
    ],
)  # fmt: skip
def test_the_sender_is_found(field: str, address: Address) -> None:
    assert parsed(field).from_ == address


def test_repeated_recipient_fields_add_up() -> None:
    headers = parsed(
        "To: a@example.com\r\nTo: b@example.com\r\nCc: =?utf-8?q?=C3=84?= <c@example.com>\r\nBcc: d@example.com"
    )

    assert [each.email for each in headers.to] == ["a@example.com", "b@example.com"]
    assert headers.cc == [Address("Ä", "c@example.com")] and headers.bcc == [Address("", "d@example.com")]


@pytest.mark.parametrize(
    ("date", "moment"),
    [
        ("Tue, 24 Nov 2026 10:42:00 +0100", datetime(2026, 11, 24, 9, 42, tzinfo=UTC)),
        ("24 Nov 2026 10:42 +0100", datetime(2026, 11, 24, 9, 42, tzinfo=UTC)),
        ("Tue, 24 Nov 2026 10:42:00 -0000", datetime(2026, 11, 24, 10, 42, tzinfo=UTC)),
        ("Tue, 24 Nov 2026 10:42:00", datetime(2026, 11, 24, 10, 42, tzinfo=UTC)),
        ("Tue, 24 Nov 2026 10:42:00 GMT", datetime(2026, 11, 24, 10, 42, tzinfo=UTC)),
        ("Tue, 24 Nov 2026 10:42:00 EST", datetime(2026, 11, 24, 15, 42, tzinfo=UTC)),
        ("Tue, 24 Nov 2026 10:42:00 +0100 (CET)", datetime(2026, 11, 24, 9, 42, tzinfo=UTC)),
        ("Tue, 24 Nov 2026 10.42.00 +0100", datetime(2026, 11, 24, 9, 42, tzinfo=UTC)),
        ("Wed, 24 Nov 26 10:42:00 +0530", datetime(2026, 11, 24, 5, 12, tzinfo=UTC)),
        ("Tue, 24 Nov 2026\r\n 10:42:00 +0100", datetime(2026, 11, 24, 9, 42, tzinfo=UTC)),
        ("Tue, 32 Nov 2026 10:42:00 +0100", None),
        ("Tue, 24 Nov 2026 10:42:00 +9999", None),
        ("Tue, 24 Nov 99999 10:42:00 +0100", None),
        ("24. November 2026", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_dates_are_read_as_utc_or_not_at_all(date: str, moment: datetime | None) -> None:
    assert parsed(f"Date: {date}").date == moment


@pytest.mark.parametrize(
    ("field", "message_id"),
    [
        ("Message-ID: <a@example.com>", "a@example.com"),
        ("Message-Id:\r\n <a@example.com>", "a@example.com"),
        ("message-id: < a@example.com >", "a@example.com"),
        ("Message-ID: a@example.com", "a@example.com"),
        ("Message-ID: <[abc]@x>", "[abc]@x"),
        ("Message-ID: <a@example.com> <b@example.com>", "a@example.com"),
        ("Message-ID: <a@example.com>\r\nMessage-ID: <b@example.com>", "a@example.com"),
        ("Message-ID: two words", ""),
        ("Message-ID: <>", "<>"),
        ("Message-ID: <" + "a" * 2000 + ">", ("<" + "a" * 2000)[:996]),
        ("Subject: none", ""),
    ],
)
def test_message_ids_are_found(field: str, message_id: str) -> None:
    assert parsed(field).message_id == message_id


def test_what_a_mail_answers_is_found() -> None:
    headers = parsed(
        "In-Reply-To: Your message of Monday <b@example.com> from Ann\r\n"
        "References: <a@example.com>\r\n\t<b@example.com>,<c@example.com> junk"
    )

    assert headers.in_reply_to == "b@example.com"
    assert headers.references == ("a@example.com", "b@example.com", "c@example.com")
    assert parsed("In-Reply-To: ann@example.com").in_reply_to == ""
    assert len(parsed("References: " + " ".join(f"<{n}@x>" for n in range(500))).references) == 50


def test_automatic_mail_and_lists_are_told_apart() -> None:
    headers = parsed("Auto-Submitted: Auto-Replied \r\nList-Id: Jobs <jobs.example.com>")

    assert (headers.auto_submitted, headers.list_id) == ("auto-replied", "Jobs <jobs.example.com>")


def test_commas_inside_encoded_words_part_no_addresses() -> None:
    assert decode_value("=?utf-8?q?Lee=2C_Ann?= <a@b>, x@y", is_structured=True) == '"Lee, Ann" <a@b>, x@y'
    assert decode_value("=?utf-8?q?a=22b=5C?= <a@b>", is_structured=True) == '"a\\"b\\\\" <a@b>'


@given(HEADERISH, st.sampled_from(["Subject", "From", "To", "Message-ID", "References", "Date", "List-Id"]))
def test_no_field_stops_a_sync(value: bytes, name: str) -> None:
    headers = parsed(name.encode() + b": " + value)

    repr(headers).encode("utf-8")
    texts = [headers.subject, headers.message_id, headers.from_.name, headers.list_id, *headers.references]
    assert not any("\x00" in text or "\x1b" in text for text in texts)
    assert "\n" not in headers.subject


@given(WILD_BYTES)
def test_no_bytes_stop_a_sync(raw: bytes) -> None:
    repr(parse_headers(raw)).encode("utf-8")


@given(st.text(max_size=60))
def test_decoding_gives_text_that_can_be_stored(value: str) -> None:
    decode_value(value).encode("utf-8")
    decode_raw(value + "\udce4").encode("utf-8")


@pytest.mark.parametrize(
    "value",
    [
        b"=?utf-8?q?a?= " * 20_000,
        b"=?" * 100_000,
        b"=?u?q? " * 30_000,
        b"=?u?q?" * 30_000 + b"?=",
        b"\r\n \t" * 50_000,
        b"(" * 200_000,
        b"<a@b.example>, " * 20_000,
        b"<" * 200_000,
        b"=?utf-8?b?" + b"w6Q=" * 50_000 + b"?=",
    ],
)
def test_huge_fields_cost_little(value: bytes) -> None:
    with at_most(2):
        for name in (b"Subject", b"To", b"References", b"Date"):
            parsed(name + b": " + value)


def test_fields_are_looked_up_without_case() -> None:
    message = Message()
    message["X-Thing"] = "a"
    message["x-thing"] = "b"

    assert raw_values(message, "X-THING") == ["a", "b"]
    assert field_text(message, "x-Thing") == "a" and field_text(message, "y") == ""
