"""What the engine records: each decision and each act of a person, complete by its contract, repeats recognisable."""

from __future__ import annotations

import json
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from models.audit_chain import Broken, ChainCheck, SealedEntry, columns_of, read_head
from schemas.assessments import LevelOverridden, QualitativeReviewed
from schemas.audit import AuditRecord
from schemas.decisions import OrderOut
from schemas.levels import Level
from schemas.log import CustomerLogEvent, ModelPromoted, PolicyEvent
from schemas.topics import AUDIT
from streams.audit.sealer import COLUMNS, Chain
from streams.engine.audit import actor_of
from tests.unit.streams.engine.parts import PARTITION, START, Bench, chunk, invoice, order, policy, tick

STRICT = "version: strict\nladder: {evidence_floor: 0}\n"
OVERRIDE = LevelOverridden(
    version=1, event_id="by-ana", occurred_at=START + timedelta(days=2), customer_id="C1", by="ana",
    reason="a known customer", level=Level.WATCH, expires_on=(START + timedelta(days=30)).date(),
)  # fmt: skip
STORY = (
    order("C1"), invoice("C2"), tick(1), OVERRIDE, OVERRIDE.model_copy(update={"event_id": "again"}),
    order("C2", 2), policy(3, STRICT), order("C3", 3), tick(40), order("C2", 40),
)  # fmt: skip


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """An engine without a past."""
    return Bench(tmp_path)


def raws(bench: Bench) -> list[bytes]:
    """The values on the topic audit."""
    return [row.value or b"" for row in bench.offline.rows(f"t.{AUDIT}", PARTITION)]


def contents(bench: Bench) -> list[AuditRecord]:
    """The records, by their contract."""
    return [AuditRecord.model_validate_json(raw) for raw in raws(bench)]


def decided(bench: Bench) -> list[str]:
    """The decisions on the out topics."""
    topics = ("credit-levels", "credit-alerts", "order-decisions", "model-log")
    rows = [row for topic in topics for row in bench.offline.rows(f"t.{topic}", PARTITION)]
    return sorted(json.loads(row.value or b"")["id"] for row in rows)


async def test_every_decision_is_recorded_once_with_all_that_led_to_it(bench: Bench) -> None:
    """The decision itself, the event before it, its place in the log and that entry's hash, policy and model."""
    log = chunk(*STORY)
    await bench.fold(log)
    found = [content for content in contents(bench) if content.kind == "decision"]
    assert sorted(content.id for content in found) == decided(bench)
    for content in found:
        assert content.out is not None
        assert (content.out.id, content.type, content.by) == (content.id, content.out.type, "engine")
        assert (content.partition, content.policy_version) == (PARTITION, content.out.data.policy_version)
        assert content.entry_sha256 == sha256(log[content.offset].value or b"").hexdigest()
        of_customer = "customer_id" in json.loads(log[content.offset].value or b"")["event"]
        assert (content.entry is not None) == of_customer
        if content.entry is not None:
            assert content.entry.event == STORY[content.offset]
    [first] = [content for content in found if isinstance(content.out, OrderOut) and content.customer == "C1"][:1]
    assert first.model_version == "rate-blr-2@0"


async def test_an_act_of_a_person_is_recorded_although_nothing_follows(bench: Bench) -> None:
    """Who, what and when; before the decisions that it led to; with the policy in force after it."""
    await bench.fold(chunk(*STORY))
    found = [content for content in contents(bench) if content.kind == "action"]
    assert [(c.id, c.by, c.customer, c.type, c.index) for c in found] == [
        ("by-ana", "ana", "C1", "assessment.override", 0),
        ("again", "ana", "C1", "assessment.override", 0),
        ("policy-3", "credit committee", None, "policy.activated", 0),
    ]
    assert found[2].policy_version == "strict"
    assert all(content.entry is not None and content.out is None for content in found)
    assert not [content for content in contents(bench) if content.offset == 4 and content.kind == "decision"]


async def test_an_act_known_already_is_not_recorded_again(bench: Bench) -> None:
    """The gate may write an entry twice: the second time nobody acted."""
    await bench.fold(chunk(OVERRIDE, OVERRIDE, policy(3, STRICT), policy(3, STRICT)))
    assert [c.id for c in contents(bench) if c.kind == "action"] == ["by-ana", "policy-3"]


async def test_places_grow_and_salts_differ(bench: Bench) -> None:
    """(offset, index) grows from record to record; no two have the same salt."""
    await bench.fold(chunk(*STORY))
    places = [(content.offset, content.index) for content in contents(bench)]
    assert places == sorted(set(places))
    salts = {content.salt for content in contents(bench)}
    assert len(salts) == len(places)
    assert all(len(bytes.fromhex(salt)) == 16 for salt in salts)


async def test_a_worker_that_dies_at_any_write_leaves_the_same_trail(tmp_path: Path) -> None:
    """Whatever its successor repeats: sealed, what stands on the topic is the trail of an engine that never died."""
    whole = Bench(tmp_path)
    await whole.fold(chunk(*STORY))
    expected = _sealed(raws(whole))
    for lives_for in range(whole.offline.kafka.confirmed):
        first = Bench(tmp_path)
        first.offline.kafka.lives_for = lives_for
        await first.fold(chunk(*STORY))
        second = Bench(tmp_path, first.tables)
        await second.fold(chunk(*STORY))
        assert _sealed([*raws(first), *raws(second)]) == expected, lives_for


def _sealed(records: list[bytes]) -> list[dict[str, Any]]:
    chain, found = Chain(PARTITION), []
    for offset, raw in enumerate(records):
        if chain.seal(offset, raw) is not None:
            found.append({name: value for name, value in json.loads(raw).items() if name != "salt"})
    return found


async def test_what_is_recorded_can_be_sealed_and_checked(bench: Bench) -> None:
    """The columns beside a sealed record are those that the check takes from it."""
    await bench.fold(chunk(*STORY))
    chain, check = Chain(PARTITION), ChainCheck(PARTITION)
    for offset, raw in enumerate(raws(bench)):
        row = dict(zip(COLUMNS, chain.seal(offset, raw) or (), strict=True))
        columns = {name: row[name] for name in columns_of(read_head(raw)) if "time" not in name}
        names = ("partition", "sequence", "previous_hash", "hash", "leaf", "record")
        check.take(SealedEntry(**{name: row[name] for name in names}, columns=columns))
    assert check.checked == len(raws(bench))
    with pytest.raises(Broken, match="more than once"):
        check.take(SealedEntry(**{name: row[name] for name in names}))


def _events() -> list[type[BaseModel]]:
    policies: Any = PolicyEvent
    return [*CustomerLogEvent.__args__, *policies.__origin__.__args__]


def test_who_acts() -> None:
    """Events that name a person are acts: a new one that does is recorded without being told here."""
    named = {kind.__name__ for kind in _events() if {"by", "reviewer"} & set(kind.model_fields)}
    assert {"LevelOverridden", "PolicyActivated", "ModelPromoted", "ModelRestored", "QualitativeReviewed"} <= named
    reviewed = QualitativeReviewed(
        version=1, event_id="r", occurred_at=START, customer_id="C1", reviewer="ben", as_of=START.date(),
        expires_on=(START + timedelta(days=99)).date(), management=3, industry_position=3, reputation=3,
    )  # fmt: skip
    promoted = ModelPromoted(version=1, event_id="p", occurred_at=START, task="A", model="quick", by="cleo")
    assert [actor_of(event) for event in (reviewed, promoted, OVERRIDE, order("C1"), tick(1))] == [
        "ben", "cleo", "ana", None, None,
    ]  # fmt: skip
