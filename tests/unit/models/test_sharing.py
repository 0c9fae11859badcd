"""One model for the whole book: sums of partitions make the model of all, and reports come back by the log."""

from __future__ import annotations

import random
from array import array
from collections.abc import Callable, Sequence
from math import exp
from statistics import fmean

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.account import Prediction
from models.calendar import to_ms
from models.default_risk.features import NAMES
from models.default_risk.risk import DefaultRisk
from models.default_risk.sharing import (
    Information,
    ScaleSums,
    SharedRisk,
    check_shared,
    decode_shared,
    encode_shared,
    inverse,
    merged_scale,
    merged_weights,
)
from models.model_exchange import ModelExchange
from models.out_events import Cause
from models.partition import SCHEMA, PartitionState
from tests.unit.models.build import DAY, account, entry, policy, tick

RULES = policy(
    "default_risk: {model_weight: 1, warm_up: 0, trust_outcomes: 2000, recalibration_prior: 50}"
).default_risk
DICE = random.Random(5)


def true_probability(x: Sequence[float]) -> float:
    return 1 / (1 + exp(2 - x[0] + 0.7 * x[1]))


def predictions(count: int, shift: float = 0.0, seed: int = 1) -> list[Prediction]:
    """Outcomes of a logistic model of the first two features; ``shift`` moves the features as customers differ."""
    dice, found = random.Random(seed), []
    for _ in range(count):
        x = [dice.gauss(shift, 1 + abs(shift)) for _ in NAMES]
        bad = dice.random() < true_probability(x)
        settled = None if bad else 90
        found.append(Prediction(100, 60, 94, 0.2, 0.2, array("f", x).tobytes(), settled, shadow=0.2))
    return found


def learned(*parts: list[Prediction]) -> DefaultRisk:
    risk = DefaultRisk(RULES)
    for part in parts:
        for prediction in part:
            risk.learn(account(), "I", prediction)
    return risk


def foretold(risk: DefaultRisk) -> list[float]:
    return [risk.blend(p.features, 0.2) for p in predictions(300, seed=3)]


def off(foretold_: list[float], expected: list[float]) -> float:
    return fmean(abs(one - other) for one, other in zip(foretold_, expected, strict=True))


TRUTH = [true_probability(array("f", p.features)) for p in predictions(300, seed=3)]


def test_two_partitions_together_are_nearly_one() -> None:
    """Of like halves of a book, the pooled model foretells as the one that saw everything."""
    left, right = predictions(300), predictions(300, seed=2)
    whole, alone, half, other = learned(left, right), learned(left), learned(left), learned(right)
    half.pool_with([other.shared()])
    other.pool_with([learned(left).shared()])
    assert off(foretold(half), foretold(whole)) < 0.5 * off(foretold(alone), foretold(whole))
    assert off(foretold(half), foretold(other)) < 1e-9, "both partitions foretell alike"
    assert (half.book_rate, half.outcomes) == (whole.book_rate, 300)
    assert half.offset == pytest.approx(whole.offset, abs=500)


@pytest.mark.parametrize("outcomes", [60, 300, 1500])
def test_unlike_partitions_teach_each_other(outcomes: int) -> None:
    """Where customers differ between partitions, what the other has seen brings a partition nearer to the truth."""
    left, right = predictions(outcomes, shift=-0.5), predictions(outcomes, shift=0.8, seed=2)
    alone, half = learned(left), learned(left)
    half.pool_with([learned(right).shared()])
    assert off(foretold(half), TRUTH) < 0.8 * off(foretold(alone), TRUTH)


def test_what_comes_back_is_not_counted_twice() -> None:
    """Learning stays one's own: the sums of a partition that heard of others are those of one that did not."""
    other = learned(predictions(200, seed=2))
    deaf, hearing = learned(predictions(100)), learned(predictions(100))
    hearing.pool_with([other.shared()])
    for prediction in predictions(50, seed=4):
        deaf.learn(account(), "I", prediction)
        hearing.learn(account(), "I", prediction)
    assert hearing.shared() == deaf.shared()
    assert hearing.state() == deaf.state()


def test_nothing_heard_is_nothing_changed() -> None:
    """A single partition foretells bit for bit what it did without the exchange."""
    one, two = learned(predictions(100)), learned(predictions(100))
    two.pool_with([])
    packed = predictions(1, seed=9)[0].features
    assert one.blend(packed, 0.1) == two.blend(packed, 0.1)


