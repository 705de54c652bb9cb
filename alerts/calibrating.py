"""Kappa in the product: each week a prediction is kept for every watched place, and four weeks later compared with what came.

What lives here: predictions, dated kappa rows by country and place, the weekly job. What does not: the mathematics (risk/calibration.py).
A place's kappa is drawn towards its country's and held within bounds, so that a place that prevents deaths does not come to look calm;
the number before it is held is kept for analysts. Rows are dated and stay: a past score uses the kappa that was known then.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Select, exists, insert, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from alerts import apart
from alerts.evidence import RiskState
from alerts.risk import calibration
from alerts.risk.calibration import OUTCOME_CREDIBILITY, WINDOW_DAYS, Tally
from alerts.risk.numbers import kappa_bounds
from alerts.risk.scoring import RunningSum, grade_weight
from committees import profiles
from committees.incidents import COUNTED, Incident
from committees.places import Locality, LocalityPath, load_above, monday_of, upwards
from foundation import journal
from foundation.db import Base, Keyed

WINDOW = timedelta(days=WINDOW_DAYS)
FATAL = 4  # the severity from which on somebody was killed
PRIVATE = "private_matter"
ONE_ROUND = timedelta(days=8)


class Prediction(Base):
    """P28 of a place without calibration as it stood in one week (its Monday), and whether a fatal incident began in the 28 days after.

    `came` stays empty until the window has passed.
    """

    __tablename__ = "prediction"

    locality_id: Mapped[UUID] = mapped_column(ForeignKey("locality.id"), primary_key=True)
    week: Mapped[date] = mapped_column(primary_key=True, index=True)
    at: Mapped[datetime]
    p28: Mapped[float]
    came: Mapped[bool | None]


class Kappa(Keyed, Base):
    """The calibration of a country (no place) or of a place from a moment on: what came and what was predicted, decayed, and kappa.

    `unheld` is kappa before it is held within its bounds. Append-only.
    """

    __tablename__ = "kappa"
    __table_args__ = (
        Index("ix_kappa_country", "country_code", "at"),
        Index("ix_kappa_place", "locality_id", "at"),
    )

    at: Mapped[datetime]
    country_code: Mapped[str] = mapped_column(ForeignKey("country.code"))
    locality_id: Mapped[UUID | None] = mapped_column(ForeignKey("locality.id"))
    outcomes: Mapped[float]
    predicted: Mapped[float]
    unheld: Mapped[float]
    held: Mapped[float]


@dataclass(frozen=True)
class Windows:
    """The windows of one area that have just passed: what was predicted for each, and how many saw a fatal incident."""

    predictions: tuple[float, ...] = ()
    outcomes: int = 0

    def __add__(self, other: Windows) -> Windows:
        """Both together."""
        return Windows(self.predictions + other.predictions, self.outcomes + other.outcomes)


def kappa_row(session: Session, locality_id: UUID, at: datetime) -> Kappa | None:
    """The newest calibration of a place that was known at a moment."""
    rows = select(Kappa).where(Kappa.locality_id == locality_id, Kappa.at <= at)
    return session.scalars(rows.order_by(Kappa.at.desc()).limit(1)).first()


def kappa_at(session: Session, locality_id: UUID, at: datetime) -> float:
    """Kappa of a place as it was in use at a moment; 1 before the first calibration."""
    row = kappa_row(session, locality_id, at)
    return row.held if row else 1.0


def calibrate(session: Session, now: datetime) -> int:
    """Once a week for each place: finish the windows that have passed, write each area's kappa anew, keep this week's prediction.

    Return how many places it was done for. A place that fails keeps its week open and is done when it can be: the others do not wait.
    """
    week = monday_of(now.date())
    places = _waiting(session, week)
    if not places:
        return 0
    read = _Read({}, {})
    done = apart.in_batches(session, list(places), lambda keys: read.take_in(session, now, keys))
    # From here on nothing depends on what one place holds: it is done for all of them, or for none.
    if read.finished:
        last = _newest(session, done)
        countries = _write_countries(session, now, places, read.finished, last)
        for keys in apart.slices(done):
            _write(session, now, {key: places[key] for key in keys}, countries, read, last)
        session.expire_all()
    for keys in apart.slices(done):
        _predict(session, now, week, keys)
    if done:
        journal.record(session, now, "calibration", "kappa", None)
    session.flush()
    return len(done)


@dataclass(frozen=True)
class _Read:
    """What was read of places that could be read: their windows that have passed, and the bounds of their kappa."""

    finished: dict[UUID, Windows]
    bounds: dict[UUID, tuple[float, float]]

    def take_in(self, session: Session, now: datetime, keys: Sequence[UUID]) -> None:
        """Read these places; one that cannot be read leaves nothing behind."""
        bounds = _bounds(session, now, keys)
        self.finished.update(_finish(session, now, keys))
        self.bounds.update(bounds)


def _waiting(session: Session, week: date) -> dict[UUID, str]:
    """The places with a score that have no prediction of this week, with their countries."""
    made = exists().where(Prediction.locality_id == Locality.id, Prediction.week == week)
    rows = (
        select(Locality.id, Locality.country_code)
        .join(RiskState, RiskState.locality_id == Locality.id)
        .where(Locality.watched, RiskState.assessed_at.is_not(None), ~made)
        .order_by(Locality.id)
    )
    return dict(session.execute(rows).all())


def _predict(session: Session, now: datetime, week: date, places: Sequence[UUID]) -> None:
    rows = select(RiskState.locality_id, RiskState.plain).where(RiskState.locality_id.in_(places))
    made = [
        {"locality_id": key, "week": week, "at": now, "p28": plain, "came": None}
        for key, plain in session.execute(rows).all()
    ]
    session.execute(insert(Prediction), made)


def _finish(session: Session, now: datetime, places: Sequence[UUID]) -> dict[UUID, Windows]:
    """Say of each window of these places that has passed whether something fatal began in it; return them by place."""
    due = select(Prediction).where(Prediction.came.is_(None), Prediction.at <= now - WINDOW)
    rows = list(session.scalars(due.where(Prediction.locality_id.in_(places))))
    if not rows:
        return {}
    began = _fatal(session, {row.locality_id for row in rows}, min(row.at for row in rows))
    found: dict[UUID, Windows] = defaultdict(Windows)
    for row in rows:
        row.came = any(row.at <= at < row.at + WINDOW for at in began.get(row.locality_id, ()))
        found[row.locality_id] += Windows((row.p28,), int(row.came))
    session.flush()
    return found


def _fatal(session: Session, places: set[UUID], since: datetime) -> dict[UUID, list[datetime]]:
    """When credible fatal incidents began at each place and below."""
    rows = select(
        LocalityPath.ancestor_id,
        Incident.occurred_at,
        Incident.graded,
        Incident.reliability,
        Incident.credibility,
    ).join(LocalityPath, LocalityPath.descendant_id == Incident.locality_id)
    rows = rows.where(
        LocalityPath.ancestor_id.in_(places),
        Incident.occurred_at >= since,
        Incident.severity >= FATAL,
        Incident.state.in_(COUNTED),
        Incident.known_source,
        Incident.path != PRIVATE,
    )
    found: dict[UUID, list[datetime]] = defaultdict(list)
    for key, at, graded, letter, digit in session.execute(rows).all():
        weight = grade_weight(f"{letter}{digit}") if graded else 1.0
        if weight >= OUTCOME_CREDIBILITY:
            found[key].append(at)
    return found


Newest = dict[tuple[str, UUID | None], Kappa]


def _write_countries(
    session: Session, now: datetime, places: dict[UUID, str], finished: dict[UUID, Windows], last: Newest
) -> dict[str, float]:
    """Write the kappa of each country that these windows are of; return that of every country of these places, before its bounds."""
    by_country: dict[str, Windows] = defaultdict(Windows)
    for key, windows in finished.items():
        by_country[places[key]] += windows
    rows = {
        code: _row(now, last.get((code, None)), by_country[code], code, None, 1.0)
        for code in sorted(set(places.values()))
    }
    session.add_all(rows.values())
    return {code: row.unheld for code, row in rows.items()}


def _write(
    session: Session,
    now: datetime,
    places: dict[UUID, str],
    countries: dict[str, float],
    read: _Read,
    last: Newest,
) -> None:
    """Write the kappa of each of these places, drawn towards its country's."""
    rows = [
        _row(
            now,
            last.get((code, key)),
            read.finished.get(key, Windows()),
            code,
            key,
            countries[code],
            read.bounds[key],
        )
        for key, code in places.items()
    ]
    session.add_all(rows)
    session.execute(
        update(RiskState).execution_options(synchronize_session=False),
        [{"locality_id": row.locality_id, "kappa": row.held} for row in rows],
    )


