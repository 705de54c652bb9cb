"""Fetching what others collected for us: every minute each form server and the mailbox of the settings are asked for what is new.

How a server is asked is form_servers.py's and mailbox.py's business, the rows are collected.py's, what they become taking_in.py's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

from committees.intake import letters
from coordination import form_servers, mailbox, taking_in
from coordination.collected import Collection, Item, form_item, letter_item, of, put_in
from coordination.form_servers import NotCollected
from coordination.runtime import Runtime
from foundation import alarms
from foundation.config import Config
from foundation.logs import log
from foundation.policy import service

MAIL_NAME = "mail"
SILENT, SILENT_AFTER = "source_silent", timedelta(hours=1)


def names(config: Config) -> dict[str, str]:
    """Every source that is set up, with its kind: kobo, odk, hook or mail."""
    found = {name: server.kind for name, server in config.form_servers.items()}
    found |= {name: "hook" for name in config.form_hooks if name not in found}
    return found | ({MAIL_NAME: MAIL_NAME} if config.mailbox else {})


def work(runtime: Runtime) -> int:
    """Ask every server that is to be asked; return how many new rows came. One that fails keeps its words and holds up no other."""
    config = runtime.config
    with runtime.worker.open(service("intake"), write=True) as session:
        taking_in.again(session)
        alarms.silence_others(session, runtime.clock.now(), SILENT, names(config))
        session.commit()
    done = sum(_fetch(runtime, name, _forms(name, runtime)) for name in config.form_servers)
    return done + (_fetch(runtime, MAIL_NAME, _letters(config)) if config.mailbox else 0)


Batches = Callable[[str], Iterator[tuple[list[Item], str]]]


def _forms(name: str, runtime: Runtime) -> Batches:
    server, now = runtime.config.form_servers[name], runtime.clock.now()

    def batches(cursor: str) -> Iterator[tuple[list[Item], str]]:
        for page in form_servers.pages(server, cursor, now):
            yield [form_item(name, server.place, row) for row in page.rows], page.cursor

    return batches


def _letters(config: Config) -> Batches:
    box = config.mailbox
    assert box is not None

    def batches(cursor: str) -> Iterator[tuple[list[Item], str]]:
        for one in mailbox.letters(box, cursor):
            yield [letter_item(letters.read(one.raw, config.mail_trust), box.place)], one.cursor

    return batches


def _fetch(runtime: Runtime, name: str, batches: Batches) -> int:
    done, error = 0, ""
    with runtime.worker.open(service("intake")) as session:
        row = session.get(Collection, name)
        cursor = row.cursor if row else ""
    try:
        for items, after in batches(cursor):
            done += _keep(runtime, name, items, after)
    except NotCollected as why:
        error = str(why)
    except Exception as broken:  # noqa: BLE001 -- whatever one server answers, the others are asked
        log().error("collecting_failed", job=name, error_type=type(broken).__name__)
        error = form_servers.UNREADABLE
    with runtime.worker.open(service("intake"), write=True) as session:
        row = of(session, name)
        row.asked_at, row.error = runtime.clock.now(), error
        row.begun_at = row.begun_at or row.asked_at
        if not error:
            row.heard_at = row.asked_at
            alarms.silence(session, row.asked_at, SILENT, name)
        elif row.asked_at - (row.heard_at or row.begun_at) >= SILENT_AFTER:
            alarms.sound(session, row.asked_at, SILENT, name, {"name": name})
        session.commit()
    return done


def _keep(runtime: Runtime, name: str, items: Sequence[Item], cursor: str) -> int:
    """Put in what is new, and move the cursor in the same transaction."""
    with runtime.worker.open(service("intake"), write=True) as session:
        new = put_in(session, runtime.clock.now(), items)
        row = of(session, name)
        row.cursor, row.taken = cursor, row.taken + new
        session.commit()
    return new
