"""The command line: `webmail run`, and what an operator needs beside it."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any, TextIO

import click

from webmail.cli_servers import add_commands
from webmail.config import Config, data_folder, load_config
from webmail.errors import WebmailError


class _Commands(click.Group):
    """A group whose errors raised on purpose are one line, not a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except WebmailError as error:
            raise click.ClickException(error.user_message) from error


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Two-way email for recruiters."""


@main.command()
def run() -> None:
    """Start everything on this machine, and stop it with Ctrl-C."""
    from webmail.startup import run_everything  # noqa: PLC0415  # each command loads only what it needs

    run_everything()


@main.command()
def migrate() -> None:
    """Bring the database up to the newest tables."""
    config = _operator_config()
    from webmail.store.migrate import migrate as take_steps  # noqa: PLC0415

    _prepare(config, "migrate")
    take_steps()
    click.echo("The database has the newest tables.")


@main.command()
def web() -> None:
    """Serve the pages."""
    config = load_config()
    from webmail.web import serve  # noqa: PLC0415

    serve(config)


@main.command()
def watch() -> None:
    """Watch every account for new mail, and find lost work again."""
    config = load_config()
    from webmail.jobs.sweep import run_sweep  # noqa: PLC0415
    from webmail.sync.watch import run_watch  # noqa: PLC0415

    stop = _until_signalled(config, "watch")
    sweep = threading.Thread(target=run_sweep, args=(stop,), name="sweep")
    sweep.start()
    try:
        run_watch(stop)
    finally:
        stop.set()
        sweep.join()


@main.command(hidden=True)
def demo() -> None:
    """Run the demo's mail server."""
    config = load_config()
    from webmail.demo.server import run_demo  # noqa: PLC0415

    run_demo(config, _until_signalled(config, "demo"))


@main.group()
def user() -> None:
    """Make users and change them."""


@user.command("add")
@click.option("--tenant", required=True, help="The customer that the user belongs to, such as acme; made when new.")
@click.option("--email", required=True, help="The address to sign in with.")
@click.option("--name", default="", help="The person's name.")
def add_user(tenant: str, email: str, name: str) -> None:
    """Make a user; the password is asked for, or read from standard input."""
    _prepare_operator()
    from webmail.actions import users  # noqa: PLC0415

    made = users.add_user(tenant_slug=tenant, email=email, name=name, password=_read_password())
    click.echo(f"{made.email} can sign in.")


@user.command("password")
@click.option("--email", required=True, help="The address that the user signs in with.")
def set_password(email: str) -> None:
    """Give a user a new password and end all their sessions; it is asked for, or read from standard input."""
    _prepare_operator()
    from webmail.actions import users  # noqa: PLC0415

    users.set_password(email, _read_password())
    click.echo(f"{email} has a new password.")


@user.command("list")
def list_users() -> None:
    """List the users of all tenants."""
    _prepare_operator()
    from webmail.store.session import reading  # noqa: PLC0415
    from webmail.store.users import list_users as load_all  # noqa: PLC0415

    with reading() as s:
        for each in load_all(s):
            click.echo(f"{each.tenant.slug}\t{each.email}\t{each.name}")


@main.group()
def tenant() -> None:
    """Make tenants, and say how their pages may open this product in a frame (docs/embedding.md)."""


@tenant.command("add")
@click.argument("slug")
@click.option("--name", default="", help="The customer's name.")
def add_tenant(slug: str, name: str) -> None:
    """Make a tenant, such as acme."""
    _prepare_operator()
    from webmail.actions import tenants  # noqa: PLC0415

    tenants.add_tenant(slug, name)
    click.echo(f"The tenant {slug} is there.")


