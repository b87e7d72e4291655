"""The words are written as the text is that they are searched in."""

from __future__ import annotations

import pytest

from webmail.domain.report_words import (
    AUTO_SUBJECTS,
    BOUNCE_SUBJECTS,
    UNSUBSCRIBE_WORDS,
    plain_words,
)


def test_a_text_becomes_one_plain_line() -> None:
    assert plain_words("Votre\u00a0message\n n\u2019a PAS") == "votre message n'a pas"


def test_what_unsubscribes_is_written_plain() -> None:
    assert {plain_words(each) for each in UNSUBSCRIBE_WORDS} == set(UNSUBSCRIBE_WORDS)


@pytest.mark.parametrize("pattern", [AUTO_SUBJECTS, BOUNCE_SUBJECTS])
def test_no_pattern_waits_for_a_capital_that_never_comes(pattern: object) -> None:
    source = str(getattr(pattern, "pattern", ""))

    assert [each for each in source.replace("\\W", "").replace("\\S", "") if each.isupper()] == []


@pytest.mark.parametrize(
    "subject",
    [
        "Automatic reply: Hello",
        "Out of Office: Hello",
        "Abwesenheitsnotiz",
        "Réponse automatique : Bonjour",
        "Fuera de la oficina",
        "Risposta automatica: Ciao",
        "Resposta automática: Olá",
        "Automatisch antwoord: Hallo",
        "Automatiskt svar: Hej",
        "Automaattinen vastaus: Hei",
        "Automatická odpověď: Ahoj",
        "Otomatik yanıt: Merhaba",
        "Автоответ: Привет",
        "自動返信: こんにちは",
        "自动回复: 你好",
    ],
)
def test_automatic_answers_are_named_in_many_languages(subject: str) -> None:
    assert AUTO_SUBJECTS.search(plain_words(subject))
    assert not AUTO_SUBJECTS.search(plain_words(f"Re: {subject}"))
