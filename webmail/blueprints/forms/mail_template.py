"""The form of a mail template: as a stored one fills it, and as it comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from webmail.actions.mail_templates import TemplateFields
from webmail.blueprints.forms.draft import FORMATS
from webmail.blueprints.forms.mailing import StepForm
from webmail.domain.plain import written_to_text
from webmail.store.models import MailTemplate


@dataclass
class TemplateForm:
    """What the fields hold, and what is wrong with them."""

    name: str = ""
    subject: str = ""
    text: StepForm = field(default_factory=StepForm)
    is_shared: bool = False
    version: int = 0
    problems: dict[str, str] = field(default_factory=dict)

    def to_fields(self) -> TemplateFields:
        """Give what is stored of it."""
        return TemplateFields(self.name, self.subject, self.text.written(), self.is_shared)


def form_of_template(template: MailTemplate) -> TemplateForm:
    """Build the form as a stored template fills it."""
    text = StepForm(html=template.html, text=written_to_text(template.html))
    return TemplateForm(template.name, template.subject, text, template.is_shared, template.version)


def typed_form(data: Mapping[str, str]) -> TemplateForm:
    """Read the form as it was sent; `keep` is the newer version that the writer chose to replace."""
    chosen = data.get("format", "")
    text = StepForm(
        html=data.get("body_html", ""),
        text=data.get("body_text", "").replace("\r\n", "\n"),
        format=chosen if chosen in FORMATS else "plain",
    )
    version = data.get("keep") or data.get("version", "")
    number = int(version) if version.isascii() and version.isdigit() and len(version) < 10 else 0
    return TemplateForm(data.get("name", ""), data.get("subject", ""), text, bool(data.get("is_shared")), number)
