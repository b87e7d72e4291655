"""What is worth a question before a mail goes out: a file that is spoken of and not there, an address that looks like
another one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable

from lxml.html import tostring

from webmail.domain.addresses import domain_of
from webmail.domain.quotes import split_quoted_text
from webmail.domain.text import html_to_text, parse_html

# Beginnings of words in the languages that people write in; those with a blank behind them are whole words.
_SPEAKS_OF_FILES = (
    "attach|enclos|anhang|anhänge|angehängt|anbei |beigefügt|beiliegend|in der anlage |ci-joint|ci-inclus|"
    "pièces? jointes?|en annexe |adjunt|anexo|anexa|em anexo |allegat|allego |in allegato |bijlage|bijgevoegd|bijgaand|"
    "bifoga|bilag|vedhæft|vedlagt|vedlegg|liitte|liite |oheise|csatol|mellékel|załącz|zalacz|přílo|přiklád|prílo|"
    "prikladám|prilog|priložen|atașat|ataşat|anexat|ekte |ekli |ekteki|ekledim|manuses |lisatud |pielikum|pridedu|"
    "во вложении|вложени|прилага|приложен|прикреп|у вкладенні|вкладенн|долуч|прикачен|συνημμέν|επισυνάπτ|"
    "đính kèm|terlampir|lampiran|dilampirkan|संलग्न"
)
_WITHOUT_BLANKS = '添付|附件|附上|附檔|첨부|แนบไฟล์|ไฟล์แนบ|מצורף|מצורפת|מצורפים|מצ"ב|مرفق'
_FILE_WORDS = re.compile(
    "|".join(r"\b" + each.strip() + (r"\b" if each.endswith(" ") else r"\w*") for each in _SPEAKS_OF_FILES.split("|"))
    + f"|{_WITHOUT_BLANKS}"
)
_OPEN = re.compile(r"\[[a-z]{2,20}(?: [a-z]{2,20}){0,3}\]|\{\{[^{}\n]{1,80}\}\}")
_MOST_TEXT = 20_000
_OWN = ("webmail-signature", "webmail-quote")

# What is easily taken for something else, as it looks in most fonts.
_LOOKS = str.maketrans(
    {"0": "o", "1": "l", "i": "l", "|": "l", "5": "s", "а": "a", "с": "c", "е": "e", "о": "o", "р": "p", "х": "x"}
    | {"у": "y", "і": "l", "ј": "j", "ѕ": "s", "ԁ": "d", "һ": "h", "ո": "n", "α": "a", "ο": "o", "ν": "v", "ρ": "p"}
    | {"ı": "l", "ł": "l", "ø": "o", "đ": "d", "к": "k", "м": "m", "т": "t", "в": "b", "н": "h", "ɡ": "g", "_": "-"}
)
_PAIRS = (("rn", "m"), ("vv", "w"), ("cl", "d"))


def spoken_of_file(html: str, text: str) -> str:
    """Give the word by which a mail speaks of a file that comes along, "" where it speaks of none.

    What is quoted and the signature are left out: others spoke there.

    Args:
        html: the body as it was written here; "" for a plain one, which is then in `text`.
    """
    written = _written_in(html) if html else split_quoted_text(text)[0].partition("\n-- \n")[0]
    found = _FILE_WORDS.search(unicodedata.normalize("NFC", written[:_MOST_TEXT]).lower())
    return found[0] if found else ""


def left_open(html: str, text: str) -> str:
    """Give what of a template nobody has filled in and still stands in a mail: `[first name]`; "" for nothing."""
    written = _written_in(html) if html else split_quoted_text(text)[0]
    found = _OPEN.search(written[:_MOST_TEXT])
    return found[0] if found else ""


def _written_in(html: str) -> str:
    root = parse_html(f"<div>{html}</div>")
    if root is None:
        return ""
    for name in _OWN:
        for element in root.find_class(name):
            element.drop_tree()
    for quote in root.findall(".//blockquote"):
        quote.drop_tree()
    return html_to_text(tostring(root, encoding="unicode"))


def look_alike(email: str, known: Collection[str]) -> str:
    """Give the known address that another, unknown one may be mistaken for; "" where there is none.

    Args:
        email, known: normalised.
    """
    local, domain = email.rpartition("@")[0], domain_of(email)
    domains: dict[str, str] = {}
    for each in known:
        domains.setdefault(domain_of(each), each)
    if domain not in domains:
        alike = _nearest(_readable(domain), [_readable(each) for each in domains], list(domains))
        same = next((each for each in known if alike and each == f"{local}@{alike}"), "")
        return same or (domains[alike] if alike else "")
    there = [each for each in known if domain_of(each) == domain and each != email]
    return _nearest(local, [each.rpartition("@")[0] for each in there], there)


def _readable(domain: str) -> str:
    """Give a domain as a reader sees it: what the DNS writes as `xn--…`, in its own letters."""
    try:
        return domain.encode("ascii").decode("idna") if "xn--" in domain else domain
    except UnicodeError:
        return domain


def _nearest(text: str, others: Iterable[str], names: list[str]) -> str:
    looks = _look(text)
    for other, name in zip(others, names, strict=True):
        if other != text and (_look(other) == looks or _is_near(text, other)):
            return name
    return ""


def _look(text: str) -> str:
    plain = "".join(each for each in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(each))
    looks = plain.translate(_LOOKS)
    for pair, single in _PAIRS:
        looks = looks.replace(pair, single)
    return looks


def _is_near(one: str, other: str) -> bool:
    """Say whether two texts are one slip of the fingers apart, or two where they are long."""
    shorter = min(len(one), len(other))
    allowed = 0 if shorter < 5 else 1 if shorter < 10 else 2
    return allowed > 0 and abs(len(one) - len(other)) <= allowed and _distance(one, other) <= allowed


def _distance(one: str, other: str) -> int:
    """Count the slips between two texts: letters left out, added, changed, or two that changed places."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for at, letter in enumerate(one, 1):
        before, last, row = row, before, [at]
        for place, against in enumerate(other, 1):
            cost = min(before[place] + 1, row[place - 1] + 1, before[place - 1] + (letter != against))
            if at > 1 and place > 1 and letter == other[place - 2] and one[at - 2] == against:
                cost = min(cost, last[place - 2] + 1)
            row.append(cost)
    return row[-1]
