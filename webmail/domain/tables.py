"""Lists of people as users have them: CSV files out of any program, and addresses pasted from anywhere.

What can be read is read, and each line that cannot be is told in one sentence with its number; only a file that is no
list at all is refused.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from charset_normalizer import from_bytes

from webmail.domain.addresses import parse_typed
from webmail.errors import InputRefused

MAX_BYTES = 10 * 1024 * 1024
MAX_ROWS = 20_000
MAX_COLUMNS = 100
MAX_CELL = 2000
DELIMITERS = ",;\t|"
_MOST_LINES_OF_A_ROW = 50
_SAMPLE_ROWS = 60
_FORMULA = tuple("=+-@\t\r\n|%＝＋－＠")
"""The last four are the same in full width, which some spreadsheets read alike."""
_APOSTROPHE = re.compile(r"^'(?=[=+\-@|%＝＋－＠])")
_LINE_END = re.compile(r"\r\n|\n|\r")
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_MARKED = re.compile(r"(?<!\w)[0-9A-Za-z_]*[^\W\x00-\x7f]\w*")
_FOREIGN = re.compile(r"[^\s\x00-\x7f]{3,}")
"""Words without a letter of ours, and of whole words with marks the share that tells of another script."""
_CENTRAL = re.compile(r"\w[³¹¿¾¼Ÿ\ufffd]|[³¹¿¾¼£¥¯]\w|[Œœ](?![uUiIt])")
"""How `ł`, `ą`, `ż`, `ľ`, `ź`, `ť` and `ś` look when they are read as Western European."""
_OTHER_SCRIPTS = "cp1251 koi8_r cp1253 cp1255 cp1256 cp874 cp932 euc_jp gb18030 big5 cp949".split()


@dataclass(frozen=True)
class RecipientRow:
    """One person of a list, for a mailing.

    Args:
        email: as it was given; whether it is an address is for who takes it to say.
        fields: further merge fields by name, such as {"first_name": "Ana"}.
        time_zone: an IANA name, "" when it is not known.
        contact_id: the contact that it came from, None for a list.
        line: where it stood in the list, counted from 1.
        problem: why nobody can be written to by this line, in one sentence; then `email` is what stood there instead.
    """

    email: str
    name: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    time_zone: str = ""
    contact_id: int | None = None
    line: int | None = None
    problem: str = ""


@dataclass(frozen=True)
class Problem:
    """What is wrong with one line, in one sentence."""

    line: int
    sentence: str


@dataclass(frozen=True)
class TableRow:
    """A row with the line that it begins on; it has as many cells as the table has columns."""

    line: int
    cells: list[str]


@dataclass(frozen=True)
class Table:
    """A list with columns.

    `header`: the columns' names as they stand in the first row; "" for each where there is no such row.
    `delimiter`: "" where there is one column only.
    """

    header: list[str]
    rows: list[TableRow]
    problems: list[Problem]
    delimiter: str = ""
    charset: str = "utf-8"

    @property
    def has_header(self) -> bool:
        """Say whether the first row named the columns."""
        return any(self.header)


def read_table(content: bytes) -> Table:
    """Read a CSV file, whatever its charset and delimiter.

    Raises:
        InputRefused: it is too large, empty or no text at all.
    """
    if len(content) > MAX_BYTES:
        size = -(-len(content) // (1024 * 1024))
        raise InputRefused(
            "file", f"This file is {size} MB and a list takes up to 10 MB. Split it and import the parts."
        )
    if content.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise InputRefused(
            "file", "This is a workbook, not a list of text. Save it as CSV in Excel, then choose that file."
        )
    charset = _charset_of(content)
    text = content.decode(charset, "replace")
    telling = sum(each.isprintable() or each in "\r\n\t\ufeff" for each in text[:4000])
    if telling < 0.9 * len(text[:4000]):
        raise InputRefused("file", "This file holds no text. Choose a CSV file.")
    return _read(text, charset)


def read_table_text(text: str) -> Table:
    """Read a CSV file once more, whose text has been in a page meanwhile.

    Raises:
        InputRefused: as for `read_table`.
    """
    if len(text) > MAX_BYTES:
        raise InputRefused("file", "This list is larger than 10 MB. Split it and import the parts.")
    return _read(text, "utf-8")


def text_of(content: bytes, table: Table) -> str:
    """Give the text of a file that was read, as a page may hold it for `read_table_text`."""
    return content.decode(table.charset, "replace").removeprefix("\ufeff").replace("\x00", "")


def read_typed_table(text: str) -> Table:
    """Read what was pasted: a table with its columns, or addresses with or without names.

    Raises:
        InputRefused: it is too large, or there is nothing in it.
    """
    if len(text) > MAX_BYTES:
        raise InputRefused("text", "This is more than 10 MB. Paste less at a time.")
    pasted = read_pasted(text)
    table = _read(text, "utf-8")
    # Addresses that read as a table, too, are one where a header says so or where addresses alone leave pieces over.
    if len(table.header) > 1 and (table.has_header or pasted.problems):
        return table
    rows = [TableRow(row.line or 0, [row.name, row.email]) for row in pasted.rows]
    return Table(["Name", "Email"], rows, pasted.problems)


@dataclass(frozen=True)
class Pasted:
    """What was pasted, as people; a piece that is no address is a problem, and one of the `unreadable`."""

    rows: list[RecipientRow]
    problems: list[Problem]
    unreadable: list[RecipientRow] = field(default_factory=list)


def read_pasted(text: str) -> Pasted:
    """Read addresses with or without names, however they are separated; the same one twice stays twice.

    Raises:
        InputRefused: there are more than `MAX_ROWS`.
    """
    rows: list[RecipientRow] = []
    unreadable: list[RecipientRow] = []
    for line, written in enumerate(_LINE_END.split(text), 1):
        good, refused = parse_typed(written) if written.strip() else ([], [])
        for address in good:
            first_name, last_name = names_of(address.name)
            named = {"first_name": first_name, "last_name": last_name}
            fields = {name: value for name, value in named.items() if value}
            rows.append(RecipientRow(address.email, address.name, fields, line=line))
        unreadable += [RecipientRow(piece[:80], line=line, problem=no_address(piece)) for piece in refused]
    _hold_to_limit(len(rows))
    return Pasted(rows, [Problem(each.line or 0, each.problem) for each in unreadable], unreadable)


def no_address(piece: str) -> str:
    """Say of a piece of a list that it is no mail address."""
    return f"“{piece[:80]}” is no mail address."


def write_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Write a CSV file, a piece at a time, as Excel opens it: UTF-8 with its mark, and no cell is a formula."""
    yield "\ufeff" + _record_of(header)
    for row in rows:
        yield _record_of(row)


