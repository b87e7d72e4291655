from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from webmail.config import load_config
from webmail.errors import ConfigError

SECRETS = {"WEBMAIL_SECRET_KEY": "s" * 40, "WEBMAIL_ENCRYPTION_KEYS": Fernet.generate_key().decode()}


def test_without_settings_everything_lies_in_the_data_folder(tmp_path: Path) -> None:
    config = load_config({**SECRETS, "WEBMAIL_DATA": str(tmp_path)})

    assert config.database_url == f"sqlite:///{tmp_path}/webmail.db"
    assert config.redis_socket == tmp_path / "redis.sock"
    assert config.redis_url == f"unix://{tmp_path}/redis.sock"
    assert (config.port, config.host, config.demo, config.assets) == (8000, "127.0.0.1", False, "cdn")
    assert (config.demo_imap_port, config.demo_smtp_port) == (8143, 8025)


def test_a_named_redis_needs_no_embedded_one() -> None:
    config = load_config({**SECRETS, "WEBMAIL_REDIS_URL": "redis://redis.internal/0"})

    assert config.redis_socket is None
    assert config.redis_url == "redis://redis.internal/0"


def test_the_socket_of_a_long_path_is_short_and_the_same_for_every_process() -> None:
    environ = {**SECRETS, "WEBMAIL_DATA": "/tmp/" + "long-" * 30}

    first, second = load_config(environ), load_config(environ)

    assert first.redis_socket == second.redis_socket
    assert len(str(first.redis_socket)) < 100


def test_secrets_are_not_in_its_repr() -> None:
    text = repr(load_config(SECRETS))

    assert SECRETS["WEBMAIL_SECRET_KEY"] not in text
    assert SECRETS["WEBMAIL_ENCRYPTION_KEYS"] not in text


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("WEBMAIL_PORT", "0"),
        ("WEBMAIL_PORT", "65536"),
        ("WEBMAIL_PORT", "²"),
        ("WEBMAIL_DEMO_IMAP_PORT", "imap"),
        ("WEBMAIL_WORKERS", "0"),
        ("WEBMAIL_HOST", "everywhere"),
        ("WEBMAIL_DEMO", "perhaps"),
        ("WEBMAIL_ASSETS", "ftp"),
        ("WEBMAIL_BASE_URL", "mail.example.com"),
        ("WEBMAIL_CA_FILE", "/no/such/file.pem"),
        ("WEBMAIL_ENCRYPTION_KEYS", "too-short"),
        ("WEBMAIL_SECRET_KEY", " "),
        ("WEBMAIL_DATABASE_URL", "mysql://webmail:hidden@localhost/webmail"),
        ("WEBMAIL_DATABASE_URL", "postgresql+psycopg2://webmail:hidden@localhost/webmail"),
        ("WEBMAIL_DATABASE_URL", "hidden"),
        ("WEBMAIL_REDIS_URL", "http://:hidden@localhost:6379"),
        ("WEBMAIL_REDIS_URL", "localhost:6379"),
    ],
)
def test_a_variable_that_cannot_be_used_is_named_in_one_line(variable: str, value: str) -> None:
    with pytest.raises(ConfigError) as raised:
        load_config({**SECRETS, variable: value})

    assert variable in raised.value.user_message
    assert "\n" not in raised.value.user_message
    assert "hidden" not in raised.value.user_message


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_postgresql_may_be_named_as_its_hosts_name_it(scheme: str) -> None:
    config = load_config({**SECRETS, "WEBMAIL_DATABASE_URL": f"{scheme}://webmail@localhost/webmail"})

    assert config.database_url == "postgresql+psycopg://webmail@localhost/webmail"
