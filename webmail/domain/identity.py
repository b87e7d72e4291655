"""What makes two mails the same mail, within one account (design, section 5)."""

from __future__ import annotations

from hashlib import sha256

from webmail.domain.headers import ParsedHeaders


def message_identity(headers: ParsedHeaders, *, gmail_id: str = "", email_id: str = "") -> str:
    """Give a mail's identity: the server's own where it has one, else one made of four header fields.

    The size is left out, because servers change it (line ends, added fields). The Message-ID alone will not do either:
    some senders use one twice. Where Outlook.com has replaced it, the sender's own counts: a mail of ours stays itself.

    Args:
        gmail_id: X-GM-MSGID, "" where there is none.
        email_id: EMAILID (RFC 8474), "" where there is none.

    Returns:
        At most 80 characters of ASCII, stable over folders, servers and time.
    """
    if gmail_id:
        return f"gm:{gmail_id}"[:80]
    if email_id:
        return f"eid:{email_id}"[:80]
    date = headers.date.replace(microsecond=0).isoformat() if headers.date else ""
    own = headers.original_id or headers.message_id
    facts = (own, date, headers.from_.email.casefold(), " ".join(headers.subject.split()))
    return "h:" + sha256("\x00".join(facts).encode("utf-8", "replace")).hexdigest()
