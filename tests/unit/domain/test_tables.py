"""Lists of people: any charset and delimiter, quotes, ragged rows, and a sentence for each line that is not right."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webmail.domain import tables
from webmail.domain.tables import (
    Problem,
    names_of,
    read_pasted,
    read_table,
    read_table_text,
    read_typed_table,
    text_of,
    write_table,
)
from webmail.errors import InputRefused


def cells(content: bytes) -> list[list[str]]:
    table = read_table(content)
    return [table.header, *(row.cells for row in table.rows)]


@pytest.mark.parametrize(
    ("charset", "text"),
    [
        ("utf-8", "Name;E-mail\nZoë 山田 Łukasz;z@x.example\n"),
        ("utf-8-sig", "Name;E-mail\nZoë;z@x.example\n"),
        ("utf-16", "Name;E-mail\nZoë;z@x.example\n"),
        ("utf-16-le", "Name;E-mail\nZoë;z@x.example\n"),
        ("utf-16-be", "Name;E-mail\nZoë;z@x.example\n"),
        ("cp1252", "Prénom;E-mail\nFrançois Lefèvre;f@x.example\nŒuvre cœur;j@x.example\n"),
        ("cp1252", "Vorname;E-mail\nJürgen Größe;j@x.example\n"),
        ("cp1252", "Navn;E-mail\nSøren Kjær;s@x.example\nÅsa Björk;a@x.example\n"),
        ("cp1252", "Nafn;E-mail\nÞórður Ægisson;t@x.example\n"),
        ("cp1252", "Nombre;E-mail\nPeña Núñez;p@x.example\nO’Neil “Bo”;o@x.example\n"),
        ("cp1250", "Jméno;E-mail\nŘehoř Žižka;r@x.example\n"),
        ("cp1250", "Imię;E-mail\nŁukasz Śliwa;r@x.example\n"),
        ("cp1254", "Ad;E-mail\nGüneş Işık;g@x.example\n"),
        ("cp1251", "Имя;E-mail\nАнна Петрова;a@x.example\n"),
        ("cp932", "名前;E-mail\n山田太郎;y@x.example\n"),
        ("gb18030", "姓名;E-mail\n王小明在上海的公司工作;w@x.example\n"),
    ],
)
def test_the_charset_is_recognised(charset: str, text: str) -> None:
    expected = [line.split(";") for line in text.splitlines()]

    assert cells(text.encode(charset)) == expected


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_the_delimiter_is_recognised(delimiter: str, line_end: str) -> None:
    rows = [["Name", "E-mail", "Note"], ["Lee, Ann; PhD", "ann@x.example", "1,5"], ["Bo", "bo@x.example", ""]]
    written = [delimiter.join(f'"{cell}"' if set(cell) & set(",;") else cell for cell in row) for row in rows]

    table = read_table(line_end.join(written).encode())

    assert [table.header, *(row.cells for row in table.rows)] == rows
    assert table.delimiter == delimiter
    assert table.problems == []


def test_excels_own_hint_is_followed() -> None:
    assert cells(b"sep=;\r\nName;E-mail\r\nA,B;a@x.example") == [["Name", "E-mail"], ["A,B", "a@x.example"]]


def test_quotes_hold_delimiters_quotes_and_line_ends() -> None:
    table = read_table(b'Name,E-mail\n"Ann ""A"" Lee\nof Acme",ann@x.example\n6" Bo,bo@x.example\n')

    assert [row.cells for row in table.rows] == [['Ann "A" Lee of Acme', "ann@x.example"], ['6" Bo', "bo@x.example"]]
    assert [row.line for row in table.rows] == [2, 4]
    assert table.problems == []


def test_a_quote_that_is_never_closed_costs_its_own_line_only() -> None:
    rest = "".join(f"P{number},p{number}@x.example\n" for number in range(200))
    table = read_table(f'Name,E-mail\n"Ann,ann@x.example\n{rest}'.encode())

    assert len(table.rows) == 201
    assert table.rows[0].cells == ["Ann", "ann@x.example"]
    assert table.problems == [Problem(2, "A quotation mark opens here and is never closed.")]


def test_ragged_rows_are_levelled_and_told() -> None:
    table = read_table(b"Name,E-mail,City\nAnn\n\nBo,bo@x.example,Lyon,more\nCy,cy@x.example,,,\n")

    assert [row.cells for row in table.rows] == [
        ["Ann", "", ""],
        ["Bo", "bo@x.example", "Lyon"],
        ["Cy", "cy@x.example", ""],
    ]
    assert [row.line for row in table.rows] == [2, 4, 5]
    assert table.problems == [Problem(4, "There are more values than the 3 columns; the last were left out.")]


def test_a_first_row_with_an_address_is_no_header() -> None:
    table = read_table(b"Ann,ann@x.example\nBo,bo@x.example\n")

    assert not table.has_header
    assert table.header == ["", ""]
    assert len(table.rows) == 2


def test_one_column_needs_no_delimiter() -> None:
    assert cells(b"E-mail\nann@x.example\nbo@x.example\n") == [["E-mail"], ["ann@x.example"], ["bo@x.example"]]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "nothing in this list"),
        (b"\n \n;;\n", "nothing in this list"),
        (b"PK\x03\x04rest", "Save it as CSV"),
        (bytes(range(1, 9)) * 100, "holds no text"),
        (b"a@x.example\n" * (tables.MAX_ROWS + 1), "takes up to 20,000"),
        (b"a" * (tables.MAX_BYTES + 1), "takes up to 10 MB"),
    ],
)
def test_what_is_no_list_is_refused_with_the_way_out(content: bytes, sentence: str) -> None:
    with pytest.raises(InputRefused, match=sentence):
        read_table(content)


def test_pasted_addresses_keep_their_names_and_lines() -> None:
    pasted = read_pasted(
        'Ann Lee <ann@x.example>, bo@x.example\n\nnobody\n"Silva, Rui" <rui@x.example>; no@; x@y.example\n'
    )

    assert [(row.line, row.name, row.email) for row in pasted.rows] == [
        (1, "Ann Lee", "ann@x.example"),
        (1, "", "bo@x.example"),
        (4, "Silva, Rui", "rui@x.example"),
        (4, "", "x@y.example"),
    ]
    assert pasted.rows[2].fields == {"first_name": "Rui", "last_name": "Silva"}
    assert pasted.problems == [Problem(3, "“nobody” is no mail address."), Problem(4, "“no@” is no mail address.")]


def test_pasted_cells_are_a_table_and_pasted_addresses_are_none() -> None:
    copied = read_typed_table("Vorname\tE-Mail\nAnn\tann@x.example\n")
    addresses = read_typed_table("Ann Lee <ann@x.example>\nBo <bo@x.example>")
    bare = read_typed_table("Ann,Lee,ann@x.example\nBo,Li,bo@x.example")

    assert copied.header == ["Vorname", "E-Mail"]
    assert [row.cells for row in addresses.rows] == [["Ann Lee", "ann@x.example"], ["Bo", "bo@x.example"]]
    assert addresses.header == ["Name", "Email"]
    assert [row.cells for row in bare.rows] == [["Ann", "Lee", "ann@x.example"], ["Bo", "Li", "bo@x.example"]]


@pytest.mark.parametrize(
    "content", [b"E-mail\nann@x.example\n", b"ann@x.example;bo@x.example\n", "A;E\n\nZoë;z@x.example".encode("utf-16")]
)
def test_a_file_reads_the_same_after_its_text_has_been_in_a_page(content: bytes) -> None:
    table = read_table(content)
    again = read_table_text(text_of(content, table).replace("\n", "\r\n"))

    assert (again.header, again.rows, again.problems) == (table.header, table.rows, table.problems)


@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("Ana Silva", ("Ana", "Silva")),
        ("  Silva ,  Ana Maria ", ("Ana Maria", "Silva")),
        ("Anne-Marie O’Neil", ("Anne-Marie", "O’Neil")),
        ("Dr. Silva", ("", "")),
        ("Ana Maria da Silva", ("", "")),
        ("Acme 24", ("", "")),
        ("Ana", ("", "")),
        ("", ("", "")),
    ],
)
def test_a_name_is_cut_only_where_it_is_clear(name: str, names: tuple[str, str]) -> None:
    assert names_of(name) == names


def test_what_is_written_is_no_formula_and_is_read_back_as_it_was() -> None:
    rows = [["=HYPERLINK(1)", "+33 1"], ["@x", '-"quoted", and more'], ["Zoë", "＝1+1"]]

    written = "".join(write_table(["Name", "Note"], rows))

    assert written.startswith("\ufeffName,Note\r\n'=HYPERLINK(1),'+33 1\r\n'@x,\"'-")
    assert [row.cells for row in read_table(written.encode()).rows] == rows


def test_one_endless_word_is_read_as_quickly_as_many() -> None:
    begun = time.process_time()

    read_table(b"a" * 50_000 + "é".encode("cp1252"))

    assert time.process_time() - begun < 1


@given(st.binary(max_size=300))
def test_anything_is_read_or_refused_in_words(content: bytes) -> None:
    try:
        table = read_table(content)
    except InputRefused:
        return
    assert all(len(row.cells) == len(table.header) for row in table.rows)


@given(st.text(alphabet='ab",;\n\t|@. ', max_size=200))
def test_a_row_is_never_lost_without_a_word(text: str) -> None:
    try:
        table = read_typed_table(text)
    except InputRefused:
        return
    kept = "".join(table.header) + "".join("".join(row.cells) for row in table.rows)
    lost = text.count("a") - kept.count("a")
    assert lost <= 0 or table.problems
