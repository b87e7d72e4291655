"""What a folder is for: by its special-use attribute, else by its name (RFC 6154; field notes, fact 8)."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

ROLES = ("inbox", "sent", "drafts", "trash", "junk", "archive", "all")

_SPECIAL_USE = {
    "\\sent": "sent",
    "\\drafts": "drafts",
    "\\trash": "trash",
    "\\junk": "junk",
    "\\archive": "archive",
    "\\all": "all",
}
_NAMES = {
    "sent": (
        "sent|sent items|sent mail|sent messages|sentbox|gesendet|gesendete elemente|gesendete objekte|"
        "gesendete nachrichten|enviados|enviadas|enviado|elementos enviados|mensajes enviados|correo enviado|itens enviados|"
        "mensagens enviadas|e-mails enviados|envoyés|éléments envoyés|messages envoyés|courrier envoyé|posta inviata|inviati|"
        "inviata|messaggi inviati|verzonden|verzonden items|verzonden berichten|wysłane|elementy wysłane|wysłane wiadomości|"
        "отправленные|надіслані|надіслані елементи|skickat|skickade objekt|skickat mail|sendt|sendt post|"
        "sendte elementer|lähetetyt|lähetetyt kohteet|odeslané|odeslaná pošta|odoslané|elküldött elemek|elküldött|trimise|"
        "elemente trimise|απεσταλμένα|gönderilmiş öğeler|gönderilenler|gönderilmiş|送信済み|送信済みアイテム|送信済みメール|"
        "已发送|已发送邮件|已傳送|寄件備份|보낸편지함|보낸 편지함|보낸 메일함|العناصر المرسلة|פריטים שנשלחו"
    ),
    "drafts": (
        "drafts|draft|entwürfe|entwurf|brouillons|brouillon|borradores|borrador|bozze|concepten|kopie robocze|szkice|"
        "wersje robocze|черновики|чернетки|rascunhos|utkast|kladder|luonnokset|koncepty|rozepsané|piszkozatok|ciorne|"
        "πρόχειρα|taslaklar|下書き|草稿|草稿箱|임시보관함|임시 보관함|المسودات|טיוטות"
    ),
    "trash": (
        "trash|deleted items|deleted messages|deleted|bin|papierkorb|gelöschte elemente|gelöschte objekte|gelöscht|corbeille|"
        "éléments supprimés|messages supprimés|papelera|papelera de reciclaje|elementos eliminados|eliminados|cestino|"
        "posta eliminata|elementi eliminati|prullenbak|prullenmand|verwijderde items|kosz|elementy usunięte|корзина|"
        "удаленные|удалённые|кошик|видалені|lixeira|itens excluídos|itens eliminados|papperskorgen|"
        "borttagna objekt|papirkurv|slettet post|slettede elementer|roskakori|poistetut|koš|odstraněná pošta|kôš|"
        "törölt elemek|kuka|coș de gunoi|elemente șterse|κάδος|διαγραμμένα|çöp kutusu|silinmiş öğeler|ゴミ箱|"
        "削除済みアイテム|已删除|已删除邮件|已刪除|刪除的郵件|휴지통|지운 편지함|العناصر المحذوفة|אשפה"
    ),
    "junk": (
        "junk|spam|junk e-mail|junk email|junk mail|bulk mail|bulk|bulkmail|spamverdacht|unerwünscht|junk-e-mail|werbung|"
        "courrier indésirable|indésirables|pourriel|correo no deseado|posta indesiderata|ongewenste e-mail|"
        "ongewenste mail|wiadomości-śmieci|niechciane|спам|нежелательная почта|небажана пошта|lixo eletrônico|"
        "lixo eletrónico|skräppost|uønsket mail|søppelpost|roskaposti|nevyžádaná pošta|levélszemét|ανεπιθύμητα|istenmeyen|"
        "önemsiz e-posta|迷惑メール|垃圾邮件|垃圾郵件|스팸|스팸메일함|정크 메일"
    ),
    "archive": (
        "archive|archives|archiv|archivio|archivo|archivados|archiviati|archief|archiwum|архив|архів|arkiv|arkisto|arquivo|"
        "archív|archívum|arhivă|αρχείο|arşiv|アーカイブ|归档|存档|封存|보관함|보관 메일|ארכיון|الأرشيف"
    ),
}


def _folded(name: str) -> str:
    # Servers on a Mac write an umlaut as two characters; the Turkish capital I folds into two as well.
    return unicodedata.normalize("NFKC", name).casefold().replace("i̇", "i").strip()


_ROLE_BY_NAME = {_folded(name): role for role, names in _NAMES.items() for name in names.split("|")}


def folder_role(name: str, delimiter: str, special_use: Iterable[str]) -> str:
    """Give a folder's role, "" if it has none.

    Args:
        name: as LIST gives it, decoded.
        delimiter: the hierarchy delimiter, "" if there is none.
        special_use: attributes of the LIST answer, in any case.
    """
    if name.upper() == "INBOX":
        return "inbox"
    for attribute in special_use:
        role = _SPECIAL_USE.get(attribute.lower())
        if role:
            return role
    leaf = name.rpartition(delimiter)[2] if delimiter else name
    parent = name[: -len(leaf)].rstrip(delimiter) if delimiter else ""
    # A folder deep in the user's own tree may be called anything; only the top and what hangs under INBOX count.
    if parent and parent.upper() not in ("INBOX", "[GMAIL]", "[GOOGLE MAIL]"):
        return ""
    return _ROLE_BY_NAME.get(_folded(leaf), "")
