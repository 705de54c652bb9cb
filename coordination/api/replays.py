"""Trying a change of the rules over the API: ask for a run of a place's past, see how far it is, read what it would have done.

Nothing applies by itself: a change is proposed as a version of the profile.
"""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID, uuid4

from pydantic import Field, JsonValue, model_validator
from pydantic_core import PydanticCustomError
from sqlalchemy import select

from alerts.replay_runs import DONE, ReplayRun
from alerts.risk.shapes import Wrong
from committees.places import Locality
from coordination import try_words, trying
from coordination.api.door import Call, endpoint
from coordination.api.rights import place_named
from coordination.api.schemas import Code, Input, Moment, Output
from foundation.errors import Invalid, NotAllowed, NotFound


class ReplayIn(Input):
    """On the past of which place, over which time, with which change.

    Either `document`, what the place would set itself, or `version`, a draft or proposed version of it.
    """

    id: UUID | None = None
    locality: Code
    months: Literal[6, 12] = 6
    document: dict[str, JsonValue] | None = Field(None, max_length=40)
    version: int | None = Field(None, ge=1, le=100_000, strict=True)

    @model_validator(mode="after")
    def one_of_two(self) -> ReplayIn:
        """Exactly one of the two ways to name a change."""
        if (self.document is None) == (self.version is None):
            raise PydanticCustomError("change", "Send either a document or the number of a version.")
        return self


class MeasuresOut(Output):
    """How good the alerts of a run were; null where there is nothing to divide by. Rates are per place and year."""

    alerts: int
    came_true: int
    false_alarms: int
    clashes: int
    clashes_warned: int
    onsets: int
    onsets_warned: int
    early: int
    precision: float | None
    recall: float | None
    lead_days: float | None
    alerts_a_year: float | None
    false_alarms_a_year: float | None
    messages_a_week: float | None


class AlertTried(Output):
    """An alert that only one of the two runs has; `alert` is the real one it stands for, if there was one."""

    locality: str
    at: Moment
    level: int
    rule: str
    threat: str
    alert: UUID | None


class ClashOut(Output):
    """A real clash: where and when."""

    locality: str
    at: Moment
    severity: int


class LevelOut(Output):
    """One level of a calibration table: how many forecasts, the mean chance given, the share that came; null where there was none."""

    n: int
    predicted: float | None = None
    observed: float | None = None


class ScoresOut(Output):
    """How good the scores of a run were as chances of a fatal incident in 28 days; intervals are [low, high] of 95 in 100 draws of places."""

    auroc: float
    ap: float
    brier: float
    log_loss: float
    mean: float
    intervals: dict[str, list[float | None]]
    levels: list[LevelOut]


class BothScoresOut(Output):
    """The scores of both runs; where they cannot be judged both are null and `why` is few_came or few_weeks."""

    n: int
    came: int
    why: str | None = None
    before: ScoresOut | None = None
    after: ScoresOut | None = None


class ResultOut(Output):
    """What would have been: in words first, then the measures, every alert lost or gained, every clash missed or newly warned of."""

    words: list[str]
    people: int
    before: MeasuresOut
    after: MeasuresOut
    scores: BothScoresOut | None = None
    lost: list[AlertTried]
    gained: list[AlertTried]
    missed: list[ClashOut]
    newly_warned: list[ClashOut]
    hidden: int


class ReplayOut(Output):
    """A run: waiting, running, done, failed or cancelled; `done` of `total` parts; its result once it is done."""

    id: UUID
    locality: str
    state: str
    months: int
    since: Moment
    until: Moment
    asked_at: Moment
    done: int
    total: int
    changes: list[str]
    result: ResultOut | None


@endpoint(
    "POST", "/replays", scope="profile", takes=ReplayIn, gives=ReplayOut, status=202, location="/replays"
)
def ask_replay(call: Call) -> ReplayOut:
    """Ask for a run of a place's past with a change; it is worked out in the background."""
    body, session = call.body, call.session
    place = place_named(session, body.locality)
    if not trying.may_try(session, call.principal, place):
        raise NotAllowed("You cannot try changes at this place.", "Ask its secretary or chair.")
    if body.version:
        document = dict(trying.version_of(session, place.id, body.version).document)
        change: dict[str, Any] = {"kind": "version", "version": body.version}
    else:
        document, change = dict(body.document), {"kind": "document"}
    try:
        run = trying.ask(
            session,
            call.now,
            place,
            key=body.id or uuid4(),
            person_id=call.caller.person.id,
            document=document,
            change=change,
            months=body.months,
        )
    except Wrong as wrong:
        raise Invalid(f"document.{wrong.field}", wrong.message, wrong.hint) from None
    return _out(call, run)


@endpoint("GET", "/replays/<uuid:replay_id>", scope="read", gives=ReplayOut)
def read_replay(call: Call, replay_id: UUID) -> ReplayOut:
    """Read how far a run is, and its result once it is done."""
    run = call.session.scalars(select(ReplayRun).where(ReplayRun.id == replay_id)).first()
    if run is None:
        raise NotFound
    return _out(call, run)


def _out(call: Call, run: ReplayRun) -> ReplayOut:
    return ReplayOut(
        id=run.id,
        locality=call.session.get_one(Locality, run.locality_id).code,
        state=run.state,
        months=run.months,
        since=run.since,
        until=run.until,
        asked_at=run.asked_at,
        done=run.done,
        total=run.total,
        changes=try_words.change_sentences(call.session, run),
        result=_result(call, run) if run.state == DONE else None,
    )


def _result(call: Call, run: ReplayRun) -> ResultOut:
    session, result = call.session, run.result
    seen = trying.seen_by(session, call.principal, run.locality_id, result)
    everything = [*seen.lost, *seen.gained, *seen.missed, *seen.newly_warned]
    keys = {UUID(one["place"]) for one in everything}
    codes = {str(key): row.code for key, row in trying.readable_places(session, call.principal, keys).items()}
    return ResultOut(
        words=[*try_words.in_words(result), *try_words.clash_sentences(session, call.principal, seen)],
        people=result["people"],
        before=_measures(result["measures"]["before"]),
        after=_measures(result["measures"]["after"]),
        scores=BothScoresOut.model_validate(result["scores"]) if "scores" in result else None,
        lost=[_alert(one, codes) for one in seen.lost],
        gained=[_alert(one, codes) for one in seen.gained],
        missed=[_clash(one, codes) for one in seen.missed],
        newly_warned=[_clash(one, codes) for one in seen.newly_warned],
        hidden=seen.hidden_alerts + seen.hidden_clashes,
    )


def _measures(found: dict[str, Any]) -> MeasuresOut:
    renamed = {
        "alerts": found["warnings"],
        "clashes": found["events"],
        "clashes_warned": found["events_warned"],
        "alerts_a_year": found["warnings_a_year"],
    }
    return MeasuresOut.model_validate(
        {name: renamed.get(name, found.get(name)) for name in MeasuresOut.model_fields}
    )


def _alert(one: Any, codes: dict[str, str]) -> AlertTried:
    return AlertTried(
        locality=codes[one["place"]],
        at=one["at"],
        level=one["level"],
        rule=one["rule"],
        threat=one["threat"],
        alert=one["real"],
    )


def _clash(one: Any, codes: dict[str, str]) -> ClashOut:
    return ClashOut(locality=codes[one["place"]], at=one["at"], severity=one["severity"])
