"""Which messages belong to one conversation, as keys that unite.

Each message has a few keys; messages that share one belong together, directly or through others. So a conversation is
a component of a graph, and the order in which messages arrive does not matter. The keys say:

- my own Message-ID, and my own Message-ID together with my subject;
- In-Reply-To is trusted alone: the answered message's Message-ID;
- References count only where the subject agrees: each id together with *my* subject, so that somebody who writes a new
  mail by answering an old one starts a new conversation (field notes, pain 10);
- the subject alone joins nobody.

Two mails without a subject that share a reference do agree: an empty subject is a subject like another here, since
the reference already says that they are related.
"""

from __future__ import annotations

import re
from hashlib import blake2b

from webmail.domain.headers import ParsedHeaders
from webmail.domain.identity import message_identity

# Answers and forwards as mail programs of many languages mark them; Chinese and Japanese use their own colon.
_PREFIXES = (
    "re|fwd?|fw|aw|antw|wg|sv|vs|vb|vl|vá|rv|rif|r|i|ri|tr|enc|res|odp|pd|ynt|i̇lt|ilt|yml|hl|nå|doorst|bls|trs|"
    "απ|σχετ|πρθ|отв|пересл|från|videre|továbbítás|răsp|trả lời|atb|ots|回复|答复|转发|回覆|轉寄|返信|転送|답장|전달|"
    "השב|הת|הועבר|רד|رد|إعادة توجيه"
)
_COUNT = r"(?:\s*\[\d{1,3}\]|\s*\(\d{1,3}\)|\^\d{1,3}|\d)?"
_PREFIX = re.compile(rf"^\s*(?:{_PREFIXES}){_COUNT}\s*[:：]\s*", re.IGNORECASE)
_LIST_TAG = re.compile(r"^\s*\[[^\[\]]{1,40}\]\s*")


def subject_key(subject: str) -> str:
    """Give a subject without answer prefixes, list tags, white space and case: what two subjects are compared by."""
    text = subject[:1000]
    while True:
        shorter = _LIST_TAG.sub("", _PREFIX.sub("", text, count=1), count=1)
        if shorter == text:
            return " ".join(text.split()).casefold()
        text = shorter


def thread_keys(headers: ParsedHeaders, *, gmail_thread_id: str = "") -> list[str]:
    """Give a message's keys, each at most 64 characters.

    Args:
        gmail_thread_id: X-GM-THRID; where Gmail says what belongs together, it alone counts. The message's own id
            still leads here: an answer that is just being sent has no conversation of Gmail's yet.
    """
    subject = subject_key(headers.subject)
    own = headers.message_id or message_identity(headers)
    if gmail_thread_id:
        return [f"gm:{gmail_thread_id}"[:64], _key("id", own)]
    keys = [_key("id", own), _key("subject", own, subject)]
    if headers.original_id:
        keys += [_key("id", headers.original_id), _key("subject", headers.original_id, subject)]
    if headers.in_reply_to:
        keys.append(_key("id", headers.in_reply_to))
    keys += [_key("subject", reference, subject) for reference in headers.references]
    return list(dict.fromkeys(keys))


def _key(*parts: str) -> str:
    return blake2b("\x00".join(parts).encode("utf-8", "replace"), digest_size=24).hexdigest()
