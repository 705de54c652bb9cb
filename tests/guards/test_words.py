"""Every string that a person reads stands in the catalogue and is translated, with the same gaps as its source."""

import re

import pytest

from scripts import words


def gaps(text: str) -> list[str]:
    """The gaps of a string, such as %(name)s and {n}, sorted; numbers may be left out of a singular."""
    return sorted(re.findall(r"%\([a-z_0-9]+\)[sd]|\{[a-z]+\}", text))


@pytest.mark.parametrize("language", words.LANGUAGES)
def test_no_string_is_left_untranslated(language: str) -> None:
    catalogue = words.updated(language)
    assert words.missing(catalogue) == [], "translate these in foundation/web/translations"
    assert (words.FOLDER / f"{language}.po").read_bytes() == words.written(catalogue), (
        "run python scripts/words.py"
    )


@pytest.mark.parametrize("language", words.LANGUAGES)
def test_a_translation_has_the_gaps_of_its_source(language: str) -> None:
    wrong = []
    for message in words.updated(language):
        if not message.id:
            continue
        pairs = (
            [(message.id, message.string)]
            if isinstance(message.id, str)
            else list(zip(message.id, message.string, strict=True))
        )
        wrong += [source for source, text in pairs if gaps(text) != gaps(source)]
    assert wrong == []
