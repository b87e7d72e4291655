"""Follow-ups of a paused mailing: written anew as long as nobody has got them."""

from __future__ import annotations

from uuid import UUID

import pytest

from tests.unit.blueprints.conftest import CheckedClient
from tests.unit.blueprints.mailed import load, written_mailing
from tests.unit.blueprints.written import add_account
from webmail.actions import mailings
from webmail.actions.mailings import StepFields
from webmail.blueprints.forms.mailing import form_of_mailing
from webmail.store.models import Submission
from webmail.store.scope import Scope
from webmail.store.session import transaction


@pytest.fixture
def uuid(user: Scope) -> UUID:
    """A mailing with two follow-ups that is paused before anybody got one."""
    add_account(user)
    uuid = written_mailing(user)
    form = form_of_mailing(load(user, uuid))
    fields = form.to_fields()
    fields.steps.extend([StepFields("", "<div><b>First</b> reminder</div>", 3), StepFields("", "<div>Second</div>", 5)])
    mailings.save_mailing(user, uuid, fields, revision=form.revision)
    mailings.start(user, uuid)
    mailings.pause(user, uuid)
    return uuid


def _texts(user: Scope, uuid: UUID) -> list[str]:
    return [step.html for step in load(user, uuid).steps[1:]]


def test_what_nobody_has_got_is_written_anew_and_the_rest_stays(client: CheckedClient, uuid: UUID, user: Scope) -> None:
    before, first = _texts(user, uuid), load(user, uuid).steps[0].html
    assert f"/mailings/{uuid}/follow-ups" in client.get(f"/mailings/{uuid}").text
    page = client.get(f"/mailings/{uuid}/follow-ups").text
    assert "First reminder" in page

    typed = {"revision": str(load(user, uuid).revision), "step-0": "Not this", "step-2": "Are you still there?"}
    refused = client.submit(f"/mailings/{uuid}/follow-ups/save", typed)
    del typed["step-0"]
    saved = client.submit(f"/mailings/{uuid}/follow-ups/save", typed | {"step-1": "First reminder"})

    assert refused.status_code == 422
    assert saved.status_code == 303
    assert load(user, uuid).steps[0].html == first
    assert _texts(user, uuid)[0] == before[0]
    assert "Are you still there?" in _texts(user, uuid)[1]


@pytest.mark.parametrize(
    ("text", "says"), [("", "Write a text"), ("Hello {{ job.salary }}", "job.salary, which is no merge field")]
)
def test_a_text_that_cannot_go_out_is_refused_and_kept_in_the_field(
    client: CheckedClient, uuid: UUID, user: Scope, text: str, says: str
) -> None:
    before = _texts(user, uuid)

    typed = {"revision": str(load(user, uuid).revision), "step-1": text}
    refused = client.submit(f"/mailings/{uuid}/follow-ups/save", typed)

    assert refused.status_code == 422
    assert says in refused.text
    assert text in refused.text
    assert _texts(user, uuid) == before


def test_one_that_has_begun_to_go_stays_as_it_is(client: CheckedClient, uuid: UUID, user: Scope) -> None:
    before, mailing = _texts(user, uuid), load(user, uuid)
    with transaction() as s:
        s.query(Submission).filter_by(mailing_id=mailing.id).update({"step": 1})

    page = client.get(f"/mailings/{uuid}/follow-ups").text
    refused = client.submit(
        f"/mailings/{uuid}/follow-ups/save", {"revision": str(mailing.revision), "step-1": "Changed"}
    )

    assert "step-2" in page
    assert "step-1" not in page
    assert refused.status_code == 422
    assert _texts(user, uuid) == before
