"""The page behind an unsubscribe link: it takes one button, and nothing but the button acts."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from tests.unit.blueprints.conftest import CheckedClient
from webmail.actions.unsubscribe import token_of
from webmail.store.models import Mailing, MailingRecipient, Suppression, Tenant, utc_now
from webmail.store.scope import Scope
from webmail.store.session import reading, transaction

EMAIL = "ana@candidates.example"


@pytest.fixture
def recipient(user: Scope) -> MailingRecipient:
    with transaction() as s:
        tenant = s.get(Tenant, user.tenant_id)
        assert tenant is not None
        tenant.name = "Acme <Staffing>"
        mailing = Mailing(tenant_id=user.tenant_id, user_id=user.user_id, state="sending")
        s.add(mailing)
        s.flush()
        rows = [
            MailingRecipient(
                tenant_id=user.tenant_id,
                mailing_id=mailing.id,
                email=email,
                state="sent",
                next_step_at=utc_now() + timedelta(days=3),
            )
            for email in (EMAIL, "bo@candidates.example")
        ]
        s.add_all(rows)
    return rows[0]


def suppressed() -> list[tuple[str, str]]:
    with reading() as s:
        return [(each.email, each.reason) for each in s.scalars(select(Suppression))]


def load(email: str = EMAIL) -> MailingRecipient:
    with reading() as s:
        return s.scalars(select(MailingRecipient).where(MailingRecipient.email == email)).one()


def test_looking_never_unsubscribes(stranger: CheckedClient, recipient: MailingRecipient) -> None:
    url = f"/u/{token_of(recipient.uuid)}"

    page = stranger.get(url)
    others = [stranger.head(url), stranger.open(url, method="OPTIONS"), stranger.post(url), stranger.get(url + "/undo")]

    assert page.status_code == 200
    assert "Acme &lt;Staffing&gt;" in page.text
    assert EMAIL not in page.text
    assert [each.status_code for each in others] == [200, 200, 200, 405]
    assert suppressed() == []
    assert load().next_step_at is not None


def test_one_button_unsubscribes_and_a_mistake_is_taken_back(
    stranger: CheckedClient, recipient: MailingRecipient
) -> None:
    url = f"/u/{token_of(recipient.uuid)}"

    done = stranger.post(url, data={"confirm": "yes"})

    assert "You are unsubscribed" in done.text
    assert suppressed() == [(EMAIL, "unsubscribed")]
    assert load().unsubscribed_at is not None
    assert load().next_step_at is None
    assert load("bo@candidates.example").next_step_at is not None
    assert "Undo" not in stranger.get(url).text

    key = done.text.split('name="key" value="')[1].partition('"')[0]
    undone = stranger.post(f"{url}/undo", data={"key": key})
    assert "You are subscribed again" in undone.text
    assert suppressed() == []
    assert load().unsubscribed_at is None


def test_a_mail_program_unsubscribes_by_one_request_without_cookies(
    stranger: CheckedClient, recipient: MailingRecipient
) -> None:
    url = f"/u/{token_of(recipient.uuid)}"

    answers = [stranger.post(url, data={"List-Unsubscribe": "One-Click"}) for _ in range(2)]

    assert [(each.status_code, each.text) for each in answers] == [(200, "Unsubscribed.\n")] * 2
    assert suppressed() == [(EMAIL, "unsubscribed")]


def test_the_page_is_in_no_frame_sets_no_cookie_and_tells_nobody_its_address(
    stranger: CheckedClient, recipient: MailingRecipient
) -> None:
    for path in (f"/u/{token_of(recipient.uuid)}", "/u/made-up"):
        answer = stranger.get(path)

        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert "Set-Cookie" not in answer.headers
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == "no-store"


def test_links_that_nobody_made_and_those_of_the_erased_look_alike(
    stranger: CheckedClient, recipient: MailingRecipient
) -> None:
    token = token_of(recipient.uuid)
    forged = ("A" if token[-1] != "A" else "B").join([token[:-1], ""])
    with transaction() as s:
        s.delete(s.get_one(MailingRecipient, recipient.id))

    answers = [stranger.post(f"/u/{each}", data={"confirm": "yes"}) for each in (token, forged, "x", token + "a")]

    assert {(each.status_code, each.text) for each in answers} == {(404, answers[0].text)}
    assert "This link does not work" in answers[0].text
    assert suppressed() == []


def test_a_key_to_undo_fits_one_link_and_undoes_nothing_but_an_unsubscription(
    stranger: CheckedClient, recipient: MailingRecipient
) -> None:
    other = token_of(load("bo@candidates.example").uuid)
    done = stranger.post(f"/u/{token_of(recipient.uuid)}", data={"confirm": "yes"})
    stranger.post(f"/u/{other}", data={"confirm": "yes"})
    key = done.text.split('name="key" value="')[1].partition('"')[0]

    for data in ({"key": key}, {"key": "made-up"}, {}):
        assert "You are unsubscribed" in stranger.post(f"/u/{other}/undo", data=data).text

    assert len(suppressed()) == 2


def test_who_tries_one_made_up_link_after_another_is_asked_to_wait(
    stranger: CheckedClient, recipient: MailingRecipient
) -> None:
    answers = [stranger.get(f"/u/made-up-{number}").status_code for number in range(61)]

    assert set(answers[:60]) == {404}
    assert answers[60] == 429
    assert stranger.get(f"/u/{token_of(recipient.uuid)}").status_code == 200
