"""What the columns of a list hold, and the people that its rows are."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from webmail.domain.columns import columns_chosen, field_name, guess_columns, read_people, read_tags
from webmail.domain.merge import fields_in, write_field
from webmail.domain.tables import Problem, RecipientRow, Table, read_table


def table_of(*lines: str) -> Table:
    return read_table("\n".join(lines).encode())


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        ("First Name;Last Name;E-mail Address;Company", ["first_name", "last_name", "email", "company"]),
        ("E-Mail-Adresse;Vorname;Nachname;Firma", ["email", "first_name", "last_name", "company"]),
        ("Name;Vorname;Mail", ["last_name", "first_name", "email"]),
        ("Nom;Prénom;Courriel;Société", ["last_name", "first_name", "email", "company"]),
        ("Nom;Courriel", ["name", "email"]),
        ("Nombre;Apellidos;Correo electrónico", ["first_name", "last_name", "email"]),
        ("Nome;Cognome;Posta", ["first_name", "last_name", "email"]),
        ("Nome;E-mail;Empresa", ["name", "email", "company"]),
        ("Voornaam;Achternaam;E-mail", ["first_name", "last_name", "email"]),
        ("Förnamn;Efternamn;E-post", ["first_name", "last_name", "email"]),
        ("Imię;Nazwisko;E-mail", ["first_name", "last_name", "email"]),
        ("Имя;Фамилия;Почта", ["first_name", "last_name", "email"]),
        ("姓;名;メールアドレス", ["last_name", "first_name", "email"]),
        ("Email;Email;Years of work;;2nd;Time zone", ["email", "", "years_of_work", "", "n2nd", "time_zone"]),
    ],
)  # fmt: skip
def test_columns_are_guessed_from_names_in_many_languages(header: str, columns: list[str]) -> None:
    assert guess_columns(table_of(header, "a;b;c")) == columns


def test_a_column_of_addresses_is_known_by_them() -> None:
    assert guess_columns(table_of("Ann;ann@x.example", "Bo;bo@x.example")) == ["", "email"]
    assert guess_columns(table_of("Who;Where", "Ann;ann@x.example")) == ["who", "email"]


def test_rows_become_people_and_what_is_wrong_is_told_by_line() -> None:
    table = table_of(
        "Name;Email;City;Zone;Tags",
        "Ana Silva;Ana@X.example;Lyon;Europe/Paris;nurse, Nurse, night, nurse",
        ";Bo Li <bo@x.example>; ;Mars/Olympus;",
        "Cy;;Rome;;",
        "Di;di(at)x;;;",
        "Ed;ed@x.example, ed@home.example;;;",
    )
    people = read_people(table, ["name", "email", "city", "time_zone", "tags"])

    ana, bo, ed = people.rows
    assert (ana.first_name, ana.last_name, ana.fields, ana.tags) == (
        "Ana",
        "Silva",
        {"city": "Lyon"},
        ["nurse", "night"],
    )
    assert ana.to_row() == RecipientRow(
        "Ana@X.example",
        "Ana Silva",
        {"city": "Lyon", "first_name": "Ana", "last_name": "Silva"},
        "Europe/Paris",
        line=2,
    )
    assert (bo.name, bo.fields, bo.time_zone) == ("Bo Li", {}, "")
    assert [address.email for address in ed.addresses] == ["ed@x.example", "ed@home.example"]
    assert people.problems == [
        Problem(3, "“Mars/Olympus” is no time zone, and was left out. Write it as Europe/Paris."),
        Problem(4, "There is no mail address in this line."),
        Problem(5, "“di(at)x” is no mail address."),
    ]


def test_a_choice_holds_each_target_once() -> None:
    table = table_of("A;B;C;D", "1;2;3;4")

    assert list(columns_chosen(table, ["email", "email", "Years of work"])) == ["email", "", "years_of_work", ""]


def test_tags_are_read_once_each() -> None:
    assert read_tags(" nurse,  night shift; nurse | ") == ["nurse", "night shift"]


@given(st.text())
@example("ᴬ")
@example("ΐ")
@example("ϲ")
def test_a_fields_name_can_always_be_written_as_a_merge_field(label: str) -> None:
    name = field_name(label)

    assert not name or [each.name for each in fields_in(write_field("contact", name))] == [name]
