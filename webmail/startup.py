"""`webmail run`: from a data folder, perhaps an empty one, to a running product."""

from __future__ import annotations

import os
from collections.abc import Mapping

import structlog

from webmail import queue
from webmail.actions.users import add_user
from webmail.config import Config, data_folder, load_config
from webmail.demo.desk import lay_out_desk
from webmail.demo.tenant import origin_of, prepare_tenant
from webmail.errors import ConfigError
from webmail.preflight import lock_folder, prepare_folder, prepare_socket_folder, require_ports, with_keys
from webmail.process import configure_logging, prepare_process
from webmail.store import session, users
from webmail.store.migrate import migrate
from webmail.supervisor import Supervisor, say

log = structlog.get_logger(__name__)

DEMO_TENANT = "demo"
DEMO_EMAIL = "recruiter@demo.example"
DEMO_NAME = "Robin Hale"
DEMO_PASSWORD = "demo"  # noqa: S105  # the sign-in page offers it


def run_everything() -> None:
    """Start all processes, say where they are, and keep them running until told to stop.

    Raises:
        ConfigError: something that `webmail.preflight` sees to cannot be used, or the database or Redis cannot.
        StartFailed: a process does not start.
    """
    os.umask(0o077)
    data = data_folder(os.environ)
    prepare_folder(data)
    lock = lock_folder(data)
    try:
        environ = with_keys(os.environ, data, makes_missing=True)
        config = load_config(environ)
        require_ports(config, waits=lock.was_left_behind)
        if config.redis_socket:
            prepare_socket_folder(config.redis_socket)
        _supervise(config, environ)
        if config.redis_socket and config.redis_socket.parent != data:
            config.redis_socket.parent.rmdir()
    finally:
        lock.release()


def _supervise(config: Config, environ: Mapping[str, str]) -> None:
    prepare_process(config, "run")
    if config.redis_socket is None and not queue.is_reachable():
        raise ConfigError("WEBMAIL_REDIS_URL names a server that does not answer. Start it, or correct the address.")
    with (config.data / "logs" / "run.log").open("a") as log_file:
        configure_logging("run", log_file)
        supervisor = Supervisor(config, environ)
        supervisor.watch_signals()
        try:
            supervisor.start_first()
            _prepare_database(config)
            supervisor.start_rest()
            if supervisor.wait_until_ready():
                say(_greeting(config))
                log.info("ready", address=config.base_url)
                supervisor.run()
            say("Stopping.")
        finally:
            supervisor.stop()


def _prepare_database(config: Config) -> None:
    migrate()
    if config.demo:
        with session.reading() as s:
            is_there = users.find_by_email(s, DEMO_EMAIL) is not None
        if not is_there:
            add_user(tenant_slug=DEMO_TENANT, email=DEMO_EMAIL, name=DEMO_NAME, password=DEMO_PASSWORD)
        prepare_tenant(config, DEMO_EMAIL)
        if not is_there:
            lay_out_desk(DEMO_EMAIL)
    session.engine().dispose()


def _greeting(config: Config) -> str:
    lines = [f"\n  Mail is ready at {config.base_url}\n"]
    if config.demo:
        lines.append(f"  An ATS with it inside is at {origin_of(config)}\n")
        lines.append(f"  Sign in as {DEMO_EMAIL} with the password {DEMO_PASSWORD}\n")
    lines.append(f"  Logs are in {config.data / 'logs'}; Ctrl-C stops everything.\n")
    return "\n".join(lines)
