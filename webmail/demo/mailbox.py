"""The demo's mailboxes: pymap's Maildir behind its IMAP server.

pymap is a library here, in this process's event loop. Three things differ from what its own command line would start:
sign-in compares the demo's well-known password (its hashes take tenths of a second, for nothing that is a secret) or
asks whose a token is, all connections to a mailbox share one set of folders, and messages go out byte for byte as they
lie on disk, where pymap would have them parsed and written anew by the stdlib.
"""

from __future__ import annotations

import asyncio
import re
from argparse import Namespace
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from proxyprotocol.noop import ProxyProtocolNoop
from proxyprotocol.reader import ProxyProtocolReader
from pymap.backend.maildir import Config, FilterSet, Identity, Login, Session
from pymap.backend.maildir.layout import MaildirLayout
from pymap.backend.maildir.mailbox import MailboxSet, Maildir
from pymap.concurrent import Subsystem
from pymap.exceptions import AuthorizationFailure, InvalidAuth
from pymap.imap import IMAPServer
from pymap.interfaces.login import IdentityInterface
from pymap.parsing.message import AppendMessage
from pymap.parsing.specials.flag import Seen
from pymap.user import UserMetadata
from pysasl import SASLAuth
from pysasl.creds.external import ExternalVerificationRequired
from pysasl.creds.server import ServerCredentials
from pysasl.hashing import Cleartext

from webmail.providers.presets import DEMO_EMAIL, DEMO_PASSWORD

_LINE_END = re.compile(rb"\r?\n")
_LAYOUT = "++"


class DemoMailboxes:
    """The folders under some Maildirs, for any number of connections.

    `DEMO_EMAIL` signs in by password, the others by token.
    """

    def __init__(self, folders: Mapping[str, Path], token_owner: Callable[[str], str | None]) -> None:
        """Open the mailboxes.

        Args:
            folders: by address: Maildirs that exist, with their uid lists (`webmail.demo.seed` makes them).
            token_owner: gives whose an access token is, None for one that is no good.
        """
        self._boxes = {email: _open(folder) for email, folder in folders.items()}
        self._token_owner = token_owner
        self._config = _Config(
            Namespace(),
            host=None,
            port=0,
            base_dir=str(next(iter(folders.values())).parent),
            layout=_LAYOUT,
            colon=None,
            subsystem=Subsystem.for_asyncio(),
            hash_context=Cleartext(),
            proxy_protocol=ProxyProtocolNoop(),
            tls_enabled=False,
            reject_dnsbl=False,
        )

    async def listen(self, host: str, port: int) -> asyncio.Server:
        """Serve the mailboxes over IMAP, unencrypted.

        Raises:
            OSError: the port cannot be had.
        """
        self._config.apply_context()
        server = IMAPServer(_Login(self._config, self._boxes, self._token_owner), self._config)
        callback = ProxyProtocolReader(self._config.proxy_protocol).get_callback(server)
        return await asyncio.start_server(callback, host, port)

    @property
    def emails(self) -> frozenset[str]:
        """The addresses that have a mailbox here."""
        return frozenset(self._boxes)

    async def deliver(self, email: str, mail: bytes, *, folder: str = "INBOX") -> None:
        """Put a mail into a folder; connections that wait in IDLE learn of it within a second."""
        target = await self._boxes[email].get_mailbox(folder)
        await target.append(AppendMessage(mail, flag_set=frozenset({Seen} if folder != "INBOX" else ())))


def _open(folder: Path) -> MailboxSet:
    for lock in folder.rglob("*.lock"):
        # Left by a process that was killed; pymap would wait ten minutes for it.
        lock.unlink(missing_ok=True)
    layout = MaildirLayout.get(str(folder), _LAYOUT, _ExactMaildir)
    return MailboxSet(_ExactMaildir(str(folder), create=False), layout)


class _Config(Config):
    @property
    def tls_auth(self) -> SASLAuth:
        """The ways to sign in; tokens are none of pymap's own."""
        return SASLAuth.named([b"PLAIN", b"LOGIN", b"XOAUTH2"])


class _ExactMaildir(Maildir):
    def get_message(self, key: str) -> Any:
        """Give a message as its bytes are, with the line ends that IMAP asks for."""
        return _Exact(_LINE_END.sub(b"\r\n", self.get_bytes(key)))


class _Exact:
    def __init__(self, content: bytes) -> None:
        self._content = content

    def __bytes__(self) -> bytes:
        return self._content


class _Login(Login):
    def __init__(
        self, config: Config, boxes: Mapping[str, MailboxSet], token_owner: Callable[[str], str | None]
    ) -> None:
        super().__init__(config)
        self._boxes = boxes
        self._token_owner = token_owner

    async def authenticate(self, credentials: ServerCredentials) -> Identity:
        email = DEMO_EMAIL
        try:
            user = UserMetadata(self.config, DEMO_EMAIL, password=DEMO_PASSWORD)
            if not credentials.verify(user):
                raise InvalidAuth
        except ExternalVerificationRequired as wanted:
            email = self._token_owner(wanted.token or "") or ""
        if email not in self._boxes:
            raise InvalidAuth
        return _Identity(self, email, self._boxes[email])

    async def authorize(self, authenticated: IdentityInterface, authzid: str) -> Identity:
        if authzid != authenticated.name:
            raise AuthorizationFailure
        return _Identity(self, authzid, self._boxes[authzid])


class _Identity(Identity):
    def __init__(self, login: _Login, email: str, folders: MailboxSet) -> None:
        super().__init__(login.config, login.tokens, email, None, frozenset())
        self._folders = folders

    @asynccontextmanager
    async def new_session(self) -> AsyncIterator[Session]:
        yield Session(self.name, self.config, self._folders, FilterSet(self.config.base_dir))
