"""The guide for ATS developers: its Python signs launches that are taken."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import OctKey

from webmail.domain.key_sets import read_key_set
from webmail.domain.launches import PAGES, LaunchKey, read_launch

GUIDE = (Path(__file__).parents[2] / "docs" / "embedding.md").read_text("utf-8")
SECRET = "the secret that the operator was shown"


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
def test_the_python_of_the_guide_signs_a_launch_that_is_taken() -> None:
    blocks = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        names: dict[str, Any] = {"KID": "key-1", "SECRET": SECRET}
        exec(block, names)
        token = names["sign_launch"]({"id": "7", "name": "Rita", "email": "rita@acme.example"}, "candidate-4711")
        keys = [LaunchKey("key-1", "HS256", dict(OctKey.import_key(SECRET).as_dict()))]
        if "key_set" in names:
            keys = read_key_set(json.dumps(names["key_set"]()).encode())

        launch = read_launch(token, keys, tenant="acme", audience="https://mail.example.com", now=int(time.time()))

        assert (launch.external_id, launch.contact) == ("7", "candidate-4711")


OTHERS = {
    "js": (
        "node",
        "sign.mjs",
        "{source}\nconsole.log(signLaunch({{ id: '7', name: '“Ri” Röth', email: 'r@a.example' }}, 'c/ü'));",
    ),
    "php": (
        "php",
        "sign.php",
        "<?php\n{source}\necho sign_launch(['id' => '7', 'name' => '“Ri” Röth', 'email' => 'r@a.example'], 'c/ü');",
    ),
}
"""Language -> the program that runs it, a file, and what calls the guide's function."""


@pytest.mark.parametrize("language", OTHERS)
def test_what_the_guide_signs_in_other_languages_is_taken(language: str, tmp_path: Path) -> None:
    program, name, call = OTHERS[language]
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed here; the guide's {language} is run where it is")
    [source] = re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)
    (tmp_path / name).write_text(call.format(source=source), "utf-8")
    environ = {"PATH": os.environ["PATH"], "MAIL_SECRET": SECRET, "MAIL_KID": "key-1"}

    token = subprocess.run(
        [found, str(tmp_path / name)], env=environ, capture_output=True, check=True, text=True, timeout=60
    ).stdout.strip()
    keys = [LaunchKey("key-1", "HS256", dict(OctKey.import_key(SECRET).as_dict()))]
    launch = read_launch(token, keys, tenant="acme", audience="https://mail.example.com", now=int(time.time()))

    assert (launch.external_id, launch.name, launch.contact) == ("7", "“Ri” Röth", "c/ü")


def test_the_guide_names_every_page_and_event() -> None:
    script = (Path(__file__).parents[2] / "webmail" / "static" / "embed.js").read_text("utf-8")
    emitted = set(re.findall(r'emit\("([a-z-]+)"', script)) | {"connected", "disconnected", "reconnect-needed", "ready"}

    assert {name for name in (*PAGES, *emitted) if f"`{name}`" not in GUIDE} == set()
