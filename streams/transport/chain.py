"""The law of chunked delivery in one partition: what may be accepted, handed over, acknowledged and committed.

Without it, Faust's own bookkeeping loses chunks. It sees one offset per message, so a chunk looks like one
record with a hole behind it; holes count as acknowledged (`Consumer._add_gap`), and a hole of one offset is
not seen at all (`Consumer._new_offset`), so an acknowledgement out of order commits over an unprocessed
chunk (faust-streaming issues 606, 312, 604, 527). And what Faust drops from its queues around a rebalance
(issue 596) is never missed.

Here the chunks of a partition form an unbroken chain from `safe` (all below is acknowledged) to `position`
(all below has been fetched). A commit is always `safe`; only the head of the chain moves it. What does not
fit the chain is not delivered: a fetch that starts too high is rewound once, then is a gap; a chunk that
reaches the agent out of turn means that one before it was dropped on the way.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import NamedTuple, Protocol

from faust.types import TP

from streams.transport.errors import GapFound, Misdelivered


class Record(Protocol):
    """What we use of aiokafka's ConsumerRecord; ``timestamp`` is in milliseconds since 1970, UTC."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes]]: ...


@dataclass(slots=True, eq=False)
class Chunk:
    """The records of one fetched batch of a partition, offsets ``first`` to ``last``; told apart by identity."""

    tp: TP
    first: int
    last: int
    records: Sequence[Record]
    epoch: int
    acked: bool = False


class Rewind(NamedTuple):
    """The fetch started too high: move the consumer back to ``offset`` and fetch again."""

    offset: int


_epochs = count(1)


class ChunkChain:
    """The chain of chunks of one partition; ``sparse`` allows offsets that hold no record (see `GapFound`)."""

    def __init__(self, tp: TP, *, sparse: bool = False) -> None:
        self.tp = tp
        self.sparse = sparse
        self.rebase(None)

    def rebase(self, position: int | None) -> None:
        """Start a new chain at ``position`` (None: not known yet, accept nothing); older chunks become strangers."""
        self.position = self.safe = self._handed = position
        self._chain: deque[Chunk] = deque()
        self._epoch = next(_epochs)
        self._rewound_to: int | None = None

    @property
    def ahead(self) -> int:
        """How many offsets have been fetched beyond the last safe one."""
        return (self.position or 0) - (self.safe or 0)

    def is_current(self, chunk: Chunk) -> bool:
        """Whether the chunk belongs to the present chain; a stranger will be, or was, delivered again by others."""
        return chunk.epoch == self._epoch

    def fetched(self, records: Sequence[Record]) -> Chunk | Rewind | None:
        """Accept a fetched batch; None if nothing in it is new. Raises GapFound if a rewind did not help."""
        position = self.position
        if position is None:
            return None
        if records[0].offset < position:
            records = [record for record in records if record.offset >= position]
            if not records:
                return None
        last = records[-1].offset
        if last - position + 1 != len(records):
            if self._rewound_to != position:
                self._rewound_to = position
                return Rewind(position)
            if not self.sparse:
                raise GapFound(self._describe(position, records[0].offset, "the broker does not have them"))
        chunk = Chunk(self.tp, position, last, records, self._epoch)
        self._rewound_to = None
        self.position = last + 1
        self._chain.append(chunk)
        return chunk

    def passed(self, position: int) -> None:
        """All below ``position`` was fetched: if nothing is open, what holds no record there is done.

        Only for a consumer that stands at ``position`` and has dropped nothing that it fetched since the last chunk.
        """
        if self.position is not None and not self._chain and position > self.position:
            self.position = self.safe = self._handed = position

    def handed_over(self, chunk: Chunk) -> bool:
        """The chunk reached the agent: whether to process it. Raises GapFound if one before it never did."""
        if not self.is_current(chunk) or self._handed is None:
            return False
        if chunk.first > self._handed:
            raise GapFound(self._describe(self._handed, chunk.first, "they were dropped between fetch and agent"))
        if chunk.first < self._handed:
            raise Misdelivered(f"{self.tp.topic}[{self.tp.partition}] offset {chunk.first} reached the agent twice")
        self._handed = chunk.last + 1
        return True

    def acknowledged(self, chunk: Chunk) -> bool:
        """The chunk is done, with everything that it caused; in any order. False for strangers and repeats."""
        if not self.is_current(chunk) or chunk.acked:
            return False
        if self._handed is None or chunk.first >= self._handed:
            raise Misdelivered(f"{self.tp.topic}[{self.tp.partition}] offset {chunk.first} acked but never delivered")
        chunk.acked = True
        while self._chain and self._chain[0].acked:
            self.safe = self._chain.popleft().last + 1
        return True

    def _describe(self, wanted: int, got: int, why: str) -> str:
        return f"{self.tp.topic}[{self.tp.partition}]: wanted offset {wanted}, got {got}: {why}"
