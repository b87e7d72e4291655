"""What a folder is for: by its special-use attribute, else by its name (RFC 6154; field notes, fact 8)."""

from __future__ import annotations

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
        "sent|sent items|sent mail|sent messages|sentbox|gesendet|gesendete elemente|gesendete objekte|enviados|"
        "elementos enviados|envoyés|éléments envoyés|messages envoyés|posta inviata|inviati|verzonden|verzonden items|"
        "wysłane|elementy wysłane|отправленные|надіслані|skickat|sendt|lähetetyt|odeslané|送信済み|已发送|已傳送|보낸편지함|gönderilmiş öğeler"
    ),
    "drafts": "drafts|draft|entwürfe|brouillons|borradores|bozze|concepten|kopie robocze|черновики|rascunhos|utkast|下書き|草稿|草稿箱",
    "trash": (
        "trash|deleted items|deleted messages|deleted|bin|papierkorb|gelöschte elemente|gelöschte objekte|corbeille|"
        "éléments supprimés|papelera|elementos eliminados|cestino|posta eliminata|prullenbak|kosz|корзина|удаленные|"
        "lixeira|itens excluídos|papperskorgen|ゴミ箱|已删除|已刪除"
    ),
    "junk": "junk|spam|junk e-mail|junk email|bulk mail|bulk|spamverdacht|courrier indésirable|correo no deseado|posta indesiderata|спам|迷惑メール|垃圾邮件",
    "archive": "archive|archives|archiv|archivio|archivo|archief|archiwum|архив|arkiv|arquivo|アーカイブ|归档",
}
_ROLE_BY_NAME = {name: role for role, names in _NAMES.items() for name in names.split("|")}


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
    return _ROLE_BY_NAME.get(leaf.casefold(), "")
