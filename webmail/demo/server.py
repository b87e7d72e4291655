"""The demo's mail server as a process: IMAP and SMTP on this machine, with mail that is there from the first minute."""

from __future__ import annotations

import asyncio
import tempfile
import threading
from datetime import UTC, datetime

import structlog

from webmail.config import Config
from webmail.demo.mailbox import DemoMailbox
from webmail.demo.postman import Postman
from webmail.demo.seed import seed_mailbox
from webmail.errors import ConfigError

_log = structlog.get_logger()

_HOST = "127.0.0.1"
_GLANCE_S = 0.1
"""How often the servers look whether they are to end."""


def run_demo(config: Config, stop: threading.Event) -> None:
    """Serve the demo's mailbox until `stop` is set; made once, it is kept in the data folder.

    Raises:
        ConfigError: a port is taken.
    """
    folder = config.data / "demo"
    scratch = folder / "tmp"
    scratch.mkdir(parents=True, exist_ok=True)
    # pymap writes its lists into a temporary file and renames that, which only works within one file system.
    tempfile.tempdir = str(scratch)
    is_new = seed_mailbox(folder / "mail", datetime.now(UTC))
    _log.info("demo_mailbox_ready", is_new=is_new)
    asyncio.run(_serve(config, stop))


async def _serve(config: Config, stop: threading.Event) -> None:
    mailbox = DemoMailbox(config.data / "demo" / "mail")
    postman = Postman(mailbox.deliver)
    servers = []
    for listen, port in ((mailbox.listen, config.demo_imap_port), (postman.listen, config.demo_smtp_port)):
        try:
            servers.append(await listen(_HOST, port))
        except OSError as error:
            raise ConfigError(f"The demo's mail server cannot listen on port {port}: {error.strerror}.") from error
    _log.info("demo_listening", imap_port=config.demo_imap_port, smtp_port=config.demo_smtp_port)
    while not stop.is_set():  # noqa: ASYNC110  # the event is a thread's
        await asyncio.sleep(_GLANCE_S)
    for server in servers:
        server.close()
