"""The lines with which mail programs begin what they quote, in the languages of those who write to recruiters.

Every pattern is matched against one short line, and none repeats a repetition, so none can be made slow.
"""

from __future__ import annotations

import re

_MAX_LINE = 400
_DIVIDER = re.compile(
    r"[-_=\s>*]{2,40}(?:Original Message|Original-Nachricht|Ursprüngliche (?:Nachricht|E-Mail)|Originalnachricht|"
    r"Message d'origine|Message original|Mensaje original|Messaggio originale|Oorspronkelijk bericht|"
    r"Wiadomość oryginalna|Oryginalna wiadomość|Mensagem original|Исходное сообщение|元のメッセージ|"
    r"Original meddelelse|Ursprungligt meddelande|Opprinnelig melding|"
    r"Forwarded message|Weitergeleitete (?:Nachricht|E-Mail)|Message transféré|Mensaje reenviado|"
    r"Messaggio inoltrato|Doorgestuurd bericht|Przekazana wiadomość|Mensagem encaminhada|Переслане повідомлення|"
    r"転送メッセージ|Forwarded by [^-]{1,100})\s*:?[-_=\s*]{0,40}$|"
    r"(?:Begin forwarded message|Anfang der weitergeleiteten Nachricht|Début du message transféré|"
    r"Début du message réexpédié|Inicio del mensaje reenviado|Inizio messaggio inoltrato|Begin doorgestuurd bericht|"
    r"Início da mensagem encaminhada)\s?:\s*$",
    re.IGNORECASE,
)
_FROM = re.compile(
    r"[\s>*]{0,9}(?:From|Von|De|Da|Van|Od|Från|Fra|От|差出人|发件人|寄件者|보낸 사람)[*\s\xa0]{0,3}[:：][*\s]{0,3}\S",
    re.IGNORECASE,
)
_SENT = re.compile(
    r"[\s>*]{0,9}(?:Sent|Date|Gesendet|Datum|Envoyé|Enviado(?: el| em)?|Enviada em|Fecha|Inviato|Data|Verzonden|"
    r"Wysłano|Skickat|Sendt|Отправлено|Дата|送信日時|日時|发送时间|寄件日期|보낸 날짜)[*\s\xa0]{0,3}[:：][*\s]{0,3}\S",
    re.IGNORECASE,
)
_BEGINNINGS = re.compile(
    r"[\s>]{0,9}(?:\d|(?:pon|wt|śr|czw|pt|sob|niedz|ndz)\.|(?:On|Am|Le|El|Il|Op|Den|Dnia|W dniu|Em|Às|"
    r"Wiadomość napisana|Quoting|Zitat von|Citando|Citation)\b)",
    re.IGNORECASE,
)
_ENDINGS = re.compile(
    r"(?:wrote|writes|schrieb|schreibt|geschrieben|a écrit|écrit|escribió|scrive|ha scritto|schreef|geschreven|skrev|"
    r"skriver|napisał\(a\)|napisała|napisał|pisze|escreveu|написал\(а\)|написал|написала|пише|のメール|さんは書きました|"
    r"wrote the following|o godz\. \d{1,2}:\d\d)\s{0,3}[:：]\s*$",
    re.IGNORECASE,
)
# German and Dutch put the verb before the name: "Am … schrieb Max Muster <max@example.de>:".
_VERB_INSIDE = re.compile(r"[\s>]{0,9}(?:Am|Op|Den)\b.{4,200}?\b(?:schrieb|schreef|skrev|heeft)\b", re.IGNORECASE)
# Japanese Gmail has no verb at all.
_DATE_FIRST = re.compile(r"[\s>]{0,9}\d{4}[年/.-]\s?\d{1,2}[月/.-]\s?\d{1,2}")
_ADDRESS_LAST = re.compile(r"<[^<>\s]{3,100}>\s?[:：]\s*$")
_HAS_MOMENT = re.compile(r"\d.{0,60}\d{1,2}[:.h時]\d\d|\b(?:19|20)\d\d\b")


def is_divider(line: str) -> bool:
    """Say whether a line parts a mail from the one below it, such as `-----Original Message-----`."""
    return len(line) <= _MAX_LINE and bool(_DIVIDER.match(line))


def is_from_line(line: str) -> bool:
    """Say whether a line is the first of a quoted header, such as `From: Ann`."""
    return bool(_FROM.match(line[:_MAX_LINE]))


def is_sent_line(line: str) -> bool:
    """Say whether a line is the date of a quoted header, such as `Sent: Monday`."""
    return bool(_SENT.match(line[:_MAX_LINE]))


def is_attribution(line: str) -> bool:
    """Say whether a line introduces a quote, such as `On Monday, Ann wrote:`."""
    if len(line) > _MAX_LINE or line.rstrip()[-1:] not in (":", "："):
        return False
    if _DATE_FIRST.match(line) and _ADDRESS_LAST.search(line):
        return True
    return bool(_BEGINNINGS.match(line)) and bool(_ENDINGS.search(line) or _VERB_INSIDE.match(line))


def names_moment(line: str) -> bool:
    """Say whether an attribution holds a date or a time, as those do that programs write."""
    return bool(_HAS_MOMENT.search(line[:_MAX_LINE]))
