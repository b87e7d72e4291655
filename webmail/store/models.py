"""The tables, one class each, named as in `docs/architecture.md`'s vocabulary.

Integers are keys inside the store and never leave it; `uuid` is what URLs, forms and events carry.
Whatever belongs to a user carries `tenant_id` and `user_id`, so that each query can be scoped without a join.
Relationships are never loaded by accident (`lazy="raise"`): a query says what it brings.
"""

from __future__ import annotations

import uuid as uuid_module
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    String,
    Text,
    UniqueConstraint,
    Uuid,
    text,
    true,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from webmail.store.types import UtcDateTime


def utc_now() -> datetime:
    """Give the present moment, aware, in UTC."""
    return datetime.now(UTC)


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UtcDateTime, dict[str, Any]: JSON, list[Any]: JSON, bytes: LargeBinary}


class Tenant(Base):
    """One customer of the ATS; nothing crosses this line."""

    __tablename__ = "tenants"
    id: Mapped[int] = mapped_column(primary_key=True)
    uuid: Mapped[uuid_module.UUID] = mapped_column(Uuid, default=uuid_module.uuid4, unique=True)
    slug: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    origins: Mapped[list[Any]] = mapped_column(default=list, server_default="[]")
    """Where the tenant's pages live, such as "https://ats.acme.example": only they may launch and hold frames."""
    own_domains: Mapped[list[Any]] = mapped_column(default=list, server_default="[]")
    """Domains of the tenant's own people, such as "acme.example": who writes from there is a colleague."""
    mass_mail_cap: Mapped[int | None]
    """Mails of mailings that each account of the tenant may send in 24 hours, as the operator says; 0 switches mass
    mail off, None leaves it to the account's own limits."""
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class TenantKey(Base):
    """A key by which a tenant's launches are known to be its own."""

    __tablename__ = "tenant_keys"
    __table_args__ = (UniqueConstraint("tenant_id", "kid"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    kid: Mapped[str] = mapped_column(String(64))
    """The key's name in a token's header."""
    algorithm: Mapped[str] = mapped_column(String(8))
    """`HS256`, `EdDSA` or `RS256`: what a token says of itself has to agree with this, never the other way round."""
    secret: Mapped[bytes]
    """Sealed: the key as a JWK; a public one, too, so that nobody can put another in its place unnoticed."""
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class TenantKeySet(Base):
    """Where a tenant publishes the keys of its launches, and those that were there when it was last looked."""

    __tablename__ = "tenant_key_sets"
    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"), unique=True)
    secret: Mapped[bytes]
    """Sealed, so that nobody can put others in their place: {"url", "keys": [{"kid", "algorithm", "jwk"}]}."""
    fetched_at: Mapped[datetime]
    tried_at: Mapped[datetime]
    """When it was last asked for them, whatever came of it."""


class UsedLaunch(Base):
    """The `jti` of a launch that was taken, kept until the launch would be too old anyway."""

    __tablename__ = "used_launches"
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"), primary_key=True)
    jti_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)


class FrameSession(Base):
    """A session inside a host's page. Cookies and tokens only name it; it ends here."""

    __tablename__ = "frame_sessions"
    id: Mapped[int] = mapped_column(primary_key=True)
    uuid: Mapped[uuid_module.UUID] = mapped_column(Uuid, default=uuid_module.uuid4, unique=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    origin: Mapped[str] = mapped_column(String(300))
    """The page that holds the frame: where messages go to, and the only place that they are taken from."""
    data: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """What a cookie keeps elsewhere: {"_user_id", "theme", "zone", …}."""
    ends_at: Mapped[datetime]
    """In the past once it has ended."""
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class EndedSession(Base):
    """A session of the stand-alone kind that was signed out of: whoever has copied its cookie is not let in by it."""

    __tablename__ = "ended_sessions"
    uuid: Mapped[uuid_module.UUID] = mapped_column(Uuid, primary_key=True)
    ended_at: Mapped[datetime] = mapped_column(default=utc_now, index=True)


class User(Base):
    """A recruiter of a tenant."""

    __tablename__ = "users"
    __table_args__ = (UniqueConstraint("tenant_id", "external_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    uuid: Mapped[uuid_module.UUID] = mapped_column(Uuid, default=uuid_module.uuid4, unique=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    external_id: Mapped[str | None] = mapped_column(String(200))
    email: Mapped[str] = mapped_column(String(320), unique=True)
    """The address to sign in with; whom a launch has made signs in nowhere else, and has a name of no mailbox here."""
    launch_email: Mapped[str] = mapped_column(String(320), default="", server_default="")
    """The address as the tenant's launches give it; two tenants may give the same."""
    name: Mapped[str] = mapped_column(String(200))
    password_hash: Mapped[str | None] = mapped_column(String(200))
    session_epoch: Mapped[int] = mapped_column(default=0)
    """Raised to end every session of the user at once."""
    theme: Mapped[str] = mapped_column(String(8), default="auto")
    """`auto`, `light` or `dark`."""
    locale: Mapped[str] = mapped_column(String(35), default="", server_default="")
    """A language tag, such as `en-US`, by which dates and times are written; "" for the product's own way."""
    undo_s: Mapped[int] = mapped_column(default=10, server_default="10")
    """For so many seconds a mail that was sent off can be taken back."""
    title: Mapped[str] = mapped_column(String(120), default="", server_default="")
    """What they are, for signatures: "Recruiter"."""
    phone: Mapped[str] = mapped_column(String(60), default="", server_default="")
    erasing_since: Mapped[datetime | None]
    """Since when all of the user is being erased; nobody can be this user any more."""
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    tenant: Mapped[Tenant] = relationship(lazy="raise")


class Account(Base):
    """One connected mailbox, with its settings, credentials and status.

    `status`: `connected`, `reconnect_needed`, `error`, `disconnecting` (a last job has still to do what needs the
    mailbox), `erasing` (the same, and then the account goes with all that hangs on it) or `not_connected` (its
    conversations were kept). While it is `disconnecting` or `erasing`, `retry_at` says when that job is looked for
    again. Syncing is not a status of its own: it is `connected` with `sync_done < sync_total`.
    """

    __tablename__ = "accounts"
    __table_args__ = (
        UniqueConstraint("user_id", "email"),
        Index("ix_accounts_tenant_id_user_id", "tenant_id", "user_id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    uuid: Mapped[uuid_module.UUID] = mapped_column(Uuid, default=uuid_module.uuid4, unique=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))

    card: Mapped[str] = mapped_column(String(16), default="other")
    """Which card of the Connect tab it belongs to: `gmail`, `outlook` or `other`."""
    provider: Mapped[str] = mapped_column(String(40), default="")
    """The preset's id in providers.csv, `demo`, or "" for the user's own settings."""
    email: Mapped[str] = mapped_column(String(320))
    user_name: Mapped[str] = mapped_column(String(320))
    """What the server is given at sign-in; often the address."""
    auth: Mapped[str] = mapped_column(String(16), default="password")
    secret: Mapped[bytes | None]
    """Sealed by `webmail.store.secrets`; None once it has been erased."""
    imap_host: Mapped[str] = mapped_column(String(255), default="")
    imap_port: Mapped[int | None]
    imap_security: Mapped[str] = mapped_column(String(10), default="tls")
    """`tls`, `starttls` or `plain`: what the check at Connect settled on; never changed silently."""
    smtp_host: Mapped[str] = mapped_column(String(255))
    smtp_port: Mapped[int]
    smtp_security: Mapped[str] = mapped_column(String(10), default="tls")
    sends_by: Mapped[str] = mapped_column(String(10), default="smtp", server_default="smtp")
    """`smtp`; `graph` (Microsoft Graph, because SMTP is switched off there); or `blocked`: SMTP has been switched off
    since, and the user has still to allow Graph, so queued mail waits."""
    imap_folder: Mapped[str] = mapped_column(String(255), default="INBOX")
    outbox_folder: Mapped[str] = mapped_column(String(255), default="")
    aliases: Mapped[list[Any]] = mapped_column(default=list, server_default="[]")
    """Further addresses of the mailbox, normalised: it gets their mail, and mail can be sent from them."""
    ssl_enabled: Mapped[bool] = mapped_column(default=True)
    reads_mail: Mapped[bool] = mapped_column(default=True)
    """*Do you want to read email?*"""
    read_marks: Mapped[str] = mapped_column(String(8), default="all")
    """`all`, `new` or `keep`: see design, section 2."""
    read_marks_from: Mapped[datetime] = mapped_column(default=utc_now)
    """Under `new`, only mail that arrived at or after this is marked."""
    files_sent_itself: Mapped[bool | None]
    """Does the SMTP server file the sent copy? None until it is known."""
    fingerprint: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """What the server was found to do, by the check at Connect: {"capabilities": [...], ...}."""

    status: Mapped[str] = mapped_column(String(20), default="connected")
    status_sentence: Mapped[str] = mapped_column(String(500), default="")
    status_next_step: Mapped[str] = mapped_column(String(500), default="")
    status_detail: Mapped[str] = mapped_column(Text, default="")
    status_cause: Mapped[str] = mapped_column(String(40), default="", server_default="")
    """The stable key of what is wrong, as in `ProviderError.cause`; "" when nothing is."""
    status_since: Mapped[datetime | None]
    """Since when it is `reconnect_needed`; None when it is not."""
    away_from: Mapped[datetime | None]
    """The last time that a sign-in was missing: from when to when; what came meanwhile is counted by it."""
    away_until: Mapped[datetime | None]
    failures: Mapped[int] = mapped_column(default=0)
    retry_at: Mapped[datetime | None]
    last_synced_at: Mapped[datetime | None]
    sync_done: Mapped[int] = mapped_column(default=0)
    sync_total: Mapped[int] = mapped_column(default=0)
    is_backfilled: Mapped[bool] = mapped_column(default=False)
    marked_count: Mapped[int] = mapped_column(default=0)
    """How many messages the read-mark rule has marked on the server and not put back."""

    sharing: Mapped[str] = mapped_column(String(10), default="nothing", server_default="nothing")
    """What colleagues see of it in the pane of a contact: `nothing`, `contacts` (mail with contacts) or `all` (whole
    conversations with them); see `webmail.store.sharing`."""
    only_contacts: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    """*Only mail with contacts*: all other mail stays in the mailbox; see `webmail.sync.private_mail`."""
    has_private: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    """What was stored before that was switched on, and is with no contact, has still to be erased."""

    mass_limits: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    """What the user says that the provider allows: {"minute", "hour", "day"}; {} for what is known of the provider."""
    mass_next_at: Mapped[datetime | None]
    """Before this no mail of a mailing goes out: the pace."""
    mass_until: Mapped[datetime | None]
    """The server has said that it is enough until then, in the words of `mass_answer`."""
    mass_answer: Mapped[str] = mapped_column(Text, default="", server_default="")
    mass_generation: Mapped[int] = mapped_column(default=0, server_default="0")
    """Of the job that paces this account's mailings; raised when one was lost."""

    wanted_at: Mapped[datetime | None]
    """Somebody asked for a sync at this time; cleared by the sync that began later."""
    sync_generation: Mapped[int] = mapped_column(default=0)
    lease_owner: Mapped[str | None] = mapped_column(String(64))
    lease_token: Mapped[int] = mapped_column(default=0)
    lease_until: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)

    user: Mapped[User] = relationship(lazy="raise")
    signatures: Mapped[list[Signature]] = relationship(
        back_populates="account", lazy="raise", passive_deletes=True, order_by="Signature.id"
    )

    @property
    def signature(self) -> Signature | None:
        """The signature of new mail."""
        return next((each for each in self.signatures if each.is_for_new), None)

    @property
    def reply_signature(self) -> Signature | None:
        """The signature of replies and forwarded mail."""
        return next((each for each in self.signatures if each.is_for_replies), None)


class ConnectAttempt(Base):
    """One press of *Connect*: what was typed, and how each check went. Its secret is sealed, and erased at the end."""

    __tablename__ = "connect_attempts"
    id: Mapped[int] = mapped_column(primary_key=True)
    uuid: Mapped[uuid_module.UUID] = mapped_column(Uuid, default=uuid_module.uuid4, unique=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    account_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    """The account whose settings are edited; after success, the account that was made."""
    settings: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """The form's fields, password aside."""
    secret: Mapped[bytes | None]
    state: Mapped[str] = mapped_column(String(10), default="running")
    """`running`, `connected` or `failed`."""
    steps: Mapped[list[Any]] = mapped_column(default=list)
    """[{"key", "label", "state", "sentence", "next_step", "server_answer", "cause", "offers"}]; a state is `waiting`,
    `running`, `done`, `failed` or `skipped`."""
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    began_at: Mapped[datetime | None]
    """When a job last began to check; a second one that comes soon after leaves it alone."""
    finished_at: Mapped[datetime | None]


class Folder(Base):
    """A mailbox on the server, with its UIDVALIDITY and sync state."""

    __tablename__ = "folders"
    __table_args__ = (UniqueConstraint("account_id", "name"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    uuid: Mapped[uuid_module.UUID] = mapped_column(Uuid, default=uuid_module.uuid4, unique=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(500))
    role: Mapped[str] = mapped_column(String(10), default="")
    """`inbox`, `sent`, `drafts`, `trash`, `junk`, `archive`, `all` or ""."""
    is_synced: Mapped[bool] = mapped_column(default=False)
    """IMAP Folder and OutBox Folder are synced whole; of the others only messages that we know are followed."""
    uidvalidity: Mapped[int | None] = mapped_column(BigInteger)
    uidnext: Mapped[int] = mapped_column(BigInteger, default=0)
    """All UIDs below this one, and at or above `backfill_uid`, have been seen."""
    highestmodseq: Mapped[int | None] = mapped_column(BigInteger)
    backfill_uid: Mapped[int | None] = mapped_column(BigInteger)
    """UIDs below this one still wait for the backfill; None before the first sync, 1 when nothing is left."""
    server_count: Mapped[int] = mapped_column(default=0)
    synced_at: Mapped[datetime | None]
    flags_compared_at: Mapped[datetime | None]
    """When all flags were last compared, on servers without CONDSTORE."""
    verified_at: Mapped[datetime | None]
    """When the folder was last compared with the server, message by message (`webmail.sync.verify`)."""
    verified_count: Mapped[int] = mapped_column(default=0, server_default="0")
    verified_matched: Mapped[int] = mapped_column(default=0, server_default="0")
    """How many messages were compared then, and how many were the same on both sides before anything was mended."""
    mended: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    """What was mended then: {"missing": 1, "gone": 2, "flags": 3, "another": 4, "moved": 5}, without zeros."""
    verify_progress: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    """How far the present comparison has come; {} when there is none."""
    verify_after: Mapped[datetime | None]
    """When the next one is due; None for at once."""
    left_out: Mapped[str] = mapped_column(Text, default="", server_default="", deferred=True)
    """The UIDs of mail that stays in the mailbox because it is with no contact, as "1:40,44": numbers and no more."""
    second_look_uid: Mapped[int | None] = mapped_column(BigInteger)
    """From this UID on what was left out is to be looked at again, because something that it may answer came in after
    it; None when nothing is."""


class SearchedAddress(Base):
    """An address of a contact whose older mail has been looked for in an account that keeps only mail with contacts."""

    __tablename__ = "searched_addresses"
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True)
    address: Mapped[str] = mapped_column(String(320), primary_key=True)


class Conversation(Base):
    """Messages of one account that belong together, with what the list shows of them kept ready."""

    __tablename__ = "conversations"
    __table_args__ = (
        Index("ix_conversations_inbox", "user_id", "in_inbox", "last_at", "id"),
        Index("ix_conversations_sent", "user_id", "in_sent", "last_at", "id"),
        Index("ix_conversations_all", "user_id", "last_at", "id"),
        Index("ix_conversations_starred", "user_id", "is_flagged", "last_at", "id"),
        Index(
            "ix_conversations_unread",
            "user_id",
            "in_inbox",
            "account_id",
            "tenant_id",
            "unread_count",
            sqlite_where=text("unread_count > 0"),
            postgresql_where=text("unread_count > 0"),
        ),
        Index("ix_conversations_account_id", "account_id"),
        Index(
            "ix_conversations_snoozed",
            "user_id",
            "last_at",
            "id",
            sqlite_where=text("snoozed_until IS NOT NULL"),
            postgresql_where=text("snoozed_until IS NOT NULL"),
        ),
        Index(
            "ix_conversations_shared",
            "tenant_id",
            sqlite_where=text("sharing = 'shared'"),
            postgresql_where=text("sharing = 'shared'"),
        ),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    uuid: Mapped[uuid_module.UUID] = mapped_column(Uuid, default=uuid_module.uuid4, unique=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    subject: Mapped[str] = mapped_column(Text, default="")
    snippet: Mapped[str] = mapped_column(String(250), default="")
    senders: Mapped[list[Any]] = mapped_column(default=list)
    """Display names in order of first appearance, the user's own as "me"."""
    last_at: Mapped[datetime] = mapped_column(default=utc_now)
    message_count: Mapped[int] = mapped_column(default=0)
    unread_count: Mapped[int] = mapped_column(default=0)
    has_attachments: Mapped[bool] = mapped_column(default=False)
    is_flagged: Mapped[bool] = mapped_column(default=False)
    in_inbox: Mapped[bool] = mapped_column(default=False)
    in_sent: Mapped[bool] = mapped_column(default=False)
    in_trash: Mapped[bool] = mapped_column(default=False)
    """Nothing of it lies anywhere but in the trash."""
    sharing: Mapped[str] = mapped_column(String(8), default="", server_default="")
    """`shared` or `private` whatever the account's rule says; "" where that holds."""
    snoozed_at: Mapped[datetime | None]
    """When it was put off."""
    snoozed_after: Mapped[int | None] = mapped_column(BigInteger)
    """The newest message of the account then; mail that comes after it brings the conversation back."""
    snoozed_until: Mapped[datetime | None]
    """Until when it is out of the inbox here; it has not moved on the server. None when it is not put off."""
    raised_at: Mapped[datetime | None]
    """When it came back, which is where it then stands in the lists."""
    account: Mapped[Account] = relationship(lazy="raise")


class ConversationAlias(Base):
    """The uuid of a conversation that was merged into another: pages and links that hold it still lead there."""

    __tablename__ = "conversation_aliases"
    uuid: Mapped[uuid_module.UUID] = mapped_column(Uuid, primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"), index=True)


class ThreadKey(Base):
    """What makes a message belong to a conversation (`webmail.domain.threading`): one key, one conversation."""

    __tablename__ = "thread_keys"
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True)
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"), index=True)


class Message(Base):
    """One mail, parsed; unique within its account by `identity`."""

    __tablename__ = "messages"
    __table_args__ = (
        UniqueConstraint("account_id", "identity"),
        Index("ix_messages_conversation_id_sent_at", "conversation_id", "sent_at"),
        Index("ix_messages_account_id_message_id_header", "account_id", "message_id_header"),
        Index("ix_messages_account_id_body_state", "account_id", "body_state", "sent_at"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    uuid: Mapped[uuid_module.UUID] = mapped_column(Uuid, default=uuid_module.uuid4, unique=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"))
    identity: Mapped[str] = mapped_column(String(80))
    message_id_header: Mapped[str] = mapped_column(String(998), default="")
    in_reply_to: Mapped[str] = mapped_column(Text, default="")
    references: Mapped[list[Any]] = mapped_column(default=list)
    sent_at: Mapped[datetime]
    """Its place in time: INTERNALDATE for what was received, the Date header for what we sent."""
    date_header_at: Mapped[datetime | None]
    from_name: Mapped[str] = mapped_column(Text, default="")
    from_email: Mapped[str] = mapped_column(String(320), default="")
    reply_to: Mapped[list[Any]] = mapped_column(default=list)
    """Addresses everywhere are [[name, email], ...]."""
    to: Mapped[list[Any]] = mapped_column("to_addresses", default=list)
    cc: Mapped[list[Any]] = mapped_column(default=list)
    bcc: Mapped[list[Any]] = mapped_column(default=list)
    subject: Mapped[str] = mapped_column(Text, default="")
    snippet: Mapped[str] = mapped_column(String(250), default="")
    text: Mapped[str] = mapped_column(Text, default="", deferred=True)
    html: Mapped[str] = mapped_column(Text, default="", deferred=True)
    """As it came, unsanitised: it is cleaned each time it is shown, by the rules of that day."""
    body_state: Mapped[str] = mapped_column(String(8), default="headers")
    """`headers` until the text parts are here, then `stored`; `broken` when the server never gave them; `erased` where
    nothing is kept but what it takes not to fetch the mail again (`webmail.store.erasing`)."""
    size_bytes: Mapped[int] = mapped_column(default=0)
    has_attachments: Mapped[bool] = mapped_column(default=False)
    is_outgoing: Mapped[bool] = mapped_column(default=False)
    is_unread: Mapped[bool] = mapped_column(default=False)
    """Unread *here*; under the read-mark rule the server's own \\Seen is a placement's affair."""
    is_flagged: Mapped[bool] = mapped_column(default=False)
    is_answered: Mapped[bool] = mapped_column(default=False)
    automatic: Mapped[str] = mapped_column(String(12), default="", server_default="")
    """What a machine wrote, by `webmail.domain.reports`: `bounce`, `delay`, `auto_reply`, `challenge`, `complaint`,
    `unsubscribe`; "" for a person's mail."""
    placements: Mapped[list[Placement]] = relationship(back_populates="message", lazy="raise", passive_deletes=True)
    attachments: Mapped[list[Attachment]] = relationship(
        back_populates="message", lazy="raise", passive_deletes=True, order_by="Attachment.id"
    )


class Placement(Base):
    """A message in a folder."""

    __tablename__ = "placements"
    __table_args__ = (UniqueConstraint("folder_id", "uid"), Index("ix_placements_message_id", "message_id"))
    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"))
    folder_id: Mapped[int] = mapped_column(ForeignKey("folders.id", ondelete="CASCADE"))
    uid: Mapped[int] = mapped_column(BigInteger)
    """Negative: not the server's (see `webmail.store.placements`)."""
    modseq: Mapped[int] = mapped_column(BigInteger, default=0)
    is_seen: Mapped[bool] = mapped_column(default=False)
    is_flagged: Mapped[bool] = mapped_column(default=False)
    is_answered: Mapped[bool] = mapped_column(default=False)
    is_draft: Mapped[bool] = mapped_column(default=False)
    is_leaving: Mapped[bool] = mapped_column(default=False)
    """A move or delete made here waits for the server; the lists no longer count it."""
    message: Mapped[Message] = relationship(back_populates="placements", lazy="raise")
    folder: Mapped[Folder] = relationship(lazy="raise")


class Attachment(Base):
    """A part of a message that a user would save, or that its HTML shows by `cid:`."""

    __tablename__ = "attachments"
    __table_args__ = (Index("ix_attachments_message_id", "message_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    uuid: Mapped[uuid_module.UUID] = mapped_column(Uuid, default=uuid_module.uuid4, unique=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"))
    section: Mapped[str] = mapped_column(String(100))
    """The IMAP part number, such as `2.1` (RFC 9051, section 6.4.5)."""
    filename: Mapped[str] = mapped_column(String(255))
    media_type: Mapped[str] = mapped_column(String(127))
    size_bytes: Mapped[int] = mapped_column(default=0)
    content_id: Mapped[str] = mapped_column(String(255), default="")
    is_inline: Mapped[bool] = mapped_column(default=False)
    encoding: Mapped[str] = mapped_column(String(20), default="")
    """Content-Transfer-Encoding, lower case."""
    message: Mapped[Message] = relationship(back_populates="attachments", lazy="raise")


class Change(Base):
    """Something done here that the server must still learn, or has learnt: the ledger of all writes into a mailbox."""

    __tablename__ = "changes"
    __table_args__ = (
        Index("ix_changes_account_id_state_id", "account_id", "state", "id"),
        Index("ix_changes_user_id_id", "user_id", "id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    uuid: Mapped[uuid_module.UUID] = mapped_column(Uuid, default=uuid_module.uuid4, unique=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(12))
    """`flag` (payload {"add": [...], "remove": [...]}), `move` ({"to": folder id}), `delete`, `append`."""
    reason: Mapped[str] = mapped_column(String(20))
    """`user`, `read_marks`, `put_back`, `sent_copy`, `draft`, `answered` or `undo`."""
    folder_id: Mapped[int | None] = mapped_column(ForeignKey("folders.id", ondelete="CASCADE"))
    uidvalidity: Mapped[int | None] = mapped_column(BigInteger)
    uids: Mapped[list[Any]] = mapped_column(default=list)
    message_ids: Mapped[list[Any]] = mapped_column(default=list)
    """Our own keys of the messages, in the order of `uids`."""
    payload: Mapped[dict[str, Any]] = mapped_column(default=dict)
    state: Mapped[str] = mapped_column(String(10), default="pending")
    """`pending`, `carrying` (the server is being told), `done`, `failed`, `cancelled` or `undone`."""
    attempts: Mapped[int] = mapped_column(default=0)
    error: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    done_at: Mapped[datetime | None]


class Submission(Base):
    """A mail on its way out, from draft to sent (design, section 6).

    `state`: `draft`, `queued`, `sending`, `sent`, `failed`, `unsure`, `cancelled`.
    """

    __tablename__ = "submissions"
    __table_args__ = (
        Index("ix_submissions_state_not_before", "state", "not_before"),
        Index("ix_submissions_user_id_state", "user_id", "state"),
        Index("ix_submissions_message_id", "message_id"),
        Index("ix_submissions_source_message_id", "source_message_id"),
        Index("ix_submissions_filing_filing_at", "filing", "filing_at"),
        Index("ix_submissions_message_id_header", "account_id", "message_id_header"),
        Index("ix_submissions_mailing_id_state", "mailing_id", "state", "not_before"),
        Index("ix_submissions_recipient_id_step", "recipient_id", "step", unique=True),
        Index("ix_submissions_account_id_data_started_at", "account_id", "data_started_at"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    uuid: Mapped[uuid_module.UUID] = mapped_column(Uuid, default=uuid_module.uuid4, unique=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    account_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id", ondelete="SET NULL"))
    state: Mapped[str] = mapped_column(String(10), default="draft")

    mailing_id: Mapped[int | None] = mapped_column(ForeignKey("mailings.id", ondelete="CASCADE"))
    """The mailing that it belongs to; None for an individual mail."""
    recipient_id: Mapped[int | None] = mapped_column(ForeignKey("mailing_recipients.id", ondelete="CASCADE"))
    step: Mapped[int | None]
    """Which of the mailing's steps it is. One recipient has one submission a step: so nobody is written to twice."""

    mode: Mapped[str] = mapped_column(String(10), default="new")
    """`new`, `reply`, `reply_all` or `forward`."""
    source_message_id: Mapped[int | None] = mapped_column(ForeignKey("messages.id", ondelete="SET NULL"))
    """The message that it answers or forwards."""
    to: Mapped[str] = mapped_column("to_text", Text, default="")
    """To, Cc and Bcc as they were typed: a draft may hold half an address."""
    cc: Mapped[str] = mapped_column(Text, default="")
    bcc: Mapped[str] = mapped_column(Text, default="")
    from_email: Mapped[str] = mapped_column(String(320), default="", server_default="")
    """The account's other address that it is sent from; "" for the account's own."""
    subject: Mapped[str] = mapped_column(Text, default="")
    is_plain: Mapped[bool] = mapped_column(default=False)
    body_html: Mapped[str] = mapped_column(Text, default="")
    body_text: Mapped[str] = mapped_column(Text, default="")
    """The body in plain text when `is_plain`, else unused."""
    revision: Mapped[int] = mapped_column(default=0)
    """Raised by each save, so that two tabs notice each other."""
    draft_due_at: Mapped[datetime | None] = mapped_column(index=True)
    """When its copy in the mailbox's folder for drafts is to be brought up to date; None for never."""
    draft_copy: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    """Where that copy lies: {"folder": key, "uid", "uidvalidity", "at": when it was made}; {} while there is none."""

    message_id: Mapped[int | None] = mapped_column(ForeignKey("messages.id", ondelete="SET NULL"))
    """The message that shows it in its conversation, from the moment it is queued."""
    message_id_header: Mapped[str] = mapped_column(String(998), default="")
    mime: Mapped[bytes | None] = mapped_column(deferred=True)
    """The mail as it goes out, fixed when it is queued (without Bcc)."""
    envelope_from: Mapped[str] = mapped_column(String(320), default="")
    envelope_to: Mapped[list[Any]] = mapped_column(default=list)
    not_before: Mapped[datetime | None]
    held_reason: Mapped[str] = mapped_column(String(20), default="")
    """Why a queued mail waits: `undo`, `retry`, `reconnect`, `scheduled`, `pacing` (of a mailing, which takes it in
    turn: `webmail.actions.pacing`), or "" when it does not."""
    attempts: Mapped[int] = mapped_column(default=0)
    claimed_until: Mapped[datetime | None]
    """While it is being sent or filed: when the process that does so must have renewed its claim."""
    claim_token: Mapped[int] = mapped_column(default=0)
    """Raised by each claim, so that a late process writes nothing; also the generation of its jobs."""
    data_started_at: Mapped[datetime | None]
    """Set and committed before DATA: from here on the mail may have left."""
    refusals: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """{address: "550 5.1.1 the server's words"}."""
    error_sentence: Mapped[str] = mapped_column(String(500), default="")
    server_answer: Mapped[str] = mapped_column(Text, default="")
    sent_at: Mapped[datetime | None]
    filing: Mapped[str] = mapped_column(String(10), default="none")
    """The copy in the OutBox folder: `none` (not yet, or never), `unshown` (of a mailing, sent a moment ago: see
    `webmail.actions._mailing_outcomes`), `pending`, `found`, `appended`, `impossible`."""
    filing_attempts: Mapped[int] = mapped_column(default=0)
    filing_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    updated_at: Mapped[datetime] = mapped_column(default=utc_now)
    account: Mapped[Account | None] = relationship(lazy="raise")
    attachments: Mapped[list[SubmissionAttachment]] = relationship(
        back_populates="submission", lazy="raise", passive_deletes=True, order_by="SubmissionAttachment.id"
    )


class SubmissionAttachment(Base):
    """A file that goes out with a submission."""

    __tablename__ = "submission_attachments"
    __table_args__ = (Index("ix_submission_attachments_submission_id", "submission_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    uuid: Mapped[uuid_module.UUID] = mapped_column(Uuid, default=uuid_module.uuid4, unique=True)
    submission_id: Mapped[int] = mapped_column(ForeignKey("submissions.id", ondelete="CASCADE"))
    filename: Mapped[str] = mapped_column(String(255))
    media_type: Mapped[str] = mapped_column(String(127))
    size_bytes: Mapped[int] = mapped_column(default=0)
    content_id: Mapped[str] = mapped_column(String(255), default="")
    content: Mapped[bytes | None] = mapped_column(deferred=True)
    """None while a file of the message that is forwarded or quoted has not been fetched."""
    source_attachment_id: Mapped[int | None] = mapped_column(ForeignKey("attachments.id", ondelete="SET NULL"))
    submission: Mapped[Submission] = relationship(back_populates="attachments", lazy="raise")


class Signature(Base):
    """Rich text that ends an individual mail. Of an account's, one at most is for new mail, and one for replies."""

    __tablename__ = "signatures"
    id: Mapped[int] = mapped_column(primary_key=True)
    uuid: Mapped[uuid_module.UUID] = mapped_column(Uuid, default=uuid_module.uuid4, unique=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(80), default="", server_default="")
    is_for_new: Mapped[bool] = mapped_column(default=True, server_default=true())
    is_for_replies: Mapped[bool] = mapped_column(default=True, server_default=true())
    html: Mapped[str] = mapped_column(Text, default="")
    """May hold `{{ user.name }}`, `{{ user.title }}` and the like."""
    updated_at: Mapped[datetime] = mapped_column(default=utc_now)
    account: Mapped[Account] = relationship(back_populates="signatures", lazy="raise")


class Correspondent(Base):
    """An address that a user has written to, or heard from, by one account: whom a new mail may be for."""

    __tablename__ = "correspondents"
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True)
    email: Mapped[str] = mapped_column(String(320), primary_key=True)
    """Normalised."""
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(200), default="")
    words: Mapped[str] = mapped_column(Text, default="")
    """The words of name and address, each after a space: what is typed is the beginning of some."""
    written_count: Mapped[int] = mapped_column(default=0)
    written_at: Mapped[datetime | None]
    heard_count: Mapped[int] = mapped_column(default=0)
    heard_at: Mapped[datetime | None]


class OAuthGrant(Base):
    """What an identity server allows for one account, and its tokens; refreshed by one process at a time."""

    __tablename__ = "oauth_grants"
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True)
    provider: Mapped[str] = mapped_column(String(16))
    """`google` or `microsoft`."""
    subject: Mapped[str] = mapped_column(String(255))
    """The identity server's own, lasting name of the person."""
    secret: Mapped[bytes]
    """Sealed: {"refresh_token", "access_token", "graph_token"}."""
    expires_at: Mapped[datetime]
    """When the access token runs out."""
    graph_expires_at: Mapped[datetime | None]
    scopes: Mapped[list[Any]] = mapped_column(default=list)
    renewed_at: Mapped[datetime] = mapped_column(default=utc_now)
    """When a token was last had with the refresh token: unused for too long, it dies."""
    granted_at: Mapped[datetime | None] = mapped_column(default=utc_now)
    """When the user last signed in there."""
    generation: Mapped[int] = mapped_column(default=0)
    """Raised by each refresh: whoever waited for one sees that it is done."""
    lease_token: Mapped[int] = mapped_column(default=0)
    lease_until: Mapped[datetime | None]
    """Who refreshes must be done by then; fenced by `lease_token`."""


class Contact(Base):
    """A person known to the tenant: a candidate, a client."""

    __tablename__ = "contacts"
    __table_args__ = (
        UniqueConstraint("tenant_id", "external_id"),
        Index("ix_contacts_name", "tenant_id", "name", "id"),
        Index("ix_contacts_updated", "tenant_id", "updated_at", "id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    uuid: Mapped[uuid_module.UUID] = mapped_column(Uuid, default=uuid_module.uuid4, unique=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    external_id: Mapped[str | None] = mapped_column(String(200))
    """The ATS's own id; None for whom only this product knows."""
    name: Mapped[str] = mapped_column(String(200), default="")
    first_name: Mapped[str] = mapped_column(String(100), default="", server_default="")
    last_name: Mapped[str] = mapped_column(String(100), default="", server_default="")
    company: Mapped[str] = mapped_column(String(200), default="", server_default="")
    addresses: Mapped[list[Any]] = mapped_column(default=list)
    """Normalised; the first is where new mail goes to. `contact_addresses` has the same, to be found by."""
    tags: Mapped[list[Any]] = mapped_column(default=list, server_default="[]")
    fields: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    """Further merge fields by name: {"city": "Lyon"}; names are letters, digits and `_`."""
    time_zone: Mapped[str] = mapped_column(String(64), default="", server_default="")
    """An IANA name, "" when it is not known."""
    updated_at: Mapped[datetime] = mapped_column(default=utc_now)


class ContactAddress(Base):
    """An address of a contact, to find the contact by; two contacts may share one."""

    __tablename__ = "contact_addresses"
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"), primary_key=True)
    address: Mapped[str] = mapped_column(String(320), primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contacts.id", ondelete="CASCADE"), primary_key=True, index=True)


class Suppression(Base):
    """An address that no mailing of the tenant writes to any more."""

    __tablename__ = "suppressions"
    __table_args__ = (UniqueConstraint("tenant_id", "email"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    uuid: Mapped[uuid_module.UUID] = mapped_column(Uuid, default=uuid_module.uuid4, unique=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    email: Mapped[str] = mapped_column(String(320))
    """Normalised."""
    reason: Mapped[str] = mapped_column(String(12))
    """`unsubscribed`, `bounced`, `complained`, `imported` or `by_hand`."""
    detail: Mapped[str] = mapped_column(Text, default="")
    """The server's words, or who put it in."""
    mailing_id: Mapped[int | None] = mapped_column(ForeignKey("mailings.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class MailTemplate(Base):
    """Subject and rich text with merge fields, kept by a user, for mailings and single mails."""

    __tablename__ = "mail_templates"
    __table_args__ = (Index("ix_mail_templates_tenant_id_name", "tenant_id", "name"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    uuid: Mapped[uuid_module.UUID] = mapped_column(Uuid, default=uuid_module.uuid4, unique=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    """Whose it is; others of the tenant see it where it is shared, and only its owner changes it."""
    is_shared: Mapped[bool] = mapped_column(default=False)
    name: Mapped[str] = mapped_column(String(120))
    subject: Mapped[str] = mapped_column(Text, default="")
    html: Mapped[str] = mapped_column(Text, default="")
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    updated_at: Mapped[datetime] = mapped_column(default=utc_now)


class MailTemplateVersion(Base):
    """What a mail template was before it was changed."""

    __tablename__ = "mail_template_versions"
    template_id: Mapped[int] = mapped_column(ForeignKey("mail_templates.id", ondelete="CASCADE"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    subject: Mapped[str] = mapped_column(Text, default="")
    html: Mapped[str] = mapped_column(Text, default="")
    saved_at: Mapped[datetime] = mapped_column(default=utc_now)


class Mailing(Base):
    """One mass mail: what it says, when it may go out, and how far it has come.

    `state`: `draft`, `sending`, `paused`, `done` (nothing is left to be sent, follow-ups included) or `cancelled`.
    """

    __tablename__ = "mailings"
    __table_args__ = (
        Index("ix_mailings_tenant_id_user_id", "tenant_id", "user_id"),
        Index("ix_mailings_account_id_state", "account_id", "state"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    uuid: Mapped[uuid_module.UUID] = mapped_column(Uuid, default=uuid_module.uuid4, unique=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    account_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id", ondelete="SET NULL"))
    name: Mapped[str] = mapped_column(String(120), default="")
    state: Mapped[str] = mapped_column(String(10), default="draft")
    paused_because: Mapped[str] = mapped_column(String(500), default="")
    """One sentence for the user; "" when the user paused it, or when it is not paused."""
    job: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """Merge fields of the job that it is about: {"title": "Nurse", "place": "Lyon", …}."""
    time_zone: Mapped[str] = mapped_column(String(64), default="UTC")
    uses_recipients_zone: Mapped[bool] = mapped_column(default=False)
    """The sending window is in the recipient's time zone, where that is known."""
    window_from: Mapped[int] = mapped_column(default=0)
    window_until: Mapped[int] = mapped_column(default=1440)
    """The sending window, in minutes after midnight; 0 and 1440 for the whole day."""
    weekdays: Mapped[list[Any]] = mapped_column(default=lambda: [0, 1, 2, 3, 4, 5, 6])
    """On which days it goes out, Monday being 0."""
    has_unsubscribe: Mapped[bool] = mapped_column(default=True)
    """A visible link in the text; the header fields go with it."""
    revision: Mapped[int] = mapped_column(default=0)
    """Raised by each save, so that two tabs notice each other."""
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    updated_at: Mapped[datetime] = mapped_column(default=utc_now)
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    hidden_at: Mapped[datetime | None]
    """When its user deleted it while mails of it are out: links in them, and what comes back, still need its rows."""
    account: Mapped[Account | None] = relationship(lazy="raise")
    steps: Mapped[list[MailingStep]] = relationship(
        lazy="raise", passive_deletes=True, order_by="MailingStep.number", back_populates="mailing"
    )
    files: Mapped[list[MailingFile]] = relationship(lazy="raise", passive_deletes=True, order_by="MailingFile.id")


class MailingStep(Base):
    """One of a mailing's mails: the first, or a follow-up for those who have not answered."""

    __tablename__ = "mailing_steps"
    mailing_id: Mapped[int] = mapped_column(ForeignKey("mailings.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    """0 is the first mail."""
    wait_days: Mapped[int] = mapped_column(default=0)
    """Days after the mail before, for a follow-up."""
    template_id: Mapped[int | None] = mapped_column(ForeignKey("mail_templates.id", ondelete="SET NULL"))
    """Where the text came from; it is a copy."""
    subject: Mapped[str] = mapped_column(Text, default="")
    """With merge fields; a follow-up goes into the conversation under the first mail's subject, and has none."""
    html: Mapped[str] = mapped_column(Text, default="")
    """With merge fields. A signature is in it only where somebody has put it."""
    mailing: Mapped[Mailing] = relationship(lazy="raise", back_populates="steps")


class MailingFile(Base):
    """A file that goes out with a mailing's first mail, the same for all."""

    __tablename__ = "mailing_files"
    id: Mapped[int] = mapped_column(primary_key=True)
    uuid: Mapped[uuid_module.UUID] = mapped_column(Uuid, default=uuid_module.uuid4, unique=True)
    mailing_id: Mapped[int] = mapped_column(ForeignKey("mailings.id", ondelete="CASCADE"), index=True)
    filename: Mapped[str] = mapped_column(String(255))
    media_type: Mapped[str] = mapped_column(String(127))
    size_bytes: Mapped[int] = mapped_column(default=0)
    content: Mapped[bytes] = mapped_column(deferred=True)


class MailingRecipient(Base):
    """Somebody whom a mailing writes to, or leaves out and says why.

    `state`: `ready` (the mailing is a draft), `left_out`, `queued`, `sent` (the first mail has left), `failed`,
    `unsure`, `cancelled`. What came back stands in the times beside it: whoever answered, bounced or unsubscribed gets
    no follow-up.
    """

    __tablename__ = "mailing_recipients"
    __table_args__ = (
        UniqueConstraint("mailing_id", "email"),
        Index("ix_mailing_recipients_mailing_id_state", "mailing_id", "state", "id"),
        Index("ix_mailing_recipients_next_step_at", "next_step_at"),
        Index("ix_mailing_recipients_tenant_id_email", "tenant_id", "email"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    uuid: Mapped[uuid_module.UUID] = mapped_column(Uuid, default=uuid_module.uuid4, unique=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    mailing_id: Mapped[int] = mapped_column(ForeignKey("mailings.id", ondelete="CASCADE"))
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contacts.id", ondelete="SET NULL"))
    email: Mapped[str] = mapped_column(String(320))
    """Normalised; what was typed when it is no address, of a list's line with its number: `ana@ #7`."""
    name: Mapped[str] = mapped_column(String(200), default="")
    fields: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """Merge fields of this person, over the contact's own: {"first_name": "Ana", …}."""
    time_zone: Mapped[str] = mapped_column(String(64), default="")
    line: Mapped[int | None]
    """Where they stood in a list, counted from 1."""
    problem: Mapped[str] = mapped_column(Text, default="")
    """Why that line could not be read, in one sentence; then they are left out as `invalid`."""
    state: Mapped[str] = mapped_column(String(10), default="ready")
    left_out_because: Mapped[str] = mapped_column(String(20), default="")
    """`invalid`, `suppressed`, `missing_value` or `by_hand`; duplicates are told when they are added, and not kept."""
    step: Mapped[int] = mapped_column(default=0)
    """The step that was queued last."""
    next_step_at: Mapped[datetime | None]
    """When the next follow-up is due; None when there is none, or no more."""
    conversation_id: Mapped[int | None] = mapped_column(ForeignKey("conversations.id", ondelete="SET NULL"))
    sent_at: Mapped[datetime | None]
    replied_at: Mapped[datetime | None]
    bounced_at: Mapped[datetime | None]
    auto_replied_at: Mapped[datetime | None]
    unsubscribed_at: Mapped[datetime | None]
    complained_at: Mapped[datetime | None]
    answer: Mapped[str] = mapped_column(Text, default="")
    """The words of the server that refused or bounced it."""

    @property
    def written(self) -> str:
        """The address; of a line that could not be read, what stands there instead."""
        return self.email.removesuffix(f"#{self.line}").strip() if self.problem else self.email


class MailReport(Base):
    """What a machine reported about a mail of ours: a bounce, an out-of-office, …, found in the synced mail."""

    __tablename__ = "mail_reports"
    __table_args__ = (
        UniqueConstraint("message_id", "email"),
        Index("ix_mail_reports_submission_id", "submission_id"),
        Index("ix_mail_reports_tenant_id_email", "tenant_id", "email"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    uuid: Mapped[uuid_module.UUID] = mapped_column(Uuid, default=uuid_module.uuid4, unique=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"))
    """The message that reports."""
    submission_id: Mapped[int | None] = mapped_column(ForeignKey("submissions.id", ondelete="SET NULL"))
    recipient_id: Mapped[int | None] = mapped_column(ForeignKey("mailing_recipients.id", ondelete="SET NULL"))
    kind: Mapped[str] = mapped_column(String(12))
    """As `Message.automatic`."""
    email: Mapped[str] = mapped_column(String(320), default="")
    """Whom it is about, normalised."""
    is_permanent: Mapped[bool] = mapped_column(default=False)
    status: Mapped[str] = mapped_column(String(12), default="")
    """The enhanced status code (RFC 3463), such as "5.1.1"."""
    words: Mapped[str] = mapped_column(Text, default="")
    """The reporting server's own."""
    reported_at: Mapped[datetime] = mapped_column(default=utc_now)


class AuditEntry(Base):
    """Who did what that others of the tenant may have to answer for: who sent what to whom."""

    __tablename__ = "audit_entries"
    __table_args__ = (Index("ix_audit_entries_tenant_id_at", "tenant_id", "at"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    at: Mapped[datetime] = mapped_column(default=utc_now)
    action: Mapped[str] = mapped_column(String(40))
    """Such as `mailing_started`, `mailing_paused`, `suppression_added`, `contact_erased`."""
    subject_uuid: Mapped[uuid_module.UUID | None] = mapped_column(Uuid)
    """What it was done to."""
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """Names and counts, never a mail's text."""


class ApiKey(Base):
    """A key by which a tenant's own server may ask; only its hash is kept."""

    __tablename__ = "api_keys"
    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(64))
    key_hash: Mapped[str] = mapped_column(String(64), unique=True)
    """SHA-256 of the key, which is random and long, so that nothing slower is needed."""
    scopes: Mapped[list[Any]] = mapped_column(default=list, server_default='["contacts:read", "contacts:write"]')
    """What it may be used for, of `webmail.actions.api_keys.SCOPES`."""
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class ApiAnswer(Base):
    """The answer to a request that carried an Idempotency-Key, for a day: the same request gets the same answer."""

    __tablename__ = "api_answers"
    __table_args__ = (UniqueConstraint("tenant_id", "key_hash"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    uuid: Mapped[uuid_module.UUID] = mapped_column(Uuid, default=uuid_module.uuid4, unique=True)
    """What the request makes may be named by it, so that it is made once even if the answer got lost."""
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    key_hash: Mapped[str] = mapped_column(String(64))
    request_hash: Mapped[str] = mapped_column(String(64))
    """Of method, path and body: the key is good for no other request."""
    status: Mapped[int | None]
    """None while the request is being worked on."""
    secret: Mapped[bytes | None]
    """Sealed: {"body"}; an answer may hold a secret that is shown once."""
    created_at: Mapped[datetime] = mapped_column(default=utc_now, index=True)


class WebhookEndpoint(Base):
    """Where a tenant's server wants to hear of what happens here."""

    __tablename__ = "webhook_endpoints"
    id: Mapped[int] = mapped_column(primary_key=True)
    uuid: Mapped[uuid_module.UUID] = mapped_column(Uuid, default=uuid_module.uuid4, unique=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"), index=True)
    url: Mapped[str] = mapped_column(String(2000))
    events: Mapped[list[Any]] = mapped_column(default=list)
    """Which events it is told of, of `webmail.domain.webhooks.EVENTS`."""
    secret: Mapped[bytes]
    """Sealed: {"now", "before"?}; after a rotation both sign for a while."""
    before_until: Mapped[datetime | None]
    """Until when the secret before signs, too."""
    is_enabled: Mapped[bool] = mapped_column(default=True)
    disabled_because: Mapped[str] = mapped_column(String(200), default="")
    quiet_until: Mapped[datetime | None]
    """Nobody answered there: nothing is tried before this."""
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class WebhookEvent(Base):
    """Something that happened, written down in the transaction in which it did."""

    __tablename__ = "webhook_events"
    uuid: Mapped[uuid_module.UUID] = mapped_column(Uuid, primary_key=True, default=uuid_module.uuid4)
    """The `webhook-id`: the same at each try, by which a receiver knows what it has had."""
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    type: Mapped[str] = mapped_column(String(32))
    sequence: Mapped[int] = mapped_column(BigInteger)
    """Microseconds since 1970, one more for each event of one moment: a receiver can tell older from newer by it."""
    account_uuid: Mapped[uuid_module.UUID | None] = mapped_column(Uuid)
    message_id: Mapped[int | None] = mapped_column(ForeignKey("messages.id", ondelete="SET NULL"), index=True)
    submission_id: Mapped[int | None] = mapped_column(ForeignKey("submissions.id", ondelete="SET NULL"), index=True)
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """What the rows above do not tell, such as {"cause": "password_refused"}."""
    payload: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """What is sent, fixed at the first try; {} before."""
    created_at: Mapped[datetime] = mapped_column(default=utc_now, index=True)


class WebhookDelivery(Base):
    """An event on its way to one endpoint. `state`: `pending`, `delivered` or `failed`."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        UniqueConstraint("event_uuid", "endpoint_id"),
        Index("ix_webhook_deliveries_state_next_at", "state", "next_at"),
        Index("ix_webhook_deliveries_endpoint_id_id", "endpoint_id", "id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    uuid: Mapped[uuid_module.UUID] = mapped_column(Uuid, default=uuid_module.uuid4, unique=True)
    event_uuid: Mapped[uuid_module.UUID] = mapped_column(ForeignKey("webhook_events.uuid", ondelete="CASCADE"))
    endpoint_id: Mapped[int] = mapped_column(ForeignKey("webhook_endpoints.id", ondelete="CASCADE"))
    state: Mapped[str] = mapped_column(String(10), default="pending")
    attempts: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime] = mapped_column(default=utc_now)
    """When it is due; while it is being tried, when whoever tries it must be done."""
    claim_token: Mapped[int] = mapped_column(default=0)
    """Raised by each try, so that a late process writes nothing."""
    status_code: Mapped[int | None]
    """What the receiver answered last; None when it did not."""
    answer: Mapped[str] = mapped_column(String(500), default="")
    """How that answer began, or why there was none."""
    tried_at: Mapped[datetime | None]
    event: Mapped[WebhookEvent] = relationship(lazy="raise")
    endpoint: Mapped[WebhookEndpoint] = relationship(lazy="raise")


class TrustedSender(Base):
    """An address whose mail shows pictures from elsewhere to a user without being asked."""

    __tablename__ = "trusted_senders"
    __table_args__ = (UniqueConstraint("user_id", "email"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    uuid: Mapped[uuid_module.UUID] = mapped_column(Uuid, default=uuid_module.uuid4, unique=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    email: Mapped[str] = mapped_column(String(320))
    """Normalised."""
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class SavedSearch(Base):
    """A search that a user keeps in the rail."""

    __tablename__ = "saved_searches"
    id: Mapped[int] = mapped_column(primary_key=True)
    uuid: Mapped[uuid_module.UUID] = mapped_column(Uuid, default=uuid_module.uuid4, unique=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(80))
    query: Mapped[str] = mapped_column(Text)
    """As it was typed, operators and all."""
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
