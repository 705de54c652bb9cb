"""Passkeys: signing in with a key that stays in the person's device, instead of password and digits. An addition, never the only way.

The work is the webauthn library's (extra `passkeys`); where it is not installed nothing is offered. Only public keys are stored. A key is
taken only if the device has checked its owner (finger, face or number), so that it stands for both steps.
"""

from __future__ import annotations

import importlib.util
import json
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import LargeBinary, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from committees import sign_in_steps
from foundation import journal
from foundation.db import Base, Keyed, claim, insert_new, new_id
from foundation.errors import NotAllowed, Problem
from foundation.web.words import N_

MOST = 10
NAME_LONGEST = 40


class Passkey(Keyed, Base):
    """One device's public key."""

    __tablename__ = "passkey"

    person_id: Mapped[UUID] = mapped_column(index=True)
    credential: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    uses: Mapped[int] = mapped_column(default=0)
    name: Mapped[str]
    since: Mapped[datetime]
    used_at: Mapped[datetime | None]


def offered() -> bool:
    """Whether this installation has the library."""
    return importlib.util.find_spec("webauthn") is not None


def _library() -> Any:
    if not offered():
        raise Problem(
            N_("Passkeys are not installed here."),
            N_("The operator installs them with: pip install 'concord[passkeys]'"),
            501,
        )
    import webauthn

    return webauthn


def of(session: Session, person_id: UUID) -> list[Passkey]:
    """A person's passkeys, the oldest first."""
    return list(
        session.scalars(select(Passkey).where(Passkey.person_id == person_id).order_by(Passkey.since))
    )


def begin_adding(
    session: Session, real_now: datetime, url: str, person_id: UUID, name: str
) -> tuple[str, str]:
    """The token of the step, and what the browser must be asked for, as JSON."""
    library = _library()
    from webauthn.helpers import structs

    there = of(session, person_id)
    if len(there) >= MOST:
        raise Problem(N_("Ten passkeys are enough."), N_("Remove one that you no longer use."))
    options = library.generate_registration_options(
        rp_id=_host(url),
        rp_name="Concord",
        user_id=person_id.bytes,
        user_name=name,
        authenticator_selection=structs.AuthenticatorSelectionCriteria(
            resident_key=structs.ResidentKeyRequirement.REQUIRED,
            user_verification=structs.UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[structs.PublicKeyCredentialDescriptor(id=row.credential) for row in there],
    )
    return _begin(session, real_now, "add_passkey", options, person_id)


def add(
    session: Session,
    now: datetime,
    real_now: datetime,
    url: str,
    person_id: UUID,
    token: str,
    answer: str,
    name: str,
) -> Passkey:
    """Keep the public key that the browser brought; raise NotAllowed where it does not answer our challenge."""
    library = _library()
    step = sign_in_steps.find(session, real_now, "add_passkey", token)
    sign_in_steps.finish(session, real_now, step)
    if step.person_id != person_id:
        raise NotAllowed(N_("This sign-in has run out."), N_("Please start again."))
    found = _verified(
        lambda: library.verify_registration_response(
            credential=answer,
            expected_challenge=bytes.fromhex(step.kept(session)),
            expected_rp_id=_host(url),
            expected_origin=url,
            require_user_verification=True,
        )
    )
    row = Passkey(
        id=new_id(),
        person_id=person_id,
        credential=found.credential_id,
        public_key=found.credential_public_key,
        uses=found.sign_count,
        name=name.strip()[:NAME_LONGEST],
        since=real_now,
    )
    if not insert_new(session, row):
        raise NotAllowed(N_("This passkey is known here already."), N_("You can sign in with it."))
    journal.record(session, now, "passkey:add", "person", person_id)
    return row


def begin_signing_in(session: Session, real_now: datetime, url: str) -> tuple[str, str]:
    """The token of the step, and what the browser must be asked for: any passkey of this site, whoever it belongs to."""
    library = _library()
    from webauthn.helpers import structs

    options = library.generate_authentication_options(
        rp_id=_host(url), user_verification=structs.UserVerificationRequirement.REQUIRED
    )
    return _begin(session, real_now, "passkey", options)


def claimed_owner(answer: str) -> UUID | None:
    """Whose passkey an answer says it is: nothing is proved by that, it only says whose keys to look at."""
    try:
        from webauthn.helpers import base64url_to_bytes

        return UUID(bytes=base64url_to_bytes(json.loads(answer)["response"]["userHandle"]))
    except (ImportError, KeyError, TypeError, ValueError, RecursionError):
        return None


def check(
    session: Session, real_now: datetime, url: str, token: str, answer: str, person_id: UUID | None
) -> UUID:
    """The person whose passkey answered our challenge; raise NotAllowed for anything else. The step is used up either way."""
    library = _library()
    step = sign_in_steps.find(session, real_now, "passkey", token)
    sign_in_steps.finish(session, real_now, step)
    row = _named(session, answer, person_id)
    found = _verified(
        lambda: library.verify_authentication_response(
            credential=answer,
            expected_challenge=bytes.fromhex(step.kept(session)),
            expected_rp_id=_host(url),
            expected_origin=url,
            credential_public_key=row.public_key,
            credential_current_sign_count=row.uses,
            require_user_verification=True,
        )
    )
    becomes = {"uses": found.new_sign_count, "used_at": real_now}
    if not claim(session, Passkey, row.id, {"uses": row.uses}, becomes):
        raise _refused()
    return row.person_id


def remove(session: Session, now: datetime, person_id: UUID, passkey_id: UUID) -> None:
    """Forget one of a person's own passkeys."""
    session.execute(delete(Passkey).where(Passkey.id == passkey_id, Passkey.person_id == person_id))
    journal.record(session, now, "passkey:remove", "person", person_id)


def remove_all(session: Session, person_id: UUID) -> None:
    """Forget all passkeys of a person."""
    session.execute(delete(Passkey).where(Passkey.person_id == person_id))


def _begin(
    session: Session, real_now: datetime, kind: str, options: Any, person_id: UUID | None = None
) -> tuple[str, str]:
    token = sign_in_steps.begin(session, real_now, kind, person_id, options.challenge.hex())
    return token, str(_library().options_to_json(options))


def _named(session: Session, answer: str, person_id: UUID | None) -> Passkey:
    from webauthn.helpers import base64url_to_bytes

    try:
        credential = base64url_to_bytes(json.loads(answer)["rawId"])
    except (KeyError, TypeError, ValueError, RecursionError):
        raise _refused() from None
    rows = select(Passkey).where(Passkey.credential == credential, Passkey.person_id == person_id)
    row = session.scalars(rows).first()
    if row is None:
        raise _refused()
    return row


def _verified(check_it: Any) -> Any:
    from webauthn.helpers.exceptions import WebAuthnException

    try:
        return check_it()
    except (WebAuthnException, ValueError, KeyError, TypeError, RecursionError):
        raise _refused() from None


def _refused() -> NotAllowed:
    return NotAllowed(
        N_("This passkey could not be used."), N_("Try once more, or sign in with your password.")
    )


def _host(url: str) -> str:
    return urlsplit(url).hostname or "localhost"
