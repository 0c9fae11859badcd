"""The engine's agent: outputs, then the partition's state, then accounts, then the acknowledgement; and it counts."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from faust.types import TP

from models.account import decode as decode_account
from models.calendar import from_ms, to_ms
from models.partition import decode as decode_state
from schemas.decisions import LevelOut, OrderOut
from schemas.topics import ALERTS, AUDIT, LEVELS, LOG, MODEL_LOG, ORDER_DECISIONS
from streams.engine.agent import state_key
from streams.transport.errors import SendFailed
from tests.unit.streams.engine.parts import PARTITION, START, Bench, chunk, invoice, order, policy, tick
from tests.unit.streams.faust_parts import FakeTable, Raw, Step

OUT = tuple(f"t.{name}" for name in (LEVELS, ALERTS, ORDER_DECISIONS, MODEL_LOG))
WRITTEN = (*OUT, f"t.{AUDIT}")
STRICT = "version: strict\nladder: {evidence_floor: 0}\n"
STORY = (
    order("C1"), invoice("C2"), tick(1), order("C2", 1), policy(2, STRICT), order("C3", 3), invoice("C1", 3), tick(40),
    order("C2", 40),
)  # fmt: skip


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """An engine without a past."""
    return Bench(tmp_path)


def kinds(journal: list[Step]) -> list[str]:
    """What was written, in short: each line once, however many topics or batches it took."""
    names = {"accounts-changelog": "accounts", "risk-models-changelog": "state", "risk-models": "state"}
    found: list[str] = []
    for step in journal:
        where = "out" if step.where in WRITTEN else names.get(step.where, step.where)
        line = f"{step.what} {where}"
        if found[-1:] != [line]:
            found.append(line)
    return found


def outputs(bench: Bench) -> dict[str, set[bytes | None]]:
    """The values that stand in each out topic."""
    return {topic: {row.value for row in bench.offline.rows(topic, PARTITION)} for topic in OUT}


ACCOUNTS = ["sent accounts", "confirmed accounts", "stored accounts"]
STATE = ["sent state", "confirmed state", "stored state"]
DECISIONS = ["sent out", "confirmed out"]
ACK = [f"acked t.{LOG}"]


async def test_outputs_are_confirmed_before_accounts_and_accounts_before_the_ack(bench: Bench) -> None:
    """Customers' entries of a chunk are written together, one kind after the other."""
    await bench.fold(chunk(order("C1"), order("C2"), invoice("C1", 1)))
    assert kinds(bench.offline.journal) == [*DECISIONS, *ACCOUNTS, *ACK]
    assert bench.offline.transport.failures == []


async def test_a_broadcast_stores_the_state_of_the_partition_before_accounts(bench: Bench) -> None:
    """A policy changes the partition first, then the accounts that it concerns."""
    await bench.fold(chunk(order("C1")))
    bench.offline.journal.clear()
    await bench.fold(chunk(policy(1, STRICT), first=1))
    assert kinds(bench.offline.journal) == [*DECISIONS, *STATE, *ACCOUNTS, *ACK]


async def test_what_came_before_a_broadcast_is_stored_before_it(bench: Bench) -> None:
    """In one chunk: customers, then the broadcast alone, then the customers after it."""
    await bench.fold(chunk(order("C1"), policy(1, STRICT), order("C1", 2), tick(3)))
    policy_step, customer_step = [*DECISIONS, *STATE, *ACCOUNTS], [*DECISIONS, *ACCOUNTS]
    assert kinds(bench.offline.journal) == [*customer_step, *policy_step, *customer_step, *STATE, *ACK]


async def test_without_changes_nothing_but_the_state_is_written(bench: Bench) -> None:
    """A tick that concerns nobody stores the clock alone."""
    await bench.fold(chunk(tick(1)))
    assert kinds(bench.offline.journal) == [*STATE, *ACK]
    stored = decode_state(bench.risk_models.data[PARTITION][state_key(PARTITION)])
    assert stored.applied == 0
    assert stored.clock == to_ms(START.replace(day=2, hour=0))