@given(st.integers(0, 10_000))
def test_information_moves_between_scales(seed: int) -> None:
    """The same outcomes on two scales are the same information: weights foretell alike on either."""
    dice = np.random.default_rng(seed)
    x = dice.normal(dice.normal(0, 3, 3), 0.5 + dice.random(3) * 3, (50, 3))
    own = ScaleSums(50, list(x.mean(axis=0)), list(x.var(axis=0)))
    to = ScaleSums(99, list(dice.normal(0, 2, 3)), list(0.5 + dice.random(3)))
    ones = np.ones((50, 1))
    z = np.hstack([ones, (x - own.means) / np.sqrt(own.variances)])
    target, v = dice.normal(0, 1, 50), dice.random(50) * 0.25
    information = Information((z.T * v @ z).tolist(), (z.T @ (v * target)).tolist())
    weights = merged_weights([(information, own)], to, 1e9)
    common = np.hstack([ones, (x - to.means) / np.sqrt(to.variances)])
    expected = np.linalg.solve(common.T * v @ common, common.T @ (v * target))
    np.testing.assert_allclose(common @ weights, common @ expected, atol=1e-4)


def test_scales_merge_as_if_all_had_been_seen_together() -> None:
    one, two = [[DICE.gauss(1, 2)] for _ in range(7)], [[DICE.gauss(-3, 1)] for _ in range(40)]
    sums = [ScaleSums(len(part), [float(np.mean(part))], [float(np.var(part))]) for part in (one, two, [[0.0]])]
    sums[2].count = 0
    merged = merged_scale(sums)
    assert merged.count == 47
    assert merged.means[0] == pytest.approx(np.mean(one + two))
    assert merged.variances[0] == pytest.approx(np.var(one + two))


def test_inverse_is_the_inverse() -> None:
    rows = np.random.default_rng(1).normal(size=(30, 12))
    matrix = (rows.T @ rows + np.eye(12)).tolist()
    np.testing.assert_allclose(inverse(matrix), np.linalg.inv(matrix), rtol=1e-9, atol=1e-12)


def exchange(partition: int, risk: DefaultRisk) -> tuple[ModelExchange, PartitionState]:
    state = PartitionState(SCHEMA, "")
    return ModelExchange(state, {"A": risk}, partition), state


CAUSE = Cause.of(entry(tick(0), 1), to_ms(tick(0).occurred_at))


def test_a_report_is_made_once_a_day_and_only_of_news() -> None:
    risk = DefaultRisk(RULES)
    sender, _ = exchange(0, risk)
    assert sender.report(DAY, CAUSE) == [], "nothing was learned yet"
    for prediction in predictions(30):
        risk.learn(account(), "I", prediction)
    (first,) = sender.report(DAY, CAUSE)
    assert (first.number, first.event_id) == (1, "models-0-1")
    for prediction in predictions(3):
        risk.learn(account(), "I", prediction)
    assert sender.report(DAY, CAUSE) == []
    (second,) = sender.report(DAY + 1, CAUSE)
    assert second.number == 2
    assert sender.report(DAY + 9, CAUSE) == []


def test_few_new_outcomes_are_told_once_a_week() -> None:
    """Of thirty known ones, two more change nothing that is worth a broadcast; a week later they are told as well."""
    risk = DefaultRisk(RULES)
    sender, _ = exchange(0, risk)
    for prediction in predictions(30):
        risk.learn(account(), "I", prediction)
    assert sender.report(DAY, CAUSE)
    for prediction in predictions(2):
        risk.learn(account(), "I", prediction)
    assert [day for day in range(1, 20) if sender.report(DAY + day, CAUSE)] == [7]


def test_the_newest_report_of_each_partition_counts_and_survives() -> None:
    told = learned(predictions(40))
    sender, _ = exchange(1, told)
    (old,) = sender.report(DAY, CAUSE)
    told.learn(account(), "I", predictions(1, seed=8)[0])
    (new,) = sender.report(DAY + 7, CAUSE)
    risk = DefaultRisk(RULES)
    hearer, state = exchange(0, risk)
    for event in (new, old, new):
        hearer.hear(event)
    assert risk.book_rate == told.book_rate
    again = DefaultRisk(RULES)
    ModelExchange(state, {"A": again}, 0)
    assert again.book_rate == told.book_rate, "what was heard stands in the partition's state"
    own, own_state = exchange(1, DefaultRisk(RULES))
    own.hear(new)
    assert own_state.shared == {}, "one's own report is no news"


