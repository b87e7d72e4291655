"""Fetch the pinned script files from npm into .assets/, and print `local` or `cdn`: how pages can get them now.

Each file must hash to what `webmail/assets.py` pins. Without npm, or without its registry, nothing is fetched, and
browsers load the same files from the CDN. With `--tests`, what only tests use is fetched too.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from webmail.assets import ASSETS, FOLDER, TEST_ASSETS, Asset, integrity_of, require
from webmail.errors import ConfigError

_TIMEOUT_S = 60


def main() -> None:
    """Fetch what is missing, and say where pages get the files from."""
    wanted = [*ASSETS.values(), *(TEST_ASSETS.values() if "--tests" in sys.argv else ())]
    missing = [asset for asset in wanted if not _is_here(asset)]
    if missing:
        problem = _fetch(missing)
        if problem:
            print(f"{problem} Browsers load them from the CDN.", file=sys.stderr)
            print("cdn")
            return
    print("local")


def _is_here(asset: Asset) -> bool:
    try:
        require(asset, FOLDER)
    except ConfigError:
        return False
    return True


def _fetch(assets: list[Asset]) -> str:
    """Fetch files; gives what went wrong, in one sentence, or ""."""
    if shutil.which("npm") is None:
        return "There is no npm to fetch the script files with."
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        packages = sorted({f"{asset.package}@{asset.version}" for asset in assets})
        command = ["npm", "pack", "--silent", "--pack-destination", folder, *packages]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=_TIMEOUT_S, cwd=folder)
        except (OSError, subprocess.SubprocessError):
            return "npm could not fetch the script files."
        for asset in assets:
            content = _read(Path(folder) / f"{asset.package}-{asset.version}.tgz", f"package/{asset.path}")
            if content is None or integrity_of(content) != asset.integrity:
                return f"npm's {asset.package}@{asset.version} is not what was pinned."
            temporary = FOLDER / f".{asset.filename}.{os.getpid()}"
            temporary.write_bytes(content)
            temporary.replace(FOLDER / asset.filename)
    return ""


def _read(archive: Path, name: str) -> bytes | None:
    try:
        with tarfile.open(archive) as package:
            file = package.extractfile(name)
            return None if file is None else file.read()
    except (OSError, KeyError, tarfile.TarError):
        return None


if __name__ == "__main__":
    main()
