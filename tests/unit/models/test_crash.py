"""Whatever a worker had written when it died, its successor ends where a worker that never died would have ended.

The order of writes is that of ``streams.engine.agent``: outputs, then the partition's state (for broadcasts), then
accounts; what came before a broadcast is written before the broadcast is applied, and each broadcast is written
before anything after it. Within one kind of write, any part may have survived.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import TypeVar

from hypothesis import given
from hypothesis import strategies as st

from models.account import Account, decode, encode
from models.engine import CreditEngine
from models.partition import decode as decode_partition
from models.partition import encode as encode_partition
from schemas.decisions import OutEvent
from schemas.events import CustomerEvent
from schemas.log import LOG_ENTRY, LogEntry, PartitionReport
from tests.unit.models.histories import POLICY_TEXT, Step, history, steps

Row = TypeVar("Row")


class Died(Exception):
    """The worker is gone."""


@dataclass
class Disk:
    """What survives: the compacted tables, and all outputs that were ever written, each time they were."""

    accounts: dict[str, bytes] = field(default_factory=dict)
    state: bytes | None = None
    out: list[tuple[str, str]] = field(default_factory=list)


class DiskAccounts:
    """Accounts of the engine that are on the disk once they are written, and in the worker's memory before."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self.changed: dict[str, Account] = {}

    def get(self, customer_id: str) -> Account | None:
        """The account as of the last change."""
        if customer_id in self.changed:
            return self.changed[customer_id]
        data = self._disk.accounts.get(customer_id)
        return None if data is None else decode(data)

    def put(self, account: Account) -> None:
        """Keep the changed account in memory."""
        self.changed[account.customer_id] = account

    def all(self) -> Iterator[Account]:
        """What is on the disk; nothing may be unwritten when it is read."""
        assert not self.changed
        for data in self._disk.accounts.values():
            yield decode(data)

    def ids(self) -> Iterable[str]:
        """Those of the accounts on the disk."""
        assert not self.changed
        return list(self._disk.accounts)


class Worker:
    """Folds a log onto a disk; dies in the middle of its ``lives_for``-th write (None: never)."""

    def __init__(self, disk: Disk, dice: Random, lives_for: int | None = None) -> None:
        self._disk, self._dice, self._left = disk, dice, lives_for
        self._accounts = DiskAccounts(disk)
        state = None if disk.state is None else decode_partition(disk.state)
        self._engine = CreditEngine(self._accounts, POLICY_TEXT, state, partition=0, partitions=2)
        self._out: list[OutEvent | PartitionReport] = []

    def fold(self, chunk: list[tuple[int, LogEntry]]) -> None:
        """One chunk of the log, as the agent folds it."""
        unwritten = False
        for offset, entry in chunk:
            # What is on the wire, not what is in memory.
            entry = LOG_ENTRY.validate_json(LOG_ENTRY.dump_json(entry))
            broadcast = not isinstance(entry.event, CustomerEvent)
            if broadcast and unwritten:
                self._store(broadcast=False)
            effects = self._engine.apply(offset, entry)
            self._out += [*effects.out, *effects.reports]
            unwritten = not broadcast
            if broadcast:
                self._store(broadcast=True)
        if unwritten:
            self._store(broadcast=False)

    def _store(self, *, broadcast: bool) -> None:
        rows = [(_id(event), event.model_dump_json()) for event in self._out]
        self._out.clear()
        self._write(rows, self._disk.out.append)
        if broadcast:
            self._write([encode_partition(self._engine.state)], lambda state: setattr(self._disk, "state", state))
        changed = [(customer, encode(account)) for customer, account in self._accounts.changed.items()]
        self._write(changed, lambda item: self._disk.accounts.update([item]))
        self._accounts.changed.clear()

    def _write(self, rows: list[Row], put: Callable[[Row], object]) -> None:
        """Write rows to one topic or table, and wait; whoever dies meanwhile leaves any part of them behind."""
        if self._left is None:
            survivors = rows
        else:
            survivors = self._dice.sample(rows, k=min(self._left, len(rows)))
            self._left -= len(rows)
        for row in survivors:
            put(row)
        if self._left is not None and self._left < 0:
            raise Died


