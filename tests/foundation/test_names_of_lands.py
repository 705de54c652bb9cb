"""Countries have names in each language, and the code that ISO leaves to users names none."""

from foundation.web.lands import land


def test_a_land_is_named_in_the_readers_language_and_a_users_code_names_none() -> None:
    assert [land("PK", language) for language in ("en", "ur", "dv")] == ["Pakistan", "پاکستان", "ޕާކިސްތާން"]
    assert [land("XA", language) for language in ("en", "ur", "dv")] == ["", "", ""]
