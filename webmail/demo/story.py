"""Tell the story of each candidate in mails: from the application to the offer, or to wherever it has come by now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

from webmail.demo.files import make_calendar, make_file
from webmail.demo.letters import Letter, answer_to
from webmail.demo.people import RECRUITER, Candidate, load_data
from webmail.demo.times import meeting_times, spoken, writing_time
from webmail.domain.addresses import Address
from webmail.domain.compose import OutgoingFile

_CLOSINGS = ("Best regards,", "Kind regards,", "Many thanks,", "Best,", "Warm regards,", "With best wishes,")
_OWN_CLOSINGS = ("Best wishes\nRobin", "Kind regards\nRobin", "Best\nRobin")
# Some stages follow from an appointment: hours after it.
_AFTER_SLOT = {"after_call": 0.7}
_AFTER_INTERVIEW = {"thanks": 2.0, "no": 30.0}
_INTRODUCED = ("offer", "references", "rejected")
_REFEREES = ("Margaret Hollis", "Piet van Dijk", "Sunita Rao", "Edward Lamb", "Carmen Ortega", "Björn Falk")


class Dealer:
    """Deals the variants of each text in turn, so that neighbours differ."""

    def __init__(self, dice: Random) -> None:
        self._dice = dice
        self._piles: dict[str, list[str]] = {}

    def deal(self, name: str, variants: Sequence[str]) -> str:
        """Give the next variant of what goes by that name."""
        pile = self._piles.setdefault(name, [])
        if not pile:
            pile.extend(variants)
            self._dice.shuffle(pile)
        return pile.pop()


class Story:
    """One candidate's conversation, and the one about them."""

    def __init__(self, candidate: Candidate, dealer: Dealer, now: datetime) -> None:
        self._candidate = candidate
        self._dealer = dealer
        self._now = now
        self._dice = Random(candidate.email)
        self._stages = _stages()
        self._letters: list[Letter] = []
        self._about: list[Letter] = []
        self._slot = self._interview = now
        self._closing = self._dice.choice(_CLOSINGS)
        self._words = {**_job_words(candidate), **_referee_words(self._dice)}

    def tell(self) -> list[Letter]:
        """Give the mails up to now."""
        at = self._now - timedelta(days=self._candidate.day)
        for number, stage in enumerate(self._stages["tracks"][self._candidate.track].split()):
            if number:
                at += timedelta(hours=self._dice.uniform(*self._stages["gaps"][stage]))
            at = self._settled(at, stage).replace(microsecond=0)
            if at > self._now:
                break
            self._tell_stage(stage, at)
        return [*self._letters, *(each for each in self._about if each.date <= self._now)]

    def _settled(self, at: datetime, stage: str) -> datetime:
        hours = _AFTER_SLOT.get(stage) if stage in _AFTER_SLOT else _AFTER_INTERVIEW.get(stage)
        if hours is not None:
            meeting = self._slot if stage in _AFTER_SLOT else self._interview
            earliest = self._letters[-1].date + timedelta(hours=1)
            at = max(earliest, meeting + timedelta(hours=hours, minutes=self._dice.randrange(25)))
        if stage == "interview" and self._about:
            at = max(at, self._about[-1].date + timedelta(hours=1))
        if len(self._letters) == 0 and self._candidate.track == "fresh":
            return at
        return writing_time(at, self._dice, is_office=stage in self._stages["out"])

    def _tell_stage(self, stage: str, at: datetime) -> None:
        self._look_ahead(stage, at)
        is_own = stage in self._stages["out"]
        variants = self._stages["out" if is_own else "in"][stage]
        body = self._dealer.deal(stage, variants).format_map(self._words)
        text = f"{body}\n\n{self._own_closing() if is_own else self._their_closing()}"
        sender = RECRUITER if is_own else self._candidate.address
        letter = self._letter(stage, sender, at, text, "gmail" if is_own else self._candidate.client)
        self._letters.append(letter)
        if stage == "salary" and self._candidate.track in _INTRODUCED:
            self._introduce(at)
        if stage == "references_ask":
            self._tell_manager("good", at - timedelta(hours=2))
        if stage == "no":
            self._tell_manager("bad", at - timedelta(minutes=40))

    def _look_ahead(self, stage: str, at: datetime) -> None:
        """Fix the appointments that a stage speaks of."""
        if stage in ("slots", "outreach_answer", "no"):
            times = meeting_times(at, self._dice, 3)
            self._words |= {f"slot{number}": spoken(each) for number, each in enumerate(times, 1)}
            self._slot = self._dice.choice(times)
            self._words["slot"] = spoken(self._slot)
        elif stage == "salary":
            self._interview = meeting_times(at + timedelta(days=7), self._dice, 1)[0]
            self._words["interview"] = spoken(self._interview)
        elif stage == "offer":
            start = (at + timedelta(days=75)).replace(day=1)
            self._words["start"] = f"{start.day} {start:%B %Y}"

    def _letter(self, stage: str, sender: Address, at: datetime, text: str, client: str) -> Letter:
        key = f"{self._candidate.email}/{stage}"
        files = self._files(stage, text)
        if not self._letters:
            to = self._candidate.address if sender == RECRUITER else RECRUITER
            subject = self._dealer.deal(f"subject-{stage}", self._stages["subjects"][stage]).format_map(self._words)
            return Letter(key, sender, (to,), at, subject, text, client, files=files)
        before = self._letters[-1]
        letter = answer_to(before, key, sender, at, text, client)
        if before.sender == sender:
            # Nobody answers themselves: this one follows the own mail to the same people.
            letter = Letter(key, sender, before.to, at, letter.subject, text, client, before)
        return replace(letter, files=files)

    def _files(self, stage: str, text: str) -> tuple[OutgoingFile, ...]:
        candidate, job, words = self._candidate, self._candidate.job, self._words
        if stage in ("confirm", "booked"):
            call = make_calendar(f"Call: {candidate.name}, {job.title}", self._slot, timedelta(minutes=30))
            return (OutgoingFile("invite.ics", "text/calendar", call),)
        if "attached" not in text.lower():
            return ()
        if stage in ("application", "present"):
            return (make_file(f"CV {candidate.name}.pdf", candidate.name, _curriculum(candidate), self._now),)
        names = {
            "offer": f"Offer {candidate.name}.pdf",
            "offer_answer": "Contract page 2.pdf",
            "accept": f"Contract {candidate.name} signed.pdf",
            "interview": f"How to find {job.company}.pdf",
        }
        name = names.get(stage, f"{job.title}, {job.company}.pdf")
        lines = [
            f"# {job.company}",
            job.title,
            f"Place: {job.place}",
            f"Salary: {job.range}",
            f"Reference {job.number}",
        ]
        return (make_file(name, name.removesuffix(".pdf"), [*lines, "", words["name"]], self._now),)

    def _introduce(self, at: datetime) -> None:
        texts = self._stages["manager"]
        job, key = self._candidate.job, f"{self._candidate.email}/about"
        sent_at = writing_time(at + timedelta(hours=3), self._dice, is_office=True)
        body = self._dealer.deal("present", texts["present"]).format_map(self._words)
        subject = self._dealer.deal("about", texts["subjects"]).format_map(self._words)
        text = f"{body}\n\n{self._own_closing()}"
        files = self._files("present", text)
        to = (job.manager_address,)
        self._about.append(Letter(f"{key}/present", RECRUITER, to, sent_at, subject, text, "gmail", files=files))
        answered_at = writing_time(sent_at + timedelta(hours=self._dice.uniform(1, 20)), self._dice, is_office=True)
        self._tell_manager("yes", answered_at)

    def _tell_manager(self, kind: str, at: datetime) -> None:
        if not self._about or self._about[-1].date > self._now:
            return
        text = self._dealer.deal(kind, self._stages["manager"][kind]).format_map(self._words)
        before, manager = self._about[-1], self._candidate.job.manager_address
        at = max(at, before.date + timedelta(minutes=20))
        key = f"{self._candidate.email}/about/{kind}"
        if before.sender == manager:
            letter = answer_to(before, key, manager, at, text, "apple")
            self._about.append(replace(letter, to=(RECRUITER,)))
        else:
            self._about.append(answer_to(before, key, manager, at, text, "apple"))

    def _own_closing(self) -> str:
        return self._dealer.deal("own-closing", _OWN_CLOSINGS)

    def _their_closing(self) -> str:
        name = self._candidate.name if len(self._letters) < 2 else self._candidate.first
        phone = "\n\nSent from my phone" if self._candidate.client == "apple" and self._dice.random() < 0.5 else ""
        return f"{self._closing}\n{name}{phone}"


