"""Sorting one report: what was written, what it is, how sure we are, who may see it, and whether it is there twice."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Response
from werkzeug.datastructures import MultiDict

from alerts.labels import channel_label
from alerts.sentences import (
    feedback_label,
    form_label,
    how_known_label,
    kind_label,
    severity_label,
    state_label,
    threat_label,
)
from committees import catalogue, profiles, reports, spoken_notes
from committees.catalogue import FORMS, KINDS
from committees.incidents import (
    NOT_TRUE,
    REPORTED,
    UNABLE,
    VERIFIED,
    Incident,
    IncidentPlace,
    IncidentSummary,
    IncidentText,
)
from committees.places import Locality, zone_of
from committees.verification import KNOWS_SOURCE, SUMMARY_LENGTH, Verdict
from coordination import desk_view, feedback, reach, rumours, sorting
from coordination.desk_view import DESK
from coordination.sorting import Decision
from foundation.errors import Invalid, Problem, Refused
from foundation.web import words
from foundation.web.forms import Form
from foundation.web.page import Visit, page
from foundation.web.words import N_, ngettext
from foundation.web.words import gettext as _

KNOWS = {
    "well": (N_("Yes, well"), N_("You know them and they were right before")),
    "some": (N_("A little"), N_("An enrolled member or somebody a member knows")),
    "no": (N_("No"), N_("An unknown number, or no name")),
}
SAW = {"yes": N_("Yes"), "no": N_("No"), "unknown": N_("We do not know")}
SECOND = {"yes": N_("Yes, somebody else"), "no": N_("No, or we do not know")}
OUTCOME = {
    VERIFIED: (N_("Checked and true"), N_("Somebody we trust was there, or two people saw it")),
    UNABLE: (N_("We could not check it"), N_("It stays in the score with a small weight")),
    NOT_TRUE: (N_("Checked and not true"), N_("It leaves the score; the reporter is told kindly")),
}
MARKING = {
    "": (N_("As usual"), N_("Officers once it is checked and true, before that only us")),
    "AMBER+STRICT": (N_("Only us"), N_("Secretary, chair and members of this committee")),
    "AMBER": (N_("Officers"), N_("Also the city officer and the district administration")),
    "GREEN": (N_("Partners"), N_("Also national contacts; never the public")),
}
RUMOUR = {
    "true": N_("True"),
    "not_true": N_("Not true"),
    "being_checked": N_("Being checked"),
    "cannot_tell": N_("We asked, and cannot tell"),
}


#: Ways that say more about who told us than their number does.
MARKED = (reports.WALK_IN, "form", "email", "csv", "acled", "cap")


@page("/desk/r/<uuid:incident_id>", roles=DESK)
def sort(visit: Visit, incident_id: UUID) -> Response:
    """The report, and the decision about it."""
    incident: Incident = visit.get(Incident, incident_id)
    if not visit.posted:
        return _show(visit, incident, _values(visit, incident), {})
    try:
        decision = _decision(visit, incident)
        sorting.sort(visit.session, visit.now, visit.person_id, incident, decision)
    except Refused as refused:
        visit.session.rollback()
        return _show(visit, incident, visit.form, {key: _(text) for key, text in refused.fields.items()})
    except Invalid as wrong:
        visit.session.rollback()
        return _show(visit, incident, visit.form, {wrong.field: _(wrong.message)})
    visit.say(_("Report %(reference)s is sorted. Thank you.", reference=incident.reference))
    following = sorting.next_after(visit.session, visit.now, incident.id)
    return visit.go(f"/desk/r/{following.id}" if following else "/desk")


@page("/desk/r/<uuid:incident_id>/join", roles=DESK)
def join(visit: Visit, incident_id: UUID) -> Response:
    """Two reports of one thing become one incident with all its sources."""
    incident: Incident = visit.get(Incident, incident_id)
    if not visit.posted:
        return visit.go(f"/desk/r/{incident.id}")
    into: Incident = visit.get(Incident, visit.uuid("into"))
    if into.id not in {other.id for other, _alike in rumours.same_thing(visit.session, incident)}:
        raise Problem(
            _("These two reports cannot be joined."), _("Choose one of the reports shown beside it."), 409
        )
    rumours.join(visit.session, visit.now, incident, into)
    visit.say(_("Joined. Report %(reference)s now counts with all its sources.", reference=into.reference))
    return visit.go(f"/desk/r/{into.id}")


@page("/desk/r/<uuid:incident_id>/answer", roles=DESK)
def answer(visit: Visit, incident_id: UUID) -> Response:
    """Tell the reporters of a rumour how it stands, in one sentence that they can pass on."""
    incident: Incident = visit.get(Incident, incident_id)
    if visit.posted:
        chosen = visit.form.get("answer", "")
        if catalogue.kind(incident.kind).form != "rumour" or chosen not in RUMOUR:
            errors = {"answer": _("Choose what we know of it")}
            return _show(visit, incident, _values(visit, incident), errors)
        feedback.answer_rumour(visit.session, visit.now, incident, chosen)
        visit.say(_("Each reporter who left a way to reach them gets this sentence now."))
    return visit.go(f"/desk/r/{incident.id}")


def _decision(visit: Visit, incident: Incident) -> Decision:
    form = Form(visit.form)
    wards = {ward.code: ward for ward in _wards(visit, incident)}
    ward = form.choice("ward", wards, _("Choose the ward"))
    local = form.moment("occurred_at", _("Enter a real date and time"))
    outcome = form.choice("outcome", OUTCOME, _("Choose how sure you are"))
    verdict = Verdict(
        outcome=outcome,
        knows_source=form.choice("knows_source", KNOWS_SOURCE, _("Choose how well you know who told us")),
        first_hand=form.choice("first_hand", SAW, _("Choose if they saw it themselves")),
        second_source=form.choice("second_source", SECOND, _("Choose if anybody else said the same"))
        == "yes",
        kind=_if_new(form.choice("kind", KINDS, _("Choose what happened")), incident.kind),
        severity=int(form.choice("severity", "12345", _("Choose how grave it is")) or 0) or None,
        threat=form.choice("threat", _threats(visit, incident), _("Choose what it is about")),
        summary=form.text(
            "summary", SUMMARY_LENGTH, _("Make it shorter. You have used %(used)d of %(most)d letters")
        ),
        marking=form.choice("marking", MARKING, _("Choose who may see this"), needed=False) or None,
    )
    form.check()
    assert local is not None
    return Decision(
        verdict, wards[ward], _moment(visit, incident, local), form.whole("version", 0, 1_000_000, "")
    )


def _if_new(kind: str, before: str) -> str | None:
    """A kind only where it was changed: choosing it anew would put back its usual severity and marking."""
    return kind if kind != before else None


def _moment(visit: Visit, incident: Incident, local: datetime) -> datetime:
    """The time as typed; seconds that the box cannot show are kept where nothing was changed."""
    zone = _zone(visit, incident)
    before = incident.occurred_at.astimezone(zone)
    if before.replace(second=0, microsecond=0, tzinfo=None) == local:
        return incident.occurred_at
    return local.replace(tzinfo=zone)


def _values(visit: Visit, incident: Incident) -> MultiDict[str, str]:
    """The form as it opens: what the report itself says; only the outcome is left to the secretary."""
    summary = visit.session.get(IncidentSummary, incident.id)
    place = visit.session.get_one(Locality, incident.locality_id)
    knows = {letter: word for word, letter in KNOWS_SOURCE.items()}
    saw = {"saw": "yes", "heard": "no", "media": "no"}.get(incident.how_known, "unknown")
    sorted_before = incident.state in OUTCOME
    return MultiDict(
        {
            "kind": incident.kind,
            "ward": place.code,
            "occurred_at": incident.occurred_at.astimezone(_zone(visit, incident)).strftime("%Y-%m-%dT%H:%M"),
            "knows_source": knows.get(incident.reliability, "some"),
            # The number of an SMS can be forged, so that it never counts as seen by itself.
            "first_hand": saw if incident.channel != "sms" else "unknown",
            "second_source": "yes" if incident.sources > 1 else "no",
            "outcome": incident.state if sorted_before else "",
            "severity": str(incident.severity),
            "threat": incident.threat,
            "summary": summary.text if summary else "",
            "marking": incident.marking if sorted_before and incident.marking in MARKING else "",
        }
    )


def _show(visit: Visit, incident: Incident, values: MultiDict[str, str], errors: dict[str, str]) -> Response:
    session, zone = visit.session, _zone(visit, incident)
    text = session.get(IncidentText, incident.id)
    if text is not None and not visit.posted:
        desk_view.note_reading(visit.principal, visit.now, "incident", incident)
    spot = session.get(IncidentPlace, incident.id)
    place = session.get_one(Locality, incident.locality_id)
    form = catalogue.kind(incident.kind).form
    answered = feedback.rumours_answered(session, [incident.id]).get(incident.id)
    return visit.render(
        "sort.html",
        422 if errors else 200,
        incident=incident,
        values=values,
        errors=errors,
        text=text.text(session) if text else "",
        spot=spot.spot(session) if spot else "",
        notes=spoken_notes.of_incident(session, incident.id),
        title=_("%(what)s, %(place)s", what=kind_label(incident.kind), place=_name(place)),
        facts=_facts(visit, incident, zone),
        kinds=[(form_label(f), [(k.key, _(k.label)) for k in KINDS.values() if k.form == f]) for f in FORMS],
        wards=[(ward.code, _name(ward)) for ward in _wards(visit, incident)],
        threats=[(key, threat_label(key, _document(visit, incident))) for key in _threats(visit, incident)],
        knows=[(key, _(name), _(hint)) for key, (name, hint) in KNOWS.items()],
        saw=[(key, _(name)) for key, name in SAW.items()],
        second=[(key, _(name)) for key, name in SECOND.items()],
        outcomes=[(key, _(name), _(hint)) for key, (name, hint) in OUTCOME.items()],
        severities=[(n, f"{n}. {severity_label(n)}") for n in range(1, 6)],
        markings=[(key, _(name), _(hint)) for key, (name, hint) in MARKING.items()],
        same=[_beside(visit, other, zone, alike) for other, alike in rumours.same_thing(session, incident)],
        effect=_effect(visit, incident, _name(place)),
        open=incident.state in (REPORTED, *OUTCOME),
        state=state_label(incident.state),
        rumour=[(key, _(name)) for key, name in RUMOUR.items()] if form == "rumour" else [],
        answered=feedback_label(feedback.RUMOUR + answered) if answered else "",
        promised=words.when(incident.received_at + feedback.RUMOUR_PROMISE, zone, visit.now),
        most=SUMMARY_LENGTH,
    )


def _facts(visit: Visit, incident: Incident, zone: ZoneInfo) -> list[tuple[str, str]]:
    """What is known without opening the text."""
    told = _("somebody we know") if incident.known_source else _("somebody we do not know")
    if incident.channel == reports.VOUCHED:
        told = channel_label(reports.VOUCHED)
        if not incident.known_source:
            told = _("A focal person vouches, but not for certain: it counts once it was checked.")
    sources = ngettext("%(num)d source", "%(num)d sources", incident.sources)
    logged = [channel_label(incident.channel)] if incident.channel in MARKED else []
    return [
        (_("Reference"), incident.reference),
        (_("Came"), words.when(incident.received_at, zone, visit.now)),
        (_("Happened"), words.when(incident.occurred_at, zone, visit.now)),
        (_("From"), _(", ").join([told, *logged, sources])),
        (_("How they know"), how_known_label(incident.how_known)),
        (_("Still going on"), _(SAW.get(incident.ongoing, SAW["unknown"]))),
        (_("State"), state_label(incident.state)),
    ]


def _beside(visit: Visit, other: Incident, zone: ZoneInfo, alike: bool) -> dict[str, object]:
    """A report that may tell of the same thing, as facts."""
    return {
        "id": other.id,
        "alike": alike,
        "place": _name(visit.session.get_one(Locality, other.locality_id)),
        "name": kind_label(other.kind),
        "reference": other.reference,
        "facts": _facts(visit, other, zone),
    }


def _effect(visit: Visit, incident: Incident, place: str) -> list[str]:
    """What each decision would do to the score, in words and whole points."""
    found = sorting.effect(visit.session, visit.now, incident)
    if not found:
        return [_("This kind does not enter the score. It is work for people.")]
    said = {
        VERIFIED: _("If it is true"),
        UNABLE: _("If it cannot be checked"),
        NOT_TRUE: _("If it is not true"),
    }
    return [_points(outcome, said[outcome], round(points), place) for outcome, points in found.items()]


def _points(outcome: str, when: str, points: int, place: str) -> str:
    if outcome == NOT_TRUE:
        return _("%(when)s: adds nothing to %(place)s.", when=when, place=place)
    if points < 1:
        return _("%(when)s: adds less than 1 point to %(place)s.", when=when, place=place)
    return ngettext(
        "%(when)s: adds about %(num)d point to %(place)s.",
        "%(when)s: adds about %(num)d points to %(place)s.",
        points,
        when=when,
        place=place,
    )


def _wards(visit: Visit, incident: Incident) -> list[Locality]:
    """The wards that this report may be moved to: those of its own town."""
    wards = reach.wards_below(visit.session, [incident.town_id])
    return wards or [visit.session.get_one(Locality, incident.locality_id)]


def _document(visit: Visit, incident: Incident) -> dict[str, object]:
    return dict(profiles.in_force(visit.session, incident.locality_id).document)


def _threats(visit: Visit, incident: Incident) -> list[str]:
    return [
        str(row["key"]) for row in profiles.in_force(visit.session, incident.locality_id).document["threats"]
    ]


def _zone(visit: Visit, incident: Incident) -> ZoneInfo:
    return zone_of(visit.session, visit.session.get_one(Locality, incident.locality_id))


def _name(place: Locality) -> str:
    return place.name(words.current().language)
