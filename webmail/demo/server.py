"""The demo's servers as a process: IMAP, SMTP and sign-in on this machine, with mail that is there at once."""

from __future__ import annotations

import asyncio
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path

import structlog

from webmail.config import Config
from webmail.demo.ats import DemoAts
from webmail.demo.certificates import ensure_certificates
from webmail.demo.mailbox import DemoMailboxes
from webmail.demo.newcomers import newcomer_mails
from webmail.demo.postman import Postman
from webmail.demo.seed import seed_mailbox, seed_mails
from webmail.demo.sign_in import GOOGLE_EMAIL, MICROSOFT_EMAIL, STRICT_EMAIL, SignInServers
from webmail.errors import ConfigError
from webmail.providers.presets import DEMO_EMAIL

_log = structlog.get_logger()

_HOST = "127.0.0.1"
_GLANCE_S = 0.1
"""How often the servers look whether they are to end."""
_NEWCOMERS = {GOOGLE_EMAIL: "mail-google", MICROSOFT_EMAIL: "mail-microsoft", STRICT_EMAIL: "mail-strict"}


def run_demo(config: Config, stop: threading.Event) -> None:
    """Serve the demo's mailboxes until `stop` is set; made once, they are kept in the data folder.

    Raises:
        ConfigError: a port is taken.
    """
    folder = config.data / "demo"
    scratch = folder / "tmp"
    scratch.mkdir(parents=True, exist_ok=True)
    # pymap writes its lists into a temporary file and renames that, which only works within one file system.
    tempfile.tempdir = str(scratch)
    # The pages may ask for it while the mail is still being written.
    ensure_certificates(folder)
    folders = _seed(folder, datetime.now(UTC))
    asyncio.run(_serve(config, folders, stop))


def _seed(folder: Path, now: datetime) -> dict[str, Path]:
    """Make the mailboxes that are not there yet; gives the folder of each."""
    folders = {DEMO_EMAIL: folder / "mail"}
    told = cache(seed_mails)
    is_new = seed_mailbox(folders[DEMO_EMAIL], now, told)
    for number, (email, name) in enumerate(_NEWCOMERS.items()):
        folders[email] = folder / name
        seed_mailbox(folders[email], now, partial(newcomer_mails, email, number, told))
    _log.info("demo_mailboxes_ready", is_new=is_new)
    return folders


async def _serve(config: Config, folders: dict[str, Path], stop: threading.Event) -> None:
    loop = asyncio.get_running_loop()

    def take_from_graph(sender: str, recipients: list[str], mail: bytes) -> None:
        asyncio.run_coroutine_threadsafe(_take(postman, mailboxes, sender, recipients, mail), loop).result(10)

    with _sign_in(config, take_from_graph) as sign_in, _ats(config):
        mailboxes = DemoMailboxes(folders, sign_in.email_of)
        postman = Postman(mailboxes.emails, mailboxes.deliver, sign_in.email_of)
        servers = []
        for listen, port in ((postman.listen, config.demo_smtp_port), (mailboxes.listen, config.demo_imap_port)):
            try:
                servers.append(await listen(_HOST, port))
            except OSError as error:
                raise ConfigError(f"The demo's mail server cannot listen on port {port}: {error.strerror}.") from error
        _log.info("demo_listening", imap_port=config.demo_imap_port, smtp_port=config.demo_smtp_port)
        while not stop.is_set():  # noqa: ASYNC110  # the event is a thread's
            await asyncio.sleep(_GLANCE_S)
        for server in servers:
            server.close()


@contextmanager
def _sign_in(config: Config, deliver: Callable[[str, list[str], bytes], None]) -> Iterator[SignInServers]:
    try:
        servers = SignInServers(config, deliver)
    except OSError as error:
        port = config.demo_identity_port
        raise ConfigError(f"The demo's sign-in server cannot listen on port {port}: {error.strerror}.") from error
    servers.start()
    try:
        yield servers
    finally:
        servers.stop()


@contextmanager
def _ats(config: Config) -> Iterator[None]:
    try:
        ats = DemoAts(config)
    except OSError as error:
        raise ConfigError(f"The demo's ATS cannot listen on port {config.demo_ats_port}: {error.strerror}.") from error
    ats.start()
    try:
        yield
    finally:
        ats.stop()


async def _take(postman: Postman, mailboxes: DemoMailboxes, sender: str, recipients: list[str], mail: bytes) -> None:
    """Take a mail over from Graph, which files the sent copy itself."""
    await mailboxes.deliver(sender, mail, folder="Sent")
    await postman.take(sender, sender, recipients, mail)
