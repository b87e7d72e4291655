"""The command line as an operator types it, each command a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from joserfc.jwk import OKPKey

from tests.servers.certificates import TestAuthority
from tests.servers.key_set import KeySetServer

pytestmark = pytest.mark.integration

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def webmail(tmp_path: Path, certificates: Path) -> Command:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("WEBMAIL_")}
    environ |= {
        "WEBMAIL_DATA": str(tmp_path),
        "WEBMAIL_SECRET_KEY": "s" * 40,
        "WEBMAIL_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        "WEBMAIL_ALLOW_PRIVATE_HOSTS": "1",
        "WEBMAIL_CA_FILE": str(certificates / "ca.pem"),
    }

    def call(*words: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "webmail.cli", *words],
            env=environ,
            input=typed,
            capture_output=True,
            text=True,
            timeout=60,
        )

    return call


def test_an_operator_makes_a_user_gives_a_new_password_and_lists_what_there_is(webmail: Command) -> None:
    assert webmail("migrate").returncode == 0
    who = ("--tenant", "acme", "--email", "Ana@Acme.example", "--name", "Ana Ortega")

    made = webmail("user", "add", *who, typed="secret words\n")
    changed = webmail("user", "password", "--email", "ana@acme.example", typed="other words\n")

    assert (made.stdout, made.returncode) == ("ana@acme.example can sign in.\n", 0)
    assert changed.returncode == 0
    assert "words" not in made.stdout + made.stderr + changed.stdout + changed.stderr
    assert webmail("user", "list").stdout == "acme\tana@acme.example\tAna Ortega\n"
    assert webmail("tenant", "list").stdout == "acme\tacme\n"
    assert webmail("accounts").stdout == ""


def test_an_operator_has_launches_taken_by_published_keys(
    webmail: Command, authority: TestAuthority, certificates: Path
) -> None:
    webmail("migrate")
    webmail("tenant", "add", "acme")
    server = KeySetServer(authority, certificates)
    server.keys = [OKPKey.generate_key("Ed25519").as_dict(private=False, kid="one")]

    followed = webmail("tenant", "key", "acme", "--jwks-url", server.url)
    shown = webmail("tenant", "show", "acme").stdout
    server.keys = []
    refused = webmail("tenant", "key", "acme", "--jwks-url", f"{server.url}/other")
    webmail("tenant", "key", "acme", "--jwks-url", server.url, "--remove")
    server.stop()

    assert (followed.returncode, followed.stdout[:6]) == (0, "1 keys"), followed.stderr
    assert f"keys    {server.url}\tas of 20" in shown and "  key   one\tEdDSA\n" in shown
    assert refused.returncode == 1 and "holds no key" in refused.stderr
    assert webmail("tenant", "show", "acme").stdout == ""


def test_an_operator_lets_a_tenants_pages_hold_frames(webmail: Command, tmp_path: Path) -> None:
    webmail("migrate")
    webmail("tenant", "add", "acme", "--name", "Acme Staffing")

    key = webmail("tenant", "key", "acme", "--kid", "first")
    keyless = webmail("tenant", "key", "acme", "--algorithm", "EdDSA")
    origin = webmail("tenant", "origin", "acme", "https://ATS.acme.example/")
    api_key = webmail("tenant", "api-key", "acme")

    assert key.stdout.startswith("kid     first\nsecret  ") and "Keep it now" in key.stdout
    assert origin.stdout == "https://ats.acme.example may hold frames.\n"
    assert api_key.stdout.startswith("wm_")
    secret = key.stdout.split("secret  ")[1].split("\n")[0]
    stored = b"".join(file.read_bytes() for file in tmp_path.glob("webmail.db*"))
    assert secret.encode() not in stored and api_key.stdout.strip().encode() not in stored
    assert keyless.returncode == 2 and "EdDSA and RS256 take a --public-key" in keyless.stderr
    assert webmail("tenant", "show", "acme").stdout == "key     first\tHS256\norigin  https://ats.acme.example\n"


def test_what_cannot_be_done_is_one_line(webmail: Command) -> None:
    early = webmail("user", "list")
    webmail("migrate")
    unknown = webmail("user", "password", "--email", "nobody@acme.example", typed="words\n")
    empty = webmail("user", "add", "--tenant", "acme", "--email", "ana@acme.example")

    assert early.stderr == "Error: The database lacks the newest tables: run `webmail migrate` first.\n"
    assert unknown.stderr == "Error: There is no user nobody@acme.example.\n"
    assert empty.stderr.startswith("Error: A password takes")
    assert [each.returncode for each in (early, unknown, empty)] == [1, 1, 1]


def test_turning_over_the_keys_says_what_was_done(webmail: Command) -> None:
    assert webmail("migrate").returncode == 0

    turned = webmail("rotate-keys")

    assert turned.returncode == 0
    assert "accounts\t0 sealed anew\t0 already\n" in turned.stdout


def test_an_operator_caps_mass_mail_and_reads_who_did_what(webmail: Command) -> None:
    webmail("migrate")
    webmail("tenant", "add", "acme")

    capped = webmail("tenant", "mass-mail", "acme", "--cap", "200")
    off = webmail("tenant", "mass-mail", "acme", "--off")
    free = webmail("tenant", "mass-mail", "acme", "--no-cap")
    told = webmail("tenant", "audit", "acme")

    assert "capped at 200 mails a day" in capped.stdout
    assert "switched off" in off.stdout
    assert "providers alone" in free.stdout
    assert [line.split("\t")[1:3] for line in told.stdout.splitlines()] == [["(the system)", "mass_mail_capped"]] * 3
    assert webmail("tenant", "mass-mail", "acme", "--cap", "1", "--off").returncode == 2
