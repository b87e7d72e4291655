"""Read the process's configuration from the environment, once, into a frozen value."""

from __future__ import annotations

import hashlib
import ipaddress
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import quote, urlsplit

from cryptography.fernet import Fernet

from webmail.errors import ConfigError

DEFAULT_PORT = 8000
DEFAULT_DEMO_IMAP_PORT = 8143
DEFAULT_DEMO_SMTP_PORT = 8025
DEFAULT_DEMO_IDENTITY_PORT = 8144
DEFAULT_DEMO_ATS_PORT = 8001
DEFAULT_WORKERS = 3
_MAX_SOCKET_PATH = 100
"""Bytes in a Unix socket's path that every system takes (macOS: 104 with the end mark)."""


@dataclass(frozen=True)
class Registration:
    """This installation as it is registered with Google or Microsoft.

    `imap` and `smtp` are `host:port:security`, "" for the provider's own servers; they, `authority` and `graph_url`
    point at stand-ins when there are any. `is_stand_in` says that these are the demo's, with an authority of their own
    in `ca_file`.
    """

    client_id: str
    client_secret: str = field(repr=False)
    authority: str
    imap: str = ""
    smtp: str = ""
    graph_url: str = ""
    ca_file: str | None = None
    is_stand_in: bool = False


@dataclass(frozen=True)
class Config:
    """Everything that an operator can set; secrets stay out of its `repr`."""

    data: Path
    port: int
    base_url: str
    database_url: str
    redis_url: str
    redis_socket: Path | None
    """Where the embedded server listens; None when the operator names a server."""
    secret_key: str = field(repr=False)
    encryption_keys: tuple[str, ...] = field(repr=False)
    allow_private_hosts: bool = False
    demo: bool = False
    demo_imap_port: int = DEFAULT_DEMO_IMAP_PORT
    demo_smtp_port: int = DEFAULT_DEMO_SMTP_PORT
    demo_identity_port: int = DEFAULT_DEMO_IDENTITY_PORT
    demo_ats_port: int = DEFAULT_DEMO_ATS_PORT
    metrics_token: str = field(default="", repr=False)
    """Who has it may read `/metrics` from elsewhere; "" for nobody."""
    proxies: int = 0
    """How many proxies stand in front: as many of the last addresses in X-Forwarded-For are believed."""
    workers: int = DEFAULT_WORKERS
    host: str = "127.0.0.1"
    assets: str = "cdn"
    ca_file: str | None = None
    nameserver: tuple[str, int] | None = None
    """The DNS server to ask where an address's mail is kept; None for the system's."""
    google: Registration | None = None
    microsoft: Registration | None = None

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
    data = data_folder(env)
    port = _number(env, "WEBMAIL_PORT", DEFAULT_PORT, 65535)
    redis_url = _redis_url(env)
    socket = None if redis_url else _redis_socket(data)
    config = Config(
        data=data,
        port=port,
        base_url=_base_url(env.get("WEBMAIL_BASE_URL") or f"http://127.0.0.1:{port}"),
        database_url=_database_url(env) or f"sqlite:///{data / 'webmail.db'}",
        redis_url=redis_url or f"unix://{quote(str(socket))}",
        redis_socket=socket,
        secret_key=_required(env, "WEBMAIL_SECRET_KEY"),
        encryption_keys=_encryption_keys(_required(env, "WEBMAIL_ENCRYPTION_KEYS")),
        allow_private_hosts=_flag(env, "WEBMAIL_ALLOW_PRIVATE_HOSTS"),
        demo=_flag(env, "WEBMAIL_DEMO"),
        demo_imap_port=_number(env, "WEBMAIL_DEMO_IMAP_PORT", DEFAULT_DEMO_IMAP_PORT, 65535),
        demo_smtp_port=_number(env, "WEBMAIL_DEMO_SMTP_PORT", DEFAULT_DEMO_SMTP_PORT, 65535),
        demo_identity_port=_number(env, "WEBMAIL_DEMO_IDENTITY_PORT", DEFAULT_DEMO_IDENTITY_PORT, 65535),
        demo_ats_port=_number(env, "WEBMAIL_DEMO_ATS_PORT", DEFAULT_DEMO_ATS_PORT, 65535),
        metrics_token=env.get("WEBMAIL_METRICS_TOKEN", "").strip(),
        proxies=_number(env, "WEBMAIL_PROXIES", 0, 9, lowest=0),
        host=_address(env, "WEBMAIL_HOST"),
        workers=_number(env, "WEBMAIL_WORKERS", DEFAULT_WORKERS, 100),
        assets=_choice(env, "WEBMAIL_ASSETS", ("cdn", "local")),
        ca_file=_file(env, "WEBMAIL_CA_FILE"),
        nameserver=_nameserver(env, "WEBMAIL_NAMESERVER"),
        google=_registration(env, "WEBMAIL_GOOGLE", "https://accounts.google.com"),
        microsoft=_registration(env, "WEBMAIL_MICROSOFT", "https://login.microsoftonline.com/common"),
    )
    return _with_stand_ins(config) if config.demo else config


