"""What the demo's people answer."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from webmail.demo.answers import answers_to, bounce_of, correspondent
from webmail.demo.people import all_candidates, all_jobs, load_data
from webmail.domain.addresses import Address
from webmail.domain.compose import OutgoingMail, build_mail
from webmail.domain.mime import ParsedMessage, parse_message, part_content

NOW = datetime(2026, 11, 25, 14, 20, tzinfo=UTC)
AMARA = "amara.osei@mailhaven.example"


def mail_to(
    *to: str, text: str = "Hi, how are you getting on.", subject: str = "Re: Your application", **more: object
) -> bytes:
    values: dict[str, object] = {"message_id": "one@demo.example", "html": None, "references": (), **more}
    addresses = [Address("", each) for each in to]
    mail = OutgoingMail(
        date=NOW, from_=Address("Robin Hale", "recruiter@demo.example"), to=addresses, subject=subject, text=text,
        **values,  # type: ignore[arg-type]
    )  # fmt: skip
    return build_mail(mail)


def answer(raw: bytes, *to: str) -> ParsedMessage:
    (found,) = answers_to(raw, list(to), NOW)
    return parse_message(found)


def test_a_candidate_answers_by_name_in_the_same_conversation() -> None:
    raw = mail_to(AMARA, in_reply_to="zero@x.example", references=("zero@x.example",))

    found = answer(raw, AMARA)

    assert found.headers.from_ == Address("Amara Osei", AMARA)
    assert found.headers.to == [Address("Robin Hale", "recruiter@demo.example")]
    assert found.headers.subject == "Re: Your application"
    assert found.headers.in_reply_to == "one@demo.example"
    assert found.headers.references == ("zero@x.example", "one@demo.example")
    assert found.headers.auto_submitted == ""
    assert "Robin" in found.text.splitlines()[0]
    assert "> Hi, how are you getting on." in found.text
    assert "\nAmara\n" in found.text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Could we talk on Monday 30 November, 14:00?", "Monday 30 November, 14:00"),
        ("Shall we say tomorrow at 9:30?", "Tomorrow at 9:30"),
        ("What salary would you expect?", "notice"),
        ("Congratulations, the offer is attached.", "read"),
        ("Could you send me your CV?", ""),
        ("Unfortunately they have decided for another candidate.", ""),
        ("Would you move to Leeds?", "Would you move to Leeds?"),
        ("", ""),
    ],
)
def test_the_answer_fits_what_was_written(text: str, words: str) -> None:
    for number in range(6):
        found = answer(mail_to(AMARA, text=text, message_id=f"{number}@demo.example"), AMARA)
        assert words in found.text.partition("wrote:")[0]


def test_only_what_is_new_is_read() -> None:
    text = "Thank you!\n\nOn Tue, 3 Nov 2026 at 10:00, Amara Osei wrote:\n> What about Monday, 09:00?\n"

    found = answer(mail_to(AMARA, text=text), AMARA)

    assert "Monday" not in found.text.partition("On Wed")[0]


def test_documents_that_were_asked_for_are_attached() -> None:
    raw = mail_to(AMARA, text="Could you send me your CV once more?")

    (found,) = answers_to(raw, [AMARA], NOW)

    (part,) = parse_message(found).attachments
    assert part.filename == "Amara Osei.pdf"
    assert part_content(found, part.section).startswith(b"%PDF")


def test_html_without_text_is_read_as_well() -> None:
    raw = mail_to(AMARA, text="", html="<p>Would <b>Monday 30 November, 14:00</b> suit you?</p>")

    assert "Monday 30 November, 14:00" in answer(raw, AMARA).text


def test_people_who_write_another_script_greet_in_their_own() -> None:
    found = answer(mail_to("misaki.sato@tegami.example"), "misaki.sato@tegami.example")

    assert found.text.startswith("Robin様")
    assert found.headers.from_.name == "佐藤 美咲"


def test_strangers_answer_under_the_name_in_their_address() -> None:
    found = answer(mail_to("lena_fischer+jobs@somewhere.example"), "lena_fischer+jobs@somewhere.example")

    assert found.headers.from_.name == "Lena Fischer"


def test_everybody_in_to_answers_and_nobody_else() -> None:
    raw = mail_to(AMARA, "clara.whitcombe@postbox.example")

    found = answers_to(raw, [AMARA, "clara.whitcombe@postbox.example", "marta.olsson@tidewater.example"], NOW)

    assert {parse_message(each).headers.from_.name for each in found} == {"Amara Osei", "Clara Whitcombe"}
    assert len({parse_message(each).headers.message_id for each in found}) == 2


@pytest.mark.parametrize(
    "field",
    ["Auto-Submitted: auto-replied", "Precedence: bulk", "precedence:  List", "List-Id: <x.example>"],
)
def test_automatic_mail_is_not_answered(field: str) -> None:
    assert answers_to(f"{field}\r\n".encode() + mail_to(AMARA), [AMARA], NOW) == []


def test_a_mail_that_says_it_was_written_by_hand_is_answered() -> None:
    assert answers_to(b"Auto-Submitted: no\r\n" + mail_to(AMARA), [AMARA], NOW)


@pytest.mark.parametrize("address", ["no-reply@talentwall.example", "NoReply@x.example", "newsletter@x.example"])
def test_machines_do_not_answer(address: str) -> None:
    assert answers_to(mail_to(address), [address], NOW) == []


@pytest.mark.parametrize("raw", [b"", b"\0\xff", b"To: <", b"Message-ID: <a@b>\r\nTo: x@y.example\r\n\r\n\xff"])
def test_rubbish_does_no_harm(raw: bytes) -> None:
    for found in answers_to(raw, ["x@y.example"], NOW):
        assert parse_message(found).headers.in_reply_to == "a@b"
    assert parse_message(bounce_of(raw, "recruiter@demo.example", "x@y.example", NOW)).headers.message_id


def test_a_notice_of_failure_names_the_mail_and_the_address() -> None:
    notice = parse_message(bounce_of(mail_to("bounce@x.example"), "recruiter@demo.example", "bounce@x.example", NOW))

    assert notice.headers.in_reply_to == "one@demo.example"
    assert notice.headers.auto_submitted == "auto-replied"
    assert "bounce@x.example" in notice.text


def test_everybody_who_has_written_is_known() -> None:
    assert all(correspondent(Address("", each.email)).kind == "candidate" for each in all_candidates())
    assert all(correspondent(Address("", job.manager_email.upper())).kind == "manager" for job in all_jobs().values())
    assert correspondent(Address("", "unknown@x.example")).kind == "other"


def test_every_kind_of_person_can_answer_every_kind_of_mail() -> None:
    texts = load_data("answers")
    kinds = {"time", "offer", "salary", "documents", "no", "question", "general"}

    for person in ("candidate", "manager", "other"):
        assert set(texts[person]) == kinds
