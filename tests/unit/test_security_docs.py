"""The page on attacks says what is tested, all of it and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

from tests.unit.blueprints import test_api_attacks, test_attacks, test_embed_launches

PAGE = (Path(__file__).parents[2] / "docs" / "security.md").read_text("utf-8")


def test_the_page_lists_every_attack_that_is_tried_with_the_status_it_gets() -> None:
    tried = [(name, 403) for name in (*test_embed_launches.UNSIGNED, *test_embed_launches.WRONG)]
    tried += [(name, status) for name, (_, status) in (test_attacks.ATTACKS | test_api_attacks.ATTACKS).items()]

    listed = [(name, int(status)) for name, status in re.findall(r"^\| (.+) \| (\d{3}) \|$", PAGE, re.MULTILINE)]

    assert sorted(listed) == sorted(tried)
    assert f"**{len(tried)} of {len(tried)} are refused**" in PAGE and len(tried) >= 30
