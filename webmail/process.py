"""Prepare a process: its logging, and its database, queue, cache, network rules, assets and presets, once."""

from __future__ import annotations

import logging
import os
import sys
from typing import Any, TextIO

import structlog

from webmail import assets, queue
from webmail.actions import unsubscribe
from webmail.config import Config, Registration
from webmail.providers import discovery, identities, network, presets
from webmail.providers.base import ServerSettings
from webmail.providers.oauth import OAuthClient
from webmail.providers.presets import DemoServers
from webmail.store import cache, session

_QUIET = {"alembic": "WARNING", "rq": "WARNING", "mail.log": "ERROR", "asyncio": "WARNING", "pymap": "WARNING"}
"""Libraries that tell of every step; what goes wrong in them still shows."""


def prepare_process(config: Config, name: str) -> None:
    """Point this process at everything that it works with; called once, before anything else.

    Args:
        name: what the process is, such as `web`; it stands in each of its log lines.

    Raises:
        ConfigError: local assets are wanted and are not there.
    """
    os.umask(0o077)  # what this process writes is for its own user only
    configure_logging(name)
    session.configure(config.database_url, config.encryption_keys)
    queue.configure(config.redis_url)
    cache.configure(config.data / "cache")
    unsubscribe.configure(base_url=config.base_url, secret_key=config.secret_key)
    network.configure(allow_private_hosts=config.allow_private_hosts, ca_file=config.ca_file)
    discovery.configure(nameserver=config.nameserver)
    assets.configure(config.assets)
    servers = DemoServers("127.0.0.1", config.demo_imap_port, config.demo_smtp_port)
    presets.configure(demo=servers if config.demo else None, stand_ins=_stand_ins(config))
    identities.configure(
        google=_oauth_client(config.google, config.ca_file), microsoft=_oauth_client(config.microsoft, config.ca_file)
    )


def _stand_ins(config: Config) -> dict[str, tuple[ServerSettings, ServerSettings]]:
    registrations = {"google": config.google, "microsoft": config.microsoft}
    return {
        name: (_server(each.imap), _server(each.smtp))
        for name, each in registrations.items()
        if each is not None and each.imap and each.smtp
    }


def _server(text: str) -> ServerSettings:
    host, port, security = text.rsplit(":", 2)
    return ServerSettings(host, int(port), security)


def _oauth_client(registration: Registration | None, ca_file: str | None) -> OAuthClient | None:
    if registration is None:
        return None
    return OAuthClient(
        registration.client_id,
        registration.client_secret,
        registration.authority,
        registration.ca_file or ca_file,
        registration.graph_url.rstrip("/"),
        is_stand_in=registration.is_stand_in,
    )


def configure_logging(name: str, stream: TextIO | None = None) -> None:
    """Write one JSON object a line, our own events and the libraries' alike.

    A traceback is text, and carries no local variables: they may hold passwords.

    Args:
        stream: where the lines go; standard error when None.
    """
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        _name_process(name),
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    logging.captureWarnings(capture=True)
    for logger, level in _QUIET.items():
        logging.getLogger(logger).setLevel(level)


def _name_process(name: str) -> Any:
    def add(_logger: object, _method: str, event: dict[str, Any]) -> dict[str, Any]:
        event["process"] = name
        return event

    return add