@tenant.command("key")
@click.argument("slug")
@click.option("--algorithm", type=click.Choice(["HS256", "EdDSA", "RS256"]), default="HS256", show_default=True)
@click.option("--public-key", type=click.File(), help="The tenant's public key, PEM or JWK, for EdDSA and RS256.")
@click.option("--jwks-url", default="", help="Where the tenant publishes its public keys, instead of one of them.")
@click.option("--kid", default="", help="The key's name; made up when left out.")
@click.option("--remove", is_flag=True, help="Forget the key of that name, or the published keys, instead.")
def tenant_key(slug: str, algorithm: str, public_key: TextIO | None, jwks_url: str, kid: str, remove: bool) -> None:
    """Register a key that signs launches; a secret is shown this once."""
    _prepare_operator()
    from webmail.actions import key_sets, tenants  # noqa: PLC0415

    if jwks_url and remove:
        key_sets.follow_no_longer(slug, jwks_url)
        click.echo("The published keys are gone: what they sign is refused from now on.")
        return
    if jwks_url:
        click.echo(
            f"{key_sets.follow(slug, jwks_url)} keys are published there now; they are looked at again each hour."
        )
        return
    if remove:
        tenants.remove_key(slug, kid)
        click.echo(f"The key {kid} is gone: what it signs is refused from now on.")
        return
    if (public_key is None) != (algorithm == "HS256"):
        raise click.UsageError("EdDSA and RS256 take a --public-key, and HS256 takes none: its secret is made here.")
    kid, secret = tenants.add_key(slug, algorithm, kid=kid, public_key=public_key.read() if public_key else "")
    click.echo(f"kid     {kid}")
    if secret:
        click.echo(f"secret  {secret}\nKeep it now: it is not shown again.")


@tenant.command("origin")
@click.argument("slug")
@click.argument("origin")
@click.option("--remove", is_flag=True, help="Take it off the list instead.")
def tenant_origin(slug: str, origin: str, remove: bool) -> None:
    """Let the tenant's pages at an origin, such as https://ats.acme.example, hold frames."""
    _prepare_operator()
    from webmail.actions import tenants  # noqa: PLC0415

    if remove:
        tenants.remove_origin(slug, origin)
        click.echo(f"{origin} holds no frames any more.")
    else:
        click.echo(f"{tenants.add_origin(slug, origin)} may hold frames.")


@tenant.command("domain")
@click.argument("slug")
@click.argument("domain")
@click.option("--remove", is_flag=True, help="Take it off the list instead.")
def tenant_domain(slug: str, domain: str, remove: bool) -> None:
    """Count who writes from a domain, such as acme.example, as one of the tenant's own people."""
    _prepare_operator()
    from webmail.actions import tenants  # noqa: PLC0415

    if remove:
        tenants.remove_domain(slug, domain)
        click.echo(f"{domain} is not the tenant's own any more.")
    else:
        click.echo(f"Who writes from {tenants.add_domain(slug, domain)} is a colleague.")


@tenant.command("mass-mail")
@click.argument("slug")
@click.option("--cap", type=click.IntRange(min=1), help="So many mails of mailings a day for each mailbox, at most.")
@click.option("--off", is_flag=True, help="No mass mail at all; mailings under way are paused.")
@click.option("--no-cap", is_flag=True, help="Only what the mailboxes' providers allow counts.")
def tenant_mass_mail(slug: str, cap: int | None, off: bool, no_cap: bool) -> None:
    """Cap the tenant's mass mail, or switch it off; without an option, show how it stands."""
    if sum((cap is not None, off, no_cap)) > 1:
        raise click.UsageError("Say one of --cap, --off and --no-cap.")
    _prepare_operator()
    from webmail.actions import tenants  # noqa: PLC0415

    if cap is not None or off or no_cap:
        tenants.set_mass_mail_cap(slug, 0 if off else cap)
    click.echo(tenants.mass_mail_words(slug))


@tenant.command("audit")
@click.argument("slug")
@click.option("--limit", type=click.IntRange(min=1), default=1000, show_default=True, help="The newest so many.")
def tenant_audit(slug: str, limit: int) -> None:
    """Show who did what in a tenant that others may have to answer for, such as starting a mailing."""
    _prepare_operator()
    from webmail.actions import tenants  # noqa: PLC0415

    for line in tenants.audit_lines(slug, limit):
        click.echo(line)


