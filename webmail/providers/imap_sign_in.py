"""Signing in to IMAP: by token, by LOGIN, or by PLAIN where a password holds more than ASCII; once, never by trying."""

from __future__ import annotations

from imapclient.exceptions import IMAPClientAbortError, IMAPClientError

from webmail.providers import diagnosis
from webmail.providers.base import STARTTLS, TLS, XOAUTH2, Credentials, ServerSettings
from webmail.providers.imap_client import GuardedClient
from webmail.providers.imap_values import parse_names


def authenticate(client: GuardedClient, settings: ServerSettings, credentials: Credentials) -> None:
    """Sign in on a line that is protected as far as it is going to be.

    Raises:
        NeedsSignIn: the server refused the credentials.
        Refused: it takes none without encryption.
        Retryable: it refused for now, or without saying why.
    """
    offered = parse_names(client.capabilities())
    has_login, has_plain = "LOGINDISABLED" not in offered, "AUTH=PLAIN" in offered
    if not has_login and (not has_plain or settings.security not in (TLS, STARTTLS)):
        raise diagnosis.tls_needed("imap", "LOGINDISABLED")
    is_ascii = (credentials.user_name + credentials.secret).isascii()
    try:
        if credentials.mechanism == XOAUTH2:
            client.oauth2_login(credentials.user_name, credentials.secret)
        elif has_login and (is_ascii or not has_plain):
            client.login(credentials.user_name, credentials.secret)
        else:
            client.plain_login(credentials.user_name, credentials.secret)
    except IMAPClientAbortError:
        raise
    except IMAPClientError as error:
        if isinstance(error.__context__, IMAPClientAbortError):
            # IMAPClient tells a line that ended in the middle of the sign-in as a refusal.
            raise error.__context__ from None
        raise diagnosis.sign_in_refused("imap", error, settings.host) from None
