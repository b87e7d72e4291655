"""Try out a mailbox's servers: IMAP and SMTP at the same time, each step told as it goes.

Nothing here knows the database. Two threads talk to the servers and put what they find into a queue; whoever asked
reads it until both are done or the time is up. A thread that comes late speaks to nobody.

    imap -> imap_folder -> outbox_folder        (one thread)
    smtp, or graph                              (the other)
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

import structlog

from webmail.actions._connect_folders import NoSuchFolder, find_outbox, open_folder
from webmail.actions._connect_steps import Report, Step, broken_here, failed_at_server, new_step
from webmail.errors import ProviderError
from webmail.providers import diagnosis
from webmail.providers.base import PLAIN, STARTTLS, TLS, Credentials, ServerSettings
from webmail.providers.imap import ImapSession, open_imap
from webmail.providers.smtp import check_smtp

log = structlog.get_logger(__name__)

CHECKS_S = 10.0
"""All checks together take no longer."""
_SPARE_S = 4.0
"""What is only nice to know is tried out where so much time is left …"""
_EXTRA_S = 2.0
"""… and when all else is done, nobody waits for it any longer."""
_ANSWER_S = 8.0
"""One answer takes no longer: less than the whole, so that the step that waits can say whom it waited for."""
_TLS_PORTS = frozenset({993, 465})
_STARTTLS_PORTS = frozenset({143, 25, 587, 2525})
_OTHER_WAY_AFTER = frozenset({"tls_wrong_port", "tls_failed", "connection_dropped"})
"""Where TLS ends like this, the server may still speak STARTTLS."""
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Side:
    """One server: where it is, and how the line may be protected, in the order in which that is tried."""

    host: str
    port: int
    ways: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """What is to be checked.

    Args:
        imap: None for an account that only sends and files no copies.
        imap_folder: "" for an account that reads no mail.
        outbox_folder: "" for the one that the server names.
        is_outbox_guessed: the name came from a preset, so the server's own folder for sent mail may stand in for it.
        require_graph: for an account that sends through Microsoft Graph: raises `ProviderError` where it may not.
    """

    credentials: Credentials
    imap: Side | None
    smtp: Side
    imap_folder: str
    outbox_folder: str
    is_outbox_guessed: bool
    require_graph: Callable[[], None] | None = None


def ways_to_protect(port: int, *, ssl_enabled: bool, preset_way: str) -> tuple[str, ...]:
    """Say how a line may be protected (design, section 2: *SSL Enabled*).

    Args:
        preset_way: the preset's own security, "" where host or port are not the preset's.
    """
    if preset_way and not (preset_way == PLAIN and ssl_enabled):
        return (preset_way,)
    if not ssl_enabled:
        return (PLAIN,)
    if port in _TLS_PORTS:
        return (TLS,)
    if port in _STARTTLS_PORTS:
        return (STARTTLS,)
    return (TLS, STARTTLS)


def build_steps(plan: Plan) -> list[Step]:
    """Build the steps of an attempt, all of them still to come."""
    steps = []
    if plan.imap is not None:
        steps.append(new_step("imap", f"Sign in to IMAP at {plan.imap.host}"))
        if plan.imap_folder:
            steps.append(new_step("imap_folder", f"Open the folder {plan.imap_folder}"))
        sent = f"Open the folder {plan.outbox_folder}" if plan.outbox_folder else "Find the folder for sent mail"
        steps.append(new_step("outbox_folder", sent))
    if plan.require_graph is not None:
        return [*steps, new_step("graph", "Send through Microsoft Graph")]
    return [*steps, new_step("smtp", f"Sign in to SMTP at {plan.smtp.host}")]


def run_checks(plan: Plan) -> Iterator[tuple[str, Report]]:
    """Check all servers of a plan, and yield what happens.

    Yields:
        (step key, changes to the step), as it happens; ("found", values) for what was found out. When the time is up,
        each side that is not through ends with a failed step.
    """
    told: SimpleQueue[tuple[str, Report]] = SimpleQueue()
    deadline = time.monotonic() + CHECKS_S
    sides: dict[str, Callable[[Plan, Callable[..., None]], None]] = {"smtp": _check_smtp}
    if plan.require_graph is not None:
        sides = {"graph": _check_graph}
    if plan.imap is not None:
        sides["imap"] = _check_imap
    for side, check in sides.items():
        threading.Thread(
            target=_run_side, args=(side, check, plan, told.put), daemon=True, name=f"{side}-check"
        ).start()
    left = {side: side for side in sides}  # each side that is not through, with the step that it is at
    trying: set[str] = set()  # sides that are through, and only try out what is nice to know
    while left or trying:
        try:
            key, report = told.get(timeout=max(0.0, deadline - time.monotonic()))
        except Empty:
            yield from ((key, _too_late(plan, side)) for side, key in left.items())
            return
        if key in ("through", "over"):
            left.pop(report["side"], None)
            trying = trying | {report["side"]} if key == "through" else trying - {report["side"]}
            deadline = min(deadline, time.monotonic() + _EXTRA_S) if trying and not left else deadline
            continue
        if report.get("state") == "running":
            left[key if key in ("smtp", "graph") else "imap"] = key
        yield key, report


def _run_side(
    side: str,
    check: Callable[[Plan, Callable[..., None]], None],
    plan: Plan,
    put: Callable[[tuple[str, Report]], None],
) -> None:
    current = side

    def tell(key: str, **report: Any) -> None:
        nonlocal current
        current = current if key in ("found", "through", "over") else key
        put((key, report))

    try:
        check(plan, tell)
    except NoSuchFolder as missing:
        put((current, failed_at_server(missing.error) | {"offers": missing.offers}))
    except ProviderError as error:
        put((current, failed_at_server(error)))
    except Exception:
        log.exception("check_failed", side=side)
        put((current, broken_here()))
    put(("over", {"side": side}))


def _too_late(plan: Plan, side: str) -> Report:
    server = plan.imap if side == "imap" and plan.imap is not None else plan.smtp
    return failed_at_server(diagnosis.connection_failed(side, server.host, server.port, TimeoutError(), server.ways[0]))


def _check_smtp(plan: Plan, tell: Callable[..., None]) -> None:
    tell("smtp", state="running")
    ends_at = time.monotonic() + _ANSWER_S

    def attempt(way: str) -> dict[str, str]:
        settings = ServerSettings(plan.smtp.host, plan.smtp.port, way)
        return check_smtp(settings, plan.credentials, timeout_s=_left(ends_at))

    extensions, way = _first_way(plan.smtp, attempt)
    tell("found", smtp_security=way, smtp=extensions)
    tell("smtp", state="done")


def _check_graph(plan: Plan, tell: Callable[..., None]) -> None:
    assert plan.require_graph is not None
    tell("graph", state="running")
    plan.require_graph()
    tell("graph", state="done")


def _check_imap(plan: Plan, tell: Callable[..., None]) -> None:
    assert plan.imap is not None
    side = plan.imap
    tell("imap", state="running")
    ends_at = time.monotonic() + _ANSWER_S

    def attempt(way: str) -> ImapSession:
        return open_imap(ServerSettings(side.host, side.port, way), plan.credentials, timeout_s=_left(ends_at))

    imap, way = _first_way(side, attempt)
    with imap:
        tell("found", imap_security=way, capabilities=sorted(imap.capabilities))
        tell("imap", state="done")
        _check_folders(plan, imap, tell)
        tell("through", side="imap")
        if plan.imap_folder and _left(ends_at) > _SPARE_S:
            settings = ServerSettings(side.host, side.port, way)
            tell("found", tried=_try_out(imap, settings, plan.credentials, _left(ends_at) - 1))
        # Told before the goodbye, for which a server may take its time.
        tell("over", side="imap")


def _try_out(imap: ImapSession, settings: ServerSettings, credentials: Credentials, limit_s: float) -> dict[str, Any]:
    """Find out whether the server honours what it offers; what goes wrong here only means that it does not.

    Returns:
        {"idle": bool, "sessions": how many lines it takes at once, 2 at most, "refusal": its words about the second}.
    """
    tried: dict[str, Any] = {"sessions": 1}
    try:
        tried["idle"] = imap.answers_idle()
        open_imap(settings, credentials, timeout_s=limit_s).close()
        tried["sessions"] = 2
    except ProviderError as error:
        tried["refusal"] = error.server_answer[:200]
    return tried


def _check_folders(plan: Plan, imap: ImapSession, tell: Callable[..., None]) -> None:
    first = "imap_folder" if plan.imap_folder else "outbox_folder"
    tell(first, state="running")
    folders = [folder for folder in imap.list_folders() if folder.is_selectable]
    roles = {folder.name: folder.role for folder in folders}
    tell("found", roles=roles, marks_roles=any(folder.is_marked for folder in folders))
    if plan.imap_folder:
        state = open_folder(imap, folders, plan.imap_folder, role="inbox")
        tell("found", imap_folder=state.name, has_modseq=state.highestmodseq is not None)
        tell("imap_folder", state="done", sentence=_renamed(plan.imap_folder, state.name))
        tell("outbox_folder", state="running")
    name = find_outbox(imap, folders, plan.outbox_folder, is_guessed=plan.is_outbox_guessed)
    tell("found", outbox_folder=name)
    sentence = (
        _renamed(plan.outbox_folder, name) if name else "There is none, so no copies of sent mail are kept there."
    )
    tell("outbox_folder", state="done", sentence=sentence)


def _renamed(asked: str, found: str) -> str:
    return "" if asked == found else f"It is {found}."


def _first_way(side: Side, attempt: Callable[[str], Answer]) -> tuple[Answer, str]:
    """Try the ways to protect a line one after another; never a plain one unless it is the only one asked for."""
    for way in side.ways[:-1]:
        try:
            return attempt(way), way
        except ProviderError as error:
            if error.cause not in _OTHER_WAY_AFTER:
                raise
    return attempt(side.ways[-1]), side.ways[-1]


def _left(ends_at: float) -> float:
    return max(1.0, ends_at - time.monotonic())