def test_switched_off_nothing_is_told_or_heard() -> None:
    off = policy("default_risk: {shared: false}").default_risk
    risk = DefaultRisk(off)
    quiet, _ = exchange(0, risk)
    risk.learn(account(), "I", predictions(1)[0])
    assert quiet.report(DAY, CAUSE) == []


def test_reports_travel_whole() -> None:
    shared = {"A": learned(predictions(30)).shared()}
    assert decode_shared(encode_shared(shared)) == shared


@pytest.mark.parametrize("changes", [{"names": ["other"] * len(NAMES)}, {"restored": "yesterday"}])
def test_models_that_cannot_be_added_are_left_out(changes: dict[str, object]) -> None:
    """Those of other features (another version of ours), and those that are not of the same past."""
    one, two = learned(predictions(100)), learned(predictions(100))
    two.pool_with([msgspec.structs.replace(learned(predictions(50, seed=2)).shared(), **changes)])
    assert foretold(one) == foretold(two)
    assert one.book_rate == two.book_rate


def test_sums_that_are_no_precision_leave_the_learner_alone() -> None:
    """Should a report take away more than there is, one's own learner foretells, on its own scale."""
    one, two = learned(predictions(100)), learned(predictions(100))
    told = learned(predictions(50, seed=2)).shared()
    told.learners["base"].matrix[3][3] = -1e6
    two.pool_with([told])
    assert foretold(one) == foretold(two)
    assert two.book_rate != one.book_rate, "counts are counted all the same"


def _cut(told: SharedRisk) -> None:
    told.learners["base"].matrix[2].pop()


def _endless(told: SharedRisk) -> None:
    told.learners["base"].vector[0] = float("inf")


def _shrinking(told: SharedRisk) -> None:
    told.scale.variances[0] = -1.0


def _too_late(told: SharedRisk) -> None:
    told.late = told.outcomes + 1


def _half_a_segment(told: SharedRisk) -> None:
    told.segments["sector:food"] = [3]


def _nameless(told: SharedRisk) -> None:
    told.names = []


@pytest.mark.parametrize("spoil", [_cut, _endless, _shrinking, _too_late, _half_a_segment, _nameless])
def test_impossible_sums_are_refused(spoil: Callable[[SharedRisk], None]) -> None:
    """What would stop an engine, or turn all it foretells into nothing, does not pass the gate."""
    told = learned(predictions(20)).shared()
    check_shared(told)
    spoil(told)
    with pytest.raises(ValueError, match=r"impossible|features|infinite"):
        check_shared(told)


def test_a_gradient_challenger_stays_on_its_own_scale() -> None:
    """It is not pooled, so what it foretells does not depend on what others report."""
    rules = policy(
        "default_risk: {warm_up: 0, challengers: {quick: {kind: gradient, learning_rate: 0.1}}}"
    ).default_risk
    alone, hearing = DefaultRisk(rules), DefaultRisk(rules)
    for risk in (alone, hearing):
        for prediction in predictions(60):
            risk.learn(account(), "I", prediction)
    hearing.pool_with([learned(predictions(200, shift=2.0, seed=2)).shared()])
    packed = predictions(1, seed=9)[0].features
    assert hearing.shadows(packed, 0.2) == alone.shadows(packed, 0.2)
    assert hearing.blend(packed, 0.2) != alone.blend(packed, 0.2)


@pytest.mark.parametrize(("champion", "silent"), [("base", True), ("former", False)])
def test_what_others_say_of_a_former_champion_does_not_silence_the_new_one(champion: str, silent: bool) -> None:
    """A report made before a promotion tells of the model that led then."""
    risk = DefaultRisk(RULES)
    told = learned(predictions(50, seed=2)).shared()
    risk.pool_with([msgspec.structs.replace(told, advantage=-4.0, champion=champion)])
    risk.learn(account(), "I", predictions(1)[0])
    assert risk.is_silent is silent
