"""Turning over the keys: every secret, in pieces, once and again."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import LargeBinary

from webmail.errors import ConfigError
from webmail.store import secrets
from webmail.store.models import Account, Base, ConnectAttempt, OAuthGrant
from webmail.store.scope import Scope
from webmail.store.sealed import rotate_keys, sealed_tables
from webmail.store.session import reading, transaction

OLD, NEW, LOST = (Fernet.generate_key().decode() for _ in range(3))


def add_account(scope: Scope, number: int) -> int:
    sealed = secrets.seal({"password": f"secret {number}"})
    owner = {"tenant_id": scope.tenant_id, "user_id": scope.user_id}
    names = {"email": f"{number}@x.example", "user_name": "r", "smtp_host": "h", "smtp_port": 1}
    with transaction() as s:
        account = Account(**owner, **names, secret=sealed)
        s.add(account)
        s.flush()
        s.add(ConnectAttempt(**owner, secret=sealed if number % 2 else None))
        s.add(
            OAuthGrant(
                account_id=account.id, provider="google", subject="x", secret=sealed, expires_at=datetime.now(UTC)
            )
        )
    return account.id


def counts() -> dict[str, tuple[int, int, int]]:
    return {each.table: (each.sealed_anew, each.new_already, each.unreadable) for each in rotate_keys()}


def test_all_secrets_are_sealed_with_the_newest_key_and_a_second_run_has_nothing_to_do(user: Scope) -> None:
    secrets.configure((OLD,))
    ids = [add_account(user, number) for number in range(120)]
    secrets.configure((NEW, OLD))
    ids.append(add_account(user, 121))

    first, second = counts(), counts()

    assert first["accounts"] == first["oauth_grants"] == (120, 1, 0)
    assert first["connect_attempts"] == (60, 1, 0)
    assert second["accounts"] == (0, 121, 0)
    secrets.configure((NEW,))
    with reading() as s:
        opened = [secrets.unseal(s.get_one(Account, each).secret)["password"] for each in ids]
    assert opened == [*(f"secret {number}" for number in range(120)), "secret 121"]


def test_a_secret_that_no_key_opens_is_counted_and_left(user: Scope) -> None:
    secrets.configure((LOST,))
    add_account(user, 1)
    secrets.configure((OLD,))
    add_account(user, 2)
    secrets.configure((NEW, OLD))

    assert counts()["accounts"] == (1, 0, 1)
    assert counts()["accounts"] == (0, 1, 1)
    with pytest.raises(ConfigError):
        secrets.reseal(b"nothing of the sort")


def test_every_sealed_column_is_known() -> None:
    binary = {
        f"{table.name}.{column.name}"
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, LargeBinary)
    }
    sealed = {f"{table.name}.secret" for table in sealed_tables()}

    assert binary - sealed == {"submissions.mime", "submission_attachments.content", "mailing_files.content"}
    assert sealed >= {"accounts.secret", "connect_attempts.secret", "oauth_grants.secret"}
