"""File the copies of a mailing's mails, many over one line; each of them as `webmail.actions.filing` files any mail."""

from __future__ import annotations

import time
from datetime import timedelta

import structlog

from webmail.actions.filing import file_claimed
from webmail.errors import ProviderError
from webmail.providers.imap import ImapSession
from webmail.store import pacing
from webmail.store import submissions as store
from webmail.store.accounts import find_account
from webmail.store.models import utc_now
from webmail.store.session import reading, transaction
from webmail.sync.connections import open_imap_for

log = structlog.get_logger(__name__)

_TIMEOUT_S = 20
_AT_ONCE = 500
_AGAIN_AFTER = timedelta(minutes=2)


def file_copies(account_id: int, *, within_s: float) -> None:
    """File what waits of an account's mailings, for so long; what cannot be done now is tried again later."""
    deadline = time.monotonic() + within_s
    with reading() as s:
        waiting = pacing.unfiled_mails(s, account_id, utc_now(), _AT_ONCE)
        account = find_account(s, account_id)
    if not waiting or account is None or account.secret is None:
        return
    try:
        with open_imap_for(account, timeout_s=_TIMEOUT_S) as imap:
            for submission_id in waiting:
                if not _file(imap, submission_id) or time.monotonic() > deadline:
                    break
    except ProviderError as error:
        log.warning("filing_put_off", account=account_id, cause=error.cause, detail=error.detail[:300])
        with transaction() as s:
            pacing.put_off_filing(s, account_id, utc_now() + _AGAIN_AFTER)


def _file(imap: ImapSession, submission_id: int) -> bool:
    with transaction() as s:
        token = store.claim_for_filing(s, submission_id, utc_now())
        submission = store.find_submission(s, submission_id) if token is not None else None
        mime = store.load_mime(s, submission_id) if submission is not None else None
    if submission is None or token is None:
        return True
    return file_claimed(submission, token, mime, imap)
