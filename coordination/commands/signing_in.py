"""`concord account password PERSON` and `concord account reset PERSON --by A --with B`: for the server's own keyboard."""

from __future__ import annotations

from uuid import UUID

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from committees import accounts, second_factor
from committees.accounts import Account
from committees.people import Person
from coordination import sign_in_resets
from coordination.commands import opened
from foundation import journal
from foundation.clock import SystemClock
from foundation.errors import NotAllowed, NotFound
from foundation.policy import service


@click.group("account")
def account_command() -> None:
    """Passwords and lost second steps."""


@account_command.command("password")
@click.argument("person")
def password(person: str) -> None:
    """Give PERSON (a code of the seed file) a password; every session of theirs ends. The sign-in name is the code."""
    typed = click.prompt("New password", hide_input=True, confirmation_prompt=True)
    with opened() as runtime, runtime.worker.open(service("command"), write=True) as session:
        found = session.scalars(select(Person).where(Person.code == person)).first()
        if found is None:
            raise NotFound(f"There is nobody with the code {person}.", "Look it up in the seed file.")
        account = session.scalars(select(Account).where(Account.person_id == found.id)).first()
        accounts.set_password(session, found, account.sign_in if account else found.code, typed)
        accounts.end_all_sessions(session, SystemClock().now(), found.id)
        journal.record(session, runtime.clock.now(), "password", "person", found.id)
        session.commit()
    click.echo(f"{person} has a new password. At the first sign-in they set up their second step.")


@account_command.command("reset")
@click.argument("person")
@click.option("--by", "first", required=True, help="Sign-in name of the first person who decides.")
@click.option("--with", "second", required=True, help="Sign-in name of the second one, of another body.")
def reset(person: str, first: str, second: str) -> None:
    """Take the lost second step of PERSON (a sign-in name) away. Two persons of different bodies give their passwords here."""
    typed = [click.prompt(f"Password of {name}", hide_input=True) for name in (first, second)]
    with opened() as runtime, runtime.worker.open(service("command"), write=True) as session:
        now, real_now = runtime.clock.now(), SystemClock().now()
        owner = sign_in_resets.owner_of(session, person)
        pair = [_proved(session, name, word) for name, word in zip((first, second), typed, strict=True)]
        sign_in_resets.check_pair(session, owner.id, *pair)
        second_factor.reset(session, now, real_now, owner.id)
        for who in pair:
            journal.record(session, now, "second_step:reset_confirmed", "person", who)
        session.commit()
    click.echo(f"{person} can sign in with the password alone for seven days, to set up a new second step.")


def _proved(session: Session, sign_in: str, password: str) -> UUID:
    try:
        return accounts.check_password(session, SystemClock().now(), sign_in, password)
    except NotAllowed:
        session.commit()  # the wrong try is counted
        raise