def _record_of(cells: Sequence[str]) -> str:
    written = io.StringIO()
    # An apostrophe makes text of what a spreadsheet would calculate (OWASP, CSV injection); reading takes it off again.
    csv.writer(written).writerow(f"'{cell}" if cell.lstrip()[:1] in _FORMULA else cell for cell in cells)
    return written.getvalue()


def names_of(name: str) -> tuple[str, str]:
    """Cut a name into first and last where it cannot be mistaken: `Ana Silva`, `Silva, Ana`; else both are ""."""
    last, comma, first = name.partition(",")
    words = [first, last] if comma and "," not in first else name.split()
    words = [" ".join(word.split()) for word in words]
    is_clear = len(words) == 2 and all(re.fullmatch(r"[^\W\d_][^\d,.;:@_]*", word) for word in words)
    return (words[0], words[1]) if is_clear else ("", "")


def _charset_of(content: bytes) -> str:
    for mark, charset in _MARKS:
        if content.startswith(mark):
            return charset
    for charset, zeros in (("utf-16-le", content[1:2000:2]), ("utf-16-be", content[0:2000:2])):
        if len(zeros) > 1 and zeros.count(0) > 0.6 * len(zeros):
            return charset
    try:
        content.decode()
    except UnicodeDecodeError:
        return _guessed_charset(content)
    return "utf-8"


def _guessed_charset(content: bytes) -> str:
    """Guess a charset of single bytes, or an East Asian one.

    Names are few and short: by statistics alone, Central European wins over Western where there is nothing to tell.
    """
    # Only lines that tell something, so that a large file takes no longer than a small one.
    telling = b"\n".join(line for line in content[: 1 << 20].splitlines() if not line.isascii())[:50_000]
    telling = telling or content[-50_000:]
    western = telling.decode("cp1252", "replace")
    if len(_FOREIGN.findall(western)) > 0.2 * len(_MARKED.findall(western)):
        best = from_bytes(telling, cp_isolation=_OTHER_SCRIPTS).best()
        return best.encoding if best else "cp1251"
    if _CENTRAL.search(western) or ("ø" in western and re.search("[šžŠŽ]", western)):
        return "cp1250"
    return "cp1254" if re.search("[ðþÐÞ]", western) and not re.search("[áéíóúæÁÆÓÍ]", western) else "cp1252"


