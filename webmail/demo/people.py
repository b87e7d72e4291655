"""Whom the demo's mailbox knows: the recruiter, the positions, and everybody who has written. All are invented."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from webmail.domain.addresses import Address, normalise_email, parse_header
from webmail.providers.presets import DEMO_EMAIL

RECRUITER = Address("Robin Hale", DEMO_EMAIL)


@dataclass(frozen=True)
class Job:
    """A position that the recruiter is filling, with the person who hires for it."""

    key: str
    title: str
    company: str
    place: str
    range: str
    number: str
    manager: str
    manager_email: str
    manager_title: str

    @property
    def manager_address(self) -> Address:
        return Address(self.manager, self.manager_email)


@dataclass(frozen=True)
class Candidate:
    """A person who wants a position.

    `track` names the stages of the story, `client` the mail program, `day` how many days ago it began, and `words`
    holds what only this person would write.
    """

    name: str
    email: str
    job: Job
    track: str
    client: str
    day: float
    words: Mapping[str, str] = field(hash=False)

    @property
    def address(self) -> Address:
        return Address(self.name, self.email)

    @property
    def first(self) -> str:
        return self.name.split()[0]


def load_data(name: str) -> dict[str, Any]:
    """Read one of the files in `webmail/demo/mail`."""
    return tomllib.loads(files("webmail.demo").joinpath("mail", f"{name}.toml").read_text(encoding="utf-8"))


@cache
def all_jobs() -> dict[str, Job]:
    """Give the positions by their keys."""
    return {row["key"]: Job(**row) for row in load_data("jobs")["jobs"]}


@cache
def all_candidates() -> tuple[Candidate, ...]:
    """Give the candidates whose stories are told in stages."""
    groups = ("hired", "rejected", "open", "short")
    return tuple(_candidate(row) for group in groups for row in load_data(f"candidates_{group}")["candidates"])


def _candidate(row: dict[str, Any]) -> Candidate:
    facts = {"name", "email", "job", "track", "client", "day"}
    words = {key: str(value) for key, value in row.items() if key not in facts}
    return Candidate(
        row["name"], row["email"], all_jobs()[row["job"]], row["track"], row["client"], float(row["day"]), words
    )


@cache
def all_threads() -> tuple[dict[str, Any], ...]:
    """Give the conversations that are told word by word."""
    groups = ("world", "office", "fresh")
    return tuple(thread for group in groups for thread in load_data(f"threads_{group}")["threads"])


@dataclass(frozen=True)
class Correspondent:
    """Somebody who may be written to: `kind` is `candidate`, `manager` or `other`."""

    address: Address
    kind: str
    job: Job | None = None
    client: str = "gmail"


@cache
def correspondents() -> dict[str, Correspondent]:
    """Give everybody who has written, by their addresses."""
    found: dict[str, Correspondent] = {}
    for thread in all_threads():
        for sender in [thread["with"], *(each["by"] for each in thread["messages"])]:
            for address in parse_header(sender):
                found.setdefault(address.email, Correspondent(address, "other", client=thread["client"]))
    for candidate in all_candidates():
        found[candidate.email] = Correspondent(candidate.address, "candidate", candidate.job, candidate.client)
    for job in all_jobs().values():
        found[job.manager_email] = Correspondent(job.manager_address, "manager", job, "apple")
    return {normalise_email(email): each for email, each in found.items()}
