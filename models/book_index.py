"""What is known of a partition's accounts taken together; made from them after a restart, and kept up to date."""

from __future__ import annotations

from models.account import Account
from schemas.levels import Level


class BookIndex:
    """``rated``: customers on the ladder. ``heard``: the newest time (ms) of the payments feed, ``told``: of any other
    topic; ``payments``: how many.

    At a broadcast all of it follows from the log alone: what came before a broadcast is stored before it is applied.
    """

    def __init__(self) -> None:
        self.rated: set[str] = set()
        self.heard, self.told, self.payments = 0, 0, 0

    def add(self, account: Account) -> None:
        """An account is there already when the engine starts."""
        self.note_level(account)
        self.note_news(account, 0)

    def note_level(self, account: Account) -> None:
        """An account has been assessed."""
        if account.level != Level.UNRATED.value:
            self.rated.add(account.customer_id)
        else:
            self.rated.discard(account.customer_id)

    def note_news(self, account: Account, payments_before: int) -> None:
        """An event has been booked, and ``heard`` or ``told`` set."""
        self.heard, self.told = max(self.heard, account.heard), max(self.told, account.told)
        self.payments += account.behaviour.payments - payments_before
