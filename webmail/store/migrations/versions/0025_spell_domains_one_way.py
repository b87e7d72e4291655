"""Spell the addresses that are looked up by one way only: `xn--bcher-kva.example` is `bücher.example`.

Rows that are older than that rule were matched only after they had been saved again.
"""

from __future__ import annotations

import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"

_LOOKED_UP = (("suppressions", "email", ("tenant_id",)), ("contact_addresses", "address", ("tenant_id", "contact_id")))
"""Table, its column, and within what an address stands there once."""


def upgrade() -> None:
    connection = op.get_bind()
    for name, column, within in _LOOKED_UP:
        table = sa.table(name, sa.column(column), *(sa.column(each) for each in within))
        address = table.c[column]
        for row in connection.execute(sa.select(table).where(address.contains("xn--"))).mappings().all():
            spelt = _spelt(row[column])
            if spelt == row[column]:
                continue
            place = sa.and_(*(table.c[each] == row[each] for each in within))
            is_there = connection.execute(sa.select(address).where(place, address == spelt)).first()
            here = sa.and_(place, address == row[column])
            connection.execute(
                sa.delete(table).where(here) if is_there else sa.update(table).where(here).values({column: spelt})
            )


def _spelt(email: str) -> str:
    local, at, domain = email.rpartition("@")
    try:
        return f"{local}{at}{domain.encode('ascii').decode('idna').casefold()}"
    except UnicodeError:
        return unicodedata.normalize("NFC", email)


def downgrade() -> None:
    """Nothing to take back: either spelling is found by what was written with the one that is kept."""
