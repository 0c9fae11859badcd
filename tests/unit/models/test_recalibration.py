"""Recalibration: its formula, and that it meets what happens without changing a ranking."""

from __future__ import annotations

import random
from math import exp, log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.account import Prediction
from models.default_risk.recalibration import Recalibration
from models.default_risk.risk import DefaultRisk, uncorrected
from models.default_risk.roll import RollRisk
from tests.unit.models.build import account, policy


def sigmoid(value: float) -> float:
    return 1 / (1 + exp(-value))


def test_one_outcome_is_one_newton_step() -> None:
    """Offset 0 + (1 - p) / (50 + p (1 - p)) for p = sigmoid(-2)."""
    found = Recalibration(50)
    found.learn(-2.0, True)
    p = sigmoid(-2.0)
    assert found.offset == pytest.approx((1 - p) / (50 + p * (1 - p)))
    assert found.information == pytest.approx(50 + p * (1 - p))


@pytest.mark.parametrize("shift", [-0.8, 0.5])
def test_it_finds_by_how_much_all_of_it_is_wrong(shift: float) -> None:
    dice, found = random.Random(3), Recalibration(20)
    for _ in range(20_000):
        foretold = dice.gauss(-2, 1)
        found.learn(foretold, dice.random() < sigmoid(foretold + shift))
    assert found.offset == pytest.approx(shift, abs=0.08)


@given(st.lists(st.tuples(st.floats(-13.8, 13.8), st.booleans()), max_size=200))
def test_whatever_happens_it_stays_within_reason(outcomes: list[tuple[float, bool]]) -> None:
    """No run of outcomes throws it: each moves it by at most 1 / prior."""
    found = Recalibration(50)
    for log_odds, happened in outcomes:
        before = found.offset
        found.learn(log_odds, happened)
        assert abs(found.offset - before) <= 1 / 50


@pytest.mark.parametrize("section", ["default_risk", "roll_risk"])
def test_the_engine_learns_from_what_was_foretold_before_correction(section: str) -> None:
    """A prediction carries the offset that is in it, so the correction is not corrected again."""
    rules = policy(f"{section}: {{recalibration_prior: 1, model_weight: 0}}")
    risk: DefaultRisk | RollRisk
    risk = DefaultRisk(rules.default_risk) if section == "default_risk" else RollRisk(rules.roll_risk)
    packed = bytes(4 * len(risk.names))
    prediction = Prediction(100, 60, 94, sigmoid(log(0.2 / 0.8) + 0.7), 0.2, packed, settled=90, offset=7_000)
    assert uncorrected(prediction) == pytest.approx(0.2)
    risk.learn(account(), "I1", prediction)
    assert risk.offset == round(-0.2 / (1 + 0.16) * 10_000)
    again = type(risk)(risk._policy, risk.state())  # type: ignore[arg-type]
    assert again.offset == risk.offset
    assert again.state() == risk.state()


def test_outcomes_of_our_own_making_do_not_move_it() -> None:
    risk = DefaultRisk(policy("default_risk: {acted_weight: 1}").default_risk)
    risk.learn(account(), "I1", Prediction(100, 60, 94, 0.9, 0.9, bytes(44), settled=90, acted=True))
    assert (risk.offset, risk.outcomes) == (0, 1)


def test_off_means_off() -> None:
    risk = DefaultRisk(policy("default_risk: {recalibration_prior: null}").default_risk)
    risk.learn(account(), "I1", Prediction(100, 60, 94, 0.9, 0.9, bytes(44), settled=90))
    assert risk.offset == 0
    assert risk.corrected(0.3) == 0.3


def test_a_new_champion_starts_without_the_old_one_s_correction() -> None:
    rules = policy("default_risk: {challengers: {quick: {forgetting: 0.999}}}").default_risk
    risk = DefaultRisk(rules)
    risk.learn(account(), "I1", Prediction(100, 60, 94, 0.9, 0.9, bytes(44), settled=90))
    assert risk.offset < 0
    risk.promote("quick", 100)
    assert risk.offset == 0
