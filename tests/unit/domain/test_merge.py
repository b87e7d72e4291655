"""Merge fields: found wherever the editor leaves them, filled in, and never sent raw."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webmail.domain.html import clean_composed_html
from webmail.domain.merge import MergeField, fields_in, render_html, render_text, unknown_in, write_field
from webmail.domain.text import html_to_text

ANA = {
    "contact": {"first_name": "Ana", "name": "Ana & Co <x>", "company": "", "City": "Lyon"},
    "user": {"name": "Rita"},
    "job": {"title": 'Nurse "ICU"', "link": "https://jobs.example/1?a=b"},
}
FIELD = "{{ contact.first_name }}"


@pytest.mark.parametrize(
    ("html", "filled"),
    [
        ("<p>Hi {{contact.first_name}},</p>", "<p>Hi Ana,</p>"),
        ("{{ Contact . First_Name }}", "Ana"),
        ("{{&nbsp;contact.first_name&nbsp;}}", "Ana"),
        ("&#123;&#123; contact.first_name &#125;&#125;", "Ana"),
        ("{\u200b{ contact.first\u200b_name }}", "Ana"),
        ("{<b>{ contact.</b>first_name }}!", "Ana!"),
        ("<b>{{ contact.</b>first_<i>name }}</i>", "<b>Ana</b><i></i>"),
        ('{{ <a href="http://contact.name">contact.name</a> }}', "Ana &amp; Co &lt;x&gt;"),
        ('{{ contact.company | "your <b>firm</b>" }}', "your firm"),
        ("{{ contact.company | “your firm” }}", "your firm"),
        ("{{ contact.company | 'your firm' }}", "your firm"),
        ("{{ contact.company |\n &quot;your firm&quot; }}", "your firm"),
        ('{{ contact.first_name | "there" }}', "Ana"),
        ("{{ contact.city }}", "Lyon"),
        ('<a href="https://x.example/?n={{ contact.name }}">y</a>', '<a href="https://x.example/?n=Ana%20%26%20Co%20%3Cx%3E">y</a>'),
        ('<a href="https://{{ job.link }}">y</a>', '<a href="https://jobs.example/1?a=b">y</a>'),
        ('<a href="https://x.example/%7B%7B%20job.title%20%7D%7D">y</a>', '<a href="https://x.example/Nurse%20%22ICU%22">y</a>'),
        ('<i title="{{ job.title }}">y</i>', '<i title="Nurse &quot;ICU&quot;">y</i>'),
        ("1 < 2 {and} } so on {", "1 < 2 {and} } so on {"),
    ],
)  # fmt: skip
def test_a_field_is_found_however_the_editor_leaves_it(html: str, filled: str) -> None:
    merged = render_html(html, ANA)

    assert merged.text == filled
    assert merged.missing == []


@pytest.mark.parametrize(
    ("html", "missing"),
    [
        ("{{ contact.company }}", ["contact.company"]),
        ('{{ contact.company | "" }}', ["contact.company"]),
        ("{{ contact.phone }} {{contact.phone}}", ["contact.phone"]),
        ("{{ contact first_name }}", ["{{ contact first_name }}"]),
        ("{{ contact.first_name }", ["{{ contact.first_name }"]),
        ("{ contact.first_name }}", ["{ contact.first_name }}"]),
        ("{ contact.first_name }", ["{ contact.first_name }"]),
        ("{{ contact.first_name.upper() }}", ["{{ contact.first_name.upper() }}"]),
        ("{% if contact.x %}{{ 7*7 }}", ["{{ 7*7 }}"]),
        ("{{ config.SECRET }}", ["{{ config.SECRET }}"]),
        ("<p>{{ contact.</p><p>first_name }}</p>", ["{{ contact.", "first_name }}"]),
        ('<p style="color:{{ job.title }}">x</p>', ["color:{{ job.title }}"]),
    ],
)
def test_what_has_no_value_or_is_broken_is_told_and_not_sent_raw(html: str, missing: list[str]) -> None:
    merged = render_html(html, ANA)

    assert merged.missing == missing
    assert "{{" not in merged.text
    assert "}}" not in merged.text


def test_the_fields_of_a_text_are_known_by_group_name_and_fallback() -> None:
    html = '<p>{{ contact.first_name | "there" }} {{ job.title }} {{ job.title }}</p>'
    html += '<a href="https://x/{{ user.name }}">y</a>'

    assert fields_in(html) == [
        MergeField("contact", "first_name", "there"),
        MergeField("job", "title"),
        MergeField("user", "name"),
    ]
    assert unknown_in(html + "{{ x }}", {"contact.first_name", "user.name"}) == ["job.title", "{{ x }}"]


def test_a_field_is_written_as_it_is_read() -> None:
    assert fields_in(write_field("contact", "first_name", "there")) == [MergeField("contact", "first_name", "there")]
    assert fields_in(write_field("job", "title"), is_html=False) == [MergeField("job", "title")]


def test_a_subject_takes_text_as_it_is_and_no_line_breaks() -> None:
    merged = render_text(
        "{{ contact.name }}: <{{ job.title }}> & {{ user.name }}", ANA | {"user": {"name": "R\r\nBcc: x"}}
    )

    assert merged.text == 'Ana & Co <x>: <Nurse "ICU"> & R Bcc: x'
    assert merged.missing == []


@given(st.text())
def test_a_value_is_text_and_stays_text(value: str) -> None:
    merged = render_html(f"<p>[{FIELD}]</p>", {"contact": {"first_name": value}})

    shown = " ".join(value.split())
    if not shown:
        assert merged.missing == ["contact.first_name"]
    else:
        assert merged.missing == []
        assert merged.text.count("<") == 2
        if shown.isprintable():
            assert html_to_text(clean_composed_html(merged.text)).startswith("[")


@given(st.text(alphabet='{}|." <>/abpontacrsefi_&;\n', max_size=60), st.booleans())
def test_nothing_that_looks_like_a_field_is_ever_left(source: str, is_html: bool) -> None:
    html = clean_composed_html(source + FIELD + source) if is_html else source + FIELD + source
    merged = (render_html if is_html else render_text)(html, ANA)

    raw = html_to_text(merged.text) if is_html else merged.text
    assert merged.missing or ("{{" not in raw and "}}" not in raw)
    assert unknown_in(html, {"contact.first_name"}, is_html=is_html) == [
        each for each in merged.missing if each != "contact.first_name"
    ]


@given(st.integers(2, len(FIELD) - 2), st.integers(2, len(FIELD) - 2))
def test_tags_within_the_braces_change_nothing(one: int, other: int) -> None:
    first, last = sorted((one, other))
    html = f"<p>{FIELD[:first]}<b>{FIELD[first:last]}</b>{FIELD[last:]}</p>"

    assert render_html(html, ANA).text == "<p>Ana</p>"
    assert render_html(html, ANA).missing == []


def test_values_that_come_to_far_too_much_are_told_and_do_not_fill_the_memory() -> None:
    merged = render_html("{{ job.title }}" * 2000, {"job": {"title": "x" * 2000}})

    assert merged.missing == ["job.title"]
    assert len(merged.text) == 1_000_000


def test_comments_that_nothing_closes_take_no_time() -> None:
    begun = time.process_time()

    assert fields_in("{{ job.title }}" + "<!--" * 20_000) == [MergeField("job", "title")]

    assert time.process_time() - begun < 1
