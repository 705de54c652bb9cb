"""The lines of a score at its reader's rights: what they may see is named, the rest stands as what it gives, without kind, id or day.

The rights are those of the session (policy), so that the page, the API and `concord score --as` say the same. The words are
alerts/sentences.py. Pages, the API and commands may import it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts.sentences import line_sentence
from committees.incidents import Incident
from committees.places import Locality
from coordination import reach
from foundation.policy import Principal
from foundation.web import words

Lines = Iterable[Mapping[str, Any]]
Seen = Mapping[str, Mapping[str, Any]]


def seen(
    session: Session,
    principal: Principal,
    lines: Lines,
    zone: ZoneInfo,
    near: Iterable[Locality] | None = None,
) -> dict[str, dict[str, Any]]:
    """What this reader may see of the incidents and neighbours behind a score, as values for sentences, by id.

    `near` are the neighbours that they may read, where the caller knows them already.
    """
    lines = list(lines)
    ids = [UUID(str(line["id"])) for line in lines if line["key"] == "incident"]
    rows = session.scalars(select(Incident).where(Incident.id.in_(ids))) if ids else ()
    found = {
        str(row.id): {
            "kind": row.kind,
            "how": row.how_known,
            "when": row.occurred_at,
            "day": words.day(row.occurred_at, zone),
            "reference": row.reference,
        }
        for row in rows
    }
    language = words.current().language
    places = _neighbours(session, principal, lines) if near is None else near
    return found | {str(row.id): {"place": row.name(language), "code": row.code} for row in places}


def _neighbours(session: Session, principal: Principal, lines: Lines) -> list[Locality]:
    ids = {UUID(str(line["id"])) for line in lines if line["key"] == "neighbour"}
    known = ids if principal.service or not ids else reach.covered(session, principal, ids)
    return list(session.scalars(select(Locality).where(Locality.id.in_(known)))) if known else []


def at_rights(lines: Lines, seen: Seen) -> list[dict[str, Any]]:
    """The same lines with what the reader may see, each with its sentence; what they may not see is one line of its own."""
    told: list[dict[str, Any]] = []
    hidden, around = [0.0, 0], [0.0, 0]
    for line in lines:
        known = seen.get(str(line.get("id")), {})
        if line["key"] == "incident" and not known:
            hidden = [hidden[0] + line["points"], hidden[1] + 1]
        elif line["key"] in ("neighbour", "neighbours") and not known:
            around = [around[0] + line["points"], around[1] + 1]
        else:
            told.append({**line, **known})
    if hidden[1]:
        told.append({"key": "hidden", "id": "", "points": hidden[0], "n": hidden[1]})
    if around[1]:
        told.append({"key": "neighbours", "id": "", "points": around[0]})
    told.sort(key=lambda line: -abs(float(line["points"])))
    return [{**line, "sentence": line_sentence(line)} for line in told]
