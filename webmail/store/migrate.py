"""Bring the database up to the newest tables (Alembic; the steps lie in `webmail/store/migrations/versions`)."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from webmail.store.session import engine

_HERE = Path(__file__).parent / "migrations"


def alembic_config() -> Config:
    """Give Alembic's configuration; it needs no ini file."""
    config = Config()
    config.set_main_option("script_location", str(_HERE))
    config.set_main_option("path_separator", "os")
    return config


def migrate() -> None:
    """Take every step that this database has not taken yet."""
    command.upgrade(alembic_config(), "head")


def is_migrated() -> bool:
    """Say whether the database has the newest tables."""
    head = ScriptDirectory.from_config(alembic_config()).get_current_head()
    with engine().connect() as connection:
        return MigrationContext.configure(connection).get_current_revision() == head
