"""Problems that a person can do something about.

A `Problem` is raised anywhere below a door (page, API, SMS, command, file) and becomes words for a person exactly once, at that door.
Failures of a delivery are another family: see alerts.channels.base. Everybody may import this module.
"""

from __future__ import annotations


class Problem(Exception):
    """Something a person can mend: what is wrong, and what to do about it."""

    status = 400

    def __init__(self, message: str, hint: str = "", status: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.status = status or type(self).status

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class Invalid(Problem):
    """One named field cannot be accepted as it is."""

    status = 422

    def __init__(self, field: str, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.field = field


class Refused(Problem):
    """Several fields at once cannot be accepted; the words for each stand in `fields`."""

    status = 422

    def __init__(self, fields: dict[str, str], message: str = "There is a problem") -> None:
        super().__init__(message, "; ".join(fields.values()))
        self.fields = fields


class SignInNeeded(Problem):
    """Nobody is signed in and this door needs somebody."""

    status = 401


class NotAllowed(Problem):
    """The person is known and this is not theirs to do."""

    status = 403


class NotFound(Problem):
    """There is no such thing, or none that this person may know of: the two read the same."""

    status = 404

    def __init__(self, message: str = "We could not find that page or record", hint: str = "") -> None:
        super().__init__(message, hint or "It may have been moved, or it belongs to another place.")


class Conflict(Problem):
    """What was asked for no longer fits the state that is stored."""

    status = 409
