"""Origins: one way to write each, and none for what is no single origin."""

from __future__ import annotations

import pytest

from webmail.domain.origins import normalise_origin


@pytest.mark.parametrize(
    ("typed", "origin"),
    [
        ("https://ats.acme.example", "https://ats.acme.example"),
        (" HTTPS://ATS.Acme.Example/ ", "https://ats.acme.example"),
        ("https://ats.acme.example:443", "https://ats.acme.example"),
        ("https://ats.acme.example:8443", "https://ats.acme.example:8443"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("http://localhost:8001", "http://localhost:8001"),
        ("http://127.0.0.1:80", "http://127.0.0.1"),
        ("http://acme.localhost:8001", "http://acme.localhost:8001"),
    ],
)
def test_an_origin_is_written_as_browsers_write_it(typed: str, origin: str) -> None:
    assert normalise_origin(typed) == origin


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "*",
        "null",
        "https://",
        "https://*",
        "https://*.acme.example",
        "http://ats.acme.example",
        "http://localhost.evil.example",
        "https://ats.acme.example/path",
        "https://ats.acme.example?x",
        "https://ats.acme.example#x",
        "https://user@ats.acme.example",
        "https://ats.acme.example; script-src *",
        "https://ats.acme.example https://evil.example",
        "https://ats.acme.example:99999",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "https://" + "a" * 70 + ".example",
    ],
)
def test_what_is_no_single_origin_is_none(typed: str) -> None:
    assert normalise_origin(typed) is None
