"""What the columns of a list mean: guessed from their names in several languages, chosen by the user, read into people.

A column goes to one of a contact's own values, to a merge field of the list's own name, or nowhere.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from zoneinfo import available_timezones

from webmail.domain.addresses import Address, normalise_email, parse_typed
from webmail.domain.tables import Problem, RecipientRow, Table, names_of, no_address

TARGETS = {
    "email": "Email",
    "name": "Name",
    "first_name": "First name",
    "last_name": "Last name",
    "company": "Company",
    "tags": "Tags",
    "time_zone": "Time zone",
}
"""What a column can hold, with its label; anything else is a merge field of its own, "" is left out."""

MOST_FIELDS = 50
_MAX_FIELD = 64
_NAMES = {
    "email": "email mail mailaddress mailadresse emailaddress emailadresse emailwork workemail personalemail "
    "primaryemail privatemail email1value correo correoelectronico courriel adresseemail adressemail "
    "adresseelectronique posta postaelettronica indirizzoemail enderecodeemail epost epostadress epostadresse eposta "
    "sahkoposti почта электроннаяпочта имейл メール メールアドレス 邮箱 电子邮件 이메일",
    "name": "name fullname displayname contactname candidate candidatename kandidat person vollername nome "
    "nomecompleto nombre nombrecompleto nom nomcomplet naam namn navn nimi имя фио imieinazwisko jmeno ad adsoyad isim "
    "名前 氏名 姓名 이름",
    "first_name": "firstname givenname forename first given vorname prenom nombredepila primernombre voornaam fornamn "
    "fornavn etunimi imie krestnijmeno 名",
    "last_name": "lastname surname familyname last family nachname familienname nomdefamille apellido apellidos "
    "apelido sobrenome cognome achternaam efternamn efternavn etternavn sukunimi nazwisko prijmeni soyad "
    "soyadi фамилия 姓",
    "company": "company companyname currentcompany organization organisation organizationname employer currentemployer "
    "firma firmenname unternehmen arbeitgeber entreprise societe empresa compania azienda societa bedrijf foretag "
    "virksomhed bedrift yritys компания организация 会社 公司 회사",
    "tags": "tags tag labels label groups group categories category gruppe gruppen schlagworte etiquetas etiquettes "
    "etichette",
    "time_zone": "timezone zeitzone fuseauhoraire zonahoraria fusohorario fusoorario tijdzone tz",
}
_FAMILY_BESIDE_GIVEN = frozenset({"name", "nom", "naam", "namn", "navn"})
_GIVEN_BESIDE_FAMILY = frozenset({"name", "nome", "nombre", "имя", "ad", "jmeno", "naam", "isim"})
"""What "Name" means where the list has another column for the other half of it."""
_OURS = frozenset({"donotmail"})
"""What our own files say beside what a list says: it is no value of anybody's."""
_MARKS = re.compile("(?<=[a-z])[\u0300-\u036f]+")


@dataclass(frozen=True)
class Person:
    """One row of a list, read by its columns; what a list does not say is "" or empty.

    A person without `addresses` is one whose line has none: then `problem` says so, and `written` is what stands there.
    """

    line: int
    addresses: list[Address]
    first_name: str = ""
    last_name: str = ""
    name: str = ""
    company: str = ""
    tags: list[str] = field(default_factory=list)
    fields: dict[str, str] = field(default_factory=dict)
    time_zone: str = ""
    problem: str = ""
    written: str = ""

    def to_row(self) -> RecipientRow:
        """Give the person as a mailing takes them: with the first address."""
        named = {"first_name": self.first_name, "last_name": self.last_name, "company": self.company}
        fields = self.fields | {name: value for name, value in named.items() if value}
        email = self.addresses[0].email if self.addresses else self.written
        return RecipientRow(email, self.name, fields, self.time_zone, line=self.line, problem=self.problem)


@dataclass(frozen=True)
class People:
    """The people of a list, and a sentence for each line, or part of one, that could not be taken.

    `unreadable`: those whose lines have no address; each is among the problems, too.
    """

    rows: list[Person]
    problems: list[Problem]
    unreadable: list[Person] = field(default_factory=list)


def field_name(label: str) -> str:
    """Make the name of a merge field out of what somebody calls it: "Years of work" becomes `years_of_work`."""
    words = re.findall(r"[^\W_]+", _plain(label))
    name = "_".join(words)[:_MAX_FIELD].strip("_")
    return name if not name or not name[0].isdigit() else f"n{name}"[:_MAX_FIELD]


