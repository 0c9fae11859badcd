"""Faust's aiokafka consumer, delivering each fetched partition batch as one message whose value is a Chunk.

What breaks without it: `Consumer._drain_messages` spends four futures on each record (about 4,000 records a
second), and its acknowledgements, made for single records, lose chunks (see chain.py). Here the chain
decides; this file only tells it what Faust does. Faust's offset bookkeeping (`_acked`, `_gap`,
`_read_offset`) is out of use for chunk topics.

Around rebalances: nothing is fetched from chunk topics while `app.rebalancing` (issue 596: chunks fetched
before the seek to the commit were cleared from the queues); acknowledged work is committed before
partitions go (issue 502); each partition is positioned explicitly, also where aiokafka's
`seek_to_committed` does not seek (no commit yet, offset 0).
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any, cast

import aiokafka
from aiokafka.consumer.subscription_state import TopicPartitionState
from faust.tables.manager import TableManager
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, Message
from faust.types.transports import TPorTopicSet
from faust.types.tuples import ConsumerMessage, ack_lock
from mode import Service
from mode.utils.futures import notify

from streams.transport.bytes_table import BytesTable
from streams.transport.chain import Chunk, ChunkChain, Record, Rewind
from streams.transport.errors import CommitFailed, GapFound, RecoveryStalled
from streams.transport.options import ChunkOptions
from streams.transport.pacing import pace_empty_fetches
from streams.transport.watchdog import CommitProgress, DeliveryHealth, Progress, StallTimer

HELD_POLL_SECONDS = 0.02
"""While a partition is held back, how soon to ask again whether it may be fetched (Faust's own wait is 1 s)."""


class ChunkConsumerThread(driver.AIOKafkaConsumerThread):
    """The thread that owns aiokafka's consumer, with a shorter long poll.

    aiokafka has one fetch per broker in flight. While it waits for idle partitions, a partition that has
    just been used up cannot be asked for again: with Faust's fixed 1,500 ms, one busy partition beside idle
    ones gets one fetch per 1.5 s.
    """

    @property
    def _options(self) -> ChunkOptions:
        return cast(ChunkConsumer, self.consumer).options

    def _create_worker_consumer(self, transport: driver.Transport) -> aiokafka.AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = self._options.fetch_max_wait_ms
        # What others wrote in a transaction and took back never happened.
        consumer._isolation_level = "read_committed"
        return consumer

    async def on_start(self) -> None:
        """Start aiokafka's consumer, then pace it."""
        await super().on_start()
        pace_empty_fetches(self._ensure_consumer(), self._options.empty_fetch_pause_ms / 1000)


class ChunkConsumer(driver.Consumer):
    """Delivers the topics of its transport's options in chunks, all others (changelogs) record by record."""

    def __init__(self, transport: Any, *args: Any, **kwargs: Any) -> None:
        self.options: ChunkOptions = transport.options
        self._fail_stop = transport.fail_stop
        self._chains: dict[TP, ChunkChain] = {}
        self._suspend_hooks: list[Callable[[], Awaitable[None]]] = []
        self._at_rest = False
        self._dropped: set[TP] = set()
        self._recovery_timer = StallTimer()
        self._recovery_stalled = 0.0
        self._recovering = False
        self._commit_progress = CommitProgress()
        super().__init__(transport, *args, **kwargs)

    def _new_consumer_thread(self) -> driver.AIOKafkaConsumerThread:
        return ChunkConsumerThread(self, loop=self.loop, beacon=self.beacon)

    # -- what the agents use

    def chain(self, tp: TP) -> ChunkChain:
        """The chain of chunks of a partition."""
        found = self._chains.get(tp)
        if found is None:
            found = self._chains[tp] = ChunkChain(tp, sparse=tp.topic in self.options.sparse)
        return found

    def release(self, message: Message) -> None:
        """Give back a chunk that will not be finished: nobody waits for it, and no commit passes it."""
        self._unacked_messages.discard(message)

    def readable_end(self, tp: TP) -> int | None:
        """Where a partition ends for us: at its end, or at a transaction that is still open; None: not known (yet)."""
        state = self._state(tp)
        if state is None or state.highwater is None:
            return None
        end: int = state.highwater if state.lso is None or state.lso < 0 else min(state.highwater, state.lso)
        return end

    @property
    def at_rest(self) -> bool:
        """Whether work has come, or is coming, to rest: nothing new is begun until partitions are positioned anew."""
        return self._at_rest

    def on_suspend(self, hook: Callable[[], Awaitable[None]]) -> None:
        """Await ``hook`` when work must come to rest (rebalance, stop): it releases all that has not begun."""
        self._suspend_hooks.append(hook)

    # -- fetching

    def _is_chunk(self, tp: TP) -> bool:
        return tp.topic in self.options.topics

    def _held_back(self, tp: TP) -> bool:
        if not self._is_chunk(tp):
            return False
        return bool(
            self.app.rebalancing or self.chain(tp).ahead >= self.options.max_ahead or self.options.is_paused(tp)
        )

    async def _wait_next_records(self, timeout: float) -> Any:
        # While all partitions are paused (recovery, rebalance) the base class sleeps for a second, and so the first
        # chunk after a recovery would come that much late.
        if self.flow_active and not self.app.client_only and not self._get_active_partitions():
            await self.sleep(HELD_POLL_SECONDS)
            return {}, set()
        return await super()._wait_next_records(timeout)

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> Any:
        if active_partitions is None:
            return await super()._getmany(active_partitions, timeout)
        ready = {tp for tp in active_partitions if not self._held_back(tp)}
        if self.app.rebalancing or len(ready) < len(active_partitions):
            timeout = HELD_POLL_SECONDS  # more may soon be fetched than now
        if not ready:  # aiokafka reads an empty set as "all partitions"
            await self.sleep(timeout)
            return {}
        return await super()._getmany(ready, timeout)

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Message]]:
        """Fetch once; yield one message per chunk, then other topics' records one by one, as the base class does."""
        records, active = await self._wait_next_records(timeout)
        generation = self.app.consumer_generation_id
        if records is None or self.should_stop:
            return
        # Until each has been taken: a batch may still be thrown away below, or not be asked for any more.
        self._dropped.update(TP(*tp) for tp in records)
        if not self.flow_active:
            await self._seek_plain_topics(records)
            return
        plain = {}
        for tp, batch in records.items():
            tp = TP(*tp)
            if not self._is_chunk(tp) and not self._is_bytes_changelog(tp):
                plain[tp] = batch
            elif batch and self._deliverable(tp, active, generation):
                message = await self._next_chunk(tp, batch) if self._is_chunk(tp) else self._changelog(tp, batch)
                if message is not None:
                    self.app.monitor.track_tp_end_offset(tp, self.highwater(tp))
                    yield tp, message
        for tp, record in self.scheduler.iterate(plain):
            if not self._deliverable(tp, active, generation):
                continue
            self.app.monitor.track_tp_end_offset(tp, self.highwater(tp))
            yield tp, self._to_message(tp, record)
        self._pass_markers()

    def _pass_markers(self) -> None:
        """Go beyond the offsets at the ends of partitions that hold no record: the markers of transactions.

        aiokafka passes them without a word. Without this a partition that ends in one never counts as read to its
        end, nor as committed.
        """
        for tp, chain in self._chains.items():
            if chain.sparse and tp not in self._dropped:
                state = self._state(tp)
                if state is not None and state.has_valid_position:
                    chain.passed(state.position)

    def _state(self, tp: TP) -> TopicPartitionState | None:
        """aiokafka's state of a partition; None when it is not assigned, which its thread may change at any moment."""
        subscription = self._thread._ensure_consumer()._subscription.subscription
        assignment = None if subscription is None else subscription.assignment
        return None if assignment is None else assignment.state_value(tp)

    def _deliverable(self, tp: TP, active: set[TP] | None, generation: int) -> bool:
        if not self.flow_active or self.app.consumer_generation_id != generation:
            return False
        if self._is_chunk(tp) and self.app.rebalancing:
            return False  # fetched again: the chain notices and rewinds
        return active is None or tp in active or tp in self._buffered_partitions

    async def _next_chunk(self, tp: TP, batch: Sequence[Record]) -> ConsumerMessage | None:
        outcome = self.chain(tp).fetched(batch)
        self._dropped.discard(tp)
        if isinstance(outcome, Rewind):
            self.log.info("rewind %s[%s] to %s", tp.topic, tp.partition, outcome.offset)
            await self.seek_wait({tp: outcome.offset})
            return None
        if outcome is None:
            self._check_not_truncated(tp, batch)
            return None
        # The drain loop drops what is below, and calls a gap what is above, the last offset read: neither
        # is its affair.
        self._read_offset[tp] = outcome.first
        return self._chunk_message(outcome, outcome.first)

    def _is_bytes_changelog(self, tp: TP) -> bool:
        return isinstance(cast(TableManager, self.app.tables)._changelogs.get(tp.topic), BytesTable)

    def _changelog(self, tp: TP, batch: Sequence[Record]) -> ConsumerMessage:
        # Recovery counts a changelog as read up to the offset of the message.
        return self._chunk_message(Chunk(tp, batch[0].offset, batch[-1].offset, batch, epoch=0), batch[-1].offset)

    def _chunk_message(self, chunk: Chunk, offset: int) -> ConsumerMessage:
        message = self._to_message(chunk.tp, chunk.records[0])
        message.offset, message.key, message.headers = offset, None, None
        message.value = cast(bytes, chunk)
        return message

    def _check_not_truncated(self, tp: TP, batch: Sequence[Record]) -> None:
        committed = self._committed_offset[tp]
        if committed and batch[-1].offset < committed:
            raise GapFound(
                f"{tp.topic}[{tp.partition}] goes on at {batch[0].offset}, below the committed {committed}:"
                " it was cut or made anew; reset the group's offsets once you know what was lost"
            )

    async def _seek_plain_topics(self, records: Mapping[TP, Any]) -> None:
        # Records fetched while the flow was stopped are thrown away. The chain rewinds chunk topics by
        # itself, and recovery positions changelogs.
        if any(not self._is_chunk(tp) and not self._is_changelog_tp(tp) for tp in records):
            await super().perform_seek()

    async def perform_seek(self) -> None:
        """Put every partition on its committed offset, or where it has none on its first record; begin new chains."""
        await super().perform_seek()
        tps = {tp for tp in self.assignment() if self._is_chunk(tp)}
        ends = await self.highwaters(*tps) if tps else {}
        fresh = {tp for tp in tps if not self._read_offset[tp]}
        if fresh:
            starts = {TP(*tp): offset for tp, offset in (await self.earliest_offsets(*fresh)).items()}
            await self.seek_wait(starts)
            self._committed_offset.update(starts)
        for tp in tps:
            position = self._committed_offset[tp]
            if position is not None and position > ends[tp]:
                raise GapFound(
                    f"{tp.topic}[{tp.partition}] ends at {ends[tp]}, below the committed {position}:"
                    " it was cut or made anew; reset the group's offsets once you know what was lost"
                )
            self.chain(tp).rebase(position)
            self._dropped.discard(tp)
        self._at_rest = False

    def on_buffer_full(self, tp: TP) -> None:
        """Leave chunk topics alone: `max_ahead` bounds them, and Faust's way costs a sleep of 1 s."""
        if not self._is_chunk(tp):
            super().on_buffer_full(tp)

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        if not self._is_chunk(tp):
            await super()._add_gap(tp, offset_from, offset_to)

    # -- acknowledging and committing

    def ack(self, message: Message) -> bool:
        """Note that a chunk is done; only the object delivered counts, never its offset."""
        if not self._is_chunk(message.tp):
            return super().ack(message)
        with ack_lock:
            if message.acked:
                return False
            message.acked = True
            self._unacked_messages.discard(message)
            try:
                acked = self.chain(message.tp).acknowledged(cast(Chunk, message.value))
                self._n_acked += acked
                return acked
            finally:
                notify(self._waiting_for_ack)

    def _filter_tps_with_pending_acks(self, topics: TPorTopicSet | None = None) -> Iterator[TP]:
        yield from (tp for tp in super()._filter_tps_with_pending_acks(topics) if not self._is_chunk(tp))
        for tp, chain in self._chains.items():
            if chain.safe is not None and (topics is None or tp in topics or tp.topic in topics):
                yield tp

    def _new_offset(self, tp: TP) -> int | None:
        return self.chain(tp).safe if self._is_chunk(tp) else super()._new_offset(tp)

    async def _commit_offsets(self, offsets: Mapping[TP, int], start_new_transaction: bool = True) -> bool:
        before = {tp: self._committed_offset[tp] for tp in offsets if self._is_chunk(tp)}
        done = await super()._commit_offsets(offsets, start_new_transaction)
        if not done:
            # The base class takes a failed commit for done, and would not try again before the next
            # acknowledgement.
            self._committed_offset.update(before)
        return done

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        done = await super()._commit(offsets)
        if not done and self._thread.crashed:
            # The thread marks itself as crashed from its own loop; say so on the app's, so that the process
            # ends.
            await self._fail_stop(CommitFailed(f"commit of {dict(offsets)} failed: {self._thread.crash_reason!r}"))
        return done

    async def wait_empty(self) -> None:
        """Bring work to rest: release what has not begun, wait for the rest, commit."""
        self._at_rest = True
        for hook in self._suspend_hooks:
            await hook()
        await super().wait_empty()

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Commit what is acknowledged, let Faust finish and commit the rest, then forget the chains."""
        await self.commit()
        await super().on_partitions_revoked(revoked)
        for tp in revoked:
            self.chain(TP(*tp)).rebase(None)

    # -- watching

    @Service.task
    async def _watch(self) -> None:
        while not self.should_stop:
            self.observe(time.monotonic())
            if self._recovery_stalled > self.options.stall_seconds:
                await self._fail_stop(
                    RecoveryStalled(f"tables are not recovered, and nothing moved for {self._recovery_stalled:.0f} s")
                )
                return
            await self.sleep(1.0)

    def observe(self, now: float) -> None:
        """Note the state of recovery and commits at ``now`` (seconds of a monotonic clock)."""
        recovery = cast(TableManager, self.app.tables).recovery
        busy = self._recovering = bool(self.app.rebalancing or not recovery.completed.is_set())
        signature = (self.app.rebalancing_count, self.app.consumer_generation_id, *recovery.active_offsets.items())
        self._recovery_stalled = self._recovery_timer.observe(now, busy=busy, signature=signature)
        self._commit_progress.observe(now, {} if busy else self._progress())

    def _progress(self) -> dict[TP, Progress]:
        assigned = (tp for tp in self.assignment() if self._is_chunk(tp))
        return {tp: Progress(self._committed_offset[tp] or 0, self.readable_end(tp)) for tp in assigned}

    def health(self) -> DeliveryHealth:
        """The state at the last `observe`, for /health."""
        stalled = self._commit_progress.stalled(self.options.commit_stall_seconds)
        lag = {tp: max(0, (end or 0) - committed) for tp, (committed, end) in self._progress().items()}
        return DeliveryHealth(
            ok=not stalled and self._recovery_stalled <= self.options.stall_seconds,
            recovering=self._recovering,
            recovery_stalled_seconds=self._recovery_stalled,
            stalled_commits=stalled,
            lag=lag,
        )
