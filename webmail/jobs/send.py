"""RQ entry points of sending. Waits and retries are rows, not RQ's: the sweep asks again when one is due."""

from __future__ import annotations

from webmail.actions import draft_copies, filing, forwarding, outbox


def send_submission(submission_id: int) -> None:
    """Hand a queued mail to its server."""
    outbox.send_submission(submission_id)


def file_sent_copy(submission_id: int) -> None:
    """See to it that a sent mail lies in the folder for sent mail, once."""
    filing.file_sent_copy(submission_id)


def fetch_forwarded(submission_id: int) -> None:
    """Fetch the files that a draft takes along from another message."""
    forwarding.fetch_forwarded(submission_id)


def copy_draft(submission_id: int) -> None:
    """Bring the copy of a draft in its mailbox up to date."""
    draft_copies.copy_draft(submission_id)
