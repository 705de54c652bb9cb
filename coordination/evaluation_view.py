"""An evaluation in words, plots and tables. In wide places (a district, a country) a count under five is said as "under 5"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts import plots
from alerts.calibrating import Kappa
from alerts.evaluating import FALSE, STILL_OPEN, TRUE, UNKNOWN
from alerts.learning import LearningReport
from alerts.plots import Bar, PlotWords
from alerts.sentences import kind_label, level_word, rule_label
from committees import profiles
from committees.places import Country
from coordination import knobs
from foundation.web import words
from foundation.web.words import N_
from foundation.web.words import gettext as _

FEWEST = 5
Data = Mapping[str, Any]
PAINTED = (
    (TRUE, plots.FILLED),
    (FALSE, plots.OPEN_BOX),
    (UNKNOWN, plots.HATCHED),
    (STILL_OPEN, plots.HATCHED),
)
WHY = {
    "often_false": N_(
        "%(true)d of %(judged)d alerts of this rule were true. Let it ask for more before it warns."
    ),
    "nearly_always_true": N_("%(true)d of %(judged)d alerts of this rule were true. It could warn earlier."),
    "kind": N_("%(true)d of %(judged)d checked reports of this kind were true, unlike other kinds."),
}


def document_at(session: Session, place_id: UUID, at: datetime) -> Data:
    """The local picture in force."""
    return profiles.in_force(session, place_id, at).document


def count(number: int, *, coarse: bool) -> str:
    """A number as this place may show it."""
    return _("under 5") if coarse and 0 < number < FEWEST else str(number)


def share(value: float | None) -> str:
    """A share in whole percent; a dash where there is nothing to divide by."""
    return "–" if value is None else f"{value:.0%}"


def in_words(found: Data, *, coarse: bool) -> list[str]:
    """The year in sentences."""
    m, rules = found["measures"], found["rules"]
    true, false = (sum(one[name] for one in rules) for name in (TRUE, FALSE))
    said = [
        _(
            "Alerts: %(all)s. True or prevented: %(true)s. Not true: %(false)s.",
            all=count(m["warnings"], coarse=coarse),
            true=count(true, coarse=coarse),
            false=count(false, coarse=coarse),
        )
    ]
    if m["events"]:
        said.append(
            _(
                "Real clashes: %(all)s; a warning came before %(warned)s of them.",
                all=count(m["events"], coarse=coarse),
                warned=count(m["events_warned"], coarse=coarse),
            )
        )
    else:
        said.append(_("No real clash is known in this time."))
    if m["lead_days"] is not None:
        said.append(
            _("Half of those warnings came %(days)s days before, or earlier.", days=f"{m['lead_days']:.1f}")
        )
    acted = sum(one["acted"] for one in rules)
    said.append(_("Alerts that somebody acted on: %(n)s.", n=count(acted, coarse=coarse)))
    if m["messages_a_week"] is not None:
        said.append(_("Each person who is told got %(n)s messages a week.", n=f"{m['messages_a_week']:.2f}"))
    return said


def shares(found: Data, *, coarse: bool) -> list[tuple[str, str]]:
    """The shares that say most of warnings, each with what 95 in 100 lie between; none where too few stand behind it."""
    m = found["measures"]
    rows = [
        (_("Alerts that came true"), "precision", m["warnings"]),
        (_("Clashes with a warning before"), "recall", m["events"]),
        (_("The same, after 12 quiet weeks"), "onset_recall", m["onsets"]),
    ]
    return [
        (label, _share_between(m[name], found["shares"][name]))
        for label, name, n in rows
        if n >= (FEWEST if coarse else 1)
    ]


def _share_between(value: float | None, edges: Sequence[float | None]) -> str:
    low, high = edges
    return f"{share(value)} ({share(low)} – {share(high)})"


def rules(found: Data, document: Data, *, coarse: bool) -> dict[str, Any]:
    """The share of true alerts of each rule, drawn and as a table."""
    names = [(rule_label(one["rule"], document), one) for one in found["rules"]]
    clear = [(name, one) for name, one in names if not coarse or one[TRUE] + one[FALSE] >= FEWEST]
    clear = [(name, one) for name, one in clear if one["precision"] is not None]
    plot = plots.shares(
        [(_short(name), one["precision"], one["low"], one["high"]) for name, one in clear],
        PlotWords(
            _("Share of alerts that were true, by rule"),
            " ".join(f"{name}: {share(one['precision'])}." for name, one in clear),
        ),
        key="by-rule",
    )
    table = [
        (
            name,
            *(count(one[part], coarse=coarse) for part in ("alerts", TRUE, FALSE, UNKNOWN, "acted")),
            "–" if one["minutes_to_acting"] is None else f"{one['minutes_to_acting']:.0f}",
            count(one["reach"], coarse=coarse),
        )
        for name, one in names
    ]
    return {"plot": plot if clear else Markup(""), "table": table}


def _short(name: str, longest: int = 21) -> str:
    return name if len(name) <= longest else f"{name[: longest - 1]}…"


def months(found: Data, *, coarse: bool) -> dict[str, Any]:
    """Alerts by month and outcome, drawn and as a table."""
    rows = found["months"]
    labels = [words.month(date.fromisoformat(f"{one['month']}-01")) for one in rows]
    table = [
        (label, *(count(one[name], coarse=coarse) for name, _how in PAINTED))
        for label, one in zip(labels, rows, strict=True)
    ]
    if coarse:
        return {"plot": Markup(""), "table": table}
    drawn = [
        Bar(label, tuple((how, one[name]) for name, how in PAINTED))
        for label, one in zip(labels, rows, strict=True)
    ]
    said = " ".join(f"{bar.label}: {bar.total}." for bar in drawn)
    plot = plots.bars(drawn, PlotWords(_("Alerts by month and how they ended"), said), key="by-month")
    return {"plot": plot, "table": table}


def leads(found: Data, *, coarse: bool) -> dict[str, Any]:
    """How long before a clash the first warning came, drawn and as a table."""
    labels = [_("1 day"), _("2 days"), _("a week"), _("2 weeks"), _("4 weeks")]
    numbers = found["leads"]
    none = (_("no warning before"), count(found["no_warning"], coarse=coarse))
    table = [
        (_("up to %(time)s", time=label), count(n, coarse=coarse))
        for label, n in zip(labels, numbers, strict=True)
    ]
    if coarse or not sum(numbers):
        return {"plot": Markup(""), "table": [*table, none]}
    drawn = [Bar(label, ((plots.FILLED, n),)) for label, n in zip(labels, numbers, strict=True)]
    said = " ".join(f"{bar.label}: {bar.total}." for bar in drawn)
    plot = plots.bars(drawn, PlotWords(_("How long before a clash the first warning came"), said), key="lead")
    return {"plot": plot, "table": [*table, none]}


def calibrated(found: Data) -> dict[str, Any] | None:
    """Chances given against what came, by level; None where no four weeks are over yet."""
    data = found["calibration"]
    if not data["n"]:
        return None
    known = [(n, line) for n, line in enumerate(data["levels"], 1) if line["n"]]
    said = " ".join(
        f"{level_word(n)}: {share(line['predicted'])}, {share(line['observed'])}." for n, line in known
    )
    plot = plots.against(
        [(str(n), line["predicted"], line["observed"]) for n, line in known],
        PlotWords(_("Chances that were given, against what came"), said),
        _("chance given"),
        _("came"),
        key="calibration",
    )
    table = [
        (f"{n} · {level_word(n)}", str(line["n"]), share(line["predicted"]), share(line["observed"]))
        for n, line in known
    ]
    numbers = [
        (_("Forecasts judged"), str(data["n"])),
        (_("Brier score"), measured(data, "brier")),
        (_("Log loss"), measured(data, "log_loss")),
        (_("AUROC over all places"), measured(data, "auroc")),
        (_("AUROC within places (timing)"), _number(data["within"])),
        (_("Average precision"), measured(data, "ap")),
    ]
    return {"plot": plot, "table": table, "numbers": numbers}


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def measured(data: Data, name: str) -> str:
    """A measure and what 95 in 100 draws of places lie between; one place alone says nothing of chance."""
    low, high = data["intervals"][name]
    if low is None or low == high:
        return _number(data[name])
    return f"{_number(data[name])} ({_number(low)} – {_number(high)})"


def kappa_words(kappa: Data | None) -> str:
    """The calibration of a place in a sentence."""
    if kappa is None:
        return _("No calibration yet: the chances are those of the formula as it is.")
    return _(
        "Chances here are multiplied by about %(held)s (before its bounds: %(unheld)s).",
        held=f"{kappa['held']:.2f}",
        unheld=f"{kappa['unheld']:.2f}",
    )


def proposals(
    report: LearningReport | None, document: Data, code: str, *, coarse: bool
) -> list[dict[str, Any]]:
    """What the last month proposes: the number, from what to what, why, and the link that tries it on the past."""
    if report is None:
        return []
    labels = {knob.key: knob.label for knob in knobs.knobs(document)}
    return [
        {
            "what": labels.get(one["knob"]) or _name(one, document),
            "was": one["was"],
            "now": one["now"],
            "why": ""
            if coarse and 0 < one["true"] < FEWEST
            else _(WHY[one["why"]], true=one["true"], judged=one["judged"]),
            "href": f"/rules/try/{code}?what={one['knob']}&value={one['now']}",
        }
        for one in report.proposals
    ]


def _name(one: Data, document: Data) -> str:
    return kind_label(one["kind"]) if "kind" in one else rule_label(one["rule"], document)


def country_kappas(session: Session, at: datetime) -> list[tuple[str, str, str]]:
    """The calibration of each country now: its name, kappa in use, kappa before its bounds."""
    rows = select(Kappa).where(Kappa.locality_id.is_(None), Kappa.at <= at)
    newest = {row.country_code: row for row in session.scalars(rows.order_by(Kappa.at))}
    countries: Sequence[Country] = session.scalars(select(Country).order_by(Country.code)).all()
    language = words.current().language
    return [
        (one.name(language), f"{row.held:.2f}", f"{row.unheld:.2f}")
        for one in countries
        if (row := newest.get(one.code))
    ]
