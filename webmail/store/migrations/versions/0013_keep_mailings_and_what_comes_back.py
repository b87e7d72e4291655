"""Keep mailings, mail templates, whom not to write to, and what comes back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from webmail.store.types import UtcDateTime

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.create_table(
        "audit_entries",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("subject_uuid", sa.Uuid(), nullable=True),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_audit_entries_tenant_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_audit_entries_user_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entries")),
    )
    with op.batch_alter_table("audit_entries", schema=None) as batch_op:
        batch_op.create_index("ix_audit_entries_tenant_id_at", ["tenant_id", "at"], unique=False)

    op.create_table(
        "contact_addresses",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("address", sa.String(length=320), nullable=False),
        sa.Column("contact_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contacts.id"], name=op.f("fk_contact_addresses_contact_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_contact_addresses_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "address", "contact_id", name=op.f("pk_contact_addresses")),
    )
    with op.batch_alter_table("contact_addresses", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_contact_addresses_contact_id"), ["contact_id"], unique=False)

    op.create_table(
        "mail_templates",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("is_shared", sa.Boolean(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_mail_templates_tenant_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_mail_templates_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_templates")),
        sa.UniqueConstraint("uuid", name=op.f("uq_mail_templates_uuid")),
    )
    with op.batch_alter_table("mail_templates", schema=None) as batch_op:
        batch_op.create_index("ix_mail_templates_tenant_id_name", ["tenant_id", "name"], unique=False)

    op.create_table(
        "mail_template_versions",
        sa.Column("template_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        sa.Column("saved_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["template_id"],
            ["mail_templates.id"],
            name=op.f("fk_mail_template_versions_template_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_mail_template_versions_user_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("template_id", "version", name=op.f("pk_mail_template_versions")),
    )
    op.create_table(
        "mailings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("paused_because", sa.String(length=500), nullable=False),
        sa.Column("job", sa.JSON(), nullable=False),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("uses_recipients_zone", sa.Boolean(), nullable=False),
        sa.Column("window_from", sa.Integer(), nullable=False),
        sa.Column("window_until", sa.Integer(), nullable=False),
        sa.Column("weekdays", sa.JSON(), nullable=False),
        sa.Column("has_unsubscribe", sa.Boolean(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=True),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_mailings_account_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_mailings_tenant_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_mailings_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mailings")),
        sa.UniqueConstraint("uuid", name=op.f("uq_mailings_uuid")),
    )
    with op.batch_alter_table("mailings", schema=None) as batch_op:
        batch_op.create_index("ix_mailings_account_id_state", ["account_id", "state"], unique=False)
        batch_op.create_index("ix_mailings_tenant_id_user_id", ["tenant_id", "user_id"], unique=False)

    op.create_table(
        "mailing_files",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("mailing_id", sa.Integer(), nullable=False),
        sa.Column("filename", sa.String(length=255), nullable=False),
        sa.Column("media_type", sa.String(length=127), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["mailing_id"], ["mailings.id"], name=op.f("fk_mailing_files_mailing_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mailing_files")),
        sa.UniqueConstraint("uuid", name=op.f("uq_mailing_files_uuid")),
    )
    with op.batch_alter_table("mailing_files", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_mailing_files_mailing_id"), ["mailing_id"], unique=False)

    op.create_table(
        "mailing_recipients",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("mailing_id", sa.Integer(), nullable=False),
        sa.Column("contact_id", sa.Integer(), nullable=True),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("left_out_because", sa.String(length=20), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("next_step_at", UtcDateTime(), nullable=True),
        sa.Column("conversation_id", sa.Integer(), nullable=True),
        sa.Column("sent_at", UtcDateTime(), nullable=True),
        sa.Column("replied_at", UtcDateTime(), nullable=True),
        sa.Column("bounced_at", UtcDateTime(), nullable=True),
        sa.Column("auto_replied_at", UtcDateTime(), nullable=True),
        sa.Column("unsubscribed_at", UtcDateTime(), nullable=True),
        sa.Column("complained_at", UtcDateTime(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contacts.id"], name=op.f("fk_mailing_recipients_contact_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversations.id"],
            name=op.f("fk_mailing_recipients_conversation_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["mailing_id"], ["mailings.id"], name=op.f("fk_mailing_recipients_mailing_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_mailing_recipients_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mailing_recipients")),
        sa.UniqueConstraint("mailing_id", "email", name=op.f("uq_mailing_recipients_mailing_id_email")),
        sa.UniqueConstraint("uuid", name=op.f("uq_mailing_recipients_uuid")),
    )
    with op.batch_alter_table("mailing_recipients", schema=None) as batch_op:
        batch_op.create_index("ix_mailing_recipients_mailing_id_state", ["mailing_id", "state", "id"], unique=False)
        batch_op.create_index("ix_mailing_recipients_next_step_at", ["next_step_at"], unique=False)
        batch_op.create_index("ix_mailing_recipients_tenant_id_email", ["tenant_id", "email"], unique=False)

    op.create_table(
        "mailing_steps",
        sa.Column("mailing_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("wait_days", sa.Integer(), nullable=False),
        sa.Column("template_id", sa.Integer(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["mailing_id"], ["mailings.id"], name=op.f("fk_mailing_steps_mailing_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["template_id"], ["mail_templates.id"], name=op.f("fk_mailing_steps_template_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("mailing_id", "number", name=op.f("pk_mailing_steps")),
    )
    op.create_table(
        "suppressions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("reason", sa.String(length=12), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("mailing_id", sa.Integer(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["mailing_id"], ["mailings.id"], name=op.f("fk_suppressions_mailing_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_suppressions_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suppressions")),
        sa.UniqueConstraint("tenant_id", "email", name=op.f("uq_suppressions_tenant_id_email")),
        sa.UniqueConstraint("uuid", name=op.f("uq_suppressions_uuid")),
    )
    op.create_table(
        "mail_reports",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.Integer(), nullable=False),
        sa.Column("submission_id", sa.Integer(), nullable=True),
        sa.Column("recipient_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("is_permanent", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("reported_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.id"], name=op.f("fk_mail_reports_message_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["recipient_id"], ["mailing_recipients.id"], name=op.f("fk_mail_reports_recipient_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submissions.id"], name=op.f("fk_mail_reports_submission_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_mail_reports_tenant_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_mail_reports_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_reports")),
        sa.UniqueConstraint("message_id", "email", name=op.f("uq_mail_reports_message_id_email")),
        sa.UniqueConstraint("uuid", name=op.f("uq_mail_reports_uuid")),
    )
    with op.batch_alter_table("mail_reports", schema=None) as batch_op:
        batch_op.create_index("ix_mail_reports_submission_id", ["submission_id"], unique=False)
        batch_op.create_index("ix_mail_reports_tenant_id_email", ["tenant_id", "email"], unique=False)

    with op.batch_alter_table("accounts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("mass_limits", sa.JSON(), server_default="{}", nullable=False))
        batch_op.add_column(sa.Column("mass_next_at", UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column("mass_until", UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column("mass_answer", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("mass_generation", sa.Integer(), server_default="0", nullable=False))

    with op.batch_alter_table("contacts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("first_name", sa.String(length=100), server_default="", nullable=False))
        batch_op.add_column(sa.Column("last_name", sa.String(length=100), server_default="", nullable=False))
        batch_op.add_column(sa.Column("company", sa.String(length=200), server_default="", nullable=False))
        batch_op.add_column(sa.Column("tags", sa.JSON(), server_default="[]", nullable=False))
        batch_op.add_column(sa.Column("fields", sa.JSON(), server_default="{}", nullable=False))
        batch_op.add_column(sa.Column("time_zone", sa.String(length=64), server_default="", nullable=False))
        batch_op.alter_column("external_id", existing_type=sa.VARCHAR(length=200), nullable=True)
        batch_op.create_index("ix_contacts_name", ["tenant_id", "name", "id"], unique=False)

    with op.batch_alter_table("messages", schema=None) as batch_op:
        batch_op.add_column(sa.Column("automatic", sa.String(length=12), server_default="", nullable=False))

    with op.batch_alter_table("submissions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("mailing_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("recipient_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("step", sa.Integer(), nullable=True))
        batch_op.create_index("ix_submissions_mailing_id_state", ["mailing_id", "state", "not_before"], unique=False)
        batch_op.create_index("ix_submissions_message_id_header", ["account_id", "message_id_header"], unique=False)
        batch_op.create_index("ix_submissions_recipient_id_step", ["recipient_id", "step"], unique=True)
        batch_op.create_foreign_key(
            batch_op.f("fk_submissions_mailing_id"), "mailings", ["mailing_id"], ["id"], ondelete="CASCADE"
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_submissions_recipient_id"),
            "mailing_recipients",
            ["recipient_id"],
            ["id"],
            ondelete="CASCADE",
        )

    with op.batch_alter_table("tenants", schema=None) as batch_op:
        batch_op.add_column(sa.Column("mass_mail_cap", sa.Integer(), nullable=True))
    _find_contacts_by_address()


def _find_contacts_by_address() -> None:
    contacts = sa.table("contacts", sa.column("id"), sa.column("tenant_id"), sa.column("addresses", sa.JSON()))
    found = sa.table("contact_addresses", sa.column("tenant_id"), sa.column("address"), sa.column("contact_id"))
    bind = op.get_bind()
    for contact_id, tenant_id, addresses in bind.execute(
        sa.select(contacts.c.id, contacts.c.tenant_id, contacts.c.addresses)
    ).all():
        for address in dict.fromkeys(addresses or []):
            bind.execute(found.insert().values(tenant_id=tenant_id, address=address, contact_id=contact_id))


def downgrade() -> None:
    with op.batch_alter_table("submissions") as batch_op:
        for index in ("mailing_id_state", "message_id_header", "recipient_id_step"):
            batch_op.drop_index(f"ix_submissions_{index}")
        for column in ("mailing_id", "recipient_id"):
            batch_op.drop_constraint(f"fk_submissions_{column}", type_="foreignkey")
        for column in ("mailing_id", "recipient_id", "step"):
            batch_op.drop_column(column)
    op.execute("DELETE FROM contacts WHERE external_id IS NULL")
    with op.batch_alter_table("contacts") as batch_op:
        batch_op.drop_index("ix_contacts_name")
        batch_op.alter_column("external_id", existing_type=sa.String(length=200), nullable=False)
        for column in ("first_name", "last_name", "company", "tags", "fields", "time_zone"):
            batch_op.drop_column(column)
    with op.batch_alter_table("accounts") as batch_op:
        for column in ("mass_limits", "mass_next_at", "mass_until", "mass_answer", "mass_generation"):
            batch_op.drop_column(column)
    # A table made anew would lose the triggers by which the search index follows it.
    op.execute("ALTER TABLE messages DROP COLUMN automatic")
    with op.batch_alter_table("tenants") as batch_op:
        batch_op.drop_column("mass_mail_cap")
    for table in (
        "mail_reports",
        "suppressions",
        "mailing_steps",
        "mailing_recipients",
        "mailing_files",
        "mailings",
        "mail_template_versions",
        "mail_templates",
        "contact_addresses",
        "audit_entries",
    ):
        op.drop_table(table)