async def test_decisions_are_keyed_and_timed_by_their_customer_and_cause(bench: Bench) -> None:
    """An out-event goes to the log's partition, with the customer as key and its own time to the millisecond."""
    # As a float of seconds this time comes back a millisecond too early.
    cause = order("C1").model_copy(update={"occurred_at": from_ms(1_073_769_656_225)})
    await bench.fold(chunk(cause))
    [level_row] = bench.offline.rows(f"t.{LEVELS}", PARTITION)
    [order_row] = bench.offline.rows(f"t.{ORDER_DECISIONS}", PARTITION)
    level, decided = (
        LevelOut.model_validate_json(level_row.value or b""),
        OrderOut.model_validate_json(order_row.value or b""),
    )
    assert level_row.key == order_row.key == b"C1"
    assert level.subject == decided.subject == "C1"
    assert level_row.timestamp_ms == to_ms(level.time) == to_ms(cause.occurred_at)
    assert order_row.timestamp_ms == to_ms(decided.time)


@pytest.mark.parametrize("topic", [f"t.{ORDER_DECISIONS}", "accounts-changelog", "risk-models-changelog"])
async def test_a_refused_write_stops_the_worker_without_an_acknowledgement(bench: Bench, topic: str) -> None:
    """What the broker does not take ends the process; nothing after it is sent, nothing of it is in the table."""
    bench.offline.kafka.failing.add(topic)
    await bench.fold(chunk(order("C1"), tick(1)), chunk(order("C2"), first=2))
    assert [type(failure) for failure in bench.offline.transport.failures] == [SendFailed]
    assert bench.offline.consumer.chain(TP(f"t.{LOG}", PARTITION)).safe == 0
    *_, last = [step for step in bench.offline.journal if step.what == "sent"]
    assert last.where == topic or (topic in OUT and last.where in WRITTEN)
    table = {"accounts-changelog": "accounts", "risk-models-changelog": "risk-models"}.get(topic)
    assert table not in {step.where for step in bench.offline.journal if step.what == "stored"}


async def test_an_entry_that_cannot_be_read_stops_the_worker(bench: Bench) -> None:
    """The log is ours: something else in it is a bug, and skipping it would lose a decision."""
    await bench.fold([Raw(f"t.{LOG}", PARTITION, 0, 0, None, b"{}")])
    assert len(bench.offline.transport.failures) == 1
    assert bench.offline.journal == []


async def test_a_worker_that_dies_at_any_write_is_continued_without_a_trace(tmp_path: Path) -> None:
    """Wherever it died, its successor ends with the same state and has made the same decisions, byte for byte."""
    whole = Bench(tmp_path)
    await whole.fold(chunk(*STORY))
    writes = whole.offline.kafka.confirmed
    assert writes > 15
    for lives_for in range(writes):
        first = Bench(tmp_path)
        first.offline.kafka.lives_for = lives_for
        await first.fold(chunk(*STORY))
        assert len(first.offline.transport.failures) == 1
        second = Bench(tmp_path, first.tables)
        await second.fold(chunk(*STORY))
        assert second.offline.transport.failures == []
        assert second.accounts.data == whole.accounts.data, lives_for
        assert second.risk_models.data == whole.risk_models.data, lives_for
        for topic, values in outputs(whole).items():
            assert outputs(first)[topic] | outputs(second)[topic] == values, (lives_for, topic)


async def test_how_the_log_is_cut_into_chunks_changes_nothing(tmp_path: Path) -> None:
    """Chunks are what the broker happens to deliver: one by one or all at once, the decisions are the same."""
    whole, single = Bench(tmp_path), Bench(tmp_path)
    await whole.fold(chunk(*STORY))
    for offset, event in enumerate(STORY):
        await single.fold(chunk(event, first=offset))
    assert single.accounts.data == whole.accounts.data
    assert single.risk_models.data == whole.risk_models.data
    assert outputs(single) == outputs(whole)


async def test_after_a_rebalance_the_state_is_read_anew(bench: Bench) -> None:
    """Another owner may have gone on meanwhile: what was decoded before the rebalance does not count any more."""
    await bench.fold(chunk(order("C1")))
    others = Bench(bench.settings.data_dir, bench.tables)
    await others.fold(chunk(order("C1"), order("C1", 1)))
    tp = TP(f"t.{LOG}", PARTITION)
    bench.offline.consumer.chain(tp).rebase(2)
    await bench.fold(chunk(order("C1", 2), first=2))
    account = decode_account(bench.accounts.data[PARTITION][b"C1"])
    assert sorted(account.orders) == ["C1-o0", "C1-o1", "C1-o2"]


