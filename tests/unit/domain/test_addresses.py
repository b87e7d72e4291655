"""Addresses as they come, and as people type and paste them."""

from __future__ import annotations

from email.header import decode_header

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.domain.wild import WILD_TEXT, at_most
from webmail.domain.addresses import (
    Address,
    clean_name,
    domain_of,
    encode_address,
    format_address,
    normalise_email,
    parse_header,
    parse_typed,
)


@pytest.mark.parametrize(
    ("value", "pairs"),
    [
        ("ann@example.com", [("", "ann@example.com")]),
        ("Ann Lee <ann@example.com>", [("Ann Lee", "ann@example.com")]),
        ('"Lee, Ann" <ann@example.com>', [("Lee, Ann", "ann@example.com")]),
        ("'Ann Lee' <ann@example.com>", [("Ann Lee", "ann@example.com")]),
        ('"\'Ann\'" <ann@example.com>', [("Ann", "ann@example.com")]),
        ('"Ann \\"Ace\\" Lee" <ann@example.com>', [('Ann "Ace" Lee', "ann@example.com")]),
        ("ann@example.com (Ann Lee)", [("Ann Lee", "ann@example.com")]),
        ("<ann@example.com> Ann", [("", "ann@example.com")]),
        ("<ann@example.com>, Bob <bob@example.org>", [("", "ann@example.com"), ("Bob", "bob@example.org")]),
        ("Team: ann@example.com, Bob <bob@example.org>;, eve@example.net",
         [("", "ann@example.com"), ("Bob", "bob@example.org"), ("", "eve@example.net")]),
        ("undisclosed-recipients:;", []),
        ("Ann Lee <ann@example.com", [("Ann Lee", "ann@example.com")]),
        ("Ann @ Work <ann@example.com>", [("Ann @ Work", "ann@example.com")]),
        ("ann@example.com <ann@example.com>", [("ann@example.com", "ann@example.com")]),
        ("<@relay.example:ann@example.com>", [("", "ann@example.com")]),
        ("Lee, Ann <ann@example.com>", [("Ann", "ann@example.com")]),
        ("ann@example.com; bob@example.org", [("", "ann@example.com"), ("", "bob@example.org")]),
        ("Ann <<ann@example.com>>", [("", "ann@example.com")]),
        ('"a b"@example.com', [("", '"a b"@example.com')]),
        ("Jörg <jörg@münchen.example>", [("Jörg", "jörg@münchen.example")]),
        ("田中 <tanaka@例え.example>", [("田中", "tanaka@例え.example")]),
        ("root@localhost", [("", "root@localhost")]),
        ("ann@[192.0.2.1]", [("", "ann@[192.0.2.1]")]),
        ("Ann\tLee  <ann@example.com>", [("Ann Lee", "ann@example.com")]),
        ("Evil\u202emoc.knab <ann@example.com>", [("Evil moc.knab", "ann@example.com")]),
        ("\U0001f469\u200d\U0001f4bb <dev@example.com>", [("\U0001f469\u200d\U0001f4bb", "dev@example.com")]),
        ("not an address", []),
        ("@", []),
        ("", []),
    ],
)  # fmt: skip
def test_a_field_gives_its_addresses(value: str, pairs: list[tuple[str, str]]) -> None:
    assert [(address.name, address.email) for address in parse_header(value)] == pairs


@pytest.mark.parametrize(
    "value", ["(" * 60_000, "a:" * 30_000, "<" * 60_000, '"' * 60_001, "a@b," * 16_000, "a@" * 30_000, "," * 60_000]
)
def test_no_field_is_deep_or_long_enough_to_stop_the_parser(value: str) -> None:
    with at_most(2):
        assert len(parse_header(value)) <= 2000


def test_addresses_are_found_where_the_stdlib_gives_up() -> None:
    assert parse_header("(" * 5000 + " ann@example.com") == [Address("", "ann@example.com")]


@given(WILD_TEXT)
def test_whatever_stands_in_a_field_gives_sound_addresses(value: str) -> None:
    for address in parse_header(value):
        assert "@" in address.email and len(address.email) <= 320
        assert address.email.isprintable() and "\n" not in address.name


