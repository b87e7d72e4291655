"""Hand a mail to the server of its account: by SMTP, or through Microsoft Graph where SMTP is switched off.

An organisation can switch SMTP off at any time. Whoever has allowed Graph does not notice; for the others the account
is *blocked*: its mail waits until they allow it on the Connect tab.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog

from webmail.errors import NeedsSignIn, Refused
from webmail.providers import graph
from webmail.providers.base import SendResult
from webmail.providers.smtp import SmtpSession, open_smtp, send_mail
from webmail.store.accounts import update_account
from webmail.store.models import Account, Submission
from webmail.store.session import transaction
from webmail.sync.connections import by_graph, signed_in, smtp_settings_of
from webmail.sync.tokens import graph_token

log = structlog.get_logger(__name__)

BLOCKED = (
    "Your organisation has switched off sending by SMTP. Allow sending through Microsoft Graph on the Connect tab."
)
_NOT_ALLOWED = frozenset({"smtp_auth_off", "graph_not_allowed", "admin_consent_needed"})


def hand_over(account: Account, submission: Submission, mime: bytes, before_data: Callable[[], None]) -> SendResult:
    """Give a mail to its server.

    Args:
        mime: the mail without Bcc.
        before_data: called right before the point of no return.

    Raises:
        ProviderError: as `webmail.providers.smtp.send_mail` and `webmail.providers.graph.send_mail` do.
    """
    if account.sends_by != "graph":
        try:
            return signed_in(
                account,
                lambda credentials: send_mail(
                    smtp_settings_of(account),
                    credentials,
                    sender=submission.envelope_from,
                    recipients=submission.envelope_to,
                    mime=mime,
                    before_data=before_data,
                ),
            )
        except Refused as error:
            if error.cause != "smtp_auth_off" or not _goes_by_graph_now(account):
                raise
    if submission.sent_at is not None:
        # Graph sends to whom the header fields name, and some of them have this mail already.
        raise Refused(
            "Microsoft Graph cannot send to some of a mail's recipients only.", side=graph.SIDE, cause="partly_sent"
        )
    return by_graph(
        account,
        lambda client, token: graph.send_mail(
            client, token, recipients=submission.envelope_to, mime=mime, before_data=before_data
        ),
    )


class Line:
    """The way out of an account for one mail of a mailing after the other: one sign-in for many of them.

    Where mail goes through Graph there is no line to keep, and each mail is a request.
    """

    def __init__(self, account: Account) -> None:
        self._account, self._by_graph = account, account.sends_by == "graph"
        self._session: SmtpSession | None = None

    def send(self, submission: Submission, mime: bytes, before_data: Callable[[], None]) -> SendResult:
        """Give a mail to the server; arguments, result and errors as in `hand_over()`."""
        recipients = [submission.to]
        if not self._by_graph:
            try:
                session = self._opened()
            except Refused as error:
                if error.cause != "smtp_auth_off" or not _goes_by_graph_now(self._account):
                    raise
                self._by_graph = True
            else:
                return session.send(
                    sender=submission.envelope_from, recipients=recipients, mime=mime, before_data=before_data
                )
        return by_graph(
            self._account,
            lambda client, token: graph.send_mail(
                client, token, recipients=recipients, mime=mime, before_data=before_data
            ),
        )

    def _opened(self) -> SmtpSession:
        if self._session is not None and (self._session.is_usable or self._session.begin_again()):
            return self._session
        self.close()
        settings = smtp_settings_of(self._account)
        self._session = signed_in(self._account, lambda credentials: open_smtp(settings, credentials))
        return self._session

    def close(self) -> None:
        """End the line, if there is one."""
        session, self._session = self._session, None
        if session is not None:
            session.close()


def is_blocked(account: Account, error: Refused) -> bool:
    """Say whether a refusal means that the user has to allow another way out first."""
    return account.auth == "microsoft" and error.cause in _NOT_ALLOWED


def _goes_by_graph_now(account: Account) -> bool:
    """Send through Graph from now on, where that has been allowed before."""
    if account.auth != "microsoft":
        return False
    try:
        graph_token(account)
    except (Refused, NeedsSignIn) as error:
        log.info("graph_not_allowed", account=account.id, cause=error.cause)
        return False
    with transaction() as s:
        update_account(s, account.id, sends_by="graph", files_sent_itself=True)
    log.info("sends_by_graph", account=account.id)
    return True
