"""Pictures inside what is written: taken out, renamed, dropped."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from webmail.domain.html import clean_composed_html
from webmail.domain.pictures import content_ids_in, keep_pictures, rename_pictures, take_out_pictures


def test_a_picture_in_the_text_becomes_a_file() -> None:
    body = clean_composed_html('<p>a<img src="data:image/jpg;base64,aGVs bG8=" alt="x>y"></p>')

    taken = take_out_pictures(body, lambda: "1@x")

    assert [(file.filename, file.media_type, file.content) for file in taken.files] == [
        ("picture-1.jpg", "image/jpeg", b"hello")
    ]
    assert content_ids_in(taken.html) == {"1@x"}


def test_the_same_picture_twice_is_one_file() -> None:
    picture = '<img src="data:image/png;base64,aGVsbG8=">'

    taken = take_out_pictures(clean_composed_html(picture + picture), lambda: "1@x")

    assert len(taken.files) == 1
    assert taken.html.count("cid:1@x") == 2


def test_a_picture_that_cannot_be_read_is_dropped() -> None:
    assert take_out_pictures('<p>a<img src="data:image/png;base64,a"></p>', lambda: "1@x").html == "<p>a</p>"


def test_pictures_are_renamed_and_others_dropped() -> None:
    body = clean_composed_html('<img src="cid:a&b"><img src="cid:c"><img src="https://x.example/d.png">')

    assert content_ids_in(body) == {"a&b", "c"}
    assert rename_pictures(body, {"a&b": "new@x"}) == '<img src="cid:new@x"><img src="https://x.example/d.png">'
    assert content_ids_in(keep_pictures(body, {"c"})) == {"c"}


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=200))
def test_nothing_makes_it_fail(source: str) -> None:
    body = clean_composed_html(f'<img src="cid:{source}"><img alt="{source}" src="data:image/png;base64,{source}">')

    taken = take_out_pictures(body, lambda: "1@x")

    assert clean_composed_html(keep_pictures(taken.html, ())) == keep_pictures(taken.html, ())
