"""What identity servers answer when they refuse, and what it means to the user: one table.

Sources: Google's "OAuth 2.0 for Web Server Applications", error codes; Microsoft's "Microsoft Entra authentication and
authorization error codes" (AADSTS…); RFC 6749, sections 4.1.2.1 and 5.2.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from webmail.errors import NeedsSignIn, ProviderError, Refused, Retryable
from webmail.providers.oauth import SIDE

_AGAIN = "Sign in again; settings, conversations and queued mail are kept."


@dataclass(frozen=True)
class Ending:
    """One way for a sign-in or a grant to end; `kind` is `sign_in`, `refused` or `retry`."""

    kind: str
    cause: str
    sentence: str
    next_step: str


def _ending(kind: str, cause: str, sentence: str, next_step: str) -> Ending:
    return Ending(kind, cause, sentence, next_step)


_DENIED = _ending(
    "refused", "denied", "You did not allow access, so nothing was connected.", "Connect again and choose Allow."
)
_ADMIN_CONSENT = _ending(
    "refused",
    "admin_consent_needed",
    "Your organisation lets only its administrator allow this app.",
    "Ask your Microsoft 365 administrator to approve it, then connect again.",
)
_APP_SECRET = _ending(
    "retry",
    "app_secret_expired",
    "This installation's own password at Microsoft has run out.",
    "Nothing is wrong with your mailbox. Your administrator has to renew the client secret.",
)
_APP_WRONG = _ending(
    "retry",
    "app_misconfigured",
    "{name} does not know this installation.",
    "Nothing is wrong with your mailbox. Your administrator has to check client id, secret and redirect URI.",
)
_MFA = _ending("sign_in", "mfa_needed", "Your organisation now asks for a second factor at sign-in.", _AGAIN)
_PASSWORD_CHANGED = _ending(
    "sign_in", "password_changed", "Access ended because the password was changed or sign-ins were revoked.", _AGAIN
)
_INACTIVE = _ending("sign_in", "inactive", "Access ended because it was not used for too long.", _AGAIN)
_POLICY = _ending("sign_in", "policy", "A sign-in policy of your organisation ended the access.", _AGAIN)
_WITHDRAWN = _ending("sign_in", "withdrawn", "{name} says that access has ended or was withdrawn.", _AGAIN)
_CODE_USED = _ending(
    "refused",
    "code_refused",
    "{name} did not accept this sign-in: it took too long or was used before.",
    "Connect again.",
)

_MICROSOFT_CODES: dict[str, Ending] = {
    "65001": _ADMIN_CONSENT,
    "90094": _ADMIN_CONSENT,
    "90095": _ADMIN_CONSENT,
    "65004": _DENIED,
    "50076": _MFA,
    "50079": _MFA,
    "50074": _MFA,
    "50173": _PASSWORD_CHANGED,
    "50133": _PASSWORD_CHANGED,
    "700082": _INACTIVE,
    "700084": _INACTIVE,
    "70008": _INACTIVE,
    "70043": _POLICY,
    "53003": _POLICY,
    "53000": _POLICY,
    "50055": _PASSWORD_CHANGED,
    "50057": _ending("sign_in", "account_disabled", "This account is switched off in your organisation.", _AGAIN),
    "54005": _CODE_USED,
    "7000222": _APP_SECRET,
    "7000215": _APP_WRONG,
    "700016": _APP_WRONG,
    "50011": _APP_WRONG,
}
_ERRORS: dict[str, Ending] = {
    "access_denied": _DENIED,
    "consent_required": _ADMIN_CONSENT,
    "admin_policy_enforced": _ending(
        "refused",
        "admin_policy",
        "Your organisation's policy does not let this app read mail.",
        "Ask your Google Workspace administrator to trust the app, then connect again.",
    ),
    "org_internal": _ending(
        "refused",
        "org_internal",
        "This app is only open to accounts of its own organisation.",
        "Choose your work account, or connect with an app password.",
    ),
    "interaction_required": _MFA,
    "login_required": _WITHDRAWN,
    "invalid_client": _APP_WRONG,
    "unauthorized_client": _APP_WRONG,
    "redirect_uri_mismatch": _APP_WRONG,
    "invalid_request": _APP_WRONG,
    "temporarily_unavailable": _ending(
        "retry", "identity_server_away", "{name} sign-in is not available just now.", "Try again in a minute."
    ),
    "server_error": _ending(
        "retry", "identity_server_away", "{name} sign-in is not available just now.", "Try again in a minute."
    ),
    "invalid_grant": _WITHDRAWN,
}
_UNKNOWN = _ending(
    "retry", "sign_in_unclear", "{name} did not let us sign in, and did not say why.", "Try again in a minute."
)


def refusal(name: str, error: str, description: str = "", *, of_code: bool = False) -> ProviderError:
    """Turn an identity server's error into one of ours.

    Args:
        name: "Google" or "Microsoft".
        error, description: as the server gave them (RFC 6749, section 5.2).
        of_code: the code of a sign-in was refused, not a refresh token.
    """
    ending = _ending_of(error, description)
    if of_code and ending is _WITHDRAWN:
        ending = _CODE_USED
    kinds: dict[str, type[ProviderError]] = {"sign_in": NeedsSignIn, "refused": Refused, "retry": Retryable}
    return kinds[ending.kind](
        ending.sentence.format(name=name),
        side=SIDE,
        cause=ending.cause,
        next_step=ending.next_step,
        server_answer=_words(f"{error}: {description}" if description else error),
    )


def _ending_of(error: str, description: str) -> Ending:
    for code in re.findall(r"AADSTS(\d{4,7})", description):
        if code in _MICROSOFT_CODES:
            return _MICROSOFT_CODES[code]
    return _ERRORS.get(error, _UNKNOWN)


def _words(text: str) -> str:
    """Give a server's words in one line, without the trace that Microsoft adds."""
    return " ".join(re.sub(r"(?:Trace|Correlation) ID: \S+|Timestamp: .*$", "", text).split())[:500]
