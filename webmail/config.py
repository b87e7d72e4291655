"""Read the process's configuration from the environment, once, into a frozen value."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.fernet import Fernet

from webmail.errors import ConfigError

DEFAULT_PORT = 8000


@dataclass(frozen=True)
class Config:
    """Everything that an operator can set; secrets stay out of its `repr`."""

    data: Path
    port: int
    base_url: str
    database_url: str
    redis_url: str
    secret_key: str = field(repr=False)
    encryption_keys: tuple[str, ...] = field(repr=False)
    allow_private_hosts: bool = False
    demo: bool = False
    assets: str = "cdn"
    ca_file: str | None = None

    @property
    def is_https(self) -> bool:
        return self.base_url.startswith("https://")


def load_config(environ: Mapping[str, str] | None = None) -> Config:
    """Build the configuration from `WEBMAIL_*` variables.

    Args:
        environ: variables to read; the process's own when None.

    Raises:
        ConfigError: a variable is missing or cannot be used; its message is one line for the operator.
    """
    env = os.environ if environ is None else environ
    data = Path(env.get("WEBMAIL_DATA") or "var").expanduser().resolve()
    port = _port(env.get("WEBMAIL_PORT") or str(DEFAULT_PORT))
    return Config(
        data=data,
        port=port,
        base_url=_base_url(env.get("WEBMAIL_BASE_URL") or f"http://127.0.0.1:{port}"),
        database_url=env.get("WEBMAIL_DATABASE_URL") or f"sqlite:///{data / 'webmail.db'}",
        redis_url=env.get("WEBMAIL_REDIS_URL") or f"unix://{data / 'redis.sock'}",
        secret_key=_required(env, "WEBMAIL_SECRET_KEY"),
        encryption_keys=_encryption_keys(_required(env, "WEBMAIL_ENCRYPTION_KEYS")),
        allow_private_hosts=_flag(env, "WEBMAIL_ALLOW_PRIVATE_HOSTS"),
        demo=_flag(env, "WEBMAIL_DEMO"),
        assets=_choice(env, "WEBMAIL_ASSETS", ("cdn", "local")),
        ca_file=_file(env, "WEBMAIL_CA_FILE"),
    )


def _required(env: Mapping[str, str], name: str) -> str:
    value = env.get(name, "").strip()
    if not value:
        raise ConfigError(f"{name} is not set. `make run` makes one; production needs its own.")
    return value


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65536:
        raise ConfigError(f"WEBMAIL_PORT is {text!r}; it takes a number from 1 to 65535.")
    return int(text)


def _base_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(f"WEBMAIL_BASE_URL is {text!r}; it takes an address such as https://mail.example.com.")
    return text.rstrip("/")


def _encryption_keys(text: str) -> tuple[str, ...]:
    keys = tuple(part.strip() for part in text.split(",") if part.strip())
    for key in keys:
        try:
            Fernet(key)
        except ValueError:
            raise ConfigError("WEBMAIL_ENCRYPTION_KEYS holds a key that is not 32 bytes in URL-safe base64.") from None
    return keys


def _flag(env: Mapping[str, str], name: str) -> bool:
    value = (env.get(name) or "0").strip().lower()
    if value not in ("0", "1", "true", "false", "yes", "no", "on", "off"):
        raise ConfigError(f"{name} is {value!r}; it takes 1 or 0.")
    return value in ("1", "true", "yes", "on")


def _choice(env: Mapping[str, str], name: str, choices: tuple[str, ...]) -> str:
    value = (env.get(name) or choices[0]).strip()
    if value not in choices:
        raise ConfigError(f"{name} is {value!r}; it takes {' or '.join(choices)}.")
    return value


def _file(env: Mapping[str, str], name: str) -> str | None:
    value = (env.get(name) or "").strip()
    if value and not Path(value).is_file():
        raise ConfigError(f"{name} names {value!r}, which is not a file.")
    return value or None
