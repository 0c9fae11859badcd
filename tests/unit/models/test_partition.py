"""Laws of models.partition."""

from __future__ import annotations

import msgspec
import pytest

from models.default_risk.drift import DriftState
from models.default_risk.learner import LearnerState
from models.default_risk.quality import RunningQuality
from models.default_risk.risk import RiskState
from models.partition import SCHEMA, Checkpoint, MarketReading, PartitionState, decode, encode
from schemas.errors import UnsupportedVersion


def _full() -> PartitionState:
    learner = LearnerState([0.1, -2.5], [[1.0, 1 / 3], [1 / 3, 2.0]], 7, {"a": 7}, {"a": 0.1}, {"a": 5e-324})
    return PartitionState(
        SCHEMA,
        "ladder: {dwell_days: 3}  # 三",
        applied=99,
        clock=1_709_510_400_000,
        risk=RiskState(40, 4, learner, RunningQuality(40, 4, 1.5, 2.5, 0.1, 0.2, 3.3)),
        market={"sector:steel": MarketReading(97.5, 738_000)},
        sources={"ticks/0": 12},
        seen=["m-1", "m-2"],
        roll=RiskState(9, 3),
        drifts={"A": DriftState(outcomes=5, reference=[1, 2], recent=[0.5])},
        sequences={"creditpulse.model-note.v1": 2},
        month=738_000,
        checkpoints={"2024-03-01": Checkpoint(7, 738_001, {"A": b"\x00", "B": b""})},
    )


def test_decode_undoes_encode() -> None:
    """Every field comes back equal, floats with their bits."""
    assert decode(encode(_full())) == _full()
    assert encode(decode(encode(_full()))) == encode(_full())
    assert decode(encode(_full())).risk.learner.covariance[0][1].hex() == (1 / 3).hex()


def test_new_state_comes_back() -> None:
    """A partition that has seen nothing survives storage, before any offset."""
    state = decode(encode(PartitionState(SCHEMA, "{}")))
    assert state == PartitionState(SCHEMA, "{}")
    assert (state.applied, state.clock, state.risk.outcomes) == (-1, 0, 0)


def test_partitions_do_not_share_state() -> None:
    """What one partition learns is not seen in another."""
    one, two = PartitionState(SCHEMA, "{}"), PartitionState(SCHEMA, "{}")
    one.market["sector:steel"] = MarketReading(1.0, 1)
    one.sources["ticks/0"] = 5
    one.risk.quality.add(0.5, 0.5, True)
    one.risk.learner.means["a"] = 1.0
    assert two == PartitionState(SCHEMA, "{}")


def test_newer_schema_is_refused() -> None:
    """State of a newer creditpulse is refused before its fields are read."""
    with pytest.raises(UnsupportedVersion, match=f"schema {SCHEMA + 1}"):
        decode(msgspec.msgpack.encode([SCHEMA + 1, ["another", "shape"]]))


def test_state_without_the_last_fields_is_read() -> None:
    """State written before roll risk was learned and drift was watched begins with both now."""
    row = msgspec.msgpack.decode(encode(_full()))
    older = decode(msgspec.msgpack.encode(row[:8]))
    assert (older.roll, older.drifts, older.sequences, older.checkpoints) == (RiskState(), {}, {}, {})
    assert older.seen == ["m-1", "m-2"]


@pytest.mark.parametrize("data", [b"", b"\xc1", msgspec.msgpack.encode([1]), msgspec.msgpack.encode([1, 2])])
def test_damaged_state_is_an_error(data: bytes) -> None:
    """What is no partition state never decodes into one."""
    with pytest.raises(msgspec.MsgspecError):
        decode(data)
