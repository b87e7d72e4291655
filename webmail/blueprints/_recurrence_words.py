"""How often an event takes place, in the words of the page's language."""

from __future__ import annotations

from flask_babel import gettext, ngettext
from flask_babel import lazy_gettext as _

from webmail.blueprints._mailing_words import DAYS
from webmail.blueprints._times import written_day
from webmail.domain.recurrence import Recurrence

_PLACED = {
    1: _("the first %(day)s"),
    2: _("the second %(day)s"),
    3: _("the third %(day)s"),
    4: _("the fourth %(day)s"),
    5: _("the fifth %(day)s"),
    -1: _("the last %(day)s"),
}


def recurrence_words(recurrence: Recurrence) -> str:
    """Say how often an event takes place: "Every 2 weeks on Monday and Friday, until 3 Jan 2027"."""
    if not recurrence.unit:
        return str(gettext("Repeats"))
    words = _every(recurrence)
    if recurrence.days:
        words = gettext("%(every)s on %(days)s", every=words, days=_listed(recurrence.days))
    elif recurrence.day_of_month:
        words = gettext("%(every)s on day %(number)s", every=words, number=recurrence.day_of_month)
    if recurrence.until:
        words = gettext("%(often)s, until %(day)s", often=words, day=written_day(recurrence.until))
    elif recurrence.count:
        words = gettext("%(often)s, %(count)s times", often=words, count=recurrence.count)
    return str(words)


def _every(recurrence: Recurrence) -> str:
    count = recurrence.interval
    words = {
        "day": lambda: ngettext("Every day", "Every %(num)d days", count),
        "week": lambda: ngettext("Every week", "Every %(num)d weeks", count),
        "month": lambda: ngettext("Every month", "Every %(num)d months", count),
        "year": lambda: ngettext("Every year", "Every %(num)d years", count),
    }
    return str(words[recurrence.unit]())


def _listed(days: tuple[tuple[int, int], ...]) -> str:
    names = [str(_PLACED[place] % {"day": DAYS[day]} if place else DAYS[day]) for day, place in days]
    if len(names) == 1:
        return names[0]
    return str(gettext("%(names)s and %(last)s", names=", ".join(names[:-1]), last=names[-1]))
