"""What the pages of rules show: each rule with where it comes from, since when and by whose approval; the log of changes; dry runs.

Pages draw it; who may read it is here too. A rule holds nothing about any person or incident.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts import dry_run, rule_sentences, rule_words
from alerts.alert import Alert
from alerts.deciding import NOTHING, OPEN_STEP, RAISE, Decision
from alerts.dry_run import WouldDo
from alerts.evidence import RiskState
from alerts.risk.rules import Rule, rules_in_force
from alerts.sentences import level_word, reason_sentence, role_name, rule_label
from alerts.survey import survey_of
from committees import profiles
from committees.incidents import Incident
from committees.layers import merged
from committees.places import Locality, LocalityPath
from committees.profiles import Layer, Profile
from coordination import reach
from coordination.here import here
from foundation.errors import NotFound
from foundation.policy import Principal, service
from foundation.web import words
from foundation.web.page import Visit
from foundation.web.words import gettext as _
from foundation.web.words import ngettext

READERS = (
    "member",
    "secretary",
    "chair",
    "city_officer",
    "district_administration",
    "police_liaison",
    "national_contact",
    "hub_analyst",
    "administrator",
    "auditor",
)
EVERYWHERE = ("hub_analyst", "administrator", "auditor")  # set-up is theirs to read at every place
MOST_PLACES = 40


@dataclass(frozen=True)
class Shown:
    """One rule as a page shows it."""

    key: str
    label: str
    sentences: list[str]
    short: str
    texts: list[str]
    origin: str
    broken: str
    where: str


def place_with(session: Session, principal: Principal, code: str) -> Locality:
    """The place with this code, if the reader's roles reach it or reach every place; NotFound alike otherwise."""
    place = session.scalars(select(Locality).where(Locality.code == code)).first()
    if place is None or not (principal.at(*EVERYWHERE) or reach.holds(session, principal, place.id, READERS)):
        raise NotFound()
    return place


def shown(session: Session, layers: list[Layer], zone: ZoneInfo) -> list[Shown]:
    """The rules in force, in their order."""
    document = profiles.document_of(layers)
    rules = rules_in_force(document)
    origins = {rule.key: origin_of(session, layers, rule.key, zone) for rule in rules}
    return [_shown(rule, document, origins[rule.key]) for rule in rules]


def _shown(rule: Rule, document: Mapping[str, Any], origin: str) -> Shown:
    label = rule_label(rule.key, document)
    if rule.broken:
        return Shown(rule.key, label, [], "", [], origin, rule_words.say(rule.broken), rule.broken.where)
    said = rule_sentences.main_sentences(rule, document)
    short = " ".join(rule_sentences.short_sentences(rule, document))
    return Shown(rule.key, label, said, short, list(rule_sentences.texts_of(rule.when)), origin, "", "")


def switched_off(layers: list[Layer]) -> list[tuple[str, str]]:
    """The rules that stand in some layer and hold no more: (key, label)."""
    document = profiles.document_of(layers)
    now = {row["key"] for row in document.get("rules", ())}
    seen: dict[str, str] = {}
    for layer in reversed(layers):
        for row in layer.document.get("rules", ()):
            seen.setdefault(row["key"], rule_label(row["key"], layer.document))
    return [(key, label) for key, label in seen.items() if key not in now]


def row_below(layers: list[Layer], key: str) -> dict[str, Any] | None:
    """A rule as it stood before it was switched off."""
    made: dict[str, Any] = {}
    for layer in reversed(layers):
        for row in layer.document.get("rules", ()):
            if row["key"] == key and not row.get("off"):
                made = merged(made, row)
    return made or None


def keys_taken(session: Session, place: Locality, layers: list[Layer]) -> set[str]:
    """Keys that a new rule of a place may not have: those of its layers, and of any version of the places below, where they would mix."""
    below = select(LocalityPath.descendant_id).where(LocalityPath.ancestor_id == place.id)
    versions = session.scalars(select(Profile.document).where(Profile.locality_id.in_(below)))
    documents = [*(layer.document for layer in layers), *versions]
    return {row["key"] for document in documents for row in document.get("rules", ())}


def origin_of(session: Session, layers: list[Layer], key: str, zone: ZoneInfo) -> str:
    """Where a rule comes from: the nearest version that names it, since when it holds, who approved it."""
    for layer in layers:
        if any(row["key"] == key for row in layer.document.get("rules", ())):
            return layer_words(session, layer, zone)
    return ""


def layer_words(session: Session, layer: Layer, zone: ZoneInfo) -> str:
    """A version in a line: its place, number, day and the role that approved it."""
    if layer.locality_id is None:
        return _("As Concord ships it, unchanged here")
    version = int(layer.version.rsplit("/", 1)[-1])
    row = profiles.find(session, layer.locality_id, version)
    place = session.get_one(Locality, layer.locality_id).name(words.current().language)
    said = _("Set by %(place)s, version %(version)d", place=place, version=version)
    if row.valid_from:
        said = _("%(first)s, since %(day)s", first=said, day=words.day(row.valid_from, zone))
    if row.approved_role:
        said = _("%(first)s, approved by %(role)s", first=said, role=role_name(row.approved_role))
    return said