def _bounds(session: Session, now: datetime, places: Iterable[UUID]) -> dict[UUID, tuple[float, float]]:
    """Within what kappa is held at each place, by the profile in force there."""
    places = list(places)
    load_above(session, places)
    above = {key: [place.id for place in upwards(session, key)] for key in places}
    found = profiles.in_force_each(session, above, now)
    return {key: kappa_bounds(effective.document) for key, effective in found.items()}


def _newest(session: Session, places: Sequence[UUID]) -> Newest:
    """The newest kappa of each country, and of each of these places."""
    newest: Newest = {}
    last = session.scalar(select(Kappa.at).order_by(Kappa.at.desc()).limit(1))
    if last is None:
        return newest

    def keep(rows: Select[Kappa]) -> None:
        for row in session.scalars(rows.order_by(Kappa.at)):
            newest[row.country_code, row.locality_id] = row

    # Almost all were written together a week ago; the others are asked for by themselves.
    keep(select(Kappa).where(Kappa.locality_id.is_(None)))
    keep(select(Kappa).where(Kappa.locality_id.is_not(None), Kappa.at > last - ONE_ROUND))
    known = {key for _code, key in newest}
    for some in apart.slices([key for key in places if key not in known]):
        keep(select(Kappa).where(Kappa.locality_id.in_(some)))
    return newest


def _row(
    now: datetime,
    last: Kappa | None,
    windows: Windows,
    country: str,
    place: UUID | None,
    towards: float,
    bounds: tuple[float, float] = calibration.BOUNDS,
) -> Kappa:
    tally = _tally(last).add(now, windows.predictions, windows.outcomes)
    unheld = tally.kappa(now, towards)
    return Kappa(
        at=now,
        country_code=country,
        locality_id=place,
        outcomes=tally.outcomes.decayed(now),
        predicted=tally.predicted.decayed(now),
        unheld=unheld,
        held=float(calibration.held(unheld, bounds)),
    )


def _tally(last: Kappa | None) -> Tally:
    if last is None:
        return Tally()
    half_life = calibration.HALF_LIFE_DAYS
    return Tally(
        RunningSum(half_life, last.outcomes, last.at), RunningSum(half_life, last.predicted, last.at)
    )
