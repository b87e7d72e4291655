"""The languages of the pages: which one a request is answered in, and the catalogues of their words.

A catalogue is read from its .po file by each process when a page first needs it, so there is nothing to compile.
"""

from __future__ import annotations

import gettext
import json
from collections.abc import Mapping
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations
from flask import Flask, g, has_request_context, request
from flask_babel import Babel, Domain
from flask_login import current_user
from markupsafe import Markup

LANGUAGES: Mapping[str, str] = {"en": "English", "de": "Deutsch"}
"""The languages that the pages can be had in, by their own names. English is what stands in the code."""
FOLDER = Path(__file__).parents[1] / "translations"
SCRIPTS = "script"
"""The context of what scripts say."""
_RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "ur"})


class _Catalogues(Domain):  # type: ignore[misc]  # flask-babel ships no types
    """Flask-Babel's words, read from the .po files."""

    def get_translations(self) -> gettext.NullTranslations:
        return catalogue(page_language())


class _Languages(Babel):  # type: ignore[misc]  # flask-babel ships no types
    """Flask-Babel with our catalogues."""

    domain_instance = _Catalogues()


def init_languages(app: Flask) -> None:
    """Give an application its words: `_()` and `{% trans %}` in templates, `gettext` in views."""
    _Languages(app, locale_selector=page_language)
    app.jinja_env.policies["ext.i18n.trimmed"] = True
    app.jinja_env.globals.update(page_language=page_language, page_tag=page_tag, page_direction=page_direction)
    app.jinja_env.globals.update(page_phrases=page_phrases)


def page_language() -> str:
    """Say which language this request is answered in: a key of `LANGUAGES`.

    It is the user's own, or that of the launch; without one, what the browser asks for; English if there is neither.
    """
    if not has_request_context():
        return "en"
    if "language" not in g:
        tag = current_user.locale if current_user and current_user.is_authenticated else ""
        g.language = _known(tag) if tag else _asked_for()
    return str(g.language)


def page_tag() -> str:
    """Give the language tag of the page: the user's own, such as en-US, where it is of the page's language."""
    tag = current_user.locale if current_user and current_user.is_authenticated else ""
    return tag if tag.partition("-")[0] == page_language() else page_language()


def page_direction() -> Markup:
    """Give the attribute that says which way the page's words run, where it is not the usual one."""
    return Markup(' dir="rtl"') if page_language() in _RIGHT_TO_LEFT else Markup("")


def page_phrases() -> str:
    """Give what the scripts of a page say in its language, as JSON for `phrase()` in app.js; "" for English."""
    return _phrases(page_language())


@lru_cache
def _phrases(language: str) -> str:
    if language == "en":
        return ""
    words: dict[Any, str] = getattr(catalogue(language), "_catalog", {})
    mine = f"{SCRIPTS}\x04"
    known = {
        key.removeprefix(mine): text for key, text in words.items() if isinstance(key, str) and key.startswith(mine)
    }
    return json.dumps(known, ensure_ascii=False)


def catalogue(language: str) -> gettext.NullTranslations:
    """Give the words of a language; those of English are the ones asked for."""
    return _read(language) if language != "en" else _AS_IT_STANDS


_AS_IT_STANDS = NullTranslations()


def _asked_for() -> str:
    # By the browser, best first; de-AT is German, too.
    asked = (tag.partition("-")[0].lower() for tag, quality in request.accept_languages if quality > 0)
    return next((language for language in asked if language in LANGUAGES), "en")


def _known(tag: str) -> str:
    first = tag.partition("-")[0]
    return first if first in LANGUAGES else "en"


@lru_cache
def _read(language: str) -> gettext.NullTranslations:
    with (FOLDER / language / "LC_MESSAGES" / "messages.po").open("rb") as file:
        known = read_po(file, locale=language)
    compiled = BytesIO()
    write_mo(compiled, known)
    compiled.seek(0)
    return _Words(compiled)


class _Words(gettext.GNUTranslations):
    """A catalogue under the names that Flask-Babel calls it by."""

    ugettext = gettext.GNUTranslations.gettext
    ungettext = gettext.GNUTranslations.ngettext
    upgettext = gettext.GNUTranslations.pgettext
    unpgettext = gettext.GNUTranslations.npgettext
