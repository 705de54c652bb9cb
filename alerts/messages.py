"""Words for people: typed templates in every language, rendered as SMS (counted in segments) or as a letter.

A template is a key, the types of its gaps and, for each language, its words; all of it stands in
`templates_text/`. No gap takes free text (see `alerts.slots`), no SMS carries a link, and nothing is ever
cut. Nothing here is sent or stored. `alerts.delivery` renders what stands in the outbox; whoever writes
there may call `check` first.

A message is whole in one language: where a draft lacks the template or one word, all of it is in English.
What stands in [brackets] in a template asks for an answer by SMS: a route that takes no answers says
instead how else to answer.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from html import escape
from pathlib import Path
from string import Formatter
from types import MappingProxyType
from typing import Any

import smsutil

from alerts.slots import SLOTS, Language, NoWords, Slot, SlotRefused
from committees.catalogue import KINDS

FOLDER = Path(__file__).parent / "templates_text"
#: The languages that members may choose. One without a file here yet is written to in English.
LANGUAGES = ("en", "ur", "bn", "si", "ta", "hi", "dv")
LATIN = frozenset({"latin", "latn", "roman"})
_OTHER = "other"


@dataclass(frozen=True)
class Template:
    """One message: the type of each of its gaps, and which gap (if any) stays sealed until sending.

    `rule`: a rule may name it as the message of its alert (rule_messages.py).
    """

    key: str
    slots: Mapping[str, Slot]
    secret: str | None = None
    drill: bool = False
    rule: bool = False


@dataclass(frozen=True)
class Catalogue:
    """All words of one language in one script."""

    language: Language
    name: str
    direction: str
    draft: bool
    segments: int
    sms: Mapping[str, str]
    mail: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class OneWay:
    """A route that takes no answers: the number to ring instead, if the place has one; else the cue card says how."""

    phone: str = ""


@dataclass(frozen=True)
class Rendered:
    """An SMS ready to send: its text, its number of segments, GSM-7 or UCS-2, and what filled its gaps, in order."""

    text: str = field(repr=False)
    segments: int
    encoding: str
    language: str
    values: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Letter:
    """An e-mail ready to send."""

    subject: str = field(repr=False)
    text: str = field(repr=False)
    html: str = field(repr=False)
    language: str


def _templates() -> Mapping[str, Template]:
    rows = tomllib.loads((FOLDER / "templates.toml").read_text(encoding="utf-8"))
    return MappingProxyType(
        {
            key: Template(
                key,
                {name: SLOTS[kind] for name, kind in row["slots"].items()},
                row.get("secret"),
                row.get("drill", False),
                row.get("rule", False),
            )
            for key, row in rows.items()
        }
    )


def _catalogue(path: Path) -> Catalogue:
    rows = tomllib.loads(path.read_text(encoding="utf-8"))
    about, words = rows["language"], dict(rows["words"])
    if about["code"] == "en":
        words["kind"] = {key: kind.sms for key, kind in KINDS.items() if kind.sms} | words["kind"]
    language = Language(about["code"], about["gsm"], words)
    return Catalogue(
        language,
        about["name"],
        about["direction"],
        about["draft"],
        about["segments"],
        rows["sms"],
        rows["mail"],
    )


TEMPLATES: Mapping[str, Template] = _templates()
CATALOGUES: Mapping[str, Catalogue] = MappingProxyType(
    {path.stem: _catalogue(path) for path in sorted(FOLDER.glob("*.toml")) if path.stem != "templates"}
)


@lru_cache(maxsize=256)
def catalogue(language: str, script: str = "own") -> Catalogue:
    """Return the words for a person's language and script, or else for the language, or else English."""
    wanted = [f"{language}-Latn"] if script.lower() in LATIN else []
    return next(CATALOGUES[key] for key in [*wanted, language, "en"] if key in CATALOGUES)


def said_in(
    template: str, slots: Mapping[str, Any], language: str, script: str = "own", *, concat: bool = True
) -> Catalogue:
    """Return the words in which this message is said as a whole: the person's, or English if one of them is missing.

    Where a network cannot join long messages (`concat` false) it is said in Latin letters, or else in English.
    """
    words = _wished(language, script, concat)
    return words if speaks(words, template, slots) else CATALOGUES["en"]


def _wished(language: str, script: str, concat: bool) -> Catalogue:
    words = catalogue(language, script)
    if words.segments > 1 and not concat:
        words = catalogue(language, "latin")
        words = words if words.segments == 1 else CATALOGUES["en"]
    return words