def _read(text: str, charset: str) -> Table:
    lines = _LINE_END.split(text.replace("\x00", "").removeprefix("\ufeff"))
    said = re.fullmatch(r"\"?sep=(.)\"?", lines[0].strip(), re.IGNORECASE)  # Excel's own hint
    skipped = 1 if said and said[1] in DELIMITERS else 0
    delimiter = said[1] if said and skipped else _delimiter_of(lines)
    problems: list[Problem] = []
    rows: list[TableRow] = []
    for line, cells in _records(lines, delimiter, problems, start=skipped):
        if any(cells):
            rows.append(TableRow(line, cells))
    if not rows:
        raise InputRefused("file", "There is nothing in this list.")
    has_header = not any("@" in cell for cell in rows[0].cells)
    _hold_to_limit(len(rows) - has_header)
    return _levelled(rows, problems, delimiter, charset, has_header=has_header)


def _hold_to_limit(count: int) -> None:
    if count > MAX_ROWS:
        raise InputRefused(
            "file", f"This list has {count:,} rows, and one takes up to {MAX_ROWS:,}. Split it and import the parts."
        )


def _delimiter_of(lines: Sequence[str]) -> str:
    """Choose the delimiter that cuts the first rows into the same number of cells; "" for one column."""
    sample = [line for line in lines[: 3 * _SAMPLE_ROWS] if line.strip()][:_SAMPLE_ROWS]
    best, best_score = "", 0.0
    for delimiter in DELIMITERS:
        counts = Counter(len(cells) for _, cells in _records(sample, delimiter, []))
        wide = [(count, width) for width, count in counts.items() if width > 1]
        if not wide:
            continue
        count, width = max(wide)
        score = count / sum(counts.values()) + min(width, 10) / 100
        if score > best_score:
            best, best_score = delimiter, score
    return best


def _records(
    lines: Sequence[str], delimiter: str, problems: list[Problem], *, start: int = 0
) -> Iterator[tuple[int, list[str]]]:
    """Give each record with the number of its first line; a quotation mark that nothing closes ends with its line."""
    at = start
    while at < len(lines):
        first, record = at, lines[at]
        at += 1
        cells = _cells(record, delimiter)
        while cells is None and at < len(lines) and at - first < _MOST_LINES_OF_A_ROW:
            record += "\n" + lines[at]
            at += 1
            cells = _cells(record, delimiter)
        if cells is None:
            problems.append(Problem(first + 1, "A quotation mark opens here and is never closed."))
            cells = [cell.replace('"', "") for cell in (lines[first].split(delimiter) if delimiter else [lines[first]])]
            at = first + 1
        yield first + 1, [_APOSTROPHE.sub("", " ".join(cell.split())) for cell in cells]


def _cells(record: str, delimiter: str) -> list[str] | None:
    """Cut one record; None when it ends within quotes."""
    if '"' not in record:
        return record.split(delimiter) if delimiter else [record]
    limit = max(131_072, len(record) + 1)
    if csv.field_size_limit() < limit:
        csv.field_size_limit(limit)
    try:
        return next(csv.reader([record], delimiter=delimiter or "\x1f", strict=True))
    except csv.Error as error:
        if "unexpected end" in str(error):
            return None
        return next(csv.reader([record], delimiter=delimiter or "\x1f"))


def _levelled(
    rows: list[TableRow], problems: list[Problem], delimiter: str, charset: str, *, has_header: bool
) -> Table:
    """Give all rows as many cells as the table has columns."""
    widths = Counter(len(row.cells) for row in rows[: 10 * _SAMPLE_ROWS])
    width = len(rows[0].cells) if has_header else max(widths, key=lambda each: (widths[each], each))
    width = min(width, MAX_COLUMNS)
    header = (rows[0].cells + [""] * width)[:width] if has_header else [""] * width
    level = []
    for row in rows[1:] if has_header else rows:
        cells = row.cells
        if any(cells[width:]):
            problems.append(
                Problem(row.line, f"There are more values than the {width} columns; the last were left out.")
            )
        if any(len(cell) > MAX_CELL for cell in cells):
            problems.append(Problem(row.line, f"A value is longer than {MAX_CELL:,} characters and was cut there."))
        level.append(TableRow(row.line, [cell[:MAX_CELL] for cell in (cells + [""] * width)[:width]]))
    return Table(header, level, sorted(problems, key=lambda each: each.line), delimiter, charset)
