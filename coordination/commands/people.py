"""`concord token PERSON` and `concord audit verify`."""

from __future__ import annotations

import click
from sqlalchemy import select

from committees import accounts
from committees.people import Person
from coordination.commands import opened
from foundation import journal
from foundation.clock import SystemClock
from foundation.errors import NotFound, Problem
from foundation.policy import service

SCOPES = ("read", "report", "verify", "answer", "review", "profile", "all")


@click.command("token")
@click.argument("person")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(SCOPES),
    help="What the token may do; may be given more than once. Default: all.",
)
@click.option("--days", default=90, show_default=True, type=click.IntRange(1, 366), help="How long it works.")
def token_command(person: str, scopes: tuple[str, ...], days: int) -> None:
    """Print a bearer token for the API with the rights of PERSON (a sign-in name). It is shown once."""
    with opened() as runtime, runtime.worker.open(service("command"), write=True) as session:
        found = session.scalars(select(Person).where(Person.code == person)).first()
        if found is None:
            raise NotFound(
                f"There is nobody with the sign-in name {person}.",
                "Look it up on the People page or in the seed file.",
            )
        token = accounts.issue_token(session, SystemClock().now(), found.id, list(scopes or ("all",)), days)
        journal.record(session, runtime.clock.now(), "token:issue", "person", found.id)
        session.commit()
    click.echo(token)


@click.group("audit")
def audit_command() -> None:
    """The append-only record."""


@audit_command.command("verify")
@click.option("--head", help="The head's hash that a witness kept.")
def verify(head: str | None) -> None:
    """Check the record's chain from its start; name the first bad entry."""
    with opened() as runtime, runtime.worker.open(service("keeper"), write=True) as session:
        journal.seal(session, limit=1_000_000)
        session.commit()
        verdict = journal.verify(session, head)
    if verdict.first_bad is not None:
        raise Problem(
            f"The record does not hold at entry {verdict.first_bad}: {verdict.why}.",
            "Keep this database as it is and call the auditor.",
        )
    click.echo(f"{verdict.entries} entries hold. Head: {verdict.head}")
