"""What lies on the demo's desk at first sight: two templates, and a mailing that waits to be sent."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any
from uuid import UUID

from webmail.actions import mailings
from webmail.actions.mail_templates import TemplateFields, add_template
from webmail.actions.mailings import MailingFields, StepFields
from webmail.demo.people import Candidate, all_jobs
from webmail.domain.tables import RecipientRow, no_address
from webmail.store import users
from webmail.store.scope import Scope
from webmail.store.session import reading

POOL = "talent pool"
_STAGES = {
    "rejected": POOL,
    "early_no": POOL,
    "withdrawn": POOL,
    "open": "in process",
    "references": "in process",
    "fresh": "new",
    "offer": "offer",
    "sourced": "sourced",
}
_JOB = "backend"
_MINUTES_OF_HOUR = 60

_INVITE = (
    'Hello {{ contact.first_name | "there" }},',
    "",
    'we look for a {{ job.title }} at {{ job.company }}, and thought of you as {{ contact.position | "who you are" }}.',
    "",
    "Would twenty minutes on the telephone suit you this week? A short no is welcome, too.",
    "",
    "Best regards",
    "{{ user.name }}",
)
_REMINDER = (
    'Hello {{ contact.first_name | "there" }},',
    "",
    "my last mail may have gone under. Is {{ job.title }} in {{ job.place }} of interest, or shall I not ask again?",
    "",
    "{{ user.first_name }}",
)
_BOOKED = (
    'Hello {{ contact.first_name | "there" }},',
    "",
    "we talk on [day] at [time]. I will ring you; it takes half an hour, and nothing needs to be prepared.",
)


def contact_facts(candidate: Candidate) -> Mapping[str, Any]:
    """Give what the demo's ATS tells of a candidate."""
    first_name, _, last_name = candidate.name.partition(" ")
    position, _, company = candidate.words["now"].partition(" at ")
    stage = _STAGES.get(candidate.track, "")
    return {
        "name": candidate.name,
        "first_name": first_name,
        "last_name": last_name,
        "company": company,
        "addresses": [candidate.email],
        "tags": [each for each in (candidate.job.key, stage) if each],
        "fields": {"position": position, "city": candidate.words["city"]},
    }


def lay_out_desk(email: str) -> None:
    """Write two templates and a draft mailing for a user who has nothing yet.

    Args:
        email: the recruiter's address; the tenant's contacts are there already.
    """
    with reading() as s:
        user = users.find_by_email(s, email)
        assert user is not None  # it was made before
        scope = Scope(user.tenant_id, user.id)
    subject = "{{ job.title }} at {{ job.company }}"
    template = add_template(scope, TemplateFields("First word about a role", subject, _html(_INVITE), is_shared=True))
    add_template(scope, TemplateFields("Telephone call confirmed", "Our call", _html(_BOOKED)))
    _write_mailing(scope, subject, template)


def _write_mailing(scope: Scope, subject: str, template: UUID) -> None:
    job = all_jobs()[_JOB]
    uuid = mailings.create_mailing(scope)
    fields = MailingFields(
        name=f"{job.title}: people we know",
        account_uuid=None,
        job={"title": job.title, "company": job.company, "place": job.place},
        time_zone="Europe/London",
        uses_recipients_zone=False,
        window_from=8 * _MINUTES_OF_HOUR,
        window_until=18 * _MINUTES_OF_HOUR,
        weekdays=list(range(5)),
        has_unsubscribe=True,
        steps=[StepFields(subject, _html(_INVITE), 0, template), StepFields("", _html(_REMINDER), 5)],
    )
    mailings.save_mailing(scope, uuid, fields, revision=0)
    mailings.add_contacts(scope, uuid, tag=POOL)
    written = "jo.pike(at)quickpost.example"
    values = {"first_name": "Jo", "last_name": "Pike", "city": "Hull"}
    mailings.add_recipients(
        scope, uuid, [RecipientRow(written, "Jo Pike", values, line=4, problem=no_address(written))]
    )


def _html(lines: tuple[str, ...]) -> str:
    return "".join(f"<div>{escape(line, quote=False) or '<br>'}</div>" for line in lines)
