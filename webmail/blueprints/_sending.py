"""How a draft is to be sent: at once or later, archiving or not, and of what the sender is sure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import request

from webmail.actions.reminders import Question
from webmail.blueprints._times import browser_zone
from webmail.domain.schedule import moment_of
from webmail.errors import InputRefused


@dataclass(frozen=True)
class Wish:
    """What was pressed: `at` is a time on the wall, "" for now; `archives` the conversation afterwards."""

    at: str
    archives: bool
    sure_of: Collection[str]

    def moment(self) -> datetime | None:
        """Give when it is to go out; None for now.

        Raises:
            InputRefused: field `later`: no time was chosen.
        """
        return read_time(self.at) if self.at else None

    def again(self, questions: Sequence[Question]) -> dict[str, str]:
        """Give the arguments of sending in the same way, now sure of these questions, too."""
        sure = " ".join([*self.sure_of, *(each.key for each in questions)])
        wanted = {"at": self.at, "then": "archive" if self.archives else "", "sure": sure}
        return {name: value for name, value in wanted.items() if value}


def read_wish() -> Wish:
    """Read how the draft of this request is to be sent."""
    at = request.args.get("at") or request.form.get("at", "")
    # A date that stands in its field is meant only where its own button was pressed.
    at = request.form.get("at_chosen") or "none" if at == "chosen" else at
    return Wish(
        at=at,
        archives="archive" in (request.args.get("then"), request.form.get("then")),
        sure_of=request.args.get("sure", "").split(),
    )


def read_time(wall: str) -> datetime:
    """Read a time that was chosen, in the zone of the browser.

    Raises:
        InputRefused: field `later`: it is none.
    """
    try:
        return moment_of(wall, browser_zone())
    except (ValueError, OverflowError):
        raise InputRefused("later", "Choose a date and a time.") from None