def change_log(
    session: Session, layers: list[Layer], place: Locality, zone: ZoneInfo
) -> list[dict[str, str]]:
    """Every version that touched rules, of the place and of those above it whose versions hold, newest first."""
    ids = list(dict.fromkeys([place.id, *(layer.locality_id for layer in layers if layer.locality_id)]))
    rows = [row for key in ids for row in profiles.versions_of(session, key) if row.document.get("rules")]
    rows.sort(key=lambda row: (row.created_at, row.version), reverse=True)
    return [_log_line(session, row, zone) for row in rows[:30]]


def _log_line(session: Session, row: Profile, zone: ZoneInfo) -> dict[str, str]:
    place = session.get_one(Locality, row.locality_id).name(words.current().language)
    who = [_("written by %(role)s", role=role_name(row.author_role))] if row.author_role else []
    if row.approved_role:
        who.append(_("approved by %(role)s", role=role_name(row.approved_role)))
    keys = [one["key"] for one in row.document["rules"]]
    touched = _("; ").join(rule_label(key, row.document) for key in keys[:5])
    return {
        "when": words.day(row.created_at, zone),
        "who": _(", ").join([_("%(place)s, version %(version)d", place=place, version=row.version), *who]),
        "text": _(
            "%(state)s. %(rules)s. Why: %(reason)s", state=state_words(row), rules=touched, reason=row.reason
        ),
    }


def state_words(row: Profile) -> str:
    """How a version stands."""
    return {
        profiles.DRAFT: _("Written, not proposed yet"),
        profiles.PROPOSED: _("Waits for a second person"),
        profiles.APPROVED: _("Approved, its day comes"),
        profiles.IN_FORCE: _("In force"),
        profiles.REPLACED: _("Was in force"),
        profiles.REFUSED: _("Refused"),
        profiles.WITHDRAWN: _("Taken back"),
    }.get(row.state, row.state)


def try_out(visit: Visit, place: Locality, document: Mapping[str, Any], key: str) -> dict[str, Any]:
    """What a rule would do now at each watched place of the reader, from what the reader may read. Writes nothing."""
    with here().worker.open(service("command")) as session:
        below = select(LocalityPath.descendant_id).where(LocalityPath.ancestor_id == place.id)
        rows = select(Locality).where(Locality.id.in_(below), Locality.watched)
        known = select(RiskState.locality_id).where(RiskState.locality_id.in_(below))
        watched = list(
            session.scalars(rows.where(Locality.id.in_(known)).order_by(Locality.depth, Locality.code))
        )
        own = reach.covered(visit.session, visit.principal, [one.id for one in watched])
        places = [one for one in watched if one.id in own]
        survey = survey_of(session, visit.now, places[:MOST_PLACES])
        ids = {UUID(fact.id) for one in places[:MOST_PLACES] for fact in survey.incidents(one.id)}
        readable = set(visit.session.scalars(select(Incident.id).where(Incident.id.in_(ids))))
        alerts = select(Alert.id).where(Alert.locality_id.in_([one.id for one in places]))
        readable |= set(visit.session.scalars(alerts))
        found = dry_run.would_do(survey, places[:MOST_PLACES], document, key, readable)
        lines = [line for one in found for line in _lines(one)]
    speaks = sum(line["speaks"] for line in lines)
    return {
        "rows": [(line["place"], line["does"], line["why"]) for line in lines],
        "summary": ngettext(
            "It would speak at %(num)d place now.", "It would speak at %(num)d places now.", speaks
        ),
        "more": max(0, len(places) - MOST_PLACES),
        "hidden": any(one.hidden for one in found),
    }


def _lines(one: WouldDo) -> list[dict[str, Any]]:
    name = one.place.name(words.current().language)
    telling = [d for d in one.decisions if d.act != NOTHING or d.conclusion.raised or not d.conclusion.judged]
    return [_line(name, decision) for decision in telling or one.decisions[:1]]


def _line(name: str, made: Decision) -> dict[str, Any]:
    level = level_word(min(made.conclusion.level, 4))
    does = (
        _("Would open an alert at %(level)s", level=level)
        if made.act == OPEN_STEP
        else _("Would raise the open alert to %(level)s", level=level)
        if made.act == RAISE
        else _("Would add to the open alert")
        if made.act != NOTHING
        else _("Could not be judged")
        if not made.conclusion.judged
        else _("Would stay quiet")
    )
    reasons = [reason.data() for reason in made.conclusion.reasons]
    if made.worth_keeping:
        reasons.append(made.why_data)
    return {
        "place": name,
        "does": does,
        "why": " ".join(reason_sentence(reason) for reason in reasons),
        "speaks": made.act in (OPEN_STEP, RAISE),
    }
