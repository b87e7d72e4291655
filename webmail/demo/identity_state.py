"""What a stand-in identity server remembers over a restart: whom it has given which tokens."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from webmail.demo.identity import Allowed, IdentityServer


def load_state(server: IdentityServer, path: Path) -> None:
    """Give a server back what `save_state()` has kept; nothing where nothing was, or where it cannot be read."""
    try:
        kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return
    people = server.people
    grants = [
        Allowed(people[each["email"]], each["client_id"], each["scope"], each["is_revoked"])
        for each in kept["grants"]
        if each["email"] in people
    ]
    if len(grants) < len(kept["grants"]):
        return
    server.refresh_tokens.update({token: (grants[at], ends) for token, (at, ends) in kept["refresh"].items()})
    for token, (at, ends, scope) in kept["access"].items():
        server.access_tokens[token] = (grants[at], ends, scope)


def save_state(server: IdentityServer, path: Path) -> None:
    """Keep a server's tokens in a file that only this user can read."""
    refresh, access = list(server.refresh_tokens.items()), list(server.access_tokens.items())
    found: dict[int, Allowed] = {}
    for _, (grant, _) in refresh:
        found[id(grant)] = grant
    for _, (grant, _, _) in access:
        found[id(grant)] = grant
    place = {key: at for at, key in enumerate(found)}
    kept = {
        "grants": [vars(each) | {"person": None, "email": each.person.email} for each in found.values()],
        "refresh": {token: (place[id(grant)], ends) for token, (grant, ends) in refresh},
        "access": {token: (place[id(grant)], ends, scope) for token, (grant, ends, scope) in access},
    }
    unfinished = path.with_suffix(".unfinished")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(kept, file)
    unfinished.replace(path)