def _with_stand_ins(config: Config) -> Config:
    """Let the demo play Google and Microsoft where this installation is not registered with them."""
    base = f"https://127.0.0.1:{config.demo_identity_port}"

    def stand_in(path: str) -> Registration:
        return Registration(
            "webmail-demo",
            "webmail-demo-secret",
            base + path,
            f"127.0.0.1:{config.demo_imap_port}:plain",
            f"127.0.0.1:{config.demo_smtp_port}:plain",
            f"{base}/v1.0",
            str(config.data / "demo" / "ca.pem"),
            is_stand_in=True,
        )

    google, microsoft = config.google or stand_in("/google"), config.microsoft or stand_in("/common")
    return replace(config, google=google, microsoft=microsoft)


def data_folder(env: Mapping[str, str]) -> Path:
    """Give the folder of `WEBMAIL_DATA`, which need not be there yet."""
    return Path(env.get("WEBMAIL_DATA") or "var").expanduser().resolve()


def _database_url(env: Mapping[str, str]) -> str:
    """Give the database's address, or nothing. It may hold a password, so no message repeats it."""
    url = env.get("WEBMAIL_DATABASE_URL", "").strip()
    scheme, separator, rest = url.partition("://")
    if separator and scheme in ("postgres", "postgresql", "postgresql+psycopg"):
        return f"postgresql+psycopg://{rest}"
    if url and not (separator and scheme == "sqlite"):
        raise ConfigError(
            "WEBMAIL_DATABASE_URL cannot be used; it takes an address such as postgresql://user:password@host/name."
        )
    return url


def _redis_url(env: Mapping[str, str]) -> str:
    """Give the address of a Redis server, or nothing. It may hold a password, so no message repeats it."""
    url = env.get("WEBMAIL_REDIS_URL", "").strip()
    if url and not url.startswith(("redis://", "rediss://", "unix://")):
        raise ConfigError("WEBMAIL_REDIS_URL cannot be used; it takes an address such as redis://host:6379/0.")
    return url


def _redis_socket(data: Path) -> Path:
    """Place the embedded server's socket: with the data, or in a short folder that only this user may enter."""
    path = data / "redis.sock"
    if len(bytes(path)) <= _MAX_SOCKET_PATH:
        return path
    digest = hashlib.sha256(bytes(data)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"webmail-{os.getuid()}-{digest}" / "redis.sock"


def _required(env: Mapping[str, str], name: str) -> str:
    value = env.get(name, "").strip()
    if not value:
        raise ConfigError(f"{name} is not set. `make run` makes one; production needs its own.")
    return value


def _number(env: Mapping[str, str], name: str, default: int, highest: int, lowest: int = 1) -> int:
    text = (env.get(name) or str(default)).strip()
    if not text.isascii() or not text.isdigit() or not lowest <= int(text) <= highest:
        raise ConfigError(f"{name} is {text!r}; it takes a number from {lowest} to {highest}.")
    return int(text)


def _address(env: Mapping[str, str], name: str) -> str:
    text = (env.get(name) or "127.0.0.1").strip()
    try:
        return str(ipaddress.IPv4Address(text))
    except ValueError:
        raise ConfigError(f"{name} is {text!r}; it takes an IPv4 address of this machine, or 0.0.0.0.") from None


def _nameserver(env: Mapping[str, str], name: str) -> tuple[str, int] | None:
    text = (env.get(name) or "").strip()
    host, _, port = text.partition(":")
    try:
        return (str(ipaddress.IPv4Address(host)), int(port or "53")) if text else None
    except ValueError:
        raise ConfigError(f"{name} is {text!r}; it takes an IPv4 address, with a port such as 10.0.0.2:53.") from None


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


def _registration(env: Mapping[str, str], prefix: str, authority: str) -> Registration | None:
    def value(name: str) -> str:
        return env.get(f"{prefix}_{name}", "").strip()

    if not value("CLIENT_ID"):
        return None
    chosen = (value("AUTHORITY") or authority).rstrip("/")
    if not chosen.startswith("https://"):
        raise ConfigError(f"{prefix}_AUTHORITY is {chosen!r}; it takes an address that begins with https://.")
    return Registration(
        value("CLIENT_ID"),
        _required_with(env, f"{prefix}_CLIENT_SECRET", f"{prefix}_CLIENT_ID"),
        chosen,
        _server(env, f"{prefix}_IMAP"),
        _server(env, f"{prefix}_SMTP"),
        value("GRAPH_URL"),
    )


def _server(env: Mapping[str, str], name: str) -> str:
    text = env.get(name, "").strip()
    if text and not re.fullmatch(r"[A-Za-z0-9.-]+:\d{1,5}:(?:tls|starttls|plain)", text):
        raise ConfigError(f"{name} is {text!r}; it takes host:port:security, such as 127.0.0.1:993:tls.")
    return text


def _required_with(env: Mapping[str, str], name: str, other: str) -> str:
    value = env.get(name, "").strip()
    if not value:
        raise ConfigError(f"{other} is set, but {name} is not.")
    return value


def _file(env: Mapping[str, str], name: str) -> str | None:
    value = (env.get(name) or "").strip()
    if value and not Path(value).is_file():
        raise ConfigError(f"{name} names {value!r}, which is not a file.")
    return value or None
