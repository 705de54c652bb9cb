"""The editor of one rule, and the page of a new one: try what it would do now, then propose it.

Nothing is changed here: a change becomes a proposed version of the place's picture (committees/profiles.py), which a second person of
another organisation puts in force. The boxes are rule_boxes.py, what comes of them rule_form.py, the conditions of a new rule new_rule.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Response
from werkzeug.datastructures import MultiDict

from alerts import rule_sentences
from alerts.risk.bad_rule import BadRule
from alerts.risk.fields import FIELDS, INCIDENT_FIELDS
from alerts.risk.rule_checks import SAME_AS_SCORE
from alerts.risk.rules import Rule, read_rules, rules_in_force
from alerts.risk.shapes import Wrong
from alerts.rule_words import CONDITION_NAMES, say
from alerts.sentences import rule_label
from committees import profiles
from committees.places import Locality
from committees.profiles import Layer
from coordination import local_picture, new_rule, rule_boxes, rule_form, rule_preview, rules_view
from coordination.new_rule import Begun
from coordination.pages.place import name_of
from coordination.pages.rules import may_edit, waiting_at
from coordination.rule_boxes import Box
from coordination.rules_view import READERS
from foundation.errors import Invalid, NotAllowed, NotFound
from foundation.web.page import Visit, page
from foundation.web.words import N_, ngettext
from foundation.web.words import gettext as _

NOTHING_CHANGED = N_("Nothing is changed yet. Change something, then try it")
NEW, MOST_KEPT = "new", 200
Form = MultiDict[str, str]


@dataclass(frozen=True)
class Editing:
    """What the editor works on: the place, its layers, the rule as it holds (or held before it was switched off), or a new one's beginning."""

    place: Locality
    layers: list[Layer]
    row: dict[str, Any]
    off: bool = False
    new: Begun | None = None

    @property
    def path(self) -> str:
        """The address of this editor."""
        return f"/rules/{self.place.code}/" + (NEW if self.new else f"edit/{self.row['key']}")

    @property
    def document(self) -> dict[str, Any]:
        """The picture in force."""
        return profiles.document_of(self.layers)

    @property
    def own(self) -> dict[str, Any]:
        """What the place sets itself."""
        return profiles.own_in(self.layers, self.place.id)

    def boxes(self, form: Form) -> list[Box]:
        """The boxes of the rule."""
        if self.new:
            return self.new.boxes(self.document)
        return rule_boxes.boxes(self._row(form), self.document)

    def signature(self, form: Form) -> str:
        """Which boxes there are: those that nobody has seen are shown before they count."""
        if self.new:
            return self.new.signature
        return SAME_AS_SCORE if isinstance(self._row(form).get("clock_minutes"), dict) else ""

    def _row(self, form: Form) -> dict[str, Any]:
        return rule_form.by_level(self.row, form.get("level") if form else None)

    def changed(self, change: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """What the place would set itself with a change, and the whole picture that would then hold."""
        own = rule_form.with_change(self.own, change)
        below = [layer for layer in self.layers if layer.locality_id != self.place.id]
        return own, profiles.document_of([Layer(self.place.id, "", own), *below])


@page("/rules/<code>/edit/<key>", roles=READERS)
def edit(visit: Visit, code: str, key: str) -> Response:
    """Change one rule: try it, then propose it."""
    here, layers = _place(visit, code)
    row, off = _row(layers, key)
    editing = Editing(here, layers, row, off)
    return _answer(visit, editing, visit.form) if visit.posted else _show(visit, editing, None)


@page("/rules/<code>/new", roles=READERS)
def new(visit: Visit, code: str) -> Response:
    """A new rule: choose when it speaks, fill in its boxes, try it, then propose it."""
    here, layers = _place(visit, code)
    said = new_rule.turned(visit.form) if visit.posted else visit.args
    begun = new_rule.begun(said)
    if begun is None:
        options = [(key, _(words)) for key, words in CONDITION_NAMES.items()]
        return visit.render("rule_new.html", code=here.code, name=name_of(here), options=options)
    editing = Editing(here, layers, begun.row(profiles.document_of(layers)), new=begun)
    if not visit.posted or new_rule.changes_boxes(said):
        return _show(visit, editing, said if visit.posted else None)
    return _answer(visit, editing, said)


def _place(visit: Visit, code: str) -> tuple[Locality, list[Layer]]:
    here = rules_view.place_with(visit.session, visit.principal, code)
    if not may_edit(visit, here):
        raise NotAllowed(
            _("You can read these rules, not change them."), _("Tell the secretary what you would change.")
        )
    return here, profiles.layers(visit.session, here.id)


def _answer(visit: Visit, editing: Editing, form: Form) -> Response:
    """Say as a sentence what was typed, try it, or propose it; a mistake comes back beside its box."""
    key = editing.row["key"]
    if form.get("shown", "") != editing.signature(form):
        return _show(visit, editing, form, fresh=True)
    try:
        change = _change(visit, editing, form)
        key = change["key"]
        own, whole = editing.changed(change)
        read_rules(whole)
        local_picture.check_for(visit.session, editing.place, own)
        if own == editing.own or set(change) == {"key"}:
            raise Invalid("change", NOTHING_CHANGED)
        if form.get("act") == "propose":
            return _propose(visit, editing.place, own)
        tries = form.get("act") != "sentence" and not change.get("off")
        tried = rules_view.try_out(visit, editing.place, whole, key) if tries else None
        return _show(visit, editing, form, tried=tried, rule=_rule(whole, key), checked=True)
    except BadRule as bad:
        return _show(visit, editing, form, errors=_errors(bad, key, editing), caret=bad.caret)
    except Wrong as wrong:
        return _show(visit, editing, form, errors={wrong.field: _(wrong.said, **wrong.values)})
    except Invalid as wrong:
        return _show(visit, editing, form, errors={wrong.field: _(wrong.message)})


def _row(layers: list[Layer], key: str) -> tuple[dict[str, Any], bool]:
    document = profiles.document_of(layers)
    found = next((dict(row) for row in document["rules"] if row["key"] == key), None)
    if found is not None:
        return found, False
    before = rules_view.row_below(layers, key)
    if before is None:
        raise NotFound()
    return before, True


def _change(visit: Visit, editing: Editing, form: Form) -> dict[str, Any]:
    if editing.new:
        taken = rules_view.keys_taken(visit.session, editing.place, editing.layers)
        made = editing.boxes(form)
        return rule_form.new_rule(form, editing.row, made, editing.document, taken)
    if form.get("off"):
        return {"key": editing.row["key"], "off": True}
    change = rule_form.change_of(form, editing.row, editing.document)
    # A rule that was switched off comes back whole: what is inherited may not hold it any more.
    return {**editing.row, **change} if editing.off else change


def _rule(document: dict[str, Any], key: str) -> Rule | None:
    return next((rule for rule in rules_in_force(document) if rule.key == key and not rule.broken), None)


def _errors(bad: BadRule, key: str, editing: Editing) -> dict[str, str]:
    """The mistake beside the box that it stands in; one that has no box stands at the top."""
    path = bad.path.removeprefix(f"rules.{key}.")
    return {new_rule.field_of(path) if editing.new else path: say(bad)}


def _propose(visit: Visit, here: Locality, own: dict[str, Any]) -> Response:
    version = local_picture.write_and_propose(
        visit.session,
        visit.now,
        here,
        own,
        person_id=visit.person_id,
        reason=visit.form.get("reason", "").replace("\r\n", "\n"),
        key=visit.uuid("id"),
    )
    visit.say(local_picture.proposed_words(version))
    return visit.go(f"/rules/{here.code}")


def _show(
    visit: Visit,
    editing: Editing,
    form: Form | None,
    *,
    errors: dict[str, str] | None = None,
    caret: str = "",
    tried: dict[str, Any] | None = None,
    rule: Rule | None = None,
    checked: bool = False,
    fresh: bool = False,
) -> Response:
    """Draw the editor: the rule as it is, the boxes with what was typed, and what a try found."""
    row, document, here = editing.row, editing.document, editing.place
    made = editing.boxes(form or MultiDict())
    before = None if editing.new else _before(row, document)
    said, wrong = form or MultiDict(), errors or {}
    shown = rule if checked else before
    return visit.render(
        "rule_edit.html",
        422 if errors else 200,
        name=name_of(here),
        code=here.code,
        path=editing.path,
        label=rule_label(row["key"], document) if not editing.new else "",
        typed_label=said.get("label", ""),
        off=editing.off,
        signature=editing.signature(said),
        fresh=fresh,
        now=rule_sentences.sentences_of(before, document) if before else [],
        then=rule_sentences.sentences_of(rule, document) if rule else [],
        previews=rule_preview.previews(visit.session, here, shown, visit.now) if shown else [],
        checked=checked,
        does=[(box, _value(form, box)) for box in made if box.steps[0] not in ("when", "stronger")],
        expression=said.get("expression", row.get("expression", "")),
        switch_off=bool(said.get("off")),
        reason=said.get("reason", ""),
        errors=wrong,
        unplaced={k: v for k, v in wrong.items() if k not in _placed(made)},
        caret=caret,
        tried=tried,
        more=_more(tried),
        waiting=waiting_at(visit, here),
        fields=[(name, _(one.label), _(one.kind)) for name, one in FIELDS.items()],
        incident_fields=[(f"i.{name}", _(one.label), _(one.kind)) for name, one in INCIDENT_FIELDS.items()],
        most=local_picture.LONGEST_REASON,
        **_speaks(editing, form, made),
    )


def _speaks(editing: Editing, form: Form | None, made: list[Box]) -> dict[str, Any]:
    """The part of the page that says when a rule speaks: the boxes of a rule as it is, or of each condition of a new one."""
    boxes = [(box, _value(form, box)) for box in made if box.steps[0] in ("when", "stronger")]
    if not editing.new:
        return {"settings": boxes, "new": None}
    return {
        "new": editing.new,
        "join": editing.new.join,
        "parts": [
            (place, condition, [pair for pair in boxes if new_rule.number_of(pair[0].name) == place])
            for place, condition in enumerate(editing.new.conditions)
        ],
        "conditions": [(key, _(words)) for key, words in CONDITION_NAMES.items()],
        "full": len(editing.new.conditions) >= new_rule.MOST_CONDITIONS,
        "kept": _kept(form, made) if form else [],
    }


def _before(row: dict[str, Any], document: dict[str, Any]) -> Rule | None:
    """The rule as it is."""
    others = [one for one in document["rules"] if one["key"] != row["key"]]
    return _rule({**document, "rules": [*others, row]}, row["key"])


def _placed(made: list[Box]) -> set[str]:
    return {"expression", "reason", "label", *(box.name for box in made)}


def _value(form: Form | None, box: Box) -> Any:
    if form is None or not (box.name in form or rule_form.shown(box) in form):
        return rule_form.plain(box.value)
    return form.getlist(box.name) if box.kind == rule_boxes.SEVERAL else form[box.name]


def _kept(form: Form, made: list[Box]) -> list[tuple[str, str]]:
    """What was typed into the boxes of another condition, for the way back to it."""
    here = {name for box in made for name in (box.name, rule_form.shown(box))}
    return [
        (name, value)
        for name, value in form.items(multi=True)
        if name.startswith("when[") and name not in here
    ][:MOST_KEPT]


def _more(tried: dict[str, Any] | None) -> str:
    if not tried or not tried["more"]:
        return ""
    return ngettext("%(num)d more place is not shown.", "%(num)d more places are not shown.", tried["more"])
