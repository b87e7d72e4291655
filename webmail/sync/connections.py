"""Sessions for an account: its settings and its unsealed secret, joined only here."""

from __future__ import annotations

from webmail.providers.base import Credentials, ServerSettings
from webmail.providers.imap import ImapSession, open_imap
from webmail.store.models import Account
from webmail.store.secrets import unseal


def credentials_of(account: Account) -> Credentials:
    """Give what the account's servers are shown at sign-in."""
    return Credentials(account.user_name, unseal(account.secret).get("password", ""), account.auth)


def open_imap_for(account: Account, timeout_s: float = 30) -> ImapSession:
    """Sign in to the account's IMAP server.

    Raises:
        ProviderError: as `webmail.providers.imap.open_imap` does.
    """
    settings = ServerSettings(account.imap_host, account.imap_port or 993, account.imap_security)
    return open_imap(settings, credentials_of(account), timeout_s=timeout_s)


def smtp_settings_of(account: Account) -> ServerSettings:
    """Give where the account's mail goes out."""
    return ServerSettings(account.smtp_host, account.smtp_port, account.smtp_security)
