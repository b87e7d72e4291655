"""Connect a mailbox, or change how one is connected: an attempt in the database, checked by a job, watched by a page.

    start_attempt()  the row, with the secret sealed in it, then the job
    run_attempt()    the job: both servers at once (`_connect_checks`), each step committed and published as it goes
                     all well -> the account is made or changed (`_connect_account`), and synced at once
                     else     -> failed, with the step that says why
    recover_lost()   the sweep: a job that got lost is put on the queue again, and given up after a minute

However an attempt ends, its secret goes in the same transaction. Only one attempt for an address runs at a time: the
same press twice is one attempt, and other settings take the place of those before.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import structlog

from webmail import queue
from webmail.actions._connect_account import save_account
from webmail.actions._connect_checks import Plan, Side, build_steps, run_checks, ways_to_protect
from webmail.actions._connect_secrets import credentials_of_attempt, require_graph
from webmail.actions._connect_steps import (
    Report,
    broken_here,
    changed,
    disconnected,
    failed,
    failed_at_server,
    settled,
    stopped,
)
from webmail.domain.addresses import normalise_email, parse_typed
from webmail.errors import InputRefused, ProviderError
from webmail.providers import presets
from webmail.providers.base import Credentials
from webmail.store import attempts
from webmail.store.accounts import list_accounts, load_account
from webmail.store.models import Account, ConnectAttempt, utc_now
from webmail.store.scope import Scope
from webmail.store.secrets import seal, unseal
from webmail.store.session import Session, after_commit, reading, transaction
from webmail.sync.connections import PASSWORD
from webmail.sync.requests import request_sync

log = structlog.get_logger(__name__)

MOST_ATTEMPTS = 20
ATTEMPTS_WINDOW_S = 600
"""A form that connects to any host is a way to scan ports; people need far fewer attempts."""

_CLAIM = timedelta(seconds=13)
"""A check is over after 10 s; who began longer ago is gone."""
_LOST_AFTER = timedelta(seconds=15)
_GIVEN_UP_AFTER = timedelta(seconds=60)
_LONGEST = {
    "email": 320,
    "user_name": 320,
    "imap_host": 255,
    "smtp_host": 255,
    "imap_folder": 255,
    "outbox_folder": 255,
}
_LONGEST_PASSWORD = 1000
_ENDING = ("disconnecting", "erasing")


@dataclass(frozen=True)
class ConnectForm:
    """What was typed into the form; `password` is None where it was left empty, ports are 1 to 65535."""

    provider: str
    email: str
    password: str | None = field(repr=False)
    user_name: str
    imap_host: str
    imap_port: int | None
    smtp_host: str
    smtp_port: int
    imap_folder: str
    outbox_folder: str
    ssl_enabled: bool
    reads_mail: bool
    read_marks: str
    auth: str = PASSWORD
    """`google` or `microsoft` where the user signs in there."""
    only_contacts: bool = False
    """Keep only mail with contacts from the start; of an account that does so already it takes nothing back."""
    sends_by: str = "smtp"
    """`graph` for a Microsoft mailbox that may not send by SMTP."""


def start_attempt(scope: Scope, typed: ConnectForm, account_uuid: UUID | None) -> UUID:
    """Begin to connect a mailbox, or to change the settings of one.

    Args:
        account_uuid: the account whose settings these are; None for a new one. A new one with the address of an
            account that was disconnected takes that one up again, with its conversations.

    Returns:
        The attempt; the same one where this is the same press again.

    Raises:
        NotFound: no such account.
        InputRefused: something typed cannot be used, the address is connected already, the stored password would
            be shown to another server, or these are too many attempts.
    """
    return _start(scope, typed, account_uuid, None)


def start_signed_in(scope: Scope, typed: ConnectForm, account_uuid: UUID | None, sealed_grant: bytes) -> UUID:
    """Begin to connect a mailbox whose user has just signed in at its provider; as `start_attempt()` otherwise."""
    return _start(scope, typed, account_uuid, sealed_grant)


def _start(scope: Scope, typed: ConnectForm, account_uuid: UUID | None, sealed_grant: bytes | None) -> UUID:
    _check_typed(typed)
    if not queue.is_within_limit(f"connect:{scope.user_id}", limit=MOST_ATTEMPTS, window_s=ATTEMPTS_WINDOW_S):
        raise InputRefused(
            "", f"That was more than {MOST_ATTEMPTS} attempts in ten minutes. Wait a few minutes, then connect again."
        )
    settings = {name: value for name, value in asdict(typed).items() if name != "password"}
    with transaction() as s:
        attempts.lock_user(s, scope.user_id)
        account = load_account(s, scope, account_uuid) if account_uuid else None
        _check_account(list_accounts(s, scope), account, typed)
        if sealed_grant is None:
            settings["auth"] = PASSWORD if account is None or typed.password else account.auth
        secret = sealed_grant or _secret_for(typed, account)
        same = _settle_running(s, scope, settings, secret)
        if same is not None:
            return same.uuid
        attempts.forget_old(s, scope)
        attempt = ConnectAttempt(
            tenant_id=scope.tenant_id,
            user_id=scope.user_id,
            account_id=account.id if account else None,
            settings=settings,
            secret=secret,
            steps=build_steps(_plan_of(settings, Credentials(settings["user_name"], ""))),
        )
        s.add(attempt)
        s.flush()
        after_commit(s, lambda: queue.enqueue("connect", attempt.id, job_id=f"connect-{attempt.uuid}"))
        return attempt.uuid


def _check_typed(typed: ConnectForm) -> None:
    good, refused = parse_typed(typed.email)
    if refused or len(good) != 1 or good[0].email != typed.email:
        raise InputRefused("email", "Type the whole address, such as ines@example.com.")
    for name, longest in _LONGEST.items():
        text = getattr(typed, name)
        if len(text) > longest:
            raise InputRefused(name, f"This takes up to {longest} characters.")
        if not text.isprintable():
            raise InputRefused(name, "This holds a hidden character. Type it in again by hand.")
    if len(typed.password or "") > _LONGEST_PASSWORD:
        raise InputRefused("password", f"A password takes up to {_LONGEST_PASSWORD} characters.")
    if typed.reads_mail and not typed.imap_host:
        raise InputRefused("imap_host", "Reading email needs the IMAP server of the mailbox.")
    if typed.imap_host and typed.imap_port is None:
        raise InputRefused("imap_port", "Type the port of the IMAP server, usually 993.")


def _check_account(accounts: list[Account], account: Account | None, typed: ConnectForm) -> None:
    """Refuse an address that another account has, and settings of an account that is on its way out."""
    address = normalise_email(typed.email)
    if account is not None and normalise_email(account.email) != address:
        raise InputRefused(
            "email", "The address of a mailbox stays as it is. Connect the other address as a mailbox of its own."
        )
    known = next((each for each in accounts if normalise_email(each.email) == address), None)
    if known is None:
        return
    if known.status in _ENDING:
        raise InputRefused("email", "This mailbox is still being disconnected. Wait a minute, then connect it again.")
    if account is None and known.status != "not_connected":
        raise InputRefused(
            "email", f"{known.email} is connected already. Its settings are under Edit settings, below its name."
        )


def _secret_for(typed: ConnectForm, account: Account | None) -> bytes:
    """Seal what was typed, or take the stored secret where the same servers get it that have it already."""
    if typed.password:
        return seal({"password": typed.password})
    if account is None:
        raise InputRefused("password", "Type the password of the mailbox.")
    if account.secret is None:
        raise InputRefused("password", "No password of this mailbox is stored any more. Type it in again.")
    for side in ("imap", "smtp"):
        before, now = getattr(account, f"{side}_host"), getattr(typed, f"{side}_host")
        if now and not _is_same_host(now, before) and account.auth != PASSWORD:
            raise InputRefused(
                f"{side}_host", f"{now} has not had your sign-in before. Sign in again to use it with these settings."
            )
        if now and not _is_same_host(now, before):
            raise InputRefused(
                "password",
                f"Type the password again: {now} has not had it before, and the stored one goes only where it "
                "has always gone.",
            )
    return account.secret


def _is_same_host(one: str, other: object) -> bool:
    return one.strip().rstrip(".").casefold() == str(other or "").strip().rstrip(".").casefold()


def _settle_running(s: Session, scope: Scope, settings: dict[str, Any], secret: bytes) -> ConnectAttempt | None:
    """Find the attempt that this press only repeats; end those that it takes the place of."""
    address = normalise_email(settings["email"])
    same = None
    for running in attempts.running_attempts(s, scope):
        if normalise_email(running.settings["email"]) != address:
            continue
        if running.settings == settings and unseal(running.secret) == unseal(secret):
            same = running
        else:
            report = failed("Other settings for this mailbox were sent meanwhile.", "", "superseded")
            attempts.end_attempt(running, "failed", stopped(running.steps, report))
            _publish_after(s, running)
    return same


def run_attempt(attempt_id: int) -> None:
    """Check an attempt's servers and end it, as a job; one that is over, or that another job is at, is left alone."""
    now = utc_now()
    with transaction() as s:
        attempt = attempts.claim(s, attempt_id, now, now - _CLAIM)
    if attempt is None:
        log.info("attempt_left_alone", attempt=attempt_id)
        return
    started = time.monotonic()
    try:
        found = _check(attempt)
        if found is not None:
            _finish(attempt, found)
    except ProviderError as error:
        _give_up(attempt_id, failed_at_server(error))
    except Exception:
        log.exception("attempt_failed", attempt=attempt_id)
        _give_up(attempt_id, broken_here())
    log.info("attempt_over", attempt=attempt_id, seconds=round(time.monotonic() - started, 2))


