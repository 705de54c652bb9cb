"""Work for many places in batches, and where a batch fails, for each of its places by itself: one bad row holds up nobody.

What a failing place did is undone, is logged, and is tried again when the job comes round. Only jobs' own functions in alerts use it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from uuid import UUID

from sqlalchemy.orm import Session

from foundation.logs import log

Work = Callable[[Sequence[UUID]], object]


def in_batches(session: Session, keys: Sequence[UUID], work: Work, size: int = 2000) -> list[UUID]:
    """Do `work` for all keys, `size` at a time, each batch in a savepoint; return those for which it was done."""
    done: list[UUID] = []
    for batch in slices(keys, size):
        if _tried(session, batch, work, last=len(batch) == 1):
            done += batch
        elif len(batch) > 1:
            done += [key for key in batch if _tried(session, (key,), work, last=True)]
    return done


def slices(keys: Sequence[UUID], size: int = 2000) -> Iterator[Sequence[UUID]]:
    """So many keys at a time: a statement takes no more."""
    for start in range(0, len(keys), size):
        yield keys[start : start + size]


def _tried(session: Session, keys: Sequence[UUID], work: Work, *, last: bool) -> bool:
    try:
        with session.begin_nested():
            work(keys)
            session.flush()
    except Exception as error:  # noqa: BLE001 -- whatever is wrong with one place, the others go on
        if last:
            log().error("place_failed", place=str(keys[0]), error_type=type(error).__name__)
        return False
    return True
