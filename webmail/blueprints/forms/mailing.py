"""The form of a mailing's draft: as a stored mailing fills it, and as it comes back.

All of it is one form, so that nothing is lost where no script runs: whatever button is pressed, what was typed comes
along. A step's text is a part of the form that repeats; see `webmail.blueprints.forms.draft` for its `format`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from uuid import UUID

from werkzeug.datastructures import MultiDict

from webmail.actions.mailings import MailingFields, StepFields
from webmail.blueprints.forms.draft import FORMATS
from webmail.domain.plain import text_to_written, written_to_text
from webmail.store.models import Mailing

DAY_MIN = 24 * 60
_MAX_LINE = 20_000
_MAX_JOB_FIELDS = 30
_MOST_STEPS = 20
_COMMON_JOB_FIELDS = ("title", "place")


@dataclass
class StepForm:
    """One of the mails: the first, or a follow-up."""

    html: str = ""
    text: str = ""
    format: str = "text"
    wait_days: int = 3
    template_uuid: UUID | None = None

    def written(self) -> str:
        """Give the HTML that is stored of it."""
        if self.format == "rich":
            return self.html
        if self.format == "text" and _same_text(self.text, written_to_text(self.html)):
            return self.html
        return text_to_written(self.text) if self.text.strip() else ""


@dataclass
class MailingForm:
    """What the draft's fields hold, and what is wrong with them: {field: sentence}."""

    name: str
    account_uuid: UUID | None
    job: list[tuple[str, str]]
    time_zone: str
    uses_recipients_zone: bool
    window_from: int
    window_until: int
    weekdays: list[int]
    has_unsubscribe: bool
    subject: str
    steps: list[StepForm]
    revision: int
    problems: dict[str, str] = field(default_factory=dict)

    def to_fields(self) -> MailingFields:
        """Give what is stored of it."""
        steps = [
            StepFields(
                subject=self.subject if at == 0 else "",
                html=step.written(),
                wait_days=step.wait_days if at else 0,
                template_uuid=step.template_uuid,
            )
            for at, step in enumerate(self.steps)
        ]
        return MailingFields(
            name=self.name,
            account_uuid=self.account_uuid,
            job=dict(self.job),
            time_zone=self.time_zone,
            uses_recipients_zone=self.uses_recipients_zone,
            window_from=self.window_from,
            window_until=self.window_until,
            weekdays=self.weekdays,
            has_unsubscribe=self.has_unsubscribe,
            steps=steps,
        )

    @property
    def job_rows(self) -> list[tuple[str, str]]:
        """The job's fields as rows to be filled in, with one to spare."""
        rows = self.job or [(name, "") for name in _COMMON_JOB_FIELDS]
        return [*rows, ("", "")]

    def with_text(self, at: int, html: str, *, subject: str = "", template_uuid: UUID | None = None) -> MailingForm:
        """Give the form with another text for one of its steps."""
        steps = list(self.steps)
        steps[at] = replace(
            steps[at], html=html, text=written_to_text(html), format="text", template_uuid=template_uuid
        )
        return replace(self, steps=steps, subject=subject or self.subject)


def form_of_mailing(mailing: Mailing) -> MailingForm:
    """Build the form as a stored mailing fills it; its account and its steps are loaded."""
    steps = [
        StepForm(html=step.html, text=written_to_text(step.html), wait_days=step.wait_days) for step in mailing.steps
    ]
    return MailingForm(
        name=mailing.name,
        account_uuid=mailing.account.uuid if mailing.account else None,
        job=list(mailing.job.items()),
        time_zone=mailing.time_zone,
        uses_recipients_zone=mailing.uses_recipients_zone,
        window_from=mailing.window_from,
        window_until=mailing.window_until,
        weekdays=list(mailing.weekdays),
        has_unsubscribe=mailing.has_unsubscribe,
        subject=mailing.steps[0].subject if mailing.steps else "",
        steps=steps or [StepForm()],
        revision=mailing.revision,
    )


def typed_form(data: MultiDict[str, str]) -> MailingForm:
    """Read the form as it was sent; `keep` is the newer revision that the writer chose to replace."""
    jobs = zip(data.getlist("job_name"), data.getlist("job_value"), strict=False)
    return MailingForm(
        name=_one_line(data.get("name", "")),
        account_uuid=_uuid(data.get("account", "")),
        job=[(_one_line(name), _one_line(value)) for name, value in list(jobs)[:_MAX_JOB_FIELDS] if name.strip()],
        time_zone=_one_line(data.get("time_zone", "")),
        uses_recipients_zone=bool(data.get("uses_recipients_zone")),
        window_from=_number(data.get("window_from", ""), 0),
        window_until=_number(data.get("window_until", ""), DAY_MIN),
        weekdays=sorted({int(each) for each in data.getlist("weekday") if each in set("0123456")}),
        has_unsubscribe=bool(data.get("has_unsubscribe")),
        subject=_one_line(data.get("subject", "")),
        steps=_typed_steps(data) or [StepForm()],
        revision=_number(data.get("keep") or data.get("revision", ""), -1),
    )


def _typed_steps(data: MultiDict[str, str]) -> list[StepForm]:
    parts = zip(
        data.getlist("body_html"),
        data.getlist("body_text"),
        data.getlist("format"),
        data.getlist("wait_days"),
        data.getlist("template"),
        strict=False,
    )
    return [
        StepForm(
            html=html,
            text=text.replace("\r\n", "\n"),
            format=chosen if chosen in FORMATS else "plain",
            wait_days=_number(days, 0),
            template_uuid=_uuid(template),
        )
        for html, text, chosen, days, template in list(parts)[:_MOST_STEPS]
    ]


def _same_text(one: str, other: str) -> bool:
    # Browsers send CRLF, and drop the first line break of a textarea.
    return one.replace("\r\n", "\n").strip() == other.replace("\r\n", "\n").strip()


def _one_line(text: str) -> str:
    return " ".join(text[:_MAX_LINE].split())


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _number(text: str, otherwise: int) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else otherwise
