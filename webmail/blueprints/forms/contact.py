"""The form of a contact: as a stored one fills it, and as it comes back."""

from __future__ import annotations

from dataclasses import dataclass, field

from werkzeug.datastructures import MultiDict

from webmail.actions.contacts import ContactFields
from webmail.store.models import Contact

TEXTS = ("name", "first_name", "last_name", "company", "tags", "time_zone")
_BLANK_ROWS = 2


@dataclass
class ContactForm:
    """What the fields hold, and what is wrong with them."""

    texts: dict[str, str] = field(default_factory=lambda: dict.fromkeys(TEXTS, ""))
    addresses: str = ""
    own: list[tuple[str, str]] = field(default_factory=list)
    problems: dict[str, str] = field(default_factory=dict)

    @property
    def rows(self) -> list[tuple[str, str]]:
        """The further fields, with room for new ones."""
        return [*self.own, *[("", "")] * _BLANK_ROWS]

    def to_fields(self) -> ContactFields:
        """Give what is stored of it."""
        return ContactFields(addresses=self.addresses, fields=self.own, **self.texts)


def form_of_contact(contact: Contact) -> ContactForm:
    """Build the form as a stored contact fills it."""
    texts = {name: getattr(contact, name) for name in TEXTS if name != "tags"} | {"tags": ", ".join(contact.tags)}
    own = [(str(name), str(value)) for name, value in contact.fields.items()]
    return ContactForm(texts, "\n".join(contact.addresses), own)


def typed_form(data: MultiDict[str, str]) -> ContactForm:
    """Read the form as it was sent."""
    texts = {name: data.get(name, "").strip() for name in TEXTS}
    own = zip(data.getlist("field_name"), data.getlist("field_value"), strict=False)
    return ContactForm(texts, data.get("addresses", ""), [(name, value) for name, value in own if name or value])
