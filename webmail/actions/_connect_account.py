"""Turn a checked attempt into an account: a new one, one with other settings, or one that was disconnected before."""

from __future__ import annotations

from typing import Any

from webmail.actions._connect_secrets import save_secret
from webmail.domain.addresses import normalise_email
from webmail.providers import presets
from webmail.store import leases
from webmail.store.accounts import find_account, list_accounts
from webmail.store.conversations import refresh_conversations
from webmail.store.folders import folders_of, forget_position
from webmail.store.messages import conversation_ids_of
from webmail.store.models import Account, ConnectAttempt, utc_now
from webmail.store.placements import message_ids_in_folder
from webmail.store.scope import Scope
from webmail.store.session import Session
from webmail.store.webhooks import record_of_account

_TAKEN_OVER = (
    "provider",
    "email",
    "user_name",
    "imap_host",
    "imap_port",
    "smtp_host",
    "smtp_port",
    "ssl_enabled",
    "reads_mail",
)
_CARDS = {"google": "gmail", "microsoft": "outlook"}
_OFFERED = {
    "idle": "IDLE",
    "condstore": "CONDSTORE",
    "qresync": "QRESYNC",
    "move": "MOVE",
    "uidplus": "UIDPLUS",
    "special_use": "SPECIAL-USE",
}


def save_account(s: Session, attempt: ConnectAttempt, found: dict[str, Any]) -> Account | None:
    """Write what was typed and what the checks found into the attempt's account.

    A sync that runs with the settings from before loses its lease, so that it writes nothing more.

    Args:
        attempt: one that went well, with its secret.
        found: what `_connect_checks` found out, by name.

    Returns:
        The account; None when it is being disconnected, or is gone.
    """
    account = _account_of(s, attempt)
    if account is None or account.status in ("disconnecting", "erasing"):
        return None
    settings = attempt.settings
    before = {name: getattr(account, name) for name in ("imap_host", "smtp_host", "user_name", "status", "read_marks")}
    parts_before = _parts(account) if account.id else None
    for name in _TAKEN_OVER:
        setattr(account, name, settings[name])
    account.imap_security = found.get("imap_security", "tls")
    account.smtp_security = found.get("smtp_security") or account.smtp_security or "starttls"
    account.sends_by = settings.get("sends_by", "smtp")
    account.imap_folder = found.get("imap_folder") or settings["imap_folder"] or "INBOX"
    account.outbox_folder = found.get("outbox_folder", "")
    account.fingerprint = _fingerprint(found)
    _take_over_preset(account, is_same_server=before["smtp_host"] == account.smtp_host)
    if before["status"] in (None, "not_connected") or settings["read_marks"] != before["read_marks"]:
        account.read_marks_from = utc_now()
    account.read_marks = settings["read_marks"]
    account.only_contacts = bool(account.only_contacts or settings.get("only_contacts"))
    _clear_status(account)
    s.add(account)
    s.flush()
    save_secret(s, account, attempt.secret)
    account.card = _CARDS.get(account.auth, account.card)
    s.flush()
    if before["status"] != "connected":
        record_of_account(s, account, "account.connected")
    if parts_before is not None:
        leases.revoke(s, account.id)
        is_other_mailbox = (before["imap_host"], before["user_name"]) != (account.imap_host, account.user_name)
        _adjust_folders(s, account, parts_before, is_other_mailbox=is_other_mailbox)
    return account


def _account_of(s: Session, attempt: ConnectAttempt) -> Account | None:
    if attempt.account_id is not None:
        return find_account(s, attempt.account_id)
    scope = Scope(attempt.tenant_id, attempt.user_id)
    address = normalise_email(attempt.settings["email"])
    for account in list_accounts(s, scope):
        if normalise_email(account.email) == address:
            return account
    return Account(tenant_id=scope.tenant_id, user_id=scope.user_id)


def _parts(account: Account) -> tuple[str, str]:
    """Give the folders that are synced whole: what is read, and where the copies of sent mail lie."""
    return account.imap_folder or "INBOX", account.outbox_folder


def _take_over_preset(account: Account, *, is_same_server: bool) -> None:
    """Let the preset say what it knows, where it is really the preset's server that sends."""
    preset = presets.preset(account.provider)
    is_presets = preset is not None and presets.filled(preset, account.email)["smtp_host"] == account.smtp_host
    account.card = "gmail" if is_presets and account.provider == "gmail" else "other"
    if preset is not None and is_presets and preset.server_saves_sent is not None:
        account.files_sent_itself = preset.server_saves_sent
    elif not is_same_server:
        account.files_sent_itself = None
    if account.sends_by == "graph":
        account.files_sent_itself = True


def _fingerprint(found: dict[str, Any]) -> dict[str, Any]:
    """Build what is kept of the checks: what the servers offer, corrected by what they were found to honour."""
    capabilities = found.get("capabilities", [])
    offered = {name: capability in capabilities for name, capability in _OFFERED.items()}
    if "has_modseq" in found:
        offered["condstore"] = found["has_modseq"]
    tried = found.get("tried", {})
    if "idle" in tried:
        offered["idle"] = tried["idle"]
    offered["special_use"] = bool(found.get("marks_roles", offered["special_use"]))
    return {
        "capabilities": capabilities,
        **offered,
        "sessions": tried.get("sessions"),
        "smtp": found.get("smtp", {}),
        "checked_at": utc_now().isoformat(timespec="seconds"),
    }


def _clear_status(account: Account) -> None:
    if account.status == "reconnect_needed" and account.status_since is not None:
        # The last look at the mailbox was before the moment at which the missing sign-in was noticed.
        account.away_from = min(account.last_synced_at or account.status_since, account.status_since)
        account.away_until = utc_now()
    account.status = "connected"
    account.status_sentence = account.status_next_step = account.status_detail = account.status_cause = ""
    account.status_since = None
    account.failures = 0
    account.retry_at = None


def _adjust_folders(s: Session, account: Account, parts_before: tuple[str, str], *, is_other_mailbox: bool) -> None:
    """Have the sync begin anew where it has to, and take what lies in a folder that is synced no more off the inbox.

    Folders that may play another part now are shown to the sync as unsynced: it then asks the server for all of them.

    Args:
        is_other_mailbox: server or user name changed, so none of the stored UIDs can be trusted.
    """
    parts = _parts(account)
    if parts == parts_before and not is_other_mailbox:
        return
    known = folders_of(s, account.id)
    left = [folder for folder in known if folder.is_synced and folder.name not in parts]
    for folder in known:
        if is_other_mailbox or (folder.name in parts and not folder.is_synced):
            forget_position(s, folder)
        folder.is_synced = False
    for folder in left:
        folder.role = ""
    s.flush()
    for folder in left:
        refresh_conversations(s, account, conversation_ids_of(s, message_ids_in_folder(s, folder.id)))
    account.is_backfilled = False
    account.last_synced_at = None
    account.sync_done = account.sync_total = 0
    s.flush()
