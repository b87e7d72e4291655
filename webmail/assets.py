"""The script files that are not ours: which versions, from where, and what they must hash to.

None of them is committed. With `cdn` the browser fetches them itself and checks the hash; with `local` they are served
from a folder that `tools/fetch_assets.py` has filled from npm, under a name that carries the version, with the same
hash on the page. The hashes were computed from the npm packages, whose files the CDN serves unchanged.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path

from webmail.errors import ConfigError

FOLDER = Path(__file__).resolve().parent.parent / ".assets"
"""Where `make` keeps the files, beside the package."""


@dataclass(frozen=True)
class Asset:
    """One pinned file of one npm package; `integrity` is what the browser checks (Subresource Integrity)."""

    package: str
    version: str
    path: str
    filename: str
    integrity: str

    @property
    def cdn_url(self) -> str:
        return f"https://cdn.jsdelivr.net/npm/{self.package}@{self.version}/{self.path}"


ASSETS = {
    "htmx": Asset(
        "htmx.org",
        "4.0.1",
        "dist/htmx.min.js",
        "htmx-4.0.1.min.js",
        "sha384-Qp9rdC8H7EqOoX+nR0P3RPG2Noji+qdwJlGpfzwQJsfOpp3sGwIdSP9xO3+UlEhn",
    ),
    "hx-sse": Asset(
        "htmx.org",
        "4.0.1",
        "dist/ext/hx-sse.min.js",
        "hx-sse-4.0.1.min.js",
        "sha384-v8HvucQ+ohQhMg0arboXc5049yNR46QKMjphs7YDch+Wm7zpfK5XVS01f26mQDJV",
    ),
    "squire": Asset(
        "squire-rte",
        "2.4.8",
        "dist/squire.js",
        "squire-2.4.8.js",
        "sha384-UlBLBsKoC6KmVdZI9KzsLNluu9fQkCqiEklxwCn3hNNw+iORdcdxd/zcnOM2NMbE",
    ),
    "dompurify": Asset(
        "dompurify",
        "3.4.18",
        "dist/purify.min.js",
        "purify-3.4.18.min.js",
        "sha384-lkArbWjiZKuE+bzKbj1vOEF7DKYBDNvgwZMCt5OH8bdRB92zpzyNska9Q/XKPHQD",
    ),
}

TEST_ASSETS = {
    "axe": Asset(
        "axe-core",
        "4.10.3",
        "axe.min.js",
        "axe-4.10.3.min.js",
        "sha384-17w4i/EfU4m8vRTTBQs69gAb/fjBpQi0/OOcQTspZXbRlDA0OcGoZX3ZUxQpgTYL",
    ),
}
"""Files that only tests use; they are never served."""

_mode = "cdn"
_folder = FOLDER


def configure(mode: str, folder: Path = FOLDER) -> None:
    """Say where this process's pages get the files from.

    Args:
        mode: `cdn` or `local`.
        folder: where the local files lie.

    Raises:
        ConfigError: the files are to be local, and one is missing or is not what was pinned.
    """
    global _mode, _folder
    if mode == "local":
        for asset in ASSETS.values():
            require(asset, folder)
    _mode, _folder = mode, folder


def require(asset: Asset, folder: Path) -> None:
    """Check that a local file is there and is the pinned one.

    Raises:
        ConfigError: it is not.
    """
    try:
        content = (folder / asset.filename).read_bytes()
    except OSError:
        raise ConfigError(f"WEBMAIL_ASSETS is local, but {folder / asset.filename} is missing.") from None
    if integrity_of(content) != asset.integrity:
        raise ConfigError(f"{folder / asset.filename} is not the file that was pinned. Remove it and start again.")


def integrity_of(content: bytes) -> str:
    """Hash a file the way a page's `integrity` attribute writes it."""
    return f"sha384-{base64.b64encode(hashlib.sha384(content).digest()).decode()}"


def asset_url(name: str) -> str:
    """Give where the browser gets a file: `htmx`, `hx-sse`, `squire` or `dompurify`."""
    asset = ASSETS[name]
    return f"/assets/{asset.filename}" if _mode == "local" else asset.cdn_url


def asset_integrity(name: str) -> str:
    """Give what the browser checks a file against."""
    return ASSETS[name].integrity


def local_file(filename: str) -> Path | None:
    """Give the path of a file that this process serves, None for any other name and where the CDN serves them."""
    is_pinned = any(asset.filename == filename for asset in ASSETS.values())
    return _folder / filename if _mode == "local" and is_pinned else None