def tell_stories(candidates: Sequence[Candidate], now: datetime) -> list[Letter]:
    """Give the mails of all candidates up to now."""
    dealer = Dealer(Random("stories"))
    return [letter for candidate in candidates for letter in Story(candidate, dealer, now).tell()]


def _stages() -> dict[str, Any]:
    first, later = load_data("stages_first"), load_data("stages_later")
    return {**first, "out": first["out"] | later["out"], "in": first["in"] | later["in"], "manager": later["manager"]}


def _job_words(candidate: Candidate) -> dict[str, str]:
    job = candidate.job
    words = {
        **candidate.words,
        "name": candidate.name,
        "first": candidate.first,
        "job": job.title,
        "company": job.company,
        "place": job.place,
        "range": job.range,
        "number": job.number,
        "manager": job.manager,
        "manager_first": job.manager.split()[0],
        "manager_title": job.manager_title,
    }
    why = candidate.words.get("why", "")
    return words | {"Why": why[:1].upper() + why[1:]}


def _referee_words(dice: Random) -> dict[str, str]:
    words: dict[str, str] = {}
    for number, name in enumerate(dice.sample(_REFEREES, 2), 1):
        plain = name.lower().replace("ö", "oe").replace(" van ", ".van").replace(" ", ".")
        words |= {f"referee{number}": name, f"referee{number}_email": f"{plain}@postbox.example"}
        words[f"referee{number}_first"] = name.split()[0]
    return words


def _curriculum(candidate: Candidate) -> list[str]:
    words = candidate.words
    return [
        words["now"],
        f"{words['city']}  |  {candidate.email}",
        "# Profile",
        words["hook"],
        "# Experience",
        f"{words['now']}, since four years",
        "Before that: two positions in the same field, with growing responsibility",
        "# Strengths",
        *(f"- {skill.strip()}" for skill in words["skills"].split(",")),
        "# Languages",
        "English (fluent)",
    ]
