"""An ATS as its developers would write it: it signs launches, rightly or in any wrong way that a test wants."""

from __future__ import annotations

import base64
import contextlib
import json
import time
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from joserfc import jwt
from joserfc.jwk import OctKey

from webmail.actions import tenants
from webmail.errors import InputRefused


def encoded(value: Mapping[str, Any]) -> str:
    """Write a part of a token."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


class Ats:
    """A tenant with a secret and an origin, in this process's database.

    Args:
        audience: the installation that its launches are for.
    """

    def __init__(self, slug: str, origin: str, audience: str) -> None:
        self.slug, self.origin, self.audience = slug, origin, audience
        with contextlib.suppress(InputRefused):  # it is there already, with other keys
            tenants.add_tenant(slug)
        tenants.add_origin(slug, origin)
        self.kid, self.secret = tenants.add_key(slug, "HS256")

    def claims(self, **other: Any) -> dict[str, Any]:
        """Give the claims of a right launch, with some of them replaced; None leaves one out."""
        right = {
            "iss": self.slug,
            "sub": "rita",
            "aud": self.audience,
            "exp": int(time.time()) + 50,
            "jti": uuid4().hex,
            "name": "Rita Roth",
            "email": "rita@acme.example",
        }
        return {name: value for name, value in (right | other).items() if value is not None}

    def token(self, **other: Any) -> str:
        """Sign a launch by the secret."""
        key = OctKey.import_key(self.secret)
        return jwt.encode({"alg": "HS256", "kid": self.kid}, self.claims(**other), key)
