"""The rules in force at a place as sentences, and the editor of one rule: try what it would do now, then propose the change.

Nothing is changed here: a change becomes a proposed version of the place's picture (committees/profiles.py), which a second person of
another organisation puts in force.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Response
from sqlalchemy import select

from alerts import rule_sentences
from alerts.risk.bad_rule import BadRule
from alerts.risk.fields import FIELDS, INCIDENT_FIELDS
from alerts.risk.rules import Rule, read_rules, rules_in_force
from alerts.risk.shapes import Wrong
from alerts.sentences import rule_label
from committees import places, profiles
from committees.places import Country, Locality, LocalityPath
from committees.profiles import PROPOSED, Layer, Profile
from coordination import local_picture, reach, rule_form, rules_view
from coordination.local_picture import EDITORS
from coordination.pages.place import name_of
from coordination.rule_form import Box
from coordination.rules_view import READERS
from foundation.errors import Invalid, NotAllowed, NotFound
from foundation.web.page import PAGES, Visit, page
from foundation.web.words import N_, ngettext
from foundation.web.words import gettext as _

MOST_LISTED = 60
NOTHING_CHANGED = N_("Nothing is changed yet. Change something, then try it")


@page("/rules", roles=READERS)
def choose(visit: Visit) -> Response:
    """Choose the place whose rules to read."""
    code = visit.args.get("code", "").strip()
    error = ""
    if code:
        try:
            return visit.go(f"/rules/{rules_view.place_with(visit.session, visit.principal, code).code}")
        except NotFound:
            error = _("We know no place with this code that you may read. Look at the list below")
    rows = [{"href": f"/rules/{one.code}", "name": name_of(one), "meta": one.code} for one in _near(visit)]
    return visit.render("rules_choose.html", 422 if error else 200, rows=rows, code=code, error=error)


def _near(visit: Visit) -> list[Locality]:
    """The visitor's own places, and what lies under them down to towns; for those who read everywhere, the countries' places too."""
    ids = set(visit.principal.at(*READERS))
    rows = select(Locality).where(Locality.id.in_(ids))
    own = list(visit.session.scalars(rows.order_by(Locality.depth, Locality.code)))
    below = select(LocalityPath.descendant_id).where(LocalityPath.ancestor_id.in_(ids))
    towns = select(Locality).where(Locality.id.in_(below), Locality.level == "town", Locality.id.not_in(ids))
    if visit.principal.at(*rules_view.EVERYWHERE):
        towns = select(Locality).where(Locality.code.in_(select(Country.code)), Locality.id.not_in(ids))
    return [*own, *visit.session.scalars(towns.order_by(Locality.code).limit(MOST_LISTED))]


@page("/rules/<code>", roles=READERS)
def rules(visit: Visit, code: str) -> Response:
    """The rules in force at a place."""
    session = visit.session
    here = rules_view.place_with(session, visit.principal, code)
    zone = places.zone_of(session, here)
    layers = profiles.layers(session, here.id)
    waiting = _waiting(visit, here)
    return visit.render(
        "rules.html",
        name=name_of(here),
        code=here.code,
        rules=rules_view.shown(session, layers, zone),
        off=rules_view.switched_off(layers),
        versions=[rules_view.layer_words(session, layer, zone) for layer in layers],
        log=rules_view.change_log(session, layers, here, zone),
        waiting=len(waiting),
        may_edit=_may_edit(visit, here),
        links=_links(visit, here, waiting),
    )


def _links(visit: Visit, here: Locality, waiting: list[int]) -> dict[str, str]:
    """Where this visitor may go on to: the whole local picture, a version that waits, a comparison, a try on the past."""
    picture = f"/place/{here.code}/profile"
    reads = bool(reach.covered(visit.session, visit.principal, [here.id]))
    paths = {
        "profile": ("/place/<code>/profile", picture),
        "waits": ("/place/<code>/profile/<int:version>", f"{picture}/{waiting[0]}" if waiting else ""),
        "compare": ("/place/<code>/profile/compare", f"{picture}/compare"),
        "what_if": ("/rules/try/<code>", f"/rules/try/{here.code}"),
    }
    open_to = {one.path for one in PAGES if visit.has(*one.roles)}
    return {name: link if reads and path in open_to else "" for name, (path, link) in paths.items()}


def _may_edit(visit: Visit, place: Locality) -> bool:
    return rules_view.stands_over(visit.session, visit.principal, place.id, EDITORS)


def _waiting(visit: Visit, place: Locality) -> list[int]:
    """The numbers of this place's versions that wait for a second person, the oldest first."""
    rows = select(Profile.version).where(Profile.locality_id == place.id, Profile.state == PROPOSED)
    return list(visit.session.scalars(rows.order_by(Profile.version)))


