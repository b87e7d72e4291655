"""The conversations that are told word by word, and what comes in by itself: newsletters, notices, junk."""

from __future__ import annotations

from datetime import datetime, timedelta
from html import escape
from importlib.resources import files
from random import Random
from string import Template
from typing import Any

from webmail.demo.files import make_file, make_picture
from webmail.demo.letters import Letter
from webmail.demo.people import RECRUITER, all_threads, load_data
from webmail.demo.times import writing_time
from webmail.domain.addresses import Address, domain_of, parse_header
from webmail.domain.compose import OutgoingFile, reply_subject

_LIST = Address("Recruiters' Round Table", "roundtable@lists.talentcircle.example")
_LIST_FIELDS = (
    "List-Id: Recruiters' Round Table <roundtable.lists.talentcircle.example>",
    "List-Post: <mailto:roundtable@lists.talentcircle.example>",
    "List-Unsubscribe: <https://lists.talentcircle.example/leave>",
    "Precedence: list",
)
_BULK_FIELDS = ("Precedence: bulk", "Auto-Submitted: auto-generated")
_FILE_LINES = {
    "csv": ["month,open,interviews,offers", "September,9,8,1", "October,8,9,2", "November,8,6,2"],
    "txt": ["Take the second exit, not the first.", "Dock three is behind the silo.", "Ring twice."],
}


def tell_threads(now: datetime) -> list[Letter]:
    """Give the mails of all conversations up to now."""
    return [letter for thread in all_threads() for letter in _tell_thread(thread, now)]


def _tell_thread(thread: dict[str, Any], now: datetime) -> list[Letter]:
    dice = Random(thread["subject"])
    is_fresh = "hours" in thread
    at = now - (timedelta(hours=thread["hours"]) if is_fresh else timedelta(days=thread["day"]))
    letters: list[Letter] = []
    for number, message in enumerate(thread["messages"]):
        at += timedelta(hours=message.get("after", 0))
        if not is_fresh:
            at = writing_time(at, dice, is_office=message["by"] == "me")
        if at > now:
            break
        letters.append(_scripted(thread, message, number, at, letters[-1] if letters else None))
    return letters


def _scripted(
    thread: dict[str, Any], message: dict[str, Any], number: int, at: datetime, before: Letter | None
) -> Letter:
    partner = parse_header(thread["with"])[0]
    sender = _sender(message["by"], partner)
    is_own, is_list = sender == RECRUITER, "list" in thread
    text = message["text"].strip()
    subject = thread["subject"]
    return Letter(
        key=f"{thread['with']}/{subject}/{number}",
        sender=sender,
        to=(_LIST if is_list else partner if is_own else RECRUITER,),
        date=at.replace(microsecond=0),
        subject=subject if before is None else reply_subject(subject),
        text=f"{text}\n\nRobin" if is_own else text,
        client="gmail" if is_own else thread["client"],
        previous=before,
        files=tuple(_file(name, partner, at) for name in message.get("files", ())),
        image=OutgoingFile(message["inline"], "image/png", make_picture(message["inline"]))
        if "inline" in message
        else None,
        is_rtl=not is_own and (message.get("rtl") or thread.get("rtl", False)),
        fields=_LIST_FIELDS if is_list and not is_own else (),
    )


def _sender(by: str, partner: Address) -> Address:
    if by == "me":
        return RECRUITER
    return partner if by == "them" else parse_header(by)[0]


def _file(name: str, partner: Address, at: datetime) -> OutgoingFile:
    stem, _, ending = name.rpartition(".")
    lines = _FILE_LINES.get(ending, [f"# {partner.name}", partner.email, f"{at.day} {at:%B %Y}"])
    return make_file(name, stem, lines, at + timedelta(days=20))


def tell_bulk(now: datetime) -> list[Letter]:
    """Give newsletters and notices."""
    data = load_data("bulk")
    letters = [_issue(paper, issue, now) for paper in data["newsletters"] for issue in paper["issues"]]
    return [*letters, *(_notice(notice, now) for notice in data["notices"])]


def tell_junk(now: datetime) -> list[Letter]:
    """Give what the filter has put aside."""
    return [_letter_at(junk, parse_header(junk["sender"])[0], now, None) for junk in load_data("bulk")["junk"]]


def _issue(paper: dict[str, Any], issue: dict[str, Any], now: datetime) -> Letter:
    words = {"day": issue["day"], "host": paper["host"], "colour": paper["colour"]}
    items = "".join(
        _page("newsletter_item", words | {"number": number, "title": escape(title), "text": escape(text)})
        for number, (title, text) in enumerate(issue["items"], 1)
    )
    heading = {"name": escape(paper["name"]), "tagline": escape(paper["tagline"])}
    page = _page("newsletter", words | heading | {"items": items})
    fields = (f"List-Id: <letter.{paper['host']}>", f"List-Unsubscribe: <https://www.{paper['host']}/leave>")
    return _letter_at(issue, Address(paper["name"], paper["email"]), now, page, fields=(*fields, *_BULK_FIELDS))


def _notice(notice: dict[str, Any], now: datetime) -> Letter:
    sender = parse_header(notice["sender"])[0]
    lines = "".join(f'<li style="margin:0 0 6px">{escape(line)}</li>' for line in notice["lines"])
    words = {"host": domain_of(sender.email), "name": escape(sender.name), "lines": lines}
    page = _page("notice", words | {"title": escape(notice["title"]), "button": escape(notice["button"])})
    at = now - timedelta(days=notice["day"])
    attached = (make_file(notice["pdf"], notice["title"], notice["lines"], at),) if "pdf" in notice else ()
    return _letter_at(notice, sender, now, page, fields=_BULK_FIELDS, attached=attached)


def _page(name: str, words: dict[str, Any]) -> str:
    return Template(files("webmail.demo").joinpath("mail", f"{name}.html").read_text(encoding="utf-8")).substitute(
        words
    )


def _letter_at(
    row: dict[str, Any],
    sender: Address,
    now: datetime,
    page: str | None,
    *,
    fields: tuple[str, ...] = (),
    attached: tuple[OutgoingFile, ...] = (),
) -> Letter:
    return Letter(
        key=f"{sender.email}/{row['day']}/{row['subject']}",
        sender=sender,
        to=(RECRUITER,),
        date=(now - timedelta(days=row["day"])).replace(microsecond=0),
        subject=row["subject"],
        text=row.get("text", ""),
        client="plain",
        files=attached,
        page=page,
        fields=fields,
    )
