from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from webmail.errors import ConfigError
from webmail.preflight import lock_folder, prepare_folder, with_keys


def test_missing_keys_are_made_once_and_kept_for_this_user_only(tmp_path: Path) -> None:
    first = with_keys({}, tmp_path, makes_missing=True)
    second = with_keys({}, tmp_path, makes_missing=True)

    assert first == second
    assert len(first["WEBMAIL_SECRET_KEY"]) >= 40
    for path in (tmp_path / "keys").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700


def test_keys_of_the_environment_go_first_and_are_not_stored(tmp_path: Path) -> None:
    given = {"WEBMAIL_SECRET_KEY": "mine", "WEBMAIL_ENCRYPTION_KEYS": "mine too"}

    assert with_keys(given, tmp_path, makes_missing=True) == given
    assert not (tmp_path / "keys").exists()


def test_a_command_typed_by_hand_makes_no_keys(tmp_path: Path) -> None:
    assert with_keys({}, tmp_path, makes_missing=False) == {}
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_the_place_of_a_key_is_named(tmp_path: Path) -> None:
    (tmp_path / "keys" / "secret_key").mkdir(parents=True)

    with pytest.raises(ConfigError, match="secret_key cannot be used"):
        with_keys({}, tmp_path, makes_missing=True)


def test_a_locked_folder_names_its_holder_and_a_released_one_is_free(tmp_path: Path) -> None:
    lock = lock_folder(tmp_path)

    with pytest.raises(ConfigError, match=rf"process {os.getpid()}\)"):
        lock_folder(tmp_path)

    lock.release()
    again = lock_folder(tmp_path)
    assert not again.was_left_behind
    again.release()


def test_a_run_that_did_not_end_in_order_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "run.lock").write_text("4711")

    lock = lock_folder(tmp_path)

    assert lock.was_left_behind
    lock.release()


def test_a_data_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(ConfigError, match="cannot be used"):
        prepare_folder(tmp_path / "file")
