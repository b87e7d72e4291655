"""What pages weigh and cost: the bytes of a first visit and of later ones, and the server's time for what is opened.

Bytes are counted as a proxy sends them (gzip, level 6); scripts that come from the CDN are counted, too.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator

from flask.testing import FlaskClient

from bench.stored import StoredMailbox, empty_mailbox, signed_in
from bench.table import Row, quantile, spread, timed
from tests.servers.redis import RedisServer
from webmail import assets, queue
from webmail.actions import mailings
from webmail.domain.tables import RecipientRow
from webmail.store.accounts import update_account
from webmail.store.conversations import list_page
from webmail.store.secrets import seal
from webmail.store.session import reading, transaction

_MESSAGES = 2000
_FIRST_KB, _LATER_KB, _FELT_MS = 60, 15, 100
_TIMES = 100
_RECIPIENTS = 10_000
_HTMX = {"HX-Request": "true", "HX-Request-Type": "partial"}
_FILES = re.compile(r'(?:<script[^>]*\ssrc|<link rel="(?:stylesheet|icon)" href|<use href)="([^"#]+)')


def run() -> Iterator[Row]:
    """Weigh the inbox page with all that it needs, and open conversations and a mailing."""
    redis = RedisServer()
    queue.configure(redis.url)
    try:
        with empty_mailbox() as box:
            box.fill(_MESSAGES, with_bodies=True)
            client = signed_in(box.scope)
            yield from _visits(client)
            yield _conversation(client, box)
            yield _mailing(client, box)
    finally:
        queue.connection().close()
        redis.stop()


def _visits(client: FlaskClient) -> Iterator[Row]:
    page = client.get("/inbox").text
    files = {url: _weigh_file(client, url) for url in dict.fromkeys(_FILES.findall(page))}
    html = _weigh(page.encode())
    first = html + sum(files.values())
    parts = ", ".join(f"{_name(url)} {size / 1000:.1f}" for url, size in files.items())
    yield Row(
        "first visit of the inbox, in all",
        f"{first / 1000:.1f} KB",
        f"< {_FIRST_KB} KB",
        f"{_met(first < _FIRST_KB * 1000)}; page {html / 1000:.1f}, {parts}",
    )
    yield Row("each visit after it", f"{html / 1000:.1f} KB", f"< {_LATER_KB} KB", _met(html < _LATER_KB * 1000))


def _conversation(client: FlaskClient, box: StoredMailbox) -> Row:
    with reading() as s:
        rows = list_page(s, box.scope, "inbox").rows
    longest = max(rows, key=lambda row: row.message_count)
    return _opened(client, f"/conversations/{longest.uuid}", f"opening a conversation of {longest.message_count}")


def _mailing(client: FlaskClient, box: StoredMailbox) -> Row:
    with transaction() as s:
        update_account(s, box.account.id, secret=seal({"password": ""}))
    uuid = mailings.create_mailing(box.scope, account_uuid=box.account.uuid)
    people = [
        RecipientRow(f"candidate{number}@candidates.example", f"Candidate {number}", {"first_name": f"C{number}"})
        for number in range(_RECIPIENTS)
    ]
    mailings.add_recipients(box.scope, uuid, people)
    return _opened(client, f"/mailings/{uuid}", f"a mailing's page with {_RECIPIENTS:,} recipients")


def _opened(client: FlaskClient, url: str, what: str) -> Row:
    answer = client.get(url, headers=_HTMX)
    if answer.status_code != 200:
        raise RuntimeError(f"{url} answered {answer.status_code}")
    taken = timed(lambda: client.get(url, headers=_HTMX), _TIMES)
    figure = f"{spread(taken)}, {_weigh(answer.data) / 1000:.1f} KB"
    return Row(what, figure, f"< {_FELT_MS} ms", _met(quantile(taken, 0.95) < _FELT_MS))


def _weigh_file(client: FlaskClient, url: str) -> int:
    local = next((each.filename for each in assets.ASSETS.values() if each.cdn_url == url), "")
    return _weigh((assets.FOLDER / local).read_bytes() if local else client.get(url).data)


def _weigh(content: bytes) -> int:
    return len(gzip.compress(content, 6))


def _name(url: str) -> str:
    return url.rpartition("/")[2].partition("?")[0]


def _met(is_met: bool) -> str:
    return "met" if is_met else "NOT met"
