"""Configure the test process as `webmail.process` configures the product's own, without touching logging."""

from __future__ import annotations

from pathlib import Path

from cryptography.fernet import Fernet

from webmail import queue
from webmail.actions import unsubscribe
from webmail.config import Config, load_config
from webmail.providers import network
from webmail.store import cache, session
from webmail.store.migrate import migrate

SECRETS = {
    "WEBMAIL_SECRET_KEY": "test-secret-key-test-secret-key-0",
    "WEBMAIL_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
}


def build_config(data: Path, *, redis_url: str, ca_file: Path, database_url: str = "", port: int = 8000) -> Config:
    """Build the configuration of one test: its own folder, the real servers of the session."""
    return load_config(
        {
            **SECRETS,
            "WEBMAIL_DATA": str(data),
            "WEBMAIL_PORT": str(port),
            "WEBMAIL_REDIS_URL": redis_url,
            "WEBMAIL_DATABASE_URL": database_url,
            "WEBMAIL_ALLOW_PRIVATE_HOSTS": "1",
            "WEBMAIL_CA_FILE": str(ca_file),
            "WEBMAIL_ASSETS": "local",
        }
    )


def migrate_new(database_url: str) -> None:
    """Make all tables in a new database, and let go of it."""
    session.configure(database_url, (SECRETS["WEBMAIL_ENCRYPTION_KEYS"],))
    migrate()
    session.engine().dispose()


def configure_process(config: Config) -> None:
    """Point this process at a database, a Redis, a cache and the test authority."""
    session.configure(config.database_url, config.encryption_keys)
    queue.configure(config.redis_url)
    cache.configure(config.data / "cache")
    unsubscribe.configure(base_url=config.base_url, secret_key=config.secret_key)
    network.configure(allow_private_hosts=config.allow_private_hosts, ca_file=config.ca_file)


def release_process() -> None:
    """Close what `configure_process()` has opened."""
    session.engine().dispose()
    queue.connection().close()
    network.configure(allow_private_hosts=False, ca_file=None)
