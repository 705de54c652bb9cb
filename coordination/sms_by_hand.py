"""What a person made of an SMS that was not read, or read wrongly: what they chose is done by the worker, and its sender is told.

The page (pages/sms_seen.py) leaves one errand with a closed word; errands.py calls the handlers. Acting is sms_commands.py.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from uuid import UUID

from sqlalchemy.orm import Session

from committees.inbox import Inbound
from committees.intake.reading import Command
from coordination import sms_commands
from foundation import errands

CHOICES = (Command.CALM, Command.STATUS, Command.HELP, Command.CALL, Command.OVER, Command.STOP)
#: What was done with a message cannot be undone by reading it otherwise: an answer to an alert stands, and so does a stop.
FINAL = frozenset({Command.OK, Command.GO, Command.NO, Command.STOP, Command.START, Command.WRONG})
RECEIPT, CLAIMED = "sms:receipt", "sms:claimed"


def kind_of(command: Command) -> str:
    """The kind of the errand for one choice."""
    return f"sms:as:{command}"


def act(session: Session, now: datetime, row: Inbound, command: Command) -> None:
    """Leave the errand to do what a message meant."""
    errands.ask(session, now, kind_of(command), row.id)


def confirm_claim(session: Session, now: datetime, row: Inbound) -> None:
    """Leave the errand to do what came from a borrowed phone as the member whom it names."""
    errands.ask(session, now, CLAIMED, row.id)


def say_back(session: Session, now: datetime, row: Inbound) -> None:
    """Leave the errand to tell a sender that their message is a report now."""
    errands.ask(session, now, RECEIPT, row.id)


def may_be_changed(row: Inbound) -> bool:
    """Whether a person may still say that a message meant something else."""
    told = row.reading or {}
    if row.person_id is None:
        return told.get("command") != Command.STOP  # no answer of theirs has done anything
    return str(told.get("command", "")) not in FINAL or bool(told.get("wrong_code"))


def _as(session: Session, now: datetime, rng: random.Random, row_id: UUID, *, command: Command) -> None:
    sms_commands.handle_as(session, now, rng, session.get_one(Inbound, row_id), command)


def _receipt(session: Session, now: datetime, rng: random.Random, row_id: UUID) -> None:
    sms_commands.receipt_as(session, now, rng, session.get_one(Inbound, row_id))


def _claimed(session: Session, now: datetime, rng: random.Random, row_id: UUID) -> None:
    sms_commands.handle_claimed(session, now, rng, session.get_one(Inbound, row_id))


ERRANDS: Mapping[str, Callable[[Session, datetime, random.Random, UUID], None]] = {
    RECEIPT: _receipt,
    CLAIMED: _claimed,
    **{kind_of(command): partial(_as, command=command) for command in CHOICES},
}
