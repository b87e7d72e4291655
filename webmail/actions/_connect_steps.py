"""The steps of an attempt, as its page shows them: values only, changed by making new ones."""

from __future__ import annotations

from typing import Any

import structlog

from webmail.errors import ProviderError
from webmail.providers import diagnosis

log = structlog.get_logger(__name__)

Step = dict[str, Any]
Report = dict[str, Any]
"""What changes in a step."""

_OPEN = ("waiting", "running")
_AGAIN = "Wait a minute, then connect again."


def new_step(key: str, label: str) -> Step:
    """Build a step that is still to come."""
    texts = dict.fromkeys(("sentence", "next_step", "server_answer", "cause"), "")
    return {"key": key, "label": label, "state": "waiting", **texts, "offers": []}


def failed(sentence: str, next_step: str, cause: str) -> Report:
    """Tell a step why it failed."""
    return {"state": "failed", "sentence": sentence, "next_step": next_step, "cause": cause}


def failed_at_server(error: ProviderError) -> Report:
    """Tell a step why it failed, in the server's words too; what the sync repeats is the user's to repeat here."""
    log.info("check_refused", side=error.side, cause=error.cause, detail=error.detail[:300])
    next_step = error.next_step.replace(diagnosis.BY_ITSELF, _AGAIN)
    return failed(error.user_message, next_step, error.cause) | {"server_answer": error.server_answer}


def broken_here() -> Report:
    """Tell a step that the fault is ours."""
    return failed(
        "Something went wrong here, not at the mail server.", "It has been written down. Connect again.", "broken_here"
    )


def disconnected() -> Report:
    """Tell a step that the mailbox was disconnected while it was checked."""
    return failed("This mailbox was disconnected meanwhile.", "Connect it again.", "disconnected")


def changed(steps: list[Step], key: str, report: Report) -> list[Step]:
    """Change one step."""
    return [step | report if step["key"] == key else step for step in steps]


def settled(steps: list[Step]) -> list[Step]:
    """Let no step look as if it went on."""
    return [step | {"state": "skipped"} if step["state"] in _OPEN else step for step in steps]


def stopped(steps: list[Step], report: Report) -> list[Step]:
    """End an attempt from outside: the first step that is not through failed, or the last where all are."""
    open_keys = [step["key"] for step in steps if step["state"] in _OPEN]
    return settled(changed(steps, open_keys[0] if open_keys else steps[-1]["key"], report))
