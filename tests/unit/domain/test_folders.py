"""What a folder is for: by attribute, else by name."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given

from tests.unit.domain.wild import WILD_TEXT
from webmail.domain.folders import ROLES, folder_role

NAMES = {
    "sent": "Sent|Sent Items|Sent Messages|Gesendet|Gesendete Elemente|Gesendete Objekte|Envoyés|Éléments envoyés|"
    "Messages envoyés|Enviados|Elementos enviados|Itens Enviados|Posta inviata|Inviati|Verzonden|"
    "Verzonden items|Wysłane|Elementy wysłane|Отправленные|Надіслані|Skickat|Sendt|Sendte elementer|Lähetetyt|Odeslaná pošta|Elküldött elemek|"
    "Gönderilmiş Öğeler|Απεσταλμένα|送信済み|送信済みアイテム|已发送|已发送邮件|寄件備份|보낸편지함",
    "drafts": "Drafts|Entwürfe|Brouillons|Borradores|Bozze|Concepten|Kopie robocze|Wersje robocze|Rascunhos|Черновики|"
    "Чернетки|Utkast|Kladder|Luonnokset|Koncepty|Taslaklar|下書き|草稿|草稿箱|임시보관함",
    "trash": "Trash|Deleted Items|Deleted Messages|Bin|Papierkorb|Gelöschte Elemente|Corbeille|Éléments supprimés|"
    "Papelera|Elementos eliminados|Cestino|Posta eliminata|Prullenbak|Verwijderde items|Kosz|Elementy usunięte|Lixeira|"
    "Itens excluídos|Корзина|Удаленные|Papperskorgen|Papirkurv|Roskakori|Koš|Çöp Kutusu|Silinmiş Öğeler|ゴミ箱|"
    "削除済みアイテム|已删除邮件|휴지통",
    "junk": "Junk|Spam|Junk E-mail|Junk Email|Bulk Mail|Spamverdacht|Courrier indésirable|Correo no deseado|"
    "Posta indesiderata|Ongewenste e-mail|Wiadomości-śmieci|Lixo Eletrônico|Спам|Skräppost|迷惑メール|垃圾邮件|스팸",
    "archive": "Archive|Archives|Archiv|Archivio|Archivo|Archief|"
    "Archiwum|Arquivo|Архив|Arkiv|Arkisto|Arşiv|アーカイブ|归档",
}
PAIRS = [(role, name) for role, names in NAMES.items() for name in names.split("|")]


@pytest.mark.parametrize(("role", "name"), PAIRS)
def test_folders_are_known_by_name_in_the_languages_of_mail_programs(role: str, name: str) -> None:
    for written in (name, name.upper(), name.lower(), unicodedata.normalize("NFD", name), f"INBOX.{name}"):
        assert folder_role(written, ".", []) == role, written
    assert folder_role(f"INBOX/{name}", "/", ["\\HasNoChildren"]) == role


@pytest.mark.parametrize(
    ("name", "attributes", "role"),
    [
        ("Poslano", ["\\HasNoChildren", "\\Sent"], "sent"),
        ("x", ["\\DRAFTS"], "drafts"),
        ("x", ["\\trash"], "trash"),
        ("[Gmail]/Alle Nachrichten", ["\\All"], "all"),
        ("[Gmail]/Spam", ["\\Junk"], "junk"),
        ("Sent", ["\\Trash"], "trash"),
        ("[Gmail]/Wichtig", ["\\Important"], ""),
        ("[Gmail]/Sent Mail", [], "sent"),
        ("[Google Mail]/Sent Mail", [], "sent"),
        ("INBOX", ["\\Archive"], "inbox"),
        ("inbox", [], "inbox"),
    ],
)
def test_the_servers_attribute_goes_before_the_name(name: str, attributes: list[str], role: str) -> None:
    assert folder_role(name, "/", attributes) == role


@pytest.mark.parametrize(
    ("name", "delimiter"),
    [
        ("Projects/Sent", "/"),
        ("INBOX/Clients/Archive", "/"),
        ("Sent/2026", "/"),
        ("Sent stuff", "/"),
        ("", "/"),
        ("Sent/", "/"),
        ("INBOX.Sent", "/"),
        ("INBOX/Ann", "/"),
    ],
)
def test_the_users_own_folders_have_no_role(name: str, delimiter: str) -> None:
    assert folder_role(name, delimiter, []) == ""


def test_a_server_without_hierarchy_has_roles_too() -> None:
    assert folder_role("Sent", "", []) == "sent"


def test_no_name_has_two_roles() -> None:
    names = [name.casefold() for _, name in PAIRS]

    assert len(names) == len(set(names))


@given(WILD_TEXT)
def test_any_name_has_a_role_or_none(name: str) -> None:
    assert folder_role(name, "/", [name]) in ("", *ROLES)
