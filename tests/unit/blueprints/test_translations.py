"""Every language that is offered is whole: its catalogue holds all texts, and its pages show none in English."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import html5lib
import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po
from flask import Flask, g

from tests.unit.blueprints.conftest import CheckedClient
from tests.unit.blueprints.test_scopes import build_world, rules_with_ids
from tools import messages
from webmail.actions import users
from webmail.blueprints._languages import FOLDER, LANGUAGES, page_phrases
from webmail.blueprints._numbers import file_size, number
from webmail.blueprints._times import clock_time, full_time, short_day, short_time
from webmail.blueprints._told import told
from webmail.store.scope import Scope

OTHERS = [language for language in LANGUAGES if language != "en"]
TEMPLATES = Path(messages.PACKAGE) / "templates"
_PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]")
_TAG = re.compile(r"</?\w+")
_JINJA = re.compile(r"\{#.*?#\}|\{% trans.*?endtrans %\}|\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
_LETTERS = re.compile(r"[A-Za-z]{2}")
_SPOKEN = ("title", "aria-label", "placeholder", "alt")
_WITHOUT_WORDS = re.compile(r"is-[a-z -]+|&[lg]t;|https://|Ana \w+ &lt;ana@example\.com&gt;.*", re.DOTALL)
"""What stands in templates beside words: classes, and examples of what one types."""
_NO_PAGES = {"static", "assets", "api", "api_docs", "health", "events"}
_FOR_DEVELOPERS = "api"
"""Templates that show the API's document, which is English and is told as it is."""
_ENGLISH = {"api"}
"""Templates for who writes programs; what they show is the API's own English."""
_MAILS = {"mailing_previews.body"}
"""A mail as its recipients get it, in whatever language it is written."""


