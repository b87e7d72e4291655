"""Names of hosts: whose they are, and what their letters pretend to be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webmail.domain.hosts import is_number, is_same_owner, looks_like, readable_host


@pytest.mark.parametrize(
    ("host", "pretends"),
    [
        ("paypal.com", ""),
        ("xn--pypal-4ve.com", "paypal.com"),
        ("xn--80ak6aa92e.com", "apple.com"),
        ("xn--mnchen-3ya.de", ""),
        ("xn--e1afmkfd.xn--p1ai", ""),
        ("xn--broken-\u00ff.com", ""),
        ("", ""),
    ],
)
def test_letters_that_pretend_to_be_others_are_told(host: str, pretends: str) -> None:
    assert looks_like(host) == pretends


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("www.acme.example", "jobs.acme.example", True),
        ("acme.co.uk", "mail.acme.co.uk", True),
        ("acme.co.uk", "evil.co.uk", False),
        ("M\u00dcNCHEN.de", "xn--mnchen-3ya.de", True),
    ],
)
def test_hosts_of_one_owner_are_known(one: str, other: str, is_same: bool) -> None:
    assert is_same_owner(one, other) is is_same


@given(st.text())
def test_no_host_raises(host: str) -> None:
    assert isinstance(readable_host(host) + looks_like(host), str)
    assert is_number(host) in (True, False)
