"""Fetch the files that a draft takes along from the message that it forwards or quotes."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import structlog

from webmail.actions.attachments import open_attachment
from webmail.errors import InputRefused, NotFound, ProviderError, WebmailError
from webmail.store import submissions as store
from webmail.store.models import SubmissionAttachment
from webmail.store.scope import Scope
from webmail.store.session import reading, transaction

log = structlog.get_logger(__name__)


def fetch_forwarded(submission_id: int) -> None:
    """Fetch what is missing, as a job; what cannot be had now is asked for again when the draft is sent."""
    with reading() as s:
        draft = store.find_submission(s, submission_id)
        if draft is None or draft.state != "draft":
            return
        files = store.load_files(s, submission_id)
    try:
        fetch_missing(Scope(draft.tenant_id, draft.user_id), files)
    except WebmailError as error:
        log.info("forwarded_files_missing", submission=submission_id, error=error.user_message)


def fetch_missing(scope: Scope, files: Sequence[SubmissionAttachment]) -> None:
    """Fetch and store the content of those files that have none, and fill it into these objects.

    A quoted picture that cannot be had is left without content: the text goes out without it.

    Raises:
        InputRefused: field `files`, when a file that is forwarded cannot be had.
    """
    for file in files:
        if file.content is not None:
            continue
        try:
            file.content = open_attachment(scope, _source_uuid(file)).content
        except (NotFound, ProviderError) as error:
            if file.content_id:
                log.info("quoted_picture_missing", file=file.id, error=error.user_message)
                continue
            raise InputRefused(
                "files", f"{file.filename} could not be fetched from the mailbox. Try again, or remove the file."
            ) from error
        with transaction() as s:
            store.save_content(s, file.id, file.content)


def _source_uuid(file: SubmissionAttachment) -> UUID:
    with reading() as s:
        uuid = store.attachment_uuid_of(s, file.source_attachment_id)
    if uuid is None:
        raise NotFound
    return uuid
