"""The errors that cross package borders, told apart by what the caller has to do about them."""

from __future__ import annotations

from typing import Any


class CreditPulseError(Exception):
    """Root of all errors that creditpulse raises on purpose; its text is meant for a person."""


class InvalidInput(CreditPulseError):
    """Something given to us is wrong (an event, a file, a policy): correct it and give it again.

    ``code`` is stable and machine-readable; ``field`` names the offending field as a dotted path, if one does.
    """

    def __init__(self, code: str, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field


class UnsupportedVersion(CreditPulseError):
    """Stored data was written by a newer creditpulse than this one: upgrade before starting again."""


class Unavailable(CreditPulseError):
    """A part we depend on (broker, ClickHouse) does not answer: try again later."""


class Conflict(CreditPulseError):
    """It cannot be done as things stand now (another one is in the way): look at the state, then decide again.

    ``code`` is stable; ``stands``: how things stand, as JSON, where that is known. ``reason`` and the parts it names
    (``told``) let a screen say it in another language.
    """

    code = "conflict"

    def __init__(self, message: str, reason: str = "", **told: str) -> None:
        super().__init__(message)
        self.reason, self.told = reason, told

    @property
    def stands(self) -> dict[str, Any]:
        """Named parts for a problem's body."""
        return {}