def _check(attempt: ConnectAttempt) -> dict[str, Any] | None:
    """Run the checks and write each step down, on `attempt` too.

    Returns:
        What was found out; None when the attempt was ended by somebody else meanwhile.
    """
    plan = _plan_of(attempt.settings, credentials_of_attempt(attempt), partial(require_graph, attempt))
    attempt.steps = build_steps(plan)
    found: dict[str, Any] = {}
    for key, report in run_checks(plan):
        if key == "found":
            found |= report
            continue
        attempt.steps = changed(attempt.steps, key, report)
        with transaction() as s:
            if not attempts.save_steps(s, attempt.id, attempt.steps):
                return None
        _publish(attempt)
    return found


def _finish(attempt: ConnectAttempt, found: dict[str, Any]) -> None:
    steps = settled(attempt.steps)
    is_well = all(step["state"] == "done" for step in steps)
    with transaction() as s:
        current = attempts.find_running(s, attempt.id)
        if current is None:
            return
        _publish_after(s, current)
        if not is_well:
            attempts.end_attempt(current, "failed", steps)
            return
        attempts.lock_user(s, current.user_id)
        account = save_account(s, current, found)
        if account is None:
            attempts.end_attempt(current, "failed", stopped(steps, disconnected()))
            return
        current.account_id = account.id
        attempts.end_attempt(current, "connected", steps)
        if account.reads_mail:
            request_sync(s, account)
        after_commit(s, lambda: queue.publish(account.user_id, "account-changed", uuid=str(account.uuid)))
        log.info("connected", account=account.id, provider=account.provider, fingerprint=account.fingerprint)


