"""The commonest causes of a failed Connect, each from a real server or socket, with what its page says."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.connect.conftest import FormMaker, Presser, steps_of
from tests.integration.providers.conftest import Line, ScriptedServer, server_tls
from tests.servers.ports import free_port
from tests.servers.smtp import SmtpServer
from webmail.providers import network

pytestmark = pytest.mark.integration

Scripted = Callable[[Callable[[Line], None]], ScriptedServer]


def imap_that_answers_login(answer: bytes, before: bytes = b"") -> Callable[[Line], None]:
    """Play an IMAP server without encryption that gives one answer to every LOGIN."""

    def script(line: Line) -> None:
        line.say(b"* OK [CAPABILITY IMAP4rev1] ready")
        while True:
            tag, _, rest = line.hear().partition(b" ")
            command = rest.partition(b" ")[0]
            if command.upper() == b"CAPABILITY":
                line.say(b"* CAPABILITY IMAP4rev1", tag + b" OK done")
            elif command.upper() == b"LOGIN":
                line.say(*([before] if before else []), tag + b" " + answer)
            else:
                line.say(tag + b" OK done")

    return script


def test_wrong_password_is_named_on_both_sides(form: FormMaker, press: Presser) -> None:
    attempt = press(form(password="not the one"))

    steps = steps_of(attempt)
    assert attempt.state == "failed"
    assert attempt.secret is None
    assert steps["imap"]["sentence"] == "IMAP did not accept the user name and password."
    assert steps["smtp"]["sentence"] == "SMTP did not accept the user name and password."
    assert steps["imap"]["cause"] == steps["smtp"]["cause"] == "password_refused"
    assert steps["imap"]["next_step"].startswith("Type the password again.")
    assert "AUTHENTICATIONFAILED" in steps["imap"]["server_answer"]
    assert steps["imap_folder"]["state"] == steps["outbox_folder"]["state"] == "skipped"


def test_app_password_is_asked_for(form: FormMaker, press: Presser, scripted: Scripted) -> None:
    answer = b"NO [ALERT] Application-specific password required: https://support.google.com/accounts/answer/185833"
    server = scripted(imap_that_answers_login(answer))

    attempt = press(form(imap_host="127.0.0.1", imap_port=server.port, ssl_enabled=False))

    step = steps_of(attempt)["imap"]
    assert step["cause"] == "app_password_needed"
    assert step["sentence"] == (
        "IMAP did not accept the password: this provider takes an app password, not the one of its website."
    )
    assert step["next_step"] == (
        "Make an app password in the security settings of the mailbox, and type it in as the password."
    )


@pytest.fixture
def plain_server_on_the_tls_port() -> Iterator[str]:
    """A server that speaks without encryption where TLS is due; only root may open such a port everywhere."""
    try:
        server = ScriptedServer(lambda line: line.say(b"* OK ready"), ("127.0.0.7", 993))
    except PermissionError:
        pytest.skip("port 993 may not be opened here")
    yield "127.0.0.7"
    server.stop()


def test_wrong_port_for_ssl_is_named(form: FormMaker, press: Presser, plain_server_on_the_tls_port: str) -> None:
    attempt = press(form(imap_host=plain_server_on_the_tls_port, imap_port=993))

    step = steps_of(attempt)["imap"]
    assert step["cause"] == "tls_wrong_port"
    assert step["sentence"] == (
        "127.0.0.7 on port 993 does not speak SSL from the start: it is the wrong port for SSL."
    )
    assert step["next_step"] == "With SSL Enabled, IMAP usually has port 993 or 143."


def test_server_without_any_encryption_is_refused(form: FormMaker, press: Presser, scripted: Scripted) -> None:
    server = scripted(imap_that_answers_login(b"OK welcome"))

    attempt = press(form(imap_host="127.0.0.1", imap_port=server.port))

    step = steps_of(attempt)["imap"]
    assert step["cause"] == "starttls_missing"
    assert step["sentence"] == f"The IMAP server offers no encryption on port {server.port}."
    assert step["next_step"] == "Try port 993. Switch SSL Enabled off only if your provider tells you to."
    assert not any(b"LOGIN" in said.upper() for said in server.lines)


def test_starttls_only_server_refuses_a_plain_line(form: FormMaker, press: Presser, smtp_server: SmtpServer) -> None:
    attempt = press(form(imap_host="", imap_port=None, reads_mail=False, ssl_enabled=False))

    step = steps_of(attempt)["smtp"]
    assert step["cause"] == "tls_needed"
    assert step["sentence"] == "SMTP only accepts encrypted connections here."
    assert step["next_step"] == "Switch SSL Enabled on."


def test_certificate_of_another_name_is_refused(
    form: FormMaker, press: Presser, scripted: Scripted, certificates: Path
) -> None:
    context = server_tls(certificates, "elsewhere.example")

    def script(line: Line) -> None:
        with context.wrap_socket(line.connection, server_side=True) as secured:
            secured.recv(1)

    server = scripted(script)

    attempt = press(form(imap_host="localhost", imap_port=server.port))

    step = steps_of(attempt)["imap"]
    assert step["cause"] == "certificate_mismatch"
    assert step["sentence"] == "The server's certificate does not fit the name localhost."
    assert step["next_step"].startswith("Use the host name that your provider gives")


def test_unknown_host_is_named(form: FormMaker, press: Presser) -> None:
    attempt = press(form(imap_host="imap.nowhere.invalid", imap_port=993))

    step = steps_of(attempt)["imap"]
    assert step["cause"] == "host_not_found"
    assert step["sentence"] == "There is no server named imap.nowhere.invalid."
    assert step["next_step"] == "Check the spelling of the host."


def test_refused_connection_is_named(form: FormMaker, press: Presser) -> None:
    port = free_port()

    attempt = press(form(smtp_host="127.0.0.1", smtp_port=port))

    step = steps_of(attempt)["smtp"]
    assert step["cause"] == "connection_refused"
    assert step["sentence"] == f"127.0.0.1 on port {port} refuses connections."
    assert step["next_step"] == "Check the SMTP host and port."


@pytest.mark.one_database
def test_silent_server_ends_the_attempt_within_ten_seconds(form: FormMaker, press: Presser, scripted: Scripted) -> None:
    server = scripted(lambda line: time.sleep(20))
    started = time.monotonic()

    attempt = press(form(imap_host="127.0.0.1", imap_port=server.port))

    assert time.monotonic() - started < 10.5
    step = steps_of(attempt)["imap"]
    assert attempt.state == "failed"
    assert step["cause"] == "timed_out"
    assert step["sentence"] == f"127.0.0.1 on port {server.port} did not answer in time."
    assert steps_of(attempt)["smtp"]["state"] == "done"


@pytest.mark.one_database
def test_dribbling_server_cannot_hold_an_attempt_up(form: FormMaker, press: Presser, scripted: Scripted) -> None:
    def script(line: Line) -> None:
        line.say(b"* OK ready")
        while True:
            line.say(b"* OK still here")
            time.sleep(0.5)

    server = scripted(script)
    started = time.monotonic()

    attempt = press(form(imap_host="127.0.0.1", imap_port=server.port, ssl_enabled=False))

    assert time.monotonic() - started < 10.5
    assert attempt.state == "failed"
    assert steps_of(attempt)["imap"]["cause"] == "timed_out"


def test_missing_folders_are_answered_with_those_that_are_there(form: FormMaker, press: Presser) -> None:
    attempt = press(form(imap_folder="Applications"))

    step = steps_of(attempt)["imap_folder"]
    assert step["cause"] == "folder_missing"
    assert step["sentence"] == "There is no folder named Applications in the mailbox."
    assert step["next_step"] == "Choose one of the folders that are there."
    assert step["offers"][0] == "INBOX"
    assert steps_of(attempt)["imap"]["state"] == "done"

    again = press(form(outbox_folder="Outgoing"))

    step = steps_of(again)["outbox_folder"]
    assert step["cause"] == "folder_missing"
    assert step["offers"][0] == "Sent"
    assert "Trash" not in step["offers"]
    assert steps_of(again)["imap_folder"]["state"] == "done"


def test_password_sign_in_switched_off_by_the_provider(
    form: FormMaker, press: Presser, smtp_server: SmtpServer
) -> None:
    smtp_server.habits.sign_in_answer = "535 5.7.139 Authentication unsuccessful, basic authentication is disabled."

    attempt = press(form())

    step = steps_of(attempt)["smtp"]
    assert step["cause"] == "basic_auth_off"
    assert step["sentence"] == "The provider has switched off sign-in by password for SMTP."
    assert step["next_step"].startswith("Connect through the provider's own card")
    assert "5.7.139" in step["server_answer"]


def test_private_host_is_refused_whatever_listens_there(form: FormMaker, press: Presser, certificates: Path) -> None:
    network.configure(allow_private_hosts=False, ca_file=str(certificates / "ca.pem"))

    attempt = press(form(imap_host="127.0.0.1", imap_port=993, smtp_host="169.254.169.254", smtp_port=587))

    steps = steps_of(attempt)
    assert steps["imap"]["cause"] == steps["smtp"]["cause"] == "host_refused_private"
    assert steps["imap"]["sentence"] == "127.0.0.1 is not a mail server that can be connected to from here."
    assert "Private networks need your administrator's consent." in steps["imap"]["next_step"]


def test_smtp_fails_while_imap_is_well(form: FormMaker, press: Presser, smtp_server: SmtpServer) -> None:
    smtp_server.habits.sign_in_answer = "535 5.7.8 Error: authentication failed"

    attempt = press(form())

    states = {key: step["state"] for key, step in steps_of(attempt).items()}
    assert states == {"imap": "done", "imap_folder": "done", "outbox_folder": "done", "smtp": "failed"}
    assert attempt.state == "failed"
    assert attempt.account_id is None


def test_what_the_sync_would_repeat_is_left_to_the_user(form: FormMaker, press: Presser, scripted: Scripted) -> None:
    server = scripted(lambda line: line.say(b"* BYE [UNAVAILABLE] down for maintenance"))

    attempt = press(form(imap_host="127.0.0.1", imap_port=server.port, ssl_enabled=False))

    step = steps_of(attempt)["imap"]
    assert step["cause"] == "unavailable"
    assert step["next_step"] == "Wait a minute, then connect again."
