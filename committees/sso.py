"""Which account elsewhere belongs to whom: linked once, by an administrator's invitation and a code to the person's own phone.

Never by a name or an e-mail address alone: whoever runs the other side could make one up. Stored is only an index of issuer and subject.
The protocol is coordination/openid.py.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from foundation import journal
from foundation.crypto import cipher
from foundation.db import Base, Keyed, claim, insert_new
from foundation.errors import Conflict, NotAllowed
from foundation.web.words import N_

LASTS = timedelta(days=7)


class SsoIdentity(Base):
    """An account at the other side that opens a person's sign-in."""

    __tablename__ = "sso_identity"

    subject_index: Mapped[str] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), index=True)
    since: Mapped[datetime]


class SsoInvitation(Keyed, Base):
    """An administrator's word that a person may link an account, for seven days and once."""

    __tablename__ = "sso_invitation"

    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), index=True)
    made_by: Mapped[UUID]
    until: Mapped[datetime]
    used_at: Mapped[datetime | None]


def index_of(session: Session, issuer: str, subject: str) -> str:
    """Under which an account elsewhere is stored."""
    return cipher(session).index(f"sso:{issuer} {subject}")


def person_of(session: Session, index: str) -> UUID | None:
    """Whose account it is; None for one that nobody linked."""
    row = session.get(SsoIdentity, index)
    return row.person_id if row else None


def invite(session: Session, now: datetime, real_now: datetime, person_id: UUID, by: UUID) -> None:
    """Allow a person to link an account; who invites oneself is refused."""
    if person_id == by:
        raise NotAllowed(N_("You cannot invite yourself."), N_("Ask another administrator."))
    session.add(SsoInvitation(person_id=person_id, made_by=by, until=real_now + LASTS))
    session.flush()
    journal.record(session, now, "sso:invite", "person", person_id)


def link(session: Session, now: datetime, real_now: datetime, person_id: UUID, index: str) -> None:
    """Link an account to a person who was invited and has just proved their phone; raise NotAllowed without an invitation."""
    rows = select(SsoInvitation).where(
        SsoInvitation.person_id == person_id, SsoInvitation.used_at.is_(None), SsoInvitation.until > real_now
    )
    found = session.scalars(rows.order_by(SsoInvitation.until)).first()
    if found is None or not claim(session, SsoInvitation, found.id, {"used_at": None}, {"used_at": real_now}):
        raise NotAllowed(
            N_("Nobody has invited you to sign in this way."), N_("Ask your administrator for an invitation.")
        )
    if not insert_new(session, SsoIdentity(subject_index=index, person_id=person_id, since=real_now)):
        # The caller commits what was counted: an invitation that linked nothing stays good.
        claim(session, SsoInvitation, found.id, {"used_at": real_now}, {"used_at": None})
        raise Conflict(N_("This account belongs to somebody already."), N_("Sign in with it directly."))
    journal.record(session, now, "sso:link", "person", person_id)
