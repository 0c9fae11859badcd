"""What would become of a customer: its account and its partition's models, copied, before the engine itself.

What is played is decided by the very code that decides it live; it happens nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from models.account import Account, Marks
from models.account import decode as decode_account
from models.account import encode as encode_account
from models.calendar import day_of, from_ms
from models.engine import CreditEngine, MemoryAccounts
from models.partition import PartitionState
from models.partition import decode as decode_partition
from models.partition import encode as encode_partition
from models.policy import layered_policy
from models.reasons import reasons
from schemas.customer_file import CustomerFile, CustomerStanding, Rehearsed
from schemas.decisions import OutEvent
from schemas.log import CustomerLogEvent, LogEntry, PolicyActivated, Source

_TOPIC = "rehearsal"
"""Not a real one: no account has seen a record of it."""


class Rehearsal:
    """One customer on a stage of its own. ``account`` None: nobody of that id has been seen.

    ``passed``: what the brake has let pass of the partition's customers; what it counts now would be stopped here too.
    """

    def __init__(
        self,
        customer_id: str,
        account: Account | None,
        state: PartitionState,
        partition: int = 0,
        partitions: int = 1,
        passed: Mapping[str, Marks] = MappingProxyType({}),
    ) -> None:
        self._customer = customer_id
        self._accounts = MemoryAccounts()
        if account is not None:
            self._accounts.put(decode_account(encode_account(account)))
        own = decode_partition(encode_partition(state))
        others = {name: marks for name, marks in passed.items() if name != customer_id}
        self._engine = CreditEngine(self._accounts, own.policy_text, own, partition, partitions, others)
        applied = -1 if account is None else account.applied
        offsets = [mark.offset for marks in others.values() for mark in marks if mark is not None]
        self._offset = max(applied, own.applied, *offsets)
        self._played = 0
        self._clock = max(own.clock, 0 if account is None else account.clock)

    def standing(self, at: datetime) -> CustomerStanding:
        """How the customer stands, after all that was played."""
        return self._engine.standing(self._customer, day_of(self._not_before(at)))

    def file(self, at: datetime) -> CustomerFile:
        """All that is known of the customer, after all that was played."""
        return self._engine.file(self._customer, day_of(self._not_before(at)))

    def play(self, event: CustomerLogEvent | PolicyActivated, at: datetime) -> list[OutEvent]:
        """Let it become known at ``at``; what the engine decides.

        Raises:
            InvalidInput: a policy that is none, with line and field.
        """
        if isinstance(event, PolicyActivated):
            layered_policy(event.text)  # the engine goes on by the old one, we tell why
        at = self._not_before(at)
        self._offset += 1
        source = Source(topic=_TOPIC, partition=0, offset=self._played)
        self._played += 1
        return self._engine.apply(self._offset, LogEntry(time=at, received_at=at, source=source, event=event)).out

    def after(self, events: list[CustomerLogEvent | PolicyActivated], at: datetime) -> Rehearsed:
        """Before, after all of these, and why; errors as in ``play``."""
        before = self.standing(at)
        decisions = [decision for event in events for decision in self.play(event, at)]
        after = self.standing(at)
        then, now = ({part.code.lower(): part.points for part in side.parts} for side in (before, after))
        details = {part.code: part.detail for part in after.parts}
        moved = [
            reason.model_copy(update={"detail": details.get(reason.code, {})}) for reason in reasons(then, now, {})
        ]
        return Rehearsed(before=before, after=after, reasons=moved, decisions=decisions)

    def _not_before(self, at: datetime) -> datetime:
        """The engine's time never goes back: a clock of ours that is slow must not make an account younger."""
        return max(at, from_ms(self._clock))