def catalogue_of(language: str) -> Catalog:
    """Read the catalogue of a language."""
    with (FOLDER / language / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return read_po(file, locale=language)


def texts_of(message: Message) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Give the texts of an entry, singular and plural, and their translations."""
    ids = (message.id,) if isinstance(message.id, str) else tuple(message.id)
    return ids, (message.string,) if isinstance(message.string, str) else tuple(message.string or ())


@pytest.mark.parametrize("language", OTHERS)
def test_a_catalogue_is_as_the_sources_are(language: str) -> None:
    path = FOLDER / language / "LC_MESSAGES" / "messages.po"

    assert messages.update(path, messages.collect()) == path.read_bytes(), (
        "run make messages, and translate what is new"
    )


@pytest.mark.parametrize("language", OTHERS)
def test_every_text_is_translated_with_all_that_it_holds(language: str) -> None:
    catalogue, problems = catalogue_of(language), []
    for message in (each for each in catalogue if each.id):
        ids, strings = texts_of(message)
        allowed = {name for text in ids for name in _PLACEHOLDER.findall(text)}
        for index, text in enumerate(strings):
            held, wanted = set(_PLACEHOLDER.findall(text)), set(_PLACEHOLDER.findall(ids[min(index, len(ids) - 1)]))
            if not text or message.fuzzy:
                problems.append(f"not translated: {ids[0]}")
            elif held - allowed or (wanted - held and message.context != "told"):
                problems.append(f"other values: {ids[0]}")
            elif sorted(_TAG.findall(text)) != sorted(_TAG.findall(ids[0])):
                problems.append(f"other tags: {ids[0]}")
            elif re.search(r"%(?!\(\w+\)[sd]|%)", text):
                problems.append(f"a single %: {ids[0]}")

    assert problems == []
    assert not catalogue.obsolete


def test_no_template_has_words_that_no_catalogue_knows() -> None:
    found = [
        f"{path.relative_to(TEMPLATES)}: {words}"
        for path in sorted(TEMPLATES.rglob("*.html"))
        if path.parent.name not in _ENGLISH
        if path.parent.name != _FOR_DEVELOPERS
        for words in bare_words(path.read_text("utf-8"))
    ]

    assert found == []


def bare_words(source: str) -> Iterator[str]:
    """Find the words of a template that are not marked as such."""
    source = re.sub(r"<(style|script)\b.*?</\1>", "", _JINJA.sub("\0", source), flags=re.DOTALL)
    spoken = re.findall(rf'\s(?:{"|".join(_SPOKEN)})="([^"]*)"', source)
    for text in [*spoken, *re.split(r"<[^<>]*>|\0", source)]:
        if _LETTERS.search(text) and not _WITHOUT_WORDS.fullmatch(text.strip()):
            yield text.strip()


def test_words_that_are_not_marked_are_found() -> None:
    assert list(bare_words('<p title="Say so">{{ _("Known") }} Unknown</p>')) == ["Say so", "Unknown"]


class English:
    """What a page in another language must not show: the texts of the catalogue that are other there."""

    def __init__(self, catalogue: Catalog) -> None:
        self._texts: set[str] = set()
        patterns = []
        for message in (each for each in catalogue if each.id):
            for text, translated in zip(*texts_of(message), strict=False):
                plain = re.sub(r"<[^<>]*>", "", text).replace("%%", "%")
                if text == translated or not _LETTERS.search(_PLACEHOLDER.sub("", plain)):
                    continue
                if not _PLACEHOLDER.search(plain):
                    self._texts.add(" ".join(plain.split()))
                elif len(_PLACEHOLDER.sub("", plain)) > 12:
                    patterns.append(".+?".join(re.escape(part) for part in _PLACEHOLDER.split(plain)[::2]))
        self._pattern = re.compile("|".join(f"(?:{each})" for each in patterns))
        # What is the same word in both languages, or a name of somebody's, is no English.
        self._texts -= {translated for each in catalogue for translated in texts_of(each)[1]}

    def on(self, source: str) -> set[str]:
        """Find what is English on a page."""
        root = html5lib.parse(source, namespaceHTMLElements=False)
        found = {" ".join(text.split()) for text in spoken_on(root)}
        return {text for text in found if text in self._texts or self._pattern.fullmatch(text)}


def spoken_on(root: Any) -> Iterator[str]:
    """Give the texts of a page that a person reads or hears."""
    for node in root.iter():
        if not isinstance(node.tag, str) or node.tag in ("style", "script", "textarea") or node.get("lang"):
            continue
        yield from (node.get(name) or "" for name in _SPOKEN)
        yield node.text or ""
        yield from (child.tail or "" for child in node)


def pages(app: Flask, world: Any) -> Iterator[str]:
    """Give the address of every page, with the ids of a world."""
    for rule in app.url_map.iter_rules():
        blueprint = rule.endpoint.partition(".")[0]
        if "GET" in (rule.methods or ()) and not rule.arguments and blueprint not in _NO_PAGES | {"embed", "oauth"}:
            yield rule.rule
    for method, rule in rules_with_ids(app):
        if method == "GET" and rule.endpoint not in _MAILS and rule.endpoint.partition(".")[0] not in _NO_PAGES:
            yield world.path(rule)


@pytest.mark.parametrize("language", OTHERS)
def test_every_page_is_in_its_language_throughout(
    app: Flask, user: Scope, client: CheckedClient, language: str
) -> None:
    world = build_world(user, "zanzibar")
    english = English(catalogue_of(language))
    assert len(english.on(client.get("/inbox").get_data(as_text=True))) > 10, "it knows English when it sees it"
    client.submit("/profile-settings/locale", {"locale": language})
    read, found = 0, set[str]()

    for path in [*pages(app, world), "/profileSettings?tab=connect", "/mailings/new"]:
        for headers in ({}, {"HX-Request": "true", "HX-Request-Type": "partial"}):
            answer = client.get(path, headers=headers)
            if answer.mimetype == "text/html":
                read += 1
                found |= {f"{path}: {text}" for text in english.on(answer.get_data(as_text=True))}
            answer.close()

    assert found == set()
    assert read > 60


@pytest.mark.parametrize("language", OTHERS)
def test_who_is_not_signed_in_is_spoken_to_as_the_browser_asks(stranger: CheckedClient, language: str) -> None:
    for asked, tag in ((f"{language}-AT,en;q=0.5", language), ("xx", "en"), ("en-GB", "en")):
        page = stranger.get("/login", headers={"Accept-Language": asked}).get_data(as_text=True)
        assert f'<html lang="{tag}"' in page
        assert ("Sign in" in page) is (tag == "en")
        assert ('name="phrases"' in page) is (tag != "en")


def test_german_dates_numbers_and_sizes(app: Flask) -> None:
    moment, now = datetime(2026, 11, 3, 14, 5, tzinfo=UTC), datetime(2026, 11, 25, tzinfo=UTC)
    with app.test_request_context():
        g.language = "de"
        assert full_time(moment) == "Di 3. November 2026, 14:05"
        assert short_day(moment) == "Di 3. Nov., 14:05"
        assert short_time(moment, now=now) == "3. Nov."
        assert short_time(moment, now=datetime(2026, 11, 5, tzinfo=UTC)) == "Di"
        assert short_time(moment, now=datetime(2027, 11, 5, tzinfo=UTC)) == "3. Nov. 2026"
        assert clock_time(moment, now=now) == "3. Nov., 14:05"
        assert (number(12345), file_size(3_400_000), file_size(640)) == ("12.345", "3,4 MB", "640 Byte")


def test_sentences_from_below_are_found_with_their_values(app: Flask) -> None:
    with app.test_request_context():
        g.language = "de"
        assert told("a@x is no address that mail can go to.") == "a@x ist keine Adresse, an die Mail gehen kann."
        assert told("This conversation is in the trash already.") == "Diese Unterhaltung ist schon im Papierkorb."
        assert "1.200" in told("1,200 have gone out of this mailbox in the last 24 hours.")
        assert "Montag, Freitag" in told("It goes out from 09:00 to 17:00 on Monday, Friday (Europe/Berlin).")
        assert told("Sending. The mail has no text. Unheard of. Give the mail a subject.").startswith(
            "Wird gesendet. Die Mail hat keinen Text. Unheard of. Geben Sie der Mail"
        )
        assert told("It was not sent. Try again, or edit it. Wait a minute, then connect again.") == (
            "Sie wurde nicht gesendet. Versuchen Sie es noch einmal, oder bearbeiten Sie sie. "
            "Warten Sie eine Minute und verbinden Sie dann noch einmal."
        )
        assert told("Nobody wrote this sentence.") == "Nobody wrote this sentence."
        assert '"Not saved."' in page_phrases()


def test_each_language_can_be_chosen() -> None:
    assert set(LANGUAGES) == {locale.partition("-")[0] for locale in users.LOCALES}