def guess_columns(table: Table) -> list[str]:
    """Say for each column what it holds, by its name, or by its values where there is no name.

    Returns:
        Keys of `TARGETS`, names of merge fields, and "" for what is left out; each but "" once.
    """
    targets: list[str] = []
    for label in table.header:
        target = "" if _key(label) in _OURS else _known_names().get(_key(label)) or field_name(label)
        targets.append(target if target not in targets else "")
    if "email" not in targets:
        counts = [sum("@" in row.cells[at] for row in table.rows[:200]) for at in range(len(targets))]
        if any(counts):
            targets[counts.index(max(counts))] = "email"
    if "name" in targets:
        at = targets.index("name")
        targets[at] = _half_of_name(_key(table.header[at]), targets)
    return targets


def sample_of(table: Table, column: int) -> str:
    """Give the first value of a column, to recognise it by."""
    return next((row.cells[column] for row in table.rows[:200] if row.cells[column]), "")


def read_people(table: Table, columns: Sequence[str]) -> People:
    """Read the rows of a list; a row without an address is a problem, and so is each part that is none.

    Args:
        columns: for each column what it holds, as `guess_columns` gives it; "email" among them.
    """
    rows: list[Person] = []
    unreadable: list[Person] = []
    problems = list(table.problems)
    for row in table.rows:
        cells = dict(zip(columns, row.cells, strict=False))
        addresses, refused = parse_typed(cells.get("email", ""))
        found = [Problem(row.line, no_address(piece)) for piece in refused]
        if not addresses and not refused:
            found = [Problem(row.line, "There is no mail address in this line.")]
        problems += found
        if not addresses:
            person = _person(row.line, [], cells, "")
            unreadable.append(replace(person, problem=found[0].sentence, written=cells.get("email", "")[:80]))
            continue
        zone = cells.get("time_zone", "")
        if zone and zone not in _zones():
            sentence = f"“{zone[:60]}” is no time zone, and was left out. Write it as Europe/Paris."
            problems.append(Problem(row.line, sentence))
            zone = ""
        rows.append(_person(row.line, addresses, cells, zone))
    return People(rows, sorted(problems, key=lambda each: each.line), unreadable)


def read_tags(text: str) -> list[str]:
    """Read tags as people type them: separated by commas, semicolons or bars; each once."""
    tags: dict[str, str] = {}
    for each in re.split(r"[,;|\n]", text):
        tag = " ".join(each.split())[:40]
        if tag:
            tags.setdefault(tag.casefold(), tag)
    return list(tags.values())


def is_time_zone(name: str) -> bool:
    """Say whether a time zone is known by that name; "" is none."""
    return name in _zones()


def _person(line: int, addresses: list[Address], cells: dict[str, str], zone: str) -> Person:
    first_name, last_name = cells.get("first_name", ""), cells.get("last_name", "")
    name = cells.get("name", "") or " ".join(filter(None, (first_name, last_name)))
    name = name or (addresses[0].name if addresses else "")
    if not first_name and not last_name:
        first_name, last_name = names_of(name)
    own = {key: value for key, value in cells.items() if key and key not in TARGETS and value}
    unique = list({normalise_email(each.email): each for each in addresses}.values())
    return Person(
        line=line,
        addresses=unique,
        first_name=first_name[:100],
        last_name=last_name[:100],
        name=name[:200],
        company=cells.get("company", "")[:200],
        tags=read_tags(cells.get("tags", "")),
        fields=dict(list(own.items())[:MOST_FIELDS]),
        time_zone=zone,
    )


def _half_of_name(key: str, targets: Sequence[str]) -> str:
    has_first, has_last = "first_name" in targets, "last_name" in targets
    if has_first and not has_last and key in _FAMILY_BESIDE_GIVEN:
        return "last_name"
    return "first_name" if has_last and not has_first and key in _GIVEN_BESIDE_FAMILY else "name"


def _key(label: str) -> str:
    return "".join(re.findall(r"[^\W_]+", _plain(label)))


@lru_cache
def _known_names() -> dict[str, str]:
    return {_key(name): target for target, names in _NAMES.items() for name in names.split()}


def _plain(text: str) -> str:
    """Bring a name into lower case and take the marks off its letters."""
    apart = unicodedata.normalize("NFKD", text).casefold().replace("ł", "l").replace("ø", "o")
    # Once more: some letters of other scripts fold into a form that is put together anew.
    return unicodedata.normalize("NFKC", _MARKS.sub("", unicodedata.normalize("NFKD", apart))).casefold()


@lru_cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def columns_chosen(table: Table, chosen: Sequence[str]) -> Iterator[str]:
    """Bring a user's choice into the form in which it is read: one entry for each column, each target once."""
    taken: set[str] = set()
    for at in range(len(table.header)):
        target = chosen[at] if at < len(chosen) else ""
        target = target if target in TARGETS else field_name(target)
        yield "" if target in taken else target
        taken.add(target)
