"""Proving again who one is, right before an act that could not be undone: numbers, second steps, passkeys, passwords, who may report unnamed.

With a password it is the password; without one, a sign-in of the last ten minutes. Pages only.
"""

from __future__ import annotations

from datetime import timedelta

from flask_login import current_user
from sqlalchemy import select

from committees import accounts
from committees.accounts import Account
from coordination import frame
from foundation.errors import Invalid, NotAllowed
from foundation.web.page import Visit
from foundation.web.words import gettext as _

FRESH = timedelta(minutes=10)


def account_of(visit: Visit) -> Account | None:
    """The account with a password of whoever is signed in; None for those who sign in with a code or elsewhere."""
    return visit.session.scalars(select(Account).where(Account.person_id == visit.person_id)).first()


def prove(visit: Visit) -> None:
    """Raise Invalid for a wrong password, NotAllowed where one must sign in again; a wrong try is counted."""
    account = account_of(visit)
    now = frame.real_clock.now()
    if account is None:
        if now - current_user.row.created_at > FRESH:
            raise NotAllowed(
                _("Please sign in again first."), _("This is changed only right after signing in.")
            )
        return
    try:
        accounts.check_password(visit.session, now, account.sign_in, visit.form.get("password", ""))
    except NotAllowed:
        visit.session.commit()
        raise Invalid("password", _("The password is not right.")) from None