@pytest.mark.parametrize(
    ("text", "emails"),
    [
        ("ann@example.com", ["ann@example.com"]),
        ("ann@example.com, bob@example.org", ["ann@example.com", "bob@example.org"]),
        ("ann@example.com; bob@example.org;", ["ann@example.com", "bob@example.org"]),
        ("ann@example.com\nbob@example.org\r\n", ["ann@example.com", "bob@example.org"]),
        ("ann@example.com bob@example.org", ["ann@example.com", "bob@example.org"]),
        ("Ann <ann@example.com>, Bob <bob@example.org>", ["ann@example.com", "bob@example.org"]),
        ('"Lee, Ann" <ann@example.com>, bob@example.org', ["ann@example.com", "bob@example.org"]),
        ("Lee, Ann <ann@example.com>; Roe, Bob <bob@example.org>", ["ann@example.com", "bob@example.org"]),
        ("ann@example.com;bob@example.org, eve@example.net", ["ann@example.com", "bob@example.org", "eve@example.net"]),
        ("<ann@example.com>", ["ann@example.com"]),
        ("mailto:ann@example.com", ["ann@example.com"]),
        ("Ann <mailto:ann@example.com>", ["ann@example.com"]),
        ("ann@example.com.", ["ann@example.com"]),
        ("ann@example.com <ann@example.com>", ["ann@example.com"]),
        ("Ann\tann@example.com\nBob\tbob@example.org", ["ann@example.com", "bob@example.org"]),
        ("“Ann” <ann@example.com>；b@example.org、c@x.example", ["ann@example.com", "b@example.org", "c@x.example"]),
        ("\u200bann@example.com\ufeff", ["ann@example.com"]),
        ("Ann\xa0Lee\xa0<ann@example.com>", ["ann@example.com"]),
        ("jörg@münchen.example", ["jörg@münchen.example"]),
        ("info@xn--mnchen-3ya.example", ["info@xn--mnchen-3ya.example"]),
        ("o'neil+jobs@sub.example.co.uk", ["o'neil+jobs@sub.example.co.uk"]),
        ("ANN@example.com, ann@EXAMPLE.com", ["ANN@example.com"]),
        ("", []),
        (" ,;\n, ", []),
    ],
)  # fmt: skip
def test_what_people_paste_is_understood(text: str, emails: list[str]) -> None:
    addresses, refused = parse_typed(text)

    assert [address.email for address in addresses] == emails
    assert refused == []


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("ann", ["ann"]),
        ("ann, bob@example.org", ["ann"]),
        ("Lee, Ann <ann@example.com>", ["Lee"]),
        ("ann@localhost", ["ann@localhost"]),
        ("ann@example..com", ["ann@example..com"]),
        (".ann@example.com", [".ann@example.com"]),
        ("ann.@example.com", ["ann.@example.com"]),
        ("ann@-example.com", ["ann@-example.com"]),
        ("ann@example.c0m1", []),
        ("ann@192.0.2.1", ["ann@192.0.2.1"]),
        ("ann@@example.com", ["ann@@example.com"]),
        ("a@b@example.com", ["a@b@example.com"]),
        ("Ann <ann@example.com", ["Ann <ann@example.com"]),
        ("Ann <a@b.example> <c@d.example>", ["Ann <a@b.example> <c@d.example>"]),
        ("a@b.example Ann <c@d.example>", ["a@b.example Ann <c@d.example>"]),
        ("Ann <ann at example.com>", ["Ann <ann at example.com>"]),
        ("x@example.com\x00", ["x@example.com\x00"]),
        ("a" * 65 + "@example.com", ["a" * 65 + "@example.com"]),
        ("a@" + "b." * 126 + "example", ["a@" + "b." * 126 + "example"]),
    ],
)
def test_what_is_no_address_is_named_and_never_guessed_at(text: str, refused: list[str]) -> None:
    assert parse_typed(text)[1] == refused


@pytest.mark.parametrize(
    "text", ["<" * 60_000, "a" + " " * 60_000 + "<", "a@" + "a-" * 30_000, "a@b.cc " * 9_000, '"' * 60_001]
)
def test_a_long_paste_costs_little(text: str) -> None:
    with at_most(2):
        parse_typed(text)


NAMES = st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), max_size=40).map(clean_name)
EMAILS = st.from_regex(r"[a-z0-9+_-]{1,20}(\.[a-z0-9]{1,5})?@[a-z0-9]{1,10}\.(com|example|co\.uk)", fullmatch=True)


@given(
    st.lists(st.tuples(NAMES, EMAILS), max_size=5, unique_by=lambda pair: pair[1]), st.sampled_from([", ", ";\n", "\n"])
)
def test_what_we_write_is_read_back(pairs: list[tuple[str, str]], separator: str) -> None:
    addresses = [Address(name, email) for name, email in pairs if not set(name) & set('"\\“”„，；、')]

    read, refused = parse_typed(separator.join(format_address(address) for address in addresses))

    assert refused == []
    assert [address.email for address in read] == [address.email for address in addresses]
    assert [parse_header(format_address(address)) for address in addresses] == [[address] for address in addresses]


@given(WILD_TEXT)
def test_typing_loses_nothing_silently(text: str) -> None:
    addresses, refused = parse_typed(text)

    assert text.count("@") == 0 or addresses or refused
    assert all("@" in address.email and address.email.isprintable() for address in addresses)


@pytest.mark.parametrize(
    ("address", "written"),
    [
        (Address("", "a@b.example"), "a@b.example"),
        (Address("Ann Lee", "a@b.example"), "Ann Lee <a@b.example>"),
        (Address("Lee, Ann", "a@b.example"), '"Lee, Ann" <a@b.example>'),
        (Address('Ann "Ace" Lee', "a@b.example"), '"Ann \\"Ace\\" Lee" <a@b.example>'),
        (Address("Jörg", "a@b.example"), "Jörg <a@b.example>"),
    ],
)
def test_an_address_is_written_as_people_read_it(address: Address, written: str) -> None:
    assert format_address(address) == written


def test_a_name_of_another_alphabet_becomes_an_encoded_word() -> None:
    written = encode_address(Address("Zoë Müller", "zoe@example.com"))

    word, _, rest = written.partition(" <")
    content, charset = decode_header(word)[0]
    assert written.isascii() and content.decode(charset) == "Zoë Müller" and rest == "zoe@example.com>"


def test_addresses_compare_by_their_case_folded_form() -> None:
    assert normalise_email(" Ann@Example.COM ") == "ann@example.com"
    for other in (
        "ANN@BÜCHER.example",
        "ann@xn--bcher-kva.example",
        "ann@mail.XN--BCHER-KVA.example",
        "ann@bu\u0308cher.example",
    ):
        assert normalise_email(other).replace("mail.", "") == "ann@bücher.example"
    for odd in ("ann@xn--.example", "ann@ü..example", "xn--@", "ü", "@", "", "ann@xn--\udc80"):
        assert normalise_email(odd) == normalise_email(normalise_email(odd))
    assert domain_of("Ann@Example.COM") == "example.com"
    assert domain_of("nobody") == ""
    assert Address("", "a@b.example").label == "a@b.example" and Address("Ann", "a@b.example").label == "Ann"
    assert Address("Ann", "a@b.example").pair == ["Ann", "a@b.example"]
