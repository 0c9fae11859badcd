"""What can go wrong between the archive and ClickHouse, told apart by what the caller has to do about it."""

from __future__ import annotations

from schemas.errors import CreditPulseError


class RowsRefused(CreditPulseError):
    """ClickHouse, or its client, cannot take these rows: the same rows will be refused again. Find the one."""


class StatementFailed(CreditPulseError):
    """ClickHouse answered, and refused a statement: its schema or the rights of our user are not what we expect."""


class MigrationChanged(CreditPulseError):
    """A migration that was applied differs from the file of the same number: put the file back, add a new one."""


class NotFound(CreditPulseError):
    """There is no view, or no customer, of that name."""
