"""Tokens of unsubscribe links: nobody makes one who has not the key."""

from __future__ import annotations

from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from webmail.domain.unsubscribe import TOKEN, derive_key, list_headers, make_token, read_token

KEY = derive_key("a secret")


@given(st.uuids())
def test_a_token_names_its_recipient_and_is_found_in_any_text(recipient: UUID) -> None:
    token = make_token(KEY, recipient)

    assert read_token(KEY, token) == recipient
    assert TOKEN.findall(f"Re: unsubscribe {token}.") == [token]


@given(st.integers(0, 43), st.sampled_from("Aa0_-"))
def test_a_changed_token_names_nobody(position: int, letter: str) -> None:
    token = make_token(KEY, UUID(int=7))
    changed = token[:position] + letter + token[position + 1 :]

    assert read_token(KEY, changed) == (UUID(int=7) if changed == token else None)


@given(st.text(max_size=60))
def test_text_is_no_token(text: str) -> None:
    assert read_token(KEY, text) is None


def test_another_secret_makes_other_tokens_and_no_signature_fits_another_recipient() -> None:
    one, other = uuid4(), uuid4()
    mixed = make_token(KEY, one)[:20] + make_token(KEY, other)[20:]

    assert read_token(derive_key("another"), make_token(KEY, one)) is None
    assert read_token(KEY, mixed) is None
    assert make_token(KEY, one) != make_token(derive_key("another"), one)


def test_one_click_is_offered_by_https_alone() -> None:
    token = make_token(KEY, UUID(int=7))

    fields = list_headers(token, "https://mail.acme.example", "rita+x@acme.example")
    assert fields["List-Unsubscribe"] == (
        f"<https://mail.acme.example/u/{token}>, <mailto:rita%2Bx@acme.example?subject=unsubscribe%20{token}>"
    )
    assert fields["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert list(list_headers(token, "http://127.0.0.1:8000", "rita@acme.example")) == ["List-Unsubscribe"]
