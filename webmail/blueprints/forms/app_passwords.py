"""Where each provider's users make the app password that a mail program needs."""

from __future__ import annotations

from flask_babel import LazyString
from flask_babel import lazy_gettext as _

from webmail.actions.presets import Choice

Link = tuple[LazyString, str]

_GOOGLE: tuple[Link, ...] = (
    (_("Turn on two-step verification"), "https://myaccount.google.com/signinoptions/two-step-verification"),
    (_("Make an app password"), "https://myaccount.google.com/apppasswords"),
)
_YAHOO: tuple[Link, ...] = (
    (_("Turn on two-step verification"), "https://login.yahoo.com/myaccount/security/"),
    (_("Make an app password"), "https://login.yahoo.com/myaccount/security/app-password"),
)
_AOL: tuple[Link, ...] = (
    (_("Turn on two-step verification"), "https://login.aol.com/myaccount/security/"),
    (_("Make an app password"), "https://login.aol.com/myaccount/security/app-password"),
)
_ZOHO: tuple[Link, ...] = (
    (_("Turn on two-factor authentication"), "https://accounts.zoho.com/home#multiTFA/modes"),
    (_("Make an app password"), "https://accounts.zoho.com/home#security/app_password"),
)

_LINKS: dict[str, tuple[Link, ...]] = {
    "gmail": _GOOGLE,
    "yahoo": _YAHOO,
    "att": ((_("Make a secure mail key"), "https://www.att.com/support/article/email-support/KM1240308/"),),
    "cox": _YAHOO,
    "aol": _AOL,
    "verizon": _AOL,
    "icloud": (
        (_("Turn on two-factor authentication"), "https://support.apple.com/102660"),
        (_("Make an app-specific password"), "https://account.apple.com/account/manage"),
    ),
    "zoho": _ZOHO,
    "zoho_pro": _ZOHO,
    "fastmail": ((_("Make an app password"), "https://app.fastmail.com/settings/security/apps"),),
    "yandex": ((_("Make an app password"), "https://id.yandex.com/security/app-passwords"),),
    "mail_ru": ((_("Make an app password"), "https://account.mail.ru/user/2-step-auth/passwords/"),),
    "proton_bridge": ((_("Find the password in Proton Bridge"), "https://proton.me/mail/bridge"),),
}


def app_password_links(choice: Choice | None) -> tuple[Link, ...]:
    """Give the links that lead to an app password, () when the usual password is the one to type."""
    if choice is None or choice.auth != "app_password":
        return ()
    general = ((_("How to make an app password"), choice.help_url),) if choice.help_url else ()
    return _LINKS.get(choice.id, general)
