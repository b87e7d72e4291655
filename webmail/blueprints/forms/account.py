"""The Other Email form: what was typed, what a provider fills in, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from webmail.actions import presets
from webmail.actions.connect import ConnectForm
from webmail.actions.discovery import Discovery
from webmail.store.models import Account, ConnectAttempt

TEXTS = (
    "provider",
    "email",
    "user_name",
    "imap_host",
    "imap_port",
    "smtp_host",
    "smtp_port",
    "imap_folder",
    "outbox_folder",
)
READ_MARKS = ("all", "new", "keep")


@dataclass
class AccountForm:
    """The form as it is shown: texts as typed, without the password, which is never shown again."""

    texts: dict[str, str]
    ssl_enabled: bool = True
    reads_mail: bool = True
    read_marks: str = "all"
    account_uuid: UUID | None = None
    has_password: bool = False
    """A password of the account is stored, so the field may stay empty."""
    filled_provider: str = ""
    """The provider and address of the last filling-in: what differs from its result was typed by hand."""
    filled_email: str = ""
    problems: dict[str, str] = field(default_factory=dict)
    attempt: ConnectAttempt | None = None
    """The attempt that failed with these values, to be explained above the fields."""
    sign_in: str = ""
    """`google` or `microsoft` where the mailbox is signed in to there and takes no password from here."""
    sends_by: str = "smtp"
    only_contacts: bool = False

    @property
    def choice(self) -> presets.Choice | None:
        return presets.find_choice(self.texts["provider"])

    @property
    def failed_steps(self) -> list[dict[str, Any]]:
        return [step for step in self.attempt.steps if step["state"] == "failed"] if self.attempt else []

    def fill_in(self, *, picks_provider: bool, look: Callable[[str], Discovery] = lambda _: Discovery()) -> None:
        """Let the provider fill in what was not typed by hand.

        Args:
            picks_provider: the address has changed, so it may tell of another provider, unless one was chosen by hand.
            look: gives what is known of an address whose domain no table knows.
        """
        found = look(self.texts["email"])
        if picks_provider and self._is_provider_free():
            known = presets.provider_for(self.texts["email"]) or found.provider
            self.texts["provider"] = known or self.texts["provider"]
        before = presets.fill(self.filled_provider, self.filled_email)
        if not self.filled_provider:
            before |= look(self.filled_email).filled or {}
        after = presets.fill(self.texts["provider"], self.texts["email"])
        if not self.texts["provider"]:
            after |= found.filled or {}
        for name in presets.FILLED_FIELDS:
            if name == "ssl_enabled":
                if self.ssl_enabled == bool(before.get(name)):
                    self.ssl_enabled = bool(after.get(name))
            else:
                self._fill_text(name, before.get(name, ""), after.get(name, ""))
        self.filled_provider, self.filled_email = self.texts["provider"], self.texts["email"]

    def _fill_text(self, name: str, before: str, after: str) -> None:
        is_emptied_by_hand = not self.texts[name] and before == after
        if self.texts[name] in ("", before) and not is_emptied_by_hand:
            # Going over to one's own settings leaves what is there: it is mostly right already.
            self.texts[name] = after or ("" if self.texts["provider"] else self.texts[name])

    def _is_provider_free(self) -> bool:
        chosen = self.texts["provider"]
        return chosen == "" or chosen == presets.provider_for(self.filled_email)

    def to_connect_form(self, password: str) -> ConnectForm | None:
        """Build what the action takes; None when the fields cannot be read, with the reasons in `problems`."""
        self._check(password)
        if self.problems:
            return None
        texts = self.texts
        return ConnectForm(
            provider=texts["provider"],
            email=texts["email"],
            password=password or None,
            user_name=texts["user_name"] or texts["email"],
            imap_host=texts["imap_host"],
            imap_port=int(texts["imap_port"]) if texts["imap_port"] else None,
            smtp_host=texts["smtp_host"],
            smtp_port=int(texts["smtp_port"]),
            imap_folder=texts["imap_folder"],
            outbox_folder=texts["outbox_folder"],
            ssl_enabled=self.ssl_enabled,
            reads_mail=self.reads_mail,
            read_marks=self.read_marks,
            only_contacts=self.only_contacts,
            sends_by="graph" if self.sign_in == "microsoft" and self.sends_by == "graph" else "smtp",
        )

    def _check(self, password: str) -> None:
        self._need("email", "Type the address of the mailbox.")
        if self.texts["email"] and "@" not in self.texts["email"].strip("@"):
            self.problems["email"] = "Type the whole address, such as ines@example.com."
        if not password and not self.has_password and not self.sign_in:
            self.problems["password"] = "Type the password of the mailbox."  # noqa: S105  # a sentence
        self._need("smtp_host", "Type the name of the server that sends your mail, such as smtp.example.com.")
        self._need_port("smtp_port", is_needed=True)
        if self.reads_mail:
            self._need("imap_host", "Type the name of the server that keeps your mail, such as imap.example.com.")
        self._need_port("imap_port", is_needed=self.reads_mail or bool(self.texts["imap_host"]))
        choice = None if self.sign_in else self.choice
        if choice is not None and choice.auth == "oauth_only":
            self.problems["provider"] = "This provider takes no password any more. Use its own card above."
        elif choice is not None and not choice.auth:
            self.problems["provider"] = "This provider lets no other program read or send its mail."

    def _need(self, name: str, sentence: str) -> None:
        if not self.texts[name]:
            self.problems[name] = sentence

    def _need_port(self, name: str, *, is_needed: bool) -> None:
        text = self.texts[name]
        if not text and not is_needed:
            return
        if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
            self.problems[name] = "Type a number from 1 to 65535."


def new_form(provider: str = "", email: str = "") -> AccountForm:
    """Build the form for a new account, filled in for a provider if one is named."""
    form = AccountForm(dict.fromkeys(TEXTS, ""))
    form.texts |= {"provider": provider, "email": email, "imap_folder": "INBOX"}
    form.fill_in(picks_provider=False)
    return form


def typed_form(data: Mapping[str, str], account: Account | None = None, *, sign_in: str = "") -> AccountForm:
    """Read the form as it was sent, for a new account or for one whose settings it changes.

    Args:
        sign_in: where the user is about to sign in with these settings; "" for the account's own way.
    """
    texts = {name: " ".join(data.get(name, "").split()) for name in TEXTS}
    read_marks = data.get("read_marks", "all")
    return AccountForm(
        texts,
        ssl_enabled=bool(data.get("ssl_enabled")),
        reads_mail=bool(data.get("reads_mail")),
        read_marks=read_marks if read_marks in READ_MARKS else "all",
        sends_by=data.get("sends_by", "smtp"),
        only_contacts=bool(data.get("only_contacts")),
        **(_belonging_to(account) | ({"sign_in": sign_in} if sign_in else {})),
        filled_provider=data.get("filled_provider", ""),
        filled_email=data.get("filled_email", ""),
    )


def form_of_account(account: Account) -> AccountForm:
    """Build the form that edits an account."""
    form = _form_of(account, account.ssl_enabled, account.reads_mail, account.read_marks, account)
    form.sends_by = account.sends_by
    return form


def form_of_attempt(attempt: ConnectAttempt, account: Account | None) -> AccountForm:
    """Build the form again after an attempt, with everything that was typed but the password.

    Args:
        account: the one whose settings the attempt was to change.
    """
    values = attempt.settings
    form = _form_of(values, values["ssl_enabled"], values["reads_mail"], values["read_marks"], account)
    form.attempt = attempt
    form.sends_by = values.get("sends_by", "smtp")
    form.only_contacts = bool(values.get("only_contacts"))
    if values.get("auth", "password") != "password":
        form.sign_in = values["auth"]
    return form


def _form_of(
    source: Account | Mapping[str, Any], ssl_enabled: bool, reads_mail: bool, read_marks: str, account: Account | None
) -> AccountForm:
    values = source if isinstance(source, Mapping) else {name: getattr(source, name) for name in TEXTS}
    texts = {name: "" if values.get(name) is None else str(values[name]) for name in TEXTS}
    return AccountForm(
        texts,
        ssl_enabled=ssl_enabled,
        reads_mail=reads_mail,
        read_marks=read_marks,
        **_belonging_to(account),
        filled_provider=texts["provider"],
        filled_email=texts["email"],
    )


def _belonging_to(account: Account | None) -> dict[str, Any]:
    if account is None:
        return {}
    sign_in = "" if account.auth == "password" else account.auth
    return {"account_uuid": account.uuid, "has_password": account.secret is not None, "sign_in": sign_in}
