"""Questions worth asking: files that are spoken of in many languages, addresses that look like others."""

from __future__ import annotations

import pytest

from webmail.domain.reminders import look_alike, spoken_of_file

KNOWN = {"ana.kovac@acme.example", "jana.weber@acme.example", "bo@candidates.example", "li@gmail.com", "al@x.de"}


@pytest.mark.parametrize(
    "text",
    [
        "Please find my CV attached.",
        "I enclose the contract",
        "anbei der Lebenslauf",
        "Im Anhang finden Sie alles",
        "Vous trouverez ci-joint le contrat",
        "en pièce jointe",
        "Le adjunto mi currículum",
        "Segue em anexo o contrato",
        "In allegato il curriculum",
        "Zie bijlage",
        "W załączniku przesyłam CV",
        "V příloze posílám",
        "Отправляю во вложении",
        "У вкладенні резюме",
        "Bifogat finns mitt CV",
        "Vedlagt følger",
        "Liitteenä hakemus",
        "Csatolva küldöm",
        "Am atașat contractul",
        "CV'm ekte",
        "Σας στέλνω συνημμένο",
        "קורות חיים מצורפים",
        "تجد السيرة في الملف المرفق",
        "履歴書を添付します",
        "请见附件",
        "이력서를 첨부합니다",
        "PLEASE SEE ATTACHMENT",
    ],
)
def test_a_file_that_is_spoken_of_is_noticed(text: str) -> None:
    assert spoken_of_file("", text)
    assert spoken_of_file(f"<div>{text}</div>", "")


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<div>When can we talk?</div>", ""),
        ("", "Ich freue mich auf unser Gespräch am Montag."),
        ('<div>Thanks</div><div class="webmail-quote"><p>On Monday</p><blockquote>attached</blockquote></div>', ""),
        ('<div>Hello</div><div class="webmail-signature">Attachments may hold viruses</div>', ""),
        ("", "Thank you!\n\nOn Mon 2 November, Ana wrote:\n> the file is attached"),
        ("", "Thank you!\n\n-- \nSee attached terms\n"),
        ("", "the kettle and the likes of it"),
    ],
)
def test_what_others_wrote_and_the_signature_speak_of_no_file(html: str, text: str) -> None:
    assert spoken_of_file(html, text) == ""


@pytest.mark.parametrize(
    ("email", "alike"),
    [
        ("ana.kovac@acrne.example", "ana.kovac@acme.example"),
        ("ana.kovac@acmee.example", "ana.kovac@acme.example"),
        ("ana.kovac@аcme.example", "ana.kovac@acme.example"),
        ("ana.kovac@xn--cme-5cd.example", "ana.kovac@acme.example"),
        ("ana.kovac@cadnidates.example", "bo@candidates.example"),
        ("ana.kovak@acme.example", "ana.kovac@acme.example"),
        ("li@gmial.com", "li@gmail.com"),
        ("li@gmai1.com", "li@gmail.com"),
        ("someone.new@acme.example", ""),
        ("bob@candidates.example", ""),
        ("li@proton.me", ""),
        ("al@y.de", ""),
        ("ana.kovac@elsewhere.example", ""),
    ],
)
def test_an_address_that_looks_like_a_known_one_is_noticed(email: str, alike: str) -> None:
    assert look_alike(email, sorted(KNOWN)) == alike


def test_nobody_known_is_nobody_alike() -> None:
    assert look_alike("ana@acme.example", []) == ""