def _plan_of(
    settings: dict[str, Any], credentials: Credentials, require_graph: Callable[[], None] = lambda: None
) -> Plan:
    preset = presets.preset(settings["provider"])

    def side(name: str) -> Side:
        host, port = settings[f"{name}_host"], settings[f"{name}_port"]
        way = ""
        if preset is not None:
            own = presets.filled(preset, settings["email"])
            is_own = _is_same_host(host, own[f"{name}_host"]) and port == own[f"{name}_port"]
            way = getattr(preset, f"{name}_security") if is_own else ""
        return Side(host, port, ways_to_protect(port, ssl_enabled=settings["ssl_enabled"], preset_way=way))

    return Plan(
        credentials=credentials,
        imap=side("imap") if settings["imap_host"] else None,
        smtp=side("smtp"),
        imap_folder=(settings["imap_folder"] or "INBOX") if settings["reads_mail"] else "",
        outbox_folder=settings["outbox_folder"],
        is_outbox_guessed=preset is not None and settings["outbox_folder"] == preset.sent_folder,
        require_graph=require_graph if settings.get("sends_by") == "graph" else None,
    )


def recover_lost() -> None:
    """Put attempts on the queue again whose job got lost, and end those that have waited for a minute."""
    now = utc_now()
    with reading() as s:
        quiet = attempts.quiet_attempts(s, now - _LOST_AFTER)
    for attempt in quiet:
        age = now - attempt.created_at
        if age > _GIVEN_UP_AFTER:
            log.warning("attempt_given_up", attempt=attempt.id)
            _give_up(attempt.id, failed("The checks were interrupted.", "Connect again.", "interrupted"))
        elif queue.enqueue("connect", attempt.id, job_id=f"connect-{attempt.uuid}-{age // _LOST_AFTER}"):
            log.warning("job_lost", attempt=attempt.id)


def _give_up(attempt_id: int, report: Report) -> None:
    with transaction() as s:
        attempt = attempts.find_running(s, attempt_id)
        if attempt is not None:
            attempts.end_attempt(attempt, "failed", stopped(attempt.steps, report))
            _publish_after(s, attempt)


def _publish(attempt: ConnectAttempt) -> None:
    queue.publish(attempt.user_id, "attempt-changed", uuid=str(attempt.uuid))


def _publish_after(s: Session, attempt: ConnectAttempt) -> None:
    after_commit(s, lambda: _publish(attempt))
