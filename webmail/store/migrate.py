"""Bring the database up to the newest tables (Alembic; the steps lie in `webmail/store/migrations/versions`)."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy.exc import SQLAlchemyError

from webmail.errors import ConfigError
from webmail.store.search_index import index_missing
from webmail.store.session import engine

_HERE = Path(__file__).parent / "migrations"


def alembic_config() -> Config:
    """Give Alembic's configuration; it needs no ini file."""
    config = Config()
    config.set_main_option("script_location", str(_HERE))
    config.set_main_option("path_separator", "os")
    return config


def migrate() -> None:
    """Take every step that this database has not taken yet, then index the mail that search does not know yet.

    The pages work meanwhile: steps are short, and the index is filled some messages at a time.

    Raises:
        ConfigError: the database cannot be reached, or is not ours.
    """
    try:
        command.upgrade(alembic_config(), "head")
        index_missing()
    except (SQLAlchemyError, CommandError) as error:
        raise _unusable(error) from error


def is_migrated() -> bool:
    """Say whether the database has the newest tables."""
    with engine().connect() as connection:
        return MigrationContext.configure(connection).get_current_revision() == _head()


def require_migrated() -> None:
    """See that the database can be worked with.

    Raises:
        ConfigError: it cannot be reached, or lacks the newest tables.
    """
    try:
        is_ready = is_migrated()
    except SQLAlchemyError as error:
        raise _unusable(error) from error
    if not is_ready:
        raise ConfigError("The database lacks the newest tables: run `webmail migrate` first.")


@lru_cache
def _head() -> str | None:
    return ScriptDirectory.from_config(alembic_config()).get_current_head()


def _unusable(error: Exception) -> ConfigError:
    words = str(getattr(error, "orig", None) or error).strip().splitlines() or [type(error).__name__]
    return ConfigError(f"The database cannot be used: {words[0]}.")
