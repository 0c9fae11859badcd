"""Laws of models.default_risk.drift: when a note is worth it, and that the watch goes on through storage."""

from __future__ import annotations

import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.default_risk.drift import DriftState, DriftWatch, population_stability
from tests.unit.models.build import policy

RULES = policy("drift: {delta: 0.05, threshold: 15, psi: 0.25, reference_outcomes: 50, recent_outcomes: 50}").drift


def watched(pairs: list[tuple[float, bool]], watch: DriftWatch | None = None) -> list[str]:
    """The kinds of notes that these outcomes lead to."""
    watch = watch or DriftWatch(RULES)
    return [found.kind for probability, bad in pairs for found in watch.add(probability, bad)]


def outcomes(n: int, probability: float, rate: float, seed: int = 1) -> list[tuple[float, bool]]:
    """So many outcomes of this rate, all foretold with this probability."""
    rng = random.Random(seed)
    return [(probability, rng.random() < rate) for _ in range(n)]


def test_a_calibrated_model_gives_no_note() -> None:
    """What happens as often as foretold is no drift, however long it is watched."""
    assert watched(outcomes(3_000, 0.2, 0.2)) == []


@pytest.mark.parametrize("rate", [0.6, 0.0])
def test_a_rate_that_leaves_the_foretold_is_noted(rate: float) -> None:
    """Upwards and downwards, once the errors sum beyond the threshold."""
    calm = outcomes(500, 0.2, 0.2)
    assert watched([*calm, *outcomes(200, 0.2, rate)]).count("calibration_drift") >= 1


def test_scores_that_move_are_noted_once() -> None:
    """A book that is foretold otherwise than it was; it is said once, not with each outcome."""
    calm = [(0.05, False)] * 150
    assert watched([*calm, *[(0.5, False), (0.5, True)] * 200]).count("score_drift") == 1


def test_scores_that_come_back_and_move_again_are_noted_again() -> None:
    """Between the two the index has been low."""
    shift = [(0.5, False), (0.5, True)] * 200
    assert watched([*[(0.05, False)] * 150, *shift, *[(0.05, False)] * 800, *shift]).count("score_drift") == 2


def test_population_stability_by_hand() -> None:
    """Shares .5/.5 against .8/.2: .3 ln 1.6 - .3 ln .4 = .4159; equal shares give 0."""
    assert population_stability([5_000_000, 5_000_000], [8_000_000, 2_000_000]) == pytest.approx(0.41589, abs=1e-4)
    assert population_stability([10, 30], [10.0, 30.0]) == 0.0


def test_the_state_does_not_depend_on_how_often_it_is_asked_for() -> None:
    """A live worker stores it at every tick, a backtest never: what is stored after a note is the same."""
    pairs = [*outcomes(300, 0.2, 0.2), *outcomes(200, 0.2, 0.9)]
    often, once, noted = DriftWatch(RULES), DriftWatch(RULES), False
    for probability, bad in pairs:
        found = often.add(probability, bad)
        once.add(probability, bad)
        stored = msgspec.msgpack.encode(often.state())
        if found:
            noted = True
            assert stored == msgspec.msgpack.encode(once.state())
            break
    assert noted


_PAIRS = st.lists(st.tuples(st.floats(0.01, 0.99), st.booleans()), min_size=1, max_size=120)


@given(_PAIRS, st.integers(0, 119))
def test_the_watch_goes_on_through_storage(pairs: list[tuple[float, bool]], cut: int) -> None:
    """Stored and restored anywhere, it notes the same and ends in the same state, bit for bit."""
    rules = policy("drift: {delta: 0, threshold: 2, psi: 0.2, reference_outcomes: 50, recent_outcomes: 50}").drift
    whole, before = DriftWatch(rules), DriftWatch(rules)
    found = watched(pairs[:cut], before)
    data = msgspec.msgpack.encode(before.state())
    after = DriftWatch(rules, msgspec.msgpack.decode(data, type=DriftState))
    assert found + watched(pairs[cut:], after) == watched(pairs, whole)
    assert msgspec.msgpack.encode(after.state()) == msgspec.msgpack.encode(whole.state())
