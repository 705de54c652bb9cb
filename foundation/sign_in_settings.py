"""Reading the settings of signing in elsewhere: a ministry's own OpenID provider. Pure; config.py calls it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from foundation.channel_settings import BadSetting, nobody_listens

NAMES = ("OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET", "OIDC_NAME")


@dataclass(frozen=True)
class Oidc:
    """An OpenID provider: its issuer, who we are there, and what the button says."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    name: str = "OpenID"


def oidc(get: Callable[[str], str | None], parts: Callable[[str], tuple[str, str | None]]) -> Oidc | None:
    """The provider; None where none is set. Raise BadSetting for half a one, or for one that anybody could listen to."""
    issuer, client_id, secret = (get(name) for name in NAMES[:3])
    if not (issuer or client_id or secret):
        return None
    if not (issuer and client_id and secret):
        raise BadSetting(
            "CONCORD_OIDC_ISSUER, CONCORD_OIDC_CLIENT_ID and CONCORD_OIDC_CLIENT_SECRET belong together.",
            "Set all three, or none. The provider gives them when it registers Concord.",
        )
    scheme, host = parts(issuer)
    if not nobody_listens(scheme, host):
        raise BadSetting(
            "CONCORD_OIDC_ISSUER cannot be used.",
            "Write the provider's https address, like https://login.example.gov.",
        )
    return Oidc(issuer.rstrip("/"), client_id, secret, get("OIDC_NAME") or "OpenID")
