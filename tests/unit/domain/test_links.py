"""Links that are not what they seem."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webmail.domain.links import find_doubts, judge_link


@pytest.mark.parametrize(
    ("href", "text", "reason"),
    [
        ("https://evil.example/login", "www.paypal.com", "elsewhere"),
        ("https://evil.example/login", "https://paypal.com/login", "elsewhere"),
        ("https://paypal.com.evil.example/", "paypal.com", "elsewhere"),
        ("https://evil.co.uk/", "bank.co.uk", "elsewhere"),
        ("https://xn--pypal-4ve.com/", "Sign in", "letters"),
        ("https://xn--80ak6aa92e.com/", "apple.com", "letters"),
        ("https://p\u0430ypal.com/", "paypal.com", "letters"),
        ("https://paypal.com@evil.example/", "Sign in", "account"),
        ("http://192.0.2.7/x", "Sign in", "number"),
        ("http://3221225991/x", "Sign in", "number"),
        ("https://www.paypal.com/x", "paypal.com", ""),
        ("https://paypal.com/x", "www.paypal.com/y", ""),
        ("https://xn--mnchen-3ya.de/", "münchen.de", ""),
        ("https://xn--e1afmkfd.xn--p1ai/", "пример.рф", ""),
        ("https://xn--fsqu00a.xn--0zwm56d/", "例子.测试", ""),
        ("https://tracking.example/c/1", "Read more", ""),
        ("https://files.example/d/1", "cv.pdf", ""),
        ("https://files.example/d/1", "Version 2.10", ""),
        ("mailto:a@b.example", "c@d.example", ""),
        ("https://list.example/", "cora@candidates.example", ""),
        ("https://[broken", "x", ""),
    ],
)
def test_a_link_is_judged_by_where_it_leads_and_what_it_shows(href: str, text: str, reason: str) -> None:
    doubt = judge_link(href, text)

    assert (doubt.reason if doubt else "") == reason


def test_doubts_are_found_in_html_each_host_once() -> None:
    html = '<p><a href="https://evil.example/1">paypal.com</a> <a href="https://evil.example/2"><b>bank</b>.com</a></p>'

    (doubt,) = find_doubts(html)

    assert (doubt.text, doubt.host, doubt.reason) == ("paypal.com", "evil.example", "elsewhere")


@given(st.text(), st.text())
def test_no_link_raises(href: str, text: str) -> None:
    judge_link(f"https://{href}", text)
    find_doubts(f'<a href="{href}">{text}</a>')
