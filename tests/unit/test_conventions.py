"""What the style guide asks of every file: held here, so that nobody has to look for it."""

from __future__ import annotations

import gzip
import re
import subprocess
from functools import lru_cache
from importlib import import_module
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from webmail import assets, queue
from webmail.app import create_app
from webmail.config import load_config

ROOT = Path(__file__).parents[2]
TEMPLATES = ROOT / "webmail" / "templates"
STATIC = ROOT / "webmail" / "static"
KEBAB = re.compile(r"(?:/(?:[a-z0-9]+(?:-[a-z0-9]+)*|<[^<>]+>))*/?")
GIVEN_URL = "/profileSettings"
DOCUMENT_URL = "/api/v1/openapi.json"
MAX_CSS_BYTES = 12 * 1024
LONG_BY_NATURE = {
    "webmail/store/models.py": "all tables in one place, as the migrations compare them",
    "webmail/store/migrations/versions/0001_make_the_first_tables.py": "written once, never changed",
}

OWED = {
    "tests/browser/test_composer.py": "longer than 400 lines",
}
"""What is still to be mended; nothing may be added."""


@lru_cache
def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def files(*suffixes: str, under: str = "") -> list[Path]:
    return [path for path in tracked() if path.suffix in suffixes and name_of(path).startswith(under)]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def read(path: Path) -> str:
    return path.read_text("utf-8")


def lines(path: Path) -> int:
    return len(read(path).splitlines())


@lru_cache
def markup() -> str:
    """All places that may name a partial or an icon."""
    return "\n".join(read(path) for path in files(".html", ".py", ".js", under="webmail/"))


@pytest.fixture
def urls(tmp_path: Path) -> list[str]:
    secrets = {"WEBMAIL_SECRET_KEY": "x", "WEBMAIL_ENCRYPTION_KEYS": Fernet.generate_key().decode()}
    assets.configure("cdn", tmp_path)
    app = create_app(load_config({**secrets, "WEBMAIL_DATA": str(tmp_path)}))
    return [rule.rule for rule in app.url_map.iter_rules()]


def test_urls_are_lower_case_with_hyphens(urls: list[str]) -> None:
    assert GIVEN_URL in urls
    assert [url for url in urls if not KEBAB.fullmatch(url) and url not in (GIVEN_URL, DOCUMENT_URL)] == []


def test_ids_in_urls_are_uuids_or_the_hosts_own(urls: list[str]) -> None:
    assert [url for url in urls if re.search(r"<int:|<(?!external_id)[a-z_]*id>", url)] == []


@pytest.mark.parametrize("name", queue.JOBS)
def test_every_job_can_be_found_by_its_name(name: str) -> None:
    module, _, function = queue.JOBS[name][0].rpartition(".")

    assert callable(getattr(import_module(module), function))


def test_every_partial_is_used_somewhere() -> None:
    partials = [path.relative_to(TEMPLATES).as_posix() for path in files(".html", under="webmail/templates/")]
    dynamic = {f"profile/_{tab}.html" for tab in ("profile", "connect")}

    unused = [name for name in partials if "/_" in name and name not in dynamic and f'"{name}"' not in markup()]

    assert unused == []


def test_every_page_is_rendered_or_extended_somewhere() -> None:
    pages = [path.relative_to(TEMPLATES).as_posix() for path in files(".html", under="webmail/templates/")]

    assert [name for name in pages if "/_" not in name and f'"{name}"' not in markup()] == []


def test_a_partial_extends_nothing_and_a_page_builds_on_the_layout() -> None:
    for path in files(".html", under="webmail/templates/"):
        if path.name.startswith("_"):
            assert "{% extends" not in read(path), name_of(path)


def test_names_of_one_template_are_used() -> None:
    for path in files(".html", under="webmail/templates/"):
        text = read(path)
        for imported in re.findall(r"{% from \"[^\"]+\" import ([^%]+?) %}", text):
            for name in (each.split(" as ")[-1].strip() for each in imported.split(",")):
                assert len(re.findall(rf"\b{name}\b", text)) > 1, f"{name_of(path)} imports {name} and does not use it"


