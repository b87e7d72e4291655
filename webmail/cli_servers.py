"""The command line for what a tenant's own server may ask, what it is told, and whom it may have erased."""

from __future__ import annotations

from collections.abc import Callable
from typing import TextIO
from uuid import UUID

import click

Prepare = Callable[[], None]
"""Prepares the process for a command typed by hand."""


def add_commands(tenant: click.Group, prepare: Prepare) -> None:
    """Give `webmail tenant` its commands for servers."""
    for make in (_api_key, _webhook, _webhook_log, _export, _erase_contact, _erase_user):
        tenant.add_command(make(prepare))


def _api_key(prepare: Prepare) -> click.Command:
    @click.command("api-key")
    @click.argument("slug")
    @click.option("--name", default="server", show_default=True, help="What uses it.")
    @click.option("--scope", "scopes", multiple=True, help="What it may do, such as mail:read; can be repeated.")
    @click.option("--list", "lists", is_flag=True, help="List the keys instead.")
    @click.option("--remove", is_flag=True, help="Take away the keys of that name instead.")
    def command(slug: str, name: str, scopes: tuple[str, ...], lists: bool, remove: bool) -> None:
        """Make a key for the tenant's own server to call the API with; it is shown this once."""
        prepare()
        from webmail.actions import api_keys  # noqa: PLC0415

        if lists:
            for each in api_keys.list_keys(slug):
                click.echo(f"{each.name}\t{each.created_at:%Y-%m-%d}\t{' '.join(each.scopes)}")
        elif remove:
            click.echo(f"{api_keys.remove_keys(slug, name)} gone: {name}.")
        else:
            click.echo(api_keys.add_key(slug, name, scopes))

    return command


def _webhook(prepare: Prepare) -> click.Command:
    @click.command("webhook")
    @click.argument("slug")
    @click.option("--url", default="", help="Where events go: https://…")
    @click.option("--event", "events", multiple=True, help="Such as message.received; repeat it; all if left out.")
    @click.option("--remove", type=click.UUID, help="Forget this endpoint instead.")
    @click.option("--rotate", type=click.UUID, help="Give this endpoint a new secret instead.")
    def command(slug: str, url: str, events: tuple[str, ...], remove: UUID | None, rotate: UUID | None) -> None:
        """Tell the tenant's server of what happens; a secret is shown this once. Without --url, list the endpoints."""
        prepare()
        from webmail.actions import webhooks  # noqa: PLC0415
        from webmail.actions.api_privacy import tenant_id_of  # noqa: PLC0415
        from webmail.domain.webhooks import EVENTS  # noqa: PLC0415

        tenant_id = tenant_id_of(slug)
        if remove is not None:
            webhooks.remove_endpoint(tenant_id, remove)
        elif rotate is not None:
            click.echo(f"secret  {webhooks.rotate_secret(tenant_id, rotate)}\nThe one before signs for a day, too.")
        elif url:
            uuid, secret = webhooks.add_endpoint(tenant_id, url=url, events=events or EVENTS)
            click.echo(f"id      {uuid}\nsecret  {secret}\nKeep it now: it is not shown again.")
        else:
            for each in webhooks.list_endpoints(tenant_id):
                state = "enabled" if each.is_enabled else f"disabled: {each.disabled_because}"
                click.echo(f"{each.uuid}\t{each.url}\t{' '.join(each.events)}\t{state}")

    return command


def _webhook_log(prepare: Prepare) -> click.Command:
    @click.command("webhook-log")
    @click.argument("slug")
    @click.argument("endpoint", type=click.UUID)
    @click.option("--send-again", type=click.UUID, help="Deliver this one once more instead.")
    def command(slug: str, endpoint: UUID, send_again: UUID | None) -> None:
        """Show the newest deliveries to an endpoint."""
        prepare()
        from webmail.actions import webhooks  # noqa: PLC0415
        from webmail.actions.api_privacy import tenant_id_of  # noqa: PLC0415

        tenant_id = tenant_id_of(slug)
        if send_again is not None:
            webhooks.send_again(tenant_id, endpoint, send_again)
            return
        for each in webhooks.list_deliveries(tenant_id, endpoint):
            when = each.tried_at.isoformat(timespec="seconds") if each.tried_at else "not yet"
            click.echo(f"{each.uuid}\t{each.event.type}\t{each.state}\t{when}\t{each.status_code or ''} {each.answer}")

    return command


def _export(prepare: Prepare) -> click.Command:
    @click.command("export")
    @click.argument("slug")
    @click.option("--contact", default="", help="The tenant's id of a contact.")
    @click.option("--user", default="", help="The tenant's id of a user.")
    @click.option("--to", "file", type=click.File("w"), default="-", help="The file; the screen when left out.")
    def command(slug: str, contact: str, user: str, file: TextIO) -> None:
        """Write out, as JSON, all that is kept of a contact or of a user."""
        if bool(contact) == bool(user):
            raise click.UsageError("Say --contact or --user.")
        prepare()
        from webmail.actions import api_privacy  # noqa: PLC0415

        tenant_id = api_privacy.tenant_id_of(slug)
        export = api_privacy.export_contact if contact else api_privacy.export_user
        file.writelines(export(tenant_id, contact or user))

    return command


def _erase_contact(prepare: Prepare) -> click.Command:
    @click.command("erase-contact")
    @click.argument("slug")
    @click.argument("contact")
    def command(slug: str, contact: str) -> None:
        """Erase a contact with all mail of and about the person; the mailboxes keep theirs."""
        prepare()
        from webmail.actions import api_privacy  # noqa: PLC0415

        erased = api_privacy.erase_contact(api_privacy.tenant_id_of(slug), contact)
        click.echo(f"Erased: {erased.messages} messages, {erased.recipients} places in mailings.")

    return command


def _erase_user(prepare: Prepare) -> click.Command:
    @click.command("erase-user")
    @click.argument("slug")
    @click.argument("user")
    def command(slug: str, user: str) -> None:
        """Erase a user with all that is kept of them; the mailboxes keep their mail."""
        prepare()
        from webmail.actions import api_privacy  # noqa: PLC0415

        is_done = api_privacy.erase_user(api_privacy.tenant_id_of(slug), user)
        click.echo("The user is gone." if is_done else "The user is shut out; the mailboxes are being disconnected.")

    return command
