"""Between the password and the session: one half-done sign-in, with what the next step must prove. Short-lived, single use.

The browser holds a random token in a hidden field; here is only its hash. What a step keeps (a challenge, a secret that is being set up)
stands sealed. Whoever finishes a step opens the session: that is coordination's work.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from foundation.crypto import cipher, new_token, token_hash
from foundation.db import Base, Keyed, claim, new_id
from foundation.errors import NotAllowed
from foundation.web.words import N_

LIFE = timedelta(minutes=10)
#: factor: the password was right. set_up: a secret is shown. passkey, add_passkey: a challenge was given. link: signed in elsewhere.
KINDS = ("factor", "set_up", "passkey", "add_passkey", "link")


class SignInStep(Keyed, Base):
    """A sign-in that waits for its next step."""

    __tablename__ = "sign_in_step"

    token_hash: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    person_id: Mapped[UUID | None]
    kept_sealed: Mapped[str]
    until: Mapped[datetime]
    used_at: Mapped[datetime | None]

    def kept(self, session: Session) -> str:
        """What this step was begun with."""
        return cipher(session).open("sign_in_step.kept", self.id, self.kept_sealed)


def begin(
    session: Session, real_now: datetime, kind: str, person_id: UUID | None = None, kept: str = ""
) -> str:
    """Begin a step and return the token that finishes it. What has run out is forgotten."""
    assert kind in KINDS
    session.execute(delete(SignInStep).where(SignInStep.until < real_now))
    key, token = new_id(), new_token()
    session.add(
        SignInStep(
            id=key,
            token_hash=token_hash(token),
            kind=kind,
            person_id=person_id,
            kept_sealed=cipher(session).seal("sign_in_step.kept", key, kept),
            until=real_now + LIFE,
        )
    )
    session.flush()
    return token


def find(session: Session, real_now: datetime, kind: str, token: str) -> SignInStep:
    """The open step behind a token; raise NotAllowed where it has run out, was used, or is of another kind."""
    rows = select(SignInStep).where(SignInStep.token_hash == token_hash(token), SignInStep.kind == kind)
    row = session.scalars(rows.where(SignInStep.used_at.is_(None), SignInStep.until > real_now)).first()
    if row is None:
        raise NotAllowed(N_("This sign-in has run out."), N_("Please start again."))
    return row


def finish(session: Session, real_now: datetime, row: SignInStep) -> None:
    """Use a step up; raise NotAllowed where somebody else was faster."""
    if not claim(session, SignInStep, row.id, {"used_at": None}, {"used_at": real_now}):
        raise NotAllowed(N_("This sign-in has run out."), N_("Please start again."))
