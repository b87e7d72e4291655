"""Collect the words of the product and bring its catalogues up to date: `make messages`.

Words are what templates and views mark with `_()` and its kin. What is raised or stored below the views is not marked:
there, each text that reads like a sentence is taken, under the context `told` (see `webmail/blueprints/_told.py`).
Scripts say theirs through `phrase("…")`, under the context `script`.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "webmail"
_KEYWORDS: dict[str, tuple[int | tuple[int, str], ...] | None] = {
    "_": None,
    "N_": None,
    "gettext": None,
    "lazy_gettext": None,
    "ngettext": (1, 2),
    "lazy_ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
    "lazy_pgettext": ((1, "c"), 2),
}
_BELOW = ("actions", "blueprints", "domain", "drawing", "errors", "providers", "store", "sync")
# What these say is read by operators and integrators, or written into logs.
_NOT_SHOWN = re.compile(
    r"store/(migrat|secrets|api_|webhooks)|actions/(api_|key_sets|launches|tenants|webhooks)|"
    r"providers/(key_sets|idle)|domain/(api_|launches|shapes|webhooks)|blueprints/(_?api|embed|health|_event_hub|_metrics|_session)"
)
_QUIET = frozenset({"ConfigError", "ValueError", "RuntimeError", "AssertionError", "re.compile"})
_HEAD = """\
msgid ""
msgstr ""
"Language: {language}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: {plurals}\\n"

"""
"""Without dates and versions, so that a catalogue changes only where its words do."""
_SENTENCE = re.compile(r"[A-Z“%](.* .*|[a-z]+)[.?!]", re.DOTALL)
_PHRASE = re.compile(r'\bphrase\("([^"\\]+)"')
_FILLED_LATER = re.compile(r"(?<!\{)\{(\w+)\}(?!\})")
_LABELS = {"domain/columns.py": "TARGETS"}
"""Labels below the pages that are no sentences: by file, the name of the mapping that holds them."""
_WORDS = (
    *("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    *("a contact", "in the trash", "out of the inbox", "a mail takes", "the mailbox’s server takes"),
    *("words of the subject", "a name or an address"),
)
"""What sentences from below are filled in with, beside names and numbers."""


def collect() -> Catalog:
    """Read every text of the sources into a catalogue without translations."""
    words = Catalog(project="webmail", charset="utf-8")
    for path in sorted([*PACKAGE.rglob("*.html"), *PACKAGE.rglob("*.txt"), *(PACKAGE / "blueprints").rglob("*.py")]):
        if path.suffix != ".py" and "templates" not in path.parts:
            continue
        name = path.relative_to(ROOT).as_posix()
        method = "python" if path.suffix == ".py" else "jinja2"
        options = {} if method == "python" else {"trimmed": "true", "trim_blocks": "true", "lstrip_blocks": "true"}
        with path.open("rb") as file:
            for _, text, comments, context in extract(
                method, file, keywords=_KEYWORDS, comment_tags=["Translators:"], options=options
            ):
                words.add(text, locations=[(name, 0)], auto_comments=comments, context=context)
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).as_posix()
        if name.removesuffix(".py").split("/")[0] in _BELOW and "migrations" not in name and not _NOT_SHOWN.match(name):
            tree = ast.parse(path.read_text("utf-8"))
            for text in [*sentences(tree), *_labels(tree, _LABELS.get(name, ""))]:
                words.add(text, locations=[(f"webmail/{name}", 0)], context="told")
    for path in sorted((PACKAGE / "static").glob("*.js")):
        for text in _PHRASE.findall(path.read_text("utf-8")):
            words.add(text, locations=[(path.relative_to(ROOT).as_posix(), 0)], context="script")
    for text in _WORDS:
        words.add(text, context="word")
    return words


def sentences(tree: ast.AST) -> Iterator[str]:
    """Find what reads like a sentence; what is filled in is written as `%(name)s`."""
    passed_over: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            passed_over.add(id(node.value))  # a docstring
        elif isinstance(node, ast.Call) and _is_quiet(node.func):
            passed_over.update(id(each) for each in ast.walk(node))
        elif isinstance(node, ast.JoinedStr):
            passed_over.update(id(each) for each in ast.walk(node) if each is not node)
        if id(node) in passed_over:
            continue
        text = ""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = _FILLED_LATER.sub(r"%(\1)s", node.value.replace("%", "%%"))
        elif isinstance(node, ast.JoinedStr):
            text = _joined(node)
        if _SENTENCE.fullmatch(text.strip()) and re.search(r"[a-z]{2}", re.sub(r"%\(\w+\)s", "", text)):
            yield text.strip()


def _labels(tree: ast.Module, name: str) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name and isinstance(node.value, ast.Dict):
            yield from (str(each.value) for each in node.value.values if isinstance(each, ast.Constant))


def _is_quiet(function: ast.expr) -> bool:
    """Say whether what a function is given is read by no user, or is marked: logs, errors of the program itself."""
    name = ast.unparse(function)
    return name.startswith("log.") or name in _KEYWORDS or name in _QUIET


def _joined(node: ast.JoinedStr) -> str:
    parts: list[str] = []
    names: dict[str, str] = {}
    for each in node.values:
        if isinstance(each, ast.Constant):
            parts.append(str(each.value).replace("%", "%%"))
        elif isinstance(each, ast.FormattedValue):
            code = ast.unparse(each.value)
            name = names.setdefault(code, _name(each.value, f"value{len(names) + 1}", set(names.values())))
            parts.append(f"%({name})s")
    return "".join(parts)


def _name(value: ast.expr, otherwise: str, taken: set[str]) -> str:
    while isinstance(value, ast.Call | ast.Subscript):
        value = (
            value.func
            if isinstance(value, ast.Call) and not value.args
            else (value.args[0] if isinstance(value, ast.Call) else value.value)
        )
    name = {ast.Name: "id", ast.Attribute: "attr"}.get(type(value), "")
    found = str(getattr(value, name)).strip("_").lower() if name else otherwise
    return otherwise if found in taken else found


def update(path: Path, words: Catalog) -> bytes:
    """Give a catalogue's file as it has to be: what the sources have no more is left out, what is new is empty."""
    with path.open("rb") as file:
        known = read_po(file, locale=path.parts[-3])
    known.update(words, no_fuzzy_matching=True)
    known.obsolete.clear()
    written = BytesIO()
    write_po(written, known, width=120, omit_header=True, include_lineno=False)
    return _HEAD.format(language=known.locale_identifier, plurals=known.plural_forms).encode() + written.getvalue()


def main() -> int:
    """Bring each catalogue up to date, and tell what has to be translated."""
    words = collect()
    missing = 0
    for path in sorted((PACKAGE / "translations").glob("*/LC_MESSAGES/messages.po")):
        path.write_bytes(update(path, words))
        with path.open("rb") as file:
            empty = [each for each in read_po(file) if each.id and not each.string]
        missing += len(empty)
        print(f"{path.relative_to(ROOT)}: {len(words)} texts, {len(empty)} without a translation")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