@pytest.mark.parametrize(
    ("suffix", "under", "most"), [(".html", "webmail/", 100), (".py", "", 400), (".js", "webmail/", 400)]
)
def test_no_file_is_long(suffix: str, under: str, most: int) -> None:
    long = {name_of(path): lines(path) for path in files(suffix, under=under) if lines(path) > most}

    assert {name: count for name, count in long.items() if name not in LONG_BY_NATURE | OWED} == {}


def test_there_are_no_drawers_for_odds_and_ends() -> None:
    assert [name_of(path) for path in tracked() if path.stem in ("utils", "util", "helpers", "misc", "common")] == []


def test_the_style_sheet_is_light() -> None:
    assert len(gzip.compress((STATIC / "app.css").read_bytes(), 9)) < MAX_CSS_BYTES


def test_nothing_is_called_safe_without_a_reason() -> None:
    # A literal that stands right there holds no foreign text.
    literal = re.compile(r"'[^']*'\s*\|\s*safe|\"[^\"]*\"\s*\|\s*safe")
    for path in files(".html", under="webmail/templates/"):
        for number, line in enumerate(read(path).splitlines(), 1):
            rest = literal.sub("", line)
            assert not re.search(r"\|\s*safe\b", rest) or "{#" in line, f"{name_of(path)}:{number}"
    for path in files(".py", under="webmail/"):
        for number, line in enumerate(read(path).splitlines(), 1):
            is_built = re.search(r"\bMarkup\((?![\"'])", line)
            assert not is_built or "#" in line, f"{name_of(path)}:{number} wraps foreign text"


def icon_names() -> set[str]:
    return set(re.findall(r'<symbol id="([^"]+)"', read(STATIC / "icons.svg")))


def test_every_icon_that_is_asked_for_is_drawn() -> None:
    asked = set(re.findall(r"icon\(\"([a-z-]+)\"", markup()))
    asked |= {
        name for pair in re.findall(r"icon\(\"([a-z-]+)\" if [^)]* else \"([a-z-]+)\"", markup()) for name in pair
    }

    assert {name for name in asked if not name.endswith("-")} - icon_names() == set()


def test_every_icon_that_is_drawn_is_asked_for() -> None:
    quoted = set(re.findall(r"[\"'#]([a-z][a-z-]+)[\"']", markup()))
    built = {f"mark-{card}" for card in ("gmail", "outlook", "other")}

    assert icon_names() - quoted - built == set()


def test_no_tracked_file_names_this_machine_or_where_its_packages_came_from() -> None:
    here = re.compile(
        r"/(?:work|root|home/[a-z]+|Users/[a-z]+)/[a-z.]|files\.pythonhosted|pypi\.org/simple|--index-url|registry\.npmjs"
    )
    said = [
        f"{name_of(path)}: {found[0]}"
        for path in tracked()
        if path.suffix
        in {".py", ".html", ".js", ".css", ".md", ".toml", ".lock", ".txt", ".csv", ".json", ".cfg", ".svg", ""}
        and path != Path(__file__)
        and (found := here.search(path.read_text("utf-8", errors="replace")))
    ]

    assert said == []


def test_code_says_nothing_about_later() -> None:
    later = re.compile(r"#.*\b(?:TODO|FIXME|XXX|HACK)\b")

    assert [name_of(path) for path in files(".py", under="webmail/") if later.search(read(path))] == []


def test_our_own_code_is_never_patched() -> None:
    # A limit or a waiting time may be made shorter; what the product does may not be replaced.
    patched = re.compile(
        r"unittest\.mock|from unittest import mock|setattr\(\s*[\"']webmail[\w.]*\.(?!_?[A-Z][A-Z0-9_]*[\"'])"
    )

    found = {
        name_of(path) for path in files(".py", under="tests/") if path != Path(__file__) and patched.search(read(path))
    }
    assert found - OWED.keys() == set()


def test_the_domain_is_tested_file_for_file() -> None:
    modules = {path.stem for path in files(".py", under="webmail/domain/")} - {"__init__"}
    tests = {path.stem.removeprefix("test_") for path in files(".py", under="tests/unit/domain/")}

    assert modules - tests <= {"attributions"}  # read by quotes and text, and tested with them
