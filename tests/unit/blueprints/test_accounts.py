"""The pages of connecting, editing and disconnecting a mailbox, with and without htmx."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from tests.conftest import AccountMaker
from tests.servers.dovecot import Mailbox
from tests.servers.jobs import waiting_jobs
from tests.unit.blueprints.conftest import PARTIAL, CheckedClient
from webmail.actions._connect_steps import failed, new_step
from webmail.store.models import Account, ConnectAttempt, utc_now
from webmail.store.scope import Scope
from webmail.store.secrets import seal, unseal
from webmail.store.session import reading, transaction

SETTINGS = "/profileSettings?tab=connect"
MAILBOX = Mailbox("ines@example.com", "pw-of-ines", "imap.example.com", 143, 993)
TYPED = {
    "provider": "",
    "email": "ines@example.com",
    "password": "pw-of-ines",
    "imap_host": "imap.example.com",
    "imap_port": "993",
    "smtp_host": "smtp.example.com",
    "smtp_port": "465",
    "imap_folder": "INBOX",
    "outbox_folder": "Sent",
    "ssl_enabled": "1",
    "reads_mail": "1",
    "read_marks": "new",
    "user_name": "",
}


def text_of(answer: TestResponse) -> str:
    return answer.get_data(as_text=True)


def only_attempt() -> ConnectAttempt:
    with reading() as s:
        return s.scalars(select(ConnectAttempt)).one()


@pytest.fixture
def account(make_account: AccountMaker) -> Account:
    columns = {"smtp_host": "smtp.example.com", "smtp_port": 465, "smtp_security": "tls", "last_synced_at": utc_now()}
    return make_account(MAILBOX, is_backfilled=True, **columns)


@pytest.fixture
def strangers_account(make_account: AccountMaker, make_user: Callable[..., Scope]) -> Account:
    return make_account(MAILBOX, scope=make_user(), marked_count=3)


def end(state: str, account: Account | None = None) -> UUID:
    """Let the only attempt be over."""
    with transaction() as s:
        row = s.scalars(select(ConnectAttempt)).one()
        row.state, row.secret, row.finished_at = state, None, utc_now()
        row.account_id = account.id if account else None
        report = failed("There is no folder named INBOX.", "Choose one.", "folder_missing")
        if state == "failed":
            row.steps = [new_step("imap_folder", "Open the folder INBOX") | report | {"offers": ["In", "Mail"]}]
        return row.uuid


def test_settings_show_three_cards(client: CheckedClient) -> None:
    page = text_of(client.get(SETTINGS))

    for name in ("Connect Gmail", "Connect Other Email", "Other Email settings"):
        assert f'aria-label="{name}"' in page


def test_form_is_a_page_and_a_partial(client: CheckedClient) -> None:
    page, partial = client.get("/accounts/new"), client.get_partial("/accounts/new?provider=gmail")

    assert "<h1>Connect a mailbox</h1>" in text_of(page)
    assert "<html" not in text_of(partial)
    assert 'value="imap.gmail.com"' in text_of(partial)


def test_connecting_without_script_leads_to_the_attempt(client: CheckedClient) -> None:
    answer = client.submit("/accounts", TYPED)

    attempt = only_attempt()
    assert answer.status_code == 303
    assert answer.location == f"/attempts/{attempt.uuid}"
    assert waiting_jobs() == [f"connect-{attempt.uuid}"]
    assert unseal(attempt.secret) == {"password": "pw-of-ines"}
    assert attempt.settings["read_marks"] == "new"
    page = text_of(client.get(answer.location))
    assert 'http-equiv="refresh"' in page
    assert "Sign in to IMAP at imap.example.com" in page
    assert "pw-of-ines" not in page


def test_connecting_by_htmx_shows_the_attempt_in_place(client: CheckedClient) -> None:
    answer = client.submit("/accounts", TYPED, htmx=True)

    assert answer.status_code == 200
    assert f'id="attempt-{only_attempt().uuid}"' in text_of(answer)


def test_form_needs_its_csrf_field(client: CheckedClient, account: Account) -> None:
    paths = [
        "/accounts",
        "/accounts/autofill",
        "/accounts/disconnect",
        f"/accounts/{account.uuid}",
        f"/accounts/{account.uuid}/sync",
        f"/accounts/{account.uuid}/put-back-marks",
    ]

    assert [client.post(path, data=TYPED).status_code for path in paths] == [400] * len(paths)


@pytest.mark.parametrize("htmx", [True, False])
def test_unusable_form_keeps_what_was_typed_but_the_password(client: CheckedClient, htmx: bool) -> None:
    answer = client.submit("/accounts", TYPED | {"smtp_port": "many", "imap_host": "imap.typed.example"}, htmx=htmx)

    shown = text_of(answer)
    assert answer.status_code == 422
    assert 'value="imap.typed.example"' in shown
    assert 'value="many"' in shown
    assert "Type a number from 1 to 65535." in shown
    assert "pw-of-ines" not in shown
    assert waiting_jobs() == []


def test_refusal_of_the_action_stands_at_its_field(client: CheckedClient, account: Account) -> None:
    answer = client.submit("/accounts", TYPED, htmx=True)

    assert answer.status_code == 422
    assert "ines@example.com is connected already." in text_of(answer)


def test_failed_attempt_shows_the_form_again(client: CheckedClient) -> None:
    client.submit("/accounts", TYPED)
    uuid = end("failed")

    shown = text_of(client.get_partial(f"/attempts/{uuid}"))

    assert "Not connected yet" in shown
    assert "There is no folder named INBOX." in shown
    assert 'value="imap_folder=Mail"' in shown
    assert 'value="imap.example.com"' in shown
    assert "pw-of-ines" not in shown
    assert 'action="/accounts"' in shown


def test_offered_folder_is_taken_without_script(client: CheckedClient) -> None:
    answer = client.submit("/accounts/autofill", TYPED | {"offer": "imap_folder=Mail"})

    assert answer.status_code == 200
    assert '<input id="field-imap_folder" name="imap_folder" type="text" value="Mail"' in text_of(answer)


def test_success_brings_the_cards_and_closes_the_panels(client: CheckedClient, account: Account) -> None:
    client.submit(f"/accounts/{account.uuid}", TYPED)
    uuid = end("connected", account)

    headers = PARTIAL | {"HX-Current-URL": f"http://localhost{SETTINGS}"}
    shown = text_of(client.get(f"/attempts/{uuid}", headers=headers))

    for key in ("gmail", "outlook", "other"):
        assert f'id="card-{key}-state"' in shown
        assert f'id="card-{key}-panel"' in shown
    assert 'aria-label="Disconnect Other Email"' in shown
    assert "ines@example.com is connected." in shown


def test_success_elsewhere_leads_to_the_settings(client: CheckedClient, account: Account) -> None:
    client.submit(f"/accounts/{account.uuid}", TYPED)
    uuid = end("connected", account)

    by_htmx = client.get(f"/attempts/{uuid}", headers=PARTIAL | {"HX-Current-URL": "http://localhost/accounts/new"})
    without = client.get(f"/attempts/{uuid}")

    assert by_htmx.headers["HX-Redirect"] == SETTINGS
    assert (without.status_code, without.location) == (303, SETTINGS)
    assert "ines@example.com is connected." in text_of(client.get(SETTINGS))


def test_edit_form_shows_settings_and_no_password(client: CheckedClient, account: Account) -> None:
    shown = text_of(client.get(f"/accounts/{account.uuid}/edit"))

    assert 'value="ines@example.com"' in shown
    assert "readonly" in shown
    assert "Leave it empty to keep the one that is stored." in shown
    assert "pw-of-ines" not in shown
    assert f'action="/accounts/{account.uuid}"' in shown


def test_edit_keeps_the_stored_password(client: CheckedClient, account: Account) -> None:
    answer = client.submit(f"/accounts/{account.uuid}", TYPED | {"password": ""})

    assert answer.status_code == 303
    assert only_attempt().account_id == account.id
    assert only_attempt().secret == account.secret


def test_stored_password_is_not_shown_to_another_host(client: CheckedClient, account: Account) -> None:
    typed = TYPED | {"password": "", "imap_host": "imap.attacker.example"}

    answer = client.submit(f"/accounts/{account.uuid}", typed, htmx=True)

    assert answer.status_code == 422
    assert "Type the password again: imap.attacker.example has not had it before" in text_of(answer)
    assert waiting_jobs() == []


def test_kept_account_asks_for_its_password_again(client: CheckedClient, make_account: AccountMaker) -> None:
    kept = make_account(MAILBOX, status="not_connected", secret=None)

    shown = text_of(client.get(f"/accounts/{kept.uuid}/edit"))
    answer = client.submit(f"/accounts/{kept.uuid}", TYPED | {"password": ""})

    assert "Leave it empty" not in shown
    assert answer.status_code == 422
    assert "Type the password of the mailbox." in text_of(answer)


def test_disconnect_names_what_ends(client: CheckedClient, account: Account) -> None:
    page = text_of(client.get("/accounts/disconnect?card=other"))
    dialog = text_of(client.get_partial(f"/accounts/disconnect?card=other&account={account.uuid}"))

    assert "Disconnect ines@example.com" in page
    assert "<dialog" in dialog


@pytest.mark.parametrize(("choice", "status"), [("keep", "disconnecting"), ("erase", "erasing")])
def test_disconnect_takes_the_choice(client: CheckedClient, account: Account, choice: str, status: str) -> None:
    answer = client.submit("/accounts/disconnect", {"account": str(account.uuid), "conversations": choice}, htmx=True)

    with reading() as s:
        assert s.get_one(Account, account.id).status == status
    shown = text_of(answer)
    assert 'id="card-other-state"' in shown
    assert 'aria-label="Connect Other Email"' in shown
    assert "Not connected" in shown


def test_disconnect_without_script_leads_back(client: CheckedClient, account: Account) -> None:
    answer = client.submit("/accounts/disconnect", {"account": str(account.uuid), "conversations": "keep"})

    assert (answer.status_code, answer.location) == (303, SETTINGS)


def test_disconnect_of_nothing_is_refused(client: CheckedClient) -> None:
    assert client.submit("/accounts/disconnect", {}).status_code == 422


def test_kept_account_is_only_asked_to_be_erased(client: CheckedClient, make_account: AccountMaker) -> None:
    kept = make_account(MAILBOX, status="not_connected", secret=None)

    page = text_of(client.get(f"/accounts/disconnect?card=other&account={kept.uuid}"))

    assert "Erase ines@example.com" in page
    assert "conversations-keep" not in page


def test_sync_and_put_back_answer_with_the_card(client: CheckedClient, account: Account) -> None:
    with transaction() as s:
        s.get_one(Account, account.id).marked_count = 2

    synced = client.submit(f"/accounts/{account.uuid}/sync", htmx=True)
    put_back = client.submit(f"/accounts/{account.uuid}/put-back-marks")

    assert "Syncing now." in text_of(synced)
    assert f'id="account-{account.uuid}-row"' in text_of(synced)
    assert (put_back.status_code, put_back.location) == (303, SETTINGS)


def test_card_is_a_partial_only(client: CheckedClient, account: Account) -> None:
    assert "ines@example.com" in text_of(client.get_partial("/accounts/cards/other"))
    assert client.get("/accounts/cards/other").status_code == 303
    assert client.get("/accounts/cards/none").status_code == 404


def test_everything_of_another_user_is_not_there(client: CheckedClient, strangers_account: Account) -> None:
    uuid = strangers_account.uuid
    with transaction() as s:
        attempt = ConnectAttempt(
            tenant_id=strangers_account.tenant_id,
            user_id=strangers_account.user_id,
            settings={"email": "ines@example.com"},
            secret=seal({"password": "x"}),
        )
        s.add(attempt)

    answers = [
        client.get(f"/accounts/{uuid}/edit"),
        client.get(f"/attempts/{attempt.uuid}"),
        client.get(f"/accounts/disconnect?card=other&account={uuid}"),
        client.submit(f"/accounts/{uuid}", TYPED),
        client.submit("/accounts/autofill", TYPED | {"account": str(uuid)}),
        client.submit(f"/accounts/{uuid}/sync"),
        client.submit(f"/accounts/{uuid}/put-back-marks"),
        client.submit("/accounts/disconnect", {"account": str(uuid), "conversations": "erase"}),
        client.get(f"/accounts/{uuid4()}/edit"),
    ]

    assert [answer.status_code for answer in answers] == [404] * len(answers)
    assert "ines@example.com" not in text_of(client.get(SETTINGS))
    with reading() as s:
        assert s.get_one(Account, strangers_account.id).status == "connected"


def test_nobody_sees_anything_without_signing_in(stranger: CheckedClient) -> None:
    for path in ("/accounts/new", "/accounts/disconnect", "/accounts/cards/other", f"/attempts/{uuid4()}"):
        assert stranger.get(path).status_code == 303
