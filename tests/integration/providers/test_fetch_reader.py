"""Our reader of FETCH, held against IMAPClient's on what Dovecot really says."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.mailbox import build_mails
from tests.integration.providers.test_imap import open_at
from tests.servers.dovecot import Dovecot
from webmail.providers.fetch import parse_answer
from webmail.providers.reading import head_items

pytestmark = pytest.mark.integration


def plain(value: Any) -> Any:
    """Make both sides' lists and numbers the same sort."""
    if isinstance(value, (list, tuple)):
        return tuple(plain(each) for each in value)
    return value


def test_reads_heads_as_imapclient_does(dovecot: Dovecot) -> None:
    mailbox = dovecot.account()
    mails = [each.raw.replace(b"\n", b"\r\n") for each in itertools.islice(build_mails(3000, seed=3), 1000, 1250)]
    dovecot.seed(mailbox, "INBOX", mails)
    items = [each for each in head_items(frozenset(), has_modseq=True) if each != "INTERNALDATE"]

    with dovecot.open(mailbox) as client, open_at(dovecot, mailbox, "plain") as session:
        client.select_folder("INBOX", readonly=True)
        theirs = client.fetch(client.search("ALL"), items)
        session.select("INBOX")
        ours = session._client.fetch_items("1:*", items)
        texts = [each for batch in session.read_messages([sorted(ours)]) for each in batch]

    assert len(ours) == 250
    for uid, found in theirs.items():
        found.pop(b"SEQ")
        assert {key: plain(value) for key, value in ours[uid].items() if key != b"UID"} == {
            key: plain(value) for key, value in found.items()
        }
    assert all(each.texts is not None for each in texts)


@given(text=st.binary(max_size=200), literals=st.lists(st.binary(max_size=20), max_size=3))
def test_garbage_is_refused_or_read_and_nothing_else(text: bytes, literals: list[bytes]) -> None:
    try:
        items = parse_answer(b"* 1 FETCH (" + text + b")\r\n", literals)
    except ValueError:
        return
    assert all(isinstance(name, bytes) for name in items)
