"""OpenID Connect, the protocol: where to send the browser, and who came back. Authorization code with PKCE, state and nonce.

The work is Authlib's and joserfc's (extra `sso`). What must be remembered between the two steps travels in a signed cookie of ten minutes,
so that only the browser that began can end. Whose account it is, is committees/sso.py.
"""

from __future__ import annotations

import importlib.util
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from foundation.channel_settings import nobody_listens
from foundation.crypto import Cipher
from foundation.errors import NotAllowed, Problem
from foundation.logs import log
from foundation.sign_in_settings import Oidc
from foundation.web.words import N_

PURPOSE, LIFE, TIMEOUT = "openid", 600, 10
ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"]
BACK = "/sign-in/sso/back"


@dataclass(frozen=True)
class Leaving:
    """Where the browser goes, and the cookie that it must bring back."""

    url: str
    cookie: str


def installed() -> bool:
    """Whether the libraries are there."""
    return all(importlib.util.find_spec(name) for name in ("authlib", "joserfc", "requests"))


def leave(provider: Oidc, public_url: str, cipher: Cipher, real_now: datetime, then: str) -> Leaving:
    """Begin: ask the provider for its addresses, make state, nonce and verifier."""
    _check_installed()
    kept = {
        "state": secrets.token_urlsafe(24),
        "nonce": secrets.token_urlsafe(24),
        "verifier": secrets.token_urlsafe(48),
        "at": int(real_now.timestamp()),
        "then": then,
    }
    try:
        found = _discovered(provider)
        url, _state = _client(provider, public_url).create_authorization_url(
            found["authorization_endpoint"],
            state=kept["state"],
            nonce=kept["nonce"],
            code_verifier=kept["verifier"],
        )
    except Exception as error:  # noqa: BLE001 -- whatever the other side does, a person is told once what to do
        raise _failed(error) from None
    return Leaving(url, cipher.sign(PURPOSE, json.dumps(kept).encode()))


def come_back(
    provider: Oidc, public_url: str, cipher: Cipher, real_now: datetime, cookie: str, query: Mapping[str, str]
) -> tuple[str, str]:
    """Whoever the provider says came back (its subject), and where they wanted to go; raise NotAllowed for anything that does not fit."""
    _check_installed()
    raw = cipher.signed(PURPOSE, cookie)
    kept: dict[str, Any] = json.loads(raw) if raw else {}
    fits = bool(kept) and secrets.compare_digest(kept["state"].encode(), query.get("state", "").encode())
    if not fits or not 0 <= int(real_now.timestamp()) - kept["at"] < LIFE or not query.get("code"):
        raise _failed(ValueError("state"))
    try:
        found = _discovered(provider)
        token = _client(provider, public_url).fetch_token(
            found["token_endpoint"], code=query["code"], code_verifier=kept["verifier"], timeout=TIMEOUT
        )
        claims = _claims(provider, found, token["id_token"], real_now)
    except Exception as error:  # noqa: BLE001 -- as above
        raise _failed(error) from None
    if not secrets.compare_digest(str(claims.get("nonce", "")).encode(), kept["nonce"].encode()):
        raise _failed(ValueError("nonce"))
    return str(claims["sub"]), str(kept["then"])


def _client(provider: Oidc, public_url: str) -> Any:
    from authlib.integrations.requests_client import OAuth2Session

    return OAuth2Session(
        provider.client_id,
        provider.client_secret,
        scope="openid",
        redirect_uri=f"{public_url}{BACK}",
        code_challenge_method="S256",
    )


def _discovered(provider: Oidc) -> dict[str, Any]:
    """The provider's own description; its addresses must be as safe as its issuer."""
    found = _fetched(f"{provider.issuer}/.well-known/openid-configuration")
    if str(found.get("issuer", "")).rstrip("/") != provider.issuer:
        raise ValueError("another issuer")
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
        parts = urlsplit(str(found.get(name, "")))
        if not nobody_listens(parts.scheme, parts.hostname):
            raise ValueError(name)
    return found


def _fetched(url: str) -> dict[str, Any]:
    import requests

    answer = requests.get(url, timeout=TIMEOUT, allow_redirects=False)
    answer.raise_for_status()
    found = answer.json()
    if answer.status_code != 200 or not isinstance(found, dict):
        raise ValueError("no answer")
    return found


def _claims(provider: Oidc, found: Mapping[str, Any], id_token: str, real_now: datetime) -> dict[str, Any]:
    """What the signed token says, once signature, issuer, audience and times are right."""
    from joserfc import jwt
    from joserfc.jwk import KeySet

    keys = KeySet.import_key_set(_fetched(found["jwks_uri"]))  # type: ignore[arg-type]
    claims: dict[str, Any] = jwt.decode(id_token, keys, algorithms=ALGORITHMS).claims
    registry = jwt.JWTClaimsRegistry(
        now=int(real_now.timestamp()),
        leeway=60,
        iss={"essential": True, "value": found["issuer"]},
        aud={"essential": True, "value": provider.client_id},
        sub={"essential": True},
        exp={"essential": True},
        iat={"essential": True},
        nonce={"essential": True},
    )
    registry.validate(claims)
    if claims.get("azp", provider.client_id) != provider.client_id:
        raise ValueError("azp")
    return claims


def _check_installed() -> None:
    if not installed():
        raise Problem(
            N_("Signing in elsewhere is not installed here."),
            N_("The operator installs it with: pip install 'concord[sso]'"),
            501,
        )


def _failed(error: Exception) -> NotAllowed:
    log().warning("openid_failed", error_type=type(error).__name__)
    return NotAllowed(
        N_("Signing in there did not work."), N_("Please try once more, or sign in another way.")
    )