async def test_entries_are_counted_when_they_are_stored(bench: Bench) -> None:
    """Applied by topic, known ones as duplicates, and the latency of each entry."""
    await bench.fold(chunk(order("C1"), order("C1"), invoice("C1"), tick(1)))
    assert bench.counted("events_applied_total", topic="orders") == 2
    assert bench.counted("events_applied_total", topic="ticks") == 1
    assert bench.counted("duplicates_total") == 1
    assert bench.counted("decision_latency_seconds_count") == 4


async def test_nothing_is_counted_as_applied_that_was_not_stored(bench: Bench) -> None:
    """While the broker does not confirm the accounts, their entries are not applied."""
    bench.offline.kafka.failing.add("accounts-changelog")
    await bench.fold(chunk(order("C1")))
    assert bench.counted("events_applied_total", topic="orders") is None
    assert bench.counted("decision_latency_seconds_count") == 0


async def test_decisions_are_counted_by_type_and_kind(bench: Bench) -> None:
    """The counts are those of the rows in the out topics."""
    await bench.fold(chunk(*STORY))
    samples = next(iter(bench.metrics.decisions.collect())).samples
    counted = {
        (sample.labels["type"], sample.labels["kind"]): sample.value
        for sample in samples
        if sample.name.endswith("_total")
    }
    assert sum(counted.values()) == sum(len(bench.offline.rows(topic, PARTITION)) for topic in OUT)
    assert counted["creditpulse.order-decision.v1", "approve"] > 0
    assert counted["creditpulse.credit-alert.v1", "tightening"] == len(bench.offline.rows(f"t.{ALERTS}", PARTITION))
    assert counted["creditpulse.credit-level-changed.v1", "level"] == len(bench.offline.rows(f"t.{LEVELS}", PARTITION))


async def test_outcomes_and_customers_are_measured_by_partition(bench: Bench) -> None:
    """An invoice that nobody paid is a bad outcome once it is certain; each customer has one level."""
    await bench.fold(chunk(*STORY))
    bench.agent.observe_customers()
    partition = str(PARTITION)
    quality = decode_state(bench.risk_models.data[PARTITION][state_key(PARTITION)]).risk.quality
    assert quality.n == bench.counted("model_outcomes", partition=partition, outcome="all") == 2
    assert bench.counted("model_outcomes", partition=partition, outcome="bad") == 2
    loss = bench.counted("model_log_loss", partition=partition, model="model")
    assert loss == pytest.approx(quality.model_log_loss / quality.n)
    assert bench.counted("model_brier", partition=partition, model="naive") == pytest.approx(
        quality.naive_brier / quality.n
    )
    customers = next(iter(bench.metrics.customers.collect())).samples
    assert sum(sample.value for sample in customers) == 3


async def test_customers_of_a_lost_partition_are_not_counted(bench: Bench) -> None:
    """After a rebalance the new owner counts them; two workers never both do."""
    await bench.fold(chunk(*STORY))
    bench.accounts.lost.add(PARTITION)
    bench.agent.observe_customers()
    assert next(iter(bench.metrics.customers.collect())).samples == []


async def test_each_partition_has_its_own_engine(bench: Bench) -> None:
    """Partitions share neither accounts nor state, and keep them under different keys."""
    await bench.fold(chunk(order("C1"), tick(1)))
    moved = [raw._replace(partition=0) for raw in chunk(order("C2"), tick(1))]
    await bench.fold(moved)
    assert {number: set(items) for number, items in bench.accounts.data.items()} == {PARTITION: {b"C1"}, 0: {b"C2"}}
    assert len({state_key(number) for number in range(12)}) == 12
    assert [set(bench.risk_models.data[number]) for number in (0, PARTITION)] == [
        {state_key(0)},
        {state_key(PARTITION)},
    ]


async def test_a_long_chunk_leaves_turns_to_others(bench: Bench) -> None:
    """Hundreds of entries are folded with pauses in which health checks and other partitions go on."""
    turns, seen = 0, set()

    class Watched(FakeTable):
        """Notes how many turns the others have had when an account is looked up."""

        def value(self, partition: int, key: bytes) -> bytes | None:
            seen.add(turns)
            return super().value(partition, key)

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    bench.agent.accounts = Watched("accounts", bench.offline.journal).as_table()
    task = asyncio.create_task(others())
    await bench.fold(chunk(*(order(f"C{number}") for number in range(200))))
    task.cancel()
    assert len(seen) >= 3
    assert len(bench.offline.rows(f"t.{ORDER_DECISIONS}", PARTITION)) == 200
