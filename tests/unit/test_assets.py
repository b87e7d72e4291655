from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from webmail import assets
from webmail.errors import ConfigError


@pytest.fixture(autouse=True)
def unchanged() -> Iterator[None]:
    before = assets._mode, assets._folder
    yield
    assets._mode, assets._folder = before


def test_from_the_cdn_every_url_names_an_exact_version() -> None:
    assets.configure("cdn")

    for name, asset in assets.ASSETS.items():
        assert asset.version in assets.asset_url(name)
        assert assets.asset_url(name).startswith("https://")
        assert assets.asset_integrity(name).startswith("sha384-")


def test_a_local_file_that_is_missing_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"htmx-4\.0\.1\.min\.js is missing"):
        assets.configure("local", tmp_path)


def test_a_local_file_that_was_changed_is_refused(tmp_path: Path) -> None:
    for asset in assets.ASSETS.values():
        (tmp_path / asset.filename).write_text("alert(1)")

    with pytest.raises(ConfigError, match="not the file that was pinned"):
        assets.configure("local", tmp_path)


def test_only_pinned_names_are_served_and_only_where_files_are_local(tmp_path: Path) -> None:
    assert assets.local_file("htmx-4.0.1.min.js") is None

    assets._mode, assets._folder = "local", tmp_path

    assert assets.local_file("htmx-4.0.1.min.js") == tmp_path / "htmx-4.0.1.min.js"
    assert assets.local_file("../keys/secret_key") is None


def test_the_version_stands_in_the_name_that_browsers_keep() -> None:
    for asset in assets.ASSETS.values():
        assert asset.version in asset.filename