@tenant.command("show")
@click.argument("slug")
def show_tenant(slug: str) -> None:
    """Show a tenant's keys and origins."""
    _prepare_operator()
    from webmail.actions import key_sets, tenants  # noqa: PLC0415

    for key in tenants.list_keys(slug):
        click.echo(f"key     {key.kid}\t{key.algorithm}")
    published = key_sets.show(slug)
    if published is not None:
        click.echo(f"keys    {published.url}\tas of {published.fetched_at.isoformat(timespec='seconds')}")
        for key in published.keys:
            click.echo(f"  key   {key.kid}\t{key.algorithm}")
    for origin in tenants.list_origins(slug):
        click.echo(f"origin  {origin}")
    for domain in tenants.list_domains(slug):
        click.echo(f"domain  {domain}")


@tenant.command("list")
def list_tenants() -> None:
    """List the tenants."""
    _prepare_operator()
    from webmail.store.session import reading  # noqa: PLC0415
    from webmail.store.users import list_tenants as load_all  # noqa: PLC0415

    with reading() as s:
        for each in load_all(s):
            click.echo(f"{each.slug}\t{each.name}")


@main.command()
def accounts() -> None:
    """List the connected mailboxes of all tenants with their status."""
    _prepare_operator()
    from webmail.actions.operators import report_accounts  # noqa: PLC0415
    from webmail.store.session import reading  # noqa: PLC0415

    with reading() as s:
        reports = report_accounts(s)
    for each in reports:
        account = each.account
        when = account.last_synced_at.isoformat(timespec="seconds") if account.last_synced_at else "never synced"
        click.echo(f"{account.uuid}\t{account.email}\t{account.status}\t{when}\t{each.remark}".rstrip())
    waiting = sum(each.account.status == "reconnect_needed" for each in reports)
    if waiting:
        click.echo(f"{waiting} of {len(reports)} {'needs' if waiting == 1 else 'need'} a sign-in.", err=True)


@main.command()
@click.argument("account")
@click.option("--fix", is_flag=True, help="Mend what differs, so that it is here as it is on the server.")
def verify(account: str, fix: bool) -> None:
    """Compare a mailbox (address or uuid) with its server, message by message; ends with 1 where something differs."""
    _prepare_operator()
    from webmail.actions.verify import verify as compare  # noqa: PLC0415

    is_same = True
    for report in compare(account, fixes=fix):
        is_same = is_same and report.is_same
        click.echo(f"{report.name}: " + (report.problem or f"{report.matched:,} of {report.count:,} matched"))
        for line in report.lines:
            click.echo(f"  {line}")
    if not is_same:
        raise SystemExit(0 if fix else 1)


@main.command("rotate-keys")
def rotate_keys() -> None:
    """Seal all stored secrets with the newest of WEBMAIL_ENCRYPTION_KEYS.

    Put the new key first, restart every process, run this, and only then take the old key away. It can be cut short
    and run again.
    """
    _prepare_operator()
    from webmail.store import sealed  # noqa: PLC0415

    rotations = sealed.rotate_keys()
    for each in rotations:
        click.echo(f"{each.table}\t{each.sealed_anew} sealed anew\t{each.new_already} already")
    unreadable = sum(each.unreadable for each in rotations)
    if unreadable:
        raise click.ClickException(f"No key opens {unreadable} secrets; their mailboxes have to be connected again.")


def _operator_config() -> Config:
    """Read the configuration for a command typed by hand, with the keys that `webmail run` has kept."""
    from webmail.preflight import with_keys  # noqa: PLC0415

    return load_config(with_keys(os.environ, data_folder(os.environ), makes_missing=False))


def _prepare_operator() -> None:
    config = _operator_config()
    _prepare(config, "command")
    from webmail.store.migrate import require_migrated  # noqa: PLC0415

    require_migrated()


def _prepare(config: Config, name: str) -> None:
    from webmail.process import prepare_process  # noqa: PLC0415

    prepare_process(config, name)


def _until_signalled(config: Config, name: str) -> threading.Event:
    """Prepare a process that runs until SIGTERM, Ctrl-C or the end of its supervisor sets the event."""
    from webmail import lifeline  # noqa: PLC0415

    _prepare(config, name)
    stop = threading.Event()
    on_signal: Callable[..., None] = lambda *_: stop.set()  # noqa: E731  # a handler's arguments mean nothing here
    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    lifeline.watch()
    return stop


def _read_password() -> str:
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\r\n")


add_commands(tenant, _prepare_operator)


if __name__ == "__main__":
    main()