def _id(said: OutEvent | PartitionReport) -> str:
    return said.event_id if isinstance(said, PartitionReport) else said.id


def numbered(entries: list[LogEntry]) -> list[tuple[int, LogEntry]]:
    """The entries with their offsets."""
    return list(enumerate(entries))


def clean_run(entries: list[LogEntry]) -> Disk:
    """One worker, one chunk, no crash."""
    disk = Disk()
    Worker(disk, Random(0)).fold(numbered(entries))
    return disk


def crashing_run(entries: list[LogEntry], lives: list[int], dice: Random) -> tuple[Disk, int]:
    """Workers that each read from an offset at or before what is stored, in chunks of any size, and die.

    Returns what is on the disk in the end, and how many of them died.
    """
    disk, log, committed, deaths = Disk(), numbered(entries), 0, 0
    for lives_for in [*lives, None]:
        worker = Worker(disk, dice, lives_for)
        # Offsets are committed after everything else, and may be committed late or not at all.
        at = dice.randint(0, committed)
        try:
            while at < len(log):
                size = dice.choice([1, 2, 3, 10, len(log)])
                worker.fold(log[at : at + size])
                at = min(at + size, len(log))
                committed = max(committed, at)
        except Died:
            deaths += 1
    return disk, deaths


def decisions(disk: Disk) -> dict[str, str]:
    """What was said, by id; who says something twice says the same."""
    said: dict[str, str] = {}
    for id_, content in disk.out:
        assert said.setdefault(id_, content) == content
    return said


@given(steps(), st.lists(st.integers(0, 60), min_size=1, max_size=5), st.integers(0, 2**32))
def test_a_worker_that_dies_anywhere_leaves_no_trace(found: list[Step], lives: list[int], seed: int) -> None:
    """Killed again and again, at any write and with any part of it done: same state, same decisions, byte for byte."""
    entries = history(found)
    whole = clean_run(entries)
    disk, _ = crashing_run(entries, lives, Random(seed))
    assert decisions(disk) == decisions(whole)
    assert disk.accounts == whole.accounts
    assert disk.state == whole.state


@given(steps(most=12), st.integers(0, 2**32))
def test_a_worker_may_die_at_each_single_write(found: list[Step], seed: int) -> None:
    """The same for every write of a short history, one after the other."""
    entries = history(found, trailing_days=20)
    whole = clean_run(entries)
    for lives_for in range(200):
        disk, deaths = crashing_run(entries, [lives_for], Random(seed))
        assert (decisions(disk), disk.accounts, disk.state) == (decisions(whole), whole.accounts, whole.state)
        if not deaths:
            return
    raise AssertionError("the history is too long for this test")


@given(steps(), st.integers(0, 2**32))
def test_what_the_gate_writes_again_changes_nothing(found: list[Step], seed: int) -> None:
    """A gate that died writes entries again that are in the log already, further down, read at another time."""
    # The note on a model put back names its checkpoint's place in the log, which in a longer log is another one.
    dice, entries = Random(seed), history([step for step in found if step.kind != "restore"])
    log: list[LogEntry] = []
    for entry in entries:
        log.append(entry)
        if dice.random() < 0.1:
            again = log[-dice.randint(1, 8) :]
            later = entry.received_at.replace(microsecond=999_000)
            log += [old.model_copy(update={"received_at": later}) for old in again]
    whole = clean_run(entries)
    repeated, _ = crashing_run(log, [dice.randint(0, 60) for _ in range(3)], dice)
    assert decisions(repeated) == decisions(whole)
    assert _without_offsets(repeated) == _without_offsets(whole)


def _without_offsets(disk: Disk) -> tuple[dict[str, bytes], bytes | None]:
    """The state, but for how far in the log it is."""
    accounts = {}
    for customer, data in disk.accounts.items():
        account = decode(data)
        account.applied = 0
        for mark in (*filter(None, (account.tightened, account.held)), *account.group_marks):
            mark.offset = 0
        accounts[customer] = encode(account)
    if disk.state is None:
        return accounts, None
    state = decode_partition(disk.state)
    state.applied = 0
    for checkpoint in state.checkpoints.values():
        checkpoint.offset = 0
    return accounts, encode_partition(state)