@dataclass(frozen=True)
class Editing:
    """What the editor works on: the place, its layers, the rule as it holds (or held before it was switched off)."""

    place: Locality
    layers: list[Layer]
    row: dict[str, Any]
    off: bool

    @property
    def document(self) -> dict[str, Any]:
        """The picture in force."""
        return rules_view.whole(self.layers)

    @property
    def own(self) -> dict[str, Any]:
        """What the place sets itself."""
        nearest = self.layers[0]
        return dict(nearest.document) if nearest.locality_id == self.place.id else {}

    def changed(self, change: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """What the place would set itself with a change, and the whole picture that would then hold."""
        own = rule_form.with_change(self.own, change)
        below = [layer for layer in self.layers if layer.locality_id != self.place.id]
        return own, rules_view.whole([Layer(self.place.id, "", own), *below])


@page("/rules/<code>/edit/<key>", roles=READERS)
def edit(visit: Visit, code: str, key: str) -> Response:
    """Change one rule: try it, then propose it."""
    here = rules_view.place_with(visit.session, visit.principal, code)
    if not _may_edit(visit, here):
        raise NotAllowed(
            _("You can read these rules, not change them."), _("Tell the secretary what you would change.")
        )
    layers = profiles.layers(visit.session, here.id)
    row, off = _row(layers, key)
    editing = Editing(here, layers, row, off)
    if not visit.posted:
        return _show(visit, editing)
    change = _change(visit, editing)
    try:
        own, whole = editing.changed(change)
        read_rules(whole)
        local_picture.check_for(visit.session, here, own)
        if own == editing.own or set(change) == {"key"}:
            raise Invalid("change", NOTHING_CHANGED)
        if visit.form.get("act") != "propose":
            tried = rules_view.try_out(visit, here, whole, key) if not change.get("off") else None
            return _show(visit, editing, tried=tried, rule=_rule(whole, key), checked=True)
        return _propose(visit, here, own)
    except BadRule as bad:
        return _show(visit, editing, errors=_errors(bad, key), caret=bad.caret)
    except Wrong as wrong:
        return _show(visit, editing, errors={wrong.field: _(wrong.said, **wrong.values)})
    except Invalid as wrong:
        return _show(visit, editing, errors={wrong.field: _(wrong.message)})


def _row(layers: list[Layer], key: str) -> tuple[dict[str, Any], bool]:
    document = rules_view.whole(layers)
    found = next((dict(row) for row in document["rules"] if row["key"] == key), None)
    if found is not None:
        return found, False
    before = rules_view.row_below(layers, key)
    if before is None:
        raise NotFound()
    return before, True


def _change(visit: Visit, editing: Editing) -> dict[str, Any]:
    if visit.form.get("off"):
        return {"key": editing.row["key"], "off": True}
    change = rule_form.change_of(visit.form, editing.row, editing.document)
    # A rule that was switched off comes back whole: what is inherited may not hold it any more.
    return {**editing.row, **change} if editing.off else change


def _rule(document: dict[str, Any], key: str) -> Rule | None:
    return next((rule for rule in rules_in_force(document) if rule.key == key and not rule.broken), None)


def _errors(bad: BadRule, key: str) -> dict[str, str]:
    """The mistake beside the box that it stands in; one that has no box stands at the top."""
    path = bad.path.removeprefix(f"rules.{key}.")
    return {path: rule_sentences.say(bad)}


def _propose(visit: Visit, here: Locality, own: dict[str, Any]) -> Response:
    session, now, person = visit.session, visit.now, visit.person_id
    reason = visit.form.get("reason", "").replace("\r\n", "\n")
    version = local_picture.write(
        session, now, here, own, person_id=person, reason=reason, key=visit.uuid("id")
    )
    if version.state == profiles.DRAFT:
        local_picture.propose(session, now, version, person)
    visit.say(
        _(
            "Version %(version)d is proposed. It holds once a second person of another organisation approves it.",
            version=version.version,
        )
    )
    return visit.go(f"/rules/{here.code}")


def _show(
    visit: Visit,
    editing: Editing,
    *,
    errors: dict[str, str] | None = None,
    caret: str = "",
    tried: dict[str, Any] | None = None,
    rule: Rule | None = None,
    checked: bool = False,
) -> Response:
    """Draw the editor: the rule as it is, the boxes with what was typed, and what a try found."""
    row, document, here = editing.row, editing.document, editing.place
    now = _rule({**document, "rules": [*_others(document, row["key"]), row]}, row["key"])
    form = visit.form if visit.posted else None
    made = rule_form.boxes(row, document)
    return visit.render(
        "rule_edit.html",
        422 if errors else 200,
        name=name_of(here),
        code=here.code,
        key=row["key"],
        label=rule_label(row["key"], document),
        off=editing.off,
        now=rule_sentences.sentences_of(now, document) if now else [],
        then=rule_sentences.sentences_of(rule, document) if rule else [],
        checked=checked,
        boxes=[(box, _value(form, box)) for box in made],
        settings=[box.name for box in made if box.steps[0] in ("when", "stronger")],
        expression=form.get("expression", "") if form else row.get("expression", ""),
        switch_off=bool(form and form.get("off")),
        reason=form.get("reason", "") if form else "",
        errors=errors or {},
        unplaced={k: v for k, v in (errors or {}).items() if k not in _placed(made)},
        caret=caret,
        tried=tried,
        more=_more(tried),
        waiting=_waiting(visit, here),
        fields=[(name, _(one.label), _(one.kind)) for name, one in FIELDS.items()],
        incident_fields=[(f"i.{name}", _(one.label), _(one.kind)) for name, one in INCIDENT_FIELDS.items()],
        most=local_picture.LONGEST_REASON,
    )


def _others(document: dict[str, Any], key: str) -> list[dict[str, Any]]:
    return [one for one in document["rules"] if one["key"] != key]


def _placed(made: list[Box]) -> set[str]:
    return {"expression", "reason", *(box.name for box in made)}


def _value(form: Any, box: Box) -> Any:
    if form is None:
        return box.value
    return form.getlist(box.name) if box.kind == rule_form.SEVERAL else form.get(box.name, box.value)


def _more(tried: dict[str, Any] | None) -> str:
    if not tried or not tried["more"]:
        return ""
    return ngettext("%(num)d more place is not shown.", "%(num)d more places are not shown.", tried["more"])
