"""The pure rules of connecting: how a line is protected, which folders are offered, how steps end."""

from __future__ import annotations

import pytest

from webmail.actions import _connect_steps as steps
from webmail.actions._connect_checks import Plan, Side, build_steps, ways_to_protect
from webmail.actions._connect_folders import offers_for
from webmail.errors import Retryable
from webmail.providers.base import Credentials, RemoteFolder


@pytest.mark.parametrize(
    ("port", "ssl_enabled", "preset_way", "expected"),
    [
        (993, True, "", ("tls",)),
        (465, True, "", ("tls",)),
        (143, True, "", ("starttls",)),
        (25, True, "", ("starttls",)),
        (587, True, "", ("starttls",)),
        (2525, True, "", ("starttls",)),
        (1143, True, "", ("tls", "starttls")),
        (993, False, "", ("plain",)),
        (587, False, "", ("plain",)),
        (587, False, "starttls", ("starttls",)),
        (465, False, "tls", ("tls",)),
        (143, True, "tls", ("tls",)),
        (8143, False, "plain", ("plain",)),
    ],
)
def test_ssl_flag_ports_and_presets_decide_how_a_line_is_protected(
    port: int, ssl_enabled: bool, preset_way: str, expected: tuple[str, ...]
) -> None:
    assert ways_to_protect(port, ssl_enabled=ssl_enabled, preset_way=preset_way) == expected


def test_line_is_never_plain_while_ssl_is_switched_on() -> None:
    for port in (25, 143, 465, 587, 993, 2525, 8143):
        for preset_way in ("", "plain", "starttls", "tls"):
            assert "plain" not in ways_to_protect(port, ssl_enabled=True, preset_way=preset_way)


def plan(*, imap: Side | None, imap_folder: str, outbox_folder: str) -> Plan:
    smtp = Side("smtp.example.com", 465, ("tls",))
    return Plan(Credentials("ines", "secret"), imap, smtp, imap_folder, outbox_folder, is_outbox_guessed=False)


def test_steps_follow_what_is_to_be_checked() -> None:
    imap = Side("imap.example.com", 993, ("tls",))

    both = [step["key"] for step in build_steps(plan(imap=imap, imap_folder="INBOX", outbox_folder="Sent"))]
    sends = [step["key"] for step in build_steps(plan(imap=imap, imap_folder="", outbox_folder=""))]
    alone = [step["key"] for step in build_steps(plan(imap=None, imap_folder="", outbox_folder=""))]

    assert both == ["imap", "imap_folder", "outbox_folder", "smtp"]
    assert sends == ["imap", "outbox_folder", "smtp"]
    assert alone == ["smtp"]


def test_plan_does_not_show_its_secret() -> None:
    assert "secret" not in repr(plan(imap=None, imap_folder="", outbox_folder=""))


def folder(name: str, role: str = "", *, is_marked: bool = False) -> RemoteFolder:
    return RemoteFolder(name, "/", role, True, is_marked)


def test_marked_folder_is_offered_first_then_names_then_the_users_own() -> None:
    folders = [
        folder("Archive", "archive"),
        folder("Customers"),
        folder("INBOX", "inbox"),
        folder("Sent", "sent"),
        folder("Sent Items", "sent", is_marked=True),
        folder("Trash", "trash", is_marked=True),
    ]

    assert offers_for(folders, "sent") == ["Sent Items", "Sent", "Customers", "Archive"]
    assert offers_for(folders, "inbox")[:2] == ["INBOX", "Customers"]


def test_many_folders_are_not_all_offered() -> None:
    assert len(offers_for([folder(f"Folder {number}") for number in range(50)], "inbox")) == 8


def test_stopped_attempt_names_one_failed_step_and_leaves_none_going_on() -> None:
    before = [steps.new_step(key, key) for key in ("imap", "imap_folder", "smtp")]
    before = steps.changed(before, "imap", {"state": "done"})
    before = steps.changed(before, "imap_folder", {"state": "running"})

    after = steps.stopped(before, steps.failed("It stopped.", "Again.", "interrupted"))

    assert [step["state"] for step in after] == ["done", "failed", "skipped"]
    assert after[1]["sentence"] == "It stopped."


def test_attempt_stopped_at_its_very_end_fails_at_its_last_step() -> None:
    before = steps.changed([steps.new_step("smtp", "SMTP")], "smtp", {"state": "done"})

    after = steps.stopped(before, steps.broken_here())

    assert [step["state"] for step in after] == ["failed"]


def test_user_is_not_told_that_connecting_is_repeated_by_itself() -> None:
    error = Retryable(
        "IMAP is not available just now.", side="imap", cause="unavailable", next_step="It is tried again by itself."
    )

    assert steps.failed_at_server(error)["next_step"] == "Wait a minute, then connect again."
