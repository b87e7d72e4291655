"""The demo's one mailbox: pymap's Maildir behind its IMAP server.

pymap is a library here, in this process's event loop. Three things differ from what its own command line would start:
sign-in compares the demo's well-known password (its hashes take tenths of a second, for nothing that is a secret), all
connections share one set of folders, and messages go out byte for byte as they lie on disk, where pymap would have them
parsed and written anew by the stdlib.
"""

from __future__ import annotations

import asyncio
import re
from argparse import Namespace
from collections.abc import AsyncIterator
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
from pymap.user import UserMetadata
from pysasl.creds.server import ServerCredentials
from pysasl.hashing import Cleartext

from webmail.providers.presets import DEMO_EMAIL, DEMO_PASSWORD

_LINE_END = re.compile(rb"\r?\n")
_LAYOUT = "++"


class DemoMailbox:
    """The folders under one Maildir, for any number of connections."""

    def __init__(self, folder: Path) -> None:
        """Open the mailbox.

        Args:
            folder: a Maildir that exists, with its uid lists (`webmail.demo.seed` makes one).
        """
        for lock in folder.rglob("*.lock"):
            # Left by a process that was killed; pymap would wait ten minutes for it.
            lock.unlink(missing_ok=True)
        layout = MaildirLayout.get(str(folder), _LAYOUT, _ExactMaildir)
        self._folders = MailboxSet(_ExactMaildir(str(folder), create=False), layout)
        self._config = Config(
            Namespace(),
            host=None,
            port=0,
            base_dir=str(folder.parent),
            layout=_LAYOUT,
            colon=None,
            subsystem=Subsystem.for_asyncio(),
            hash_context=Cleartext(),
            proxy_protocol=ProxyProtocolNoop(),
            tls_enabled=False,
            reject_dnsbl=False,
        )

    async def listen(self, host: str, port: int) -> asyncio.Server:
        """Serve the mailbox over IMAP, unencrypted.

        Raises:
            OSError: the port cannot be had.
        """
        self._config.apply_context()
        server = IMAPServer(_Login(self._config, self._folders), self._config)
        callback = ProxyProtocolReader(self._config.proxy_protocol).get_callback(server)
        return await asyncio.start_server(callback, host, port)

    async def deliver(self, mail: bytes) -> None:
        """Put a mail into the inbox; connections that wait in IDLE learn of it within a second."""
        inbox = await self._folders.get_mailbox("INBOX")
        await inbox.append(AppendMessage(mail))


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
    def __init__(self, config: Config, folders: MailboxSet) -> None:
        super().__init__(config)
        self._folders = folders

    async def authenticate(self, credentials: ServerCredentials) -> Identity:
        user = UserMetadata(self.config, DEMO_EMAIL, password=DEMO_PASSWORD)
        if not credentials.verify(user):
            raise InvalidAuth
        return _Identity(self, self._folders)

    async def authorize(self, authenticated: IdentityInterface, authzid: str) -> Identity:
        if authzid != authenticated.name:
            raise AuthorizationFailure
        return _Identity(self, self._folders)


class _Identity(Identity):
    def __init__(self, login: _Login, folders: MailboxSet) -> None:
        super().__init__(login.config, login.tokens, DEMO_EMAIL, None, frozenset())
        self._folders = folders

    @asynccontextmanager
    async def new_session(self) -> AsyncIterator[Session]:
        yield Session(self.name, self.config, self._folders, FilterSet(self.config.base_dir))