def _said(
    template: str, slots: Mapping[str, Any], words: Catalogue, secret: str | None
) -> tuple[Catalogue, dict[str, str]]:
    """What `said_in` finds, and the words for the gaps with it: a sender looks for each of them once."""
    if template in words.sms:
        try:
            return words, _filled(template, slots, words.language, secret)
        except NoWords:
            pass
    return CATALOGUES["en"], _filled(template, slots, CATALOGUES["en"].language, secret)


def speaks(words: Catalogue, template: str, slots: Mapping[str, Any]) -> bool:
    """Whether a catalogue has the template and a word for each of its values, so that it says the whole message."""
    if template not in words.sms:
        return False
    try:
        _masked(template, slots, words)
    except NoWords:
        return False
    except SlotRefused:
        return True  # refused with its reason by whoever fills it in
    return True


def count_segments(text: str) -> tuple[int, str]:
    """Return how many segments an SMS takes, and its encoding: GSM-7 or UCS-2."""
    parts = smsutil.split(text)
    return len(parts.parts), "GSM-7" if parts.encoding == "gsm0338" else "UCS-2"


def render(
    template: str,
    slots: Mapping[str, Any],
    language: str = "en",
    script: str = "own",
    secret: str | None = None,
    *,
    one_way: OneWay | None = None,
    concat: bool = True,
    brand: str = "",
) -> Rendered:
    """Return the SMS for a template; raise SlotRefused for a value that does not fit.

    `slots` are the JSON values of the outbox row; `secret` is its sealed value, opened. `one_way` is given
    for a route that takes no answers, `concat` is false for one that cannot join long messages, `brand` is the
    name that stands fixed in every text of a country with a registry.
    """
    words, filled = _said(template, slots, _wished(language, script, concat), secret)
    text = wording(template, words, one_way, brand).format_map(filled)
    if one_way and not brand:  # what stands with a registry is fixed
        advised = wording(template, words, one_way, advise=True).format_map(filled)
        fits = len(advised) <= letters_of(words) and count_segments(advised)[0] <= words.segments
        text = advised if fits else text
    segments, encoding = count_segments(text)
    if segments > words.segments:
        raise SlotRefused(template, f"This message would take {segments} SMS; {words.segments} is the most.")
    return Rendered(text, segments, encoding, words.language.code, filled)


def render_mail(
    template: str,
    slots: Mapping[str, Any],
    language: str = "en",
    script: str = "own",
    secret: str | None = None,
    link: str = "",
) -> Letter:
    """Return the letter for a template, with a link to its page; raises as `render` does.

    A template without a letter of its own is its SMS with a greeting around it.
    """
    words, filled = _said(template, slots, catalogue(language, script), secret)
    if link and not link.startswith(("https://", "http://")):
        raise SlotRefused("link", "A link begins with https:// or http://.")
    letter = words.mail.get(template, words.mail[_OTHER])
    filled = filled | {"link": link, "sms": wording(template, words).format_map(filled)}
    text = letter["text"].format_map(filled).strip()
    subject = letter["subject"].format_map(filled)
    return Letter(subject, text, _html(subject, text, link, words), words.language.code)


_ASKS = re.compile(r" ?\[(?P<advice>\{action\}[.۔।] )?[^\]]*?(?P<end>[.۔।]?)\]")


def wording(
    template: str,
    words: Catalogue,
    one_way: OneWay | None = None,
    brand: str = "",
    *,
    advise: bool = False,
) -> str:
    """Return the words of a template with their gaps, in the form for a route with or without answers.

    `brand` stands fixed where the town's name would stand, or else behind the words wherever it always fits. `advise` leaves what is to
    be done in a form without answers: it does not fit with every gap at its fullest.
    """
    text = _for_way(words.sms[template], words, one_way, advise=advise)
    if not brand or "{source}" in text:
        return text.replace("{source}", brand) if brand else text
    signed = f"{text} - {brand}"
    longest = len(signed.format_map(_longest_words(template, words.language.code)))
    return signed if longest <= letters_of(words) else text


def letters_of(words: Catalogue) -> int:
    """How many letters a message may have in these words: one GSM-7 segment, or two joined UCS-2 ones."""
    return 160 if words.segments == 1 else 67 * words.segments


@cache
def _longest_words(template: str, code: str) -> Mapping[str, str]:
    return widest(template, CATALOGUES[code])


def _for_way(text: str, words: Catalogue, one_way: OneWay | None, *, advise: bool = False) -> str:
    if one_way is None:
        return text.replace("[", "").replace("]", "")
    phone = SLOTS["phone"].fill("phone", one_way.phone, words.language) if one_way.phone else ""
    instead = words.language.words["instead"]["call" if phone else "card"].replace("{phone}", phone)
    first = _ASKS.search(text)
    if first is None:
        return text
    advice = (first["advice"] or "") if advise else ""
    return f"{text[: first.start()]} {advice}{instead}{first['end']}{_ASKS.sub('', text[first.end() :])}"


def asks_for_an_answer(template: str) -> bool:
    """Whether a template asks for an answer by SMS."""
    return "[" in CATALOGUES["en"].sms[template]


def check(template: str, slots: Mapping[str, Any]) -> None:
    """Raise SlotRefused if these values do not fit the template in some language, before they are stored."""
    for words in CATALOGUES.values():
        if words.language.code == "en" or speaks(words, template, slots):
            _masked(template, slots, words)


def preview(template: str, slots: Mapping[str, Any], language: str = "en", script: str = "own") -> str:
    """Return the SMS as a page may show it: a sealed value, such as a sign-in code, is a row of stars."""
    words = said_in(template, slots, language, script)
    return wording(template, words).format_map(_masked(template, slots, words))


def _masked(template: str, slots: Mapping[str, Any], words: Catalogue) -> dict[str, str]:
    secret = TEMPLATES[template].secret
    if secret is None:
        return _filled(template, slots, words.language, None)
    stands_in = next(iter(TEMPLATES[template].slots[secret].widest(words.language)))
    return _filled(template, slots, words.language, stands_in) | {secret: "*" * len(stands_in)}


def gaps(text: str) -> set[str]:
    """Return the names of the gaps in a text."""
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def widest(template: str, words: Catalogue) -> dict[str, str]:
    """Return the longest words that each gap of a template can hold in a language."""
    return {name: _longest(slot, name, words.language) for name, slot in TEMPLATES[template].slots.items()}


def _longest(slot: Slot, name: str, language: Language) -> str:
    shown: Iterable[str] = (slot.fill(name, value, language) for value in slot.widest(language))
    return max(shown, key=lambda text: (len(text), text))


def _filled(
    template: str, slots: Mapping[str, Any], language: Language, secret: str | None
) -> dict[str, str]:
    form = TEMPLATES[template]
    values = dict(slots) if secret is None or form.secret is None else {**slots, form.secret: secret}
    if set(form.slots) != set(values):
        odd = ", ".join(sorted(set(form.slots) ^ set(values)))
        raise SlotRefused(
            template, f"The message {template!r} is missing, or does not have, these gaps: {odd}."
        )
    try:
        return {name: _shown(form, name, _kept_private(name, values[name]), language) for name in form.slots}
    except NoWords as missing:
        if language.code != "en":
            raise
        raise SlotRefused(template, f"There are no words for {str(missing).partition(' ')[2]}.") from None


#: What was shown of a value before, by template, gap, language and value: all receivers of one alert are told the same place and kind.
_SHOWN: dict[tuple[str, str, Language, str], str] = {}
_MOST_SHOWN = 4096


def _shown(form: Template, name: str, value: Any, language: Language) -> str:
    """The words for a value; kept for the next receiver, but for a secret, which is nobody else's."""
    if name == form.secret:
        return form.slots[name].fill(name, value, language)
    key = form.key, name, language, repr(value)
    known = _SHOWN.get(key)
    if known is None:
        known = form.slots[name].fill(name, value, language)
        if len(_SHOWN) >= _MOST_SHOWN:
            _SHOWN.clear()
        _SHOWN[key] = known
    return known


def _kept_private(name: str, value: Any) -> Any:
    """Return the key whose words may travel: a sensitive kind never does, whoever asked for it."""
    return "private" if name == "what" and value in KINDS and KINDS[value].sms is None else value


_REPLY = re.compile(r"(?:OK|GO|NO)(?<!\w..) [0-9]{2,3}\b")


def _html(subject: str, text: str, link: str, words: Catalogue) -> str:
    """Return the letter as a plain page: paragraphs and one link, no style, no picture, nothing to load.

    What is to be typed keeps its own reading order inside Urdu and Dhivehi.
    """
    shown = _REPLY.sub(r'<bdi dir="ltr">\g<0></bdi>', f"\n\n{escape(text)}\n\n")
    if link:
        target = escape(link)
        anchor = f'<a href="{target}"><bdi dir="ltr">{target}</bdi></a>'
        shown = shown.replace(f"\n\n{target}\n\n", f"\n\n{anchor}\n\n")
    body = shown[2:-2].replace("\n\n", "</p><p>").replace("\n", "<br>")
    head = (
        f'<!doctype html><html lang="{words.language.code}" dir="{words.direction}"><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{escape(subject)}</title>'
    )
    return f"{head}<body><p>{body}</p></body></html>"
