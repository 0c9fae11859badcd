"""Laws of models.default_risk.learner."""

from __future__ import annotations

from array import array
from random import Random

import msgspec
import pytest
from river import linear_model, optim, preprocessing

from models.default_risk.bayesian import BayesianLogisticRegression
from models.default_risk.features import NAMES, as_dict
from models.default_risk.learner import LearnerState, Scaling, make_learner
from schemas.policy import LearnerSettings

BAYESIAN = LearnerSettings()
GRADIENT = LearnerSettings(kind="gradient", learning_rate=0.05)
KINDS = pytest.mark.parametrize("settings", [BAYESIAN, GRADIENT], ids=["second_order", "gradient"])


class Pupil:
    """A learner with its scaling, as a partition has them."""

    def __init__(self, settings: LearnerSettings = BAYESIAN, state: LearnerState | None = None) -> None:
        self.scaling, self.learner = Scaling(NAMES, state), make_learner(NAMES, settings, state)

    def learn_one(self, packed: bytes, bad: bool) -> None:
        """Learn an outcome, the scaling first."""
        self.scaling.learn_one(packed)
        self.learner.learn(self.scaling.scaled(packed), bad, 1.0)

    def predict_proba_one(self, packed: bytes) -> float:
        """What it foretells."""
        return self.learner.predict(self.scaling.scaled(packed))

    def state(self) -> LearnerState:
        """All that it knows."""
        return self.scaling.keep_in(self.learner.state())


def _outcomes(count: int, seed: int = 7) -> list[tuple[bytes, bool]]:
    """Invoices whose first feature says, with some noise, whether they turn out bad; the others say nothing."""
    dice = Random(seed)
    found = []
    for _ in range(count):
        row = [dice.gauss(2.0, 3.0) for _ in NAMES]
        found.append((array("f", row).tobytes(), row[0] + dice.gauss(0, 0.5) > 4.0))
    return found


def _taught(outcomes: list[tuple[bytes, bool]], settings: LearnerSettings = BAYESIAN) -> Pupil:
    learner = Pupil(settings)
    for packed, bad in outcomes:
        learner.learn_one(packed, bad)
    return learner


@KINDS
def test_one_half_before_anything_is_learned(settings: LearnerSettings) -> None:
    """Without an outcome the learner takes no side."""
    learner = Pupil(settings)
    assert learner.learner.steps == 0
    assert [learner.predict_proba_one(packed) for packed, _ in _outcomes(5)] == [0.5] * 5


def test_learned_counts_outcomes() -> None:
    """Each outcome counts once; predictions do not count."""
    learner = _taught(_outcomes(3))
    learner.predict_proba_one(_outcomes(1)[0][0])
    assert learner.learner.steps == 3


@KINDS
def test_it_tells_bad_from_good(settings: LearnerSettings) -> None:
    """After 300 outcomes of a clear law, nearly all of 100 others are on the right side."""
    learner = _taught(_outcomes(300), settings)
    right = sum((learner.predict_proba_one(packed) > 0.5) is bad for packed, bad in _outcomes(100, seed=8))
    assert right >= 90


def test_it_is_river_scaler_and_regression() -> None:
    """Predictions are those of River's scaler, values clipped to +-3, and the Bayesian regression in a row."""
    learner = Pupil(LearnerSettings(prior_variance=0.5, forgetting=0.999))
    scaler = preprocessing.StandardScaler()
    regression = BayesianLogisticRegression(0.5, 0.999)

    def scaled(packed: bytes) -> dict[str, float]:
        row: dict[str, float] = scaler.transform_one(as_dict(NAMES, packed))
        return {name: max(-3.0, min(3.0, value)) for name, value in row.items()}

    for packed, bad in _outcomes(60):
        scaler.learn_one(as_dict(NAMES, packed))
        regression.learn_one(scaled(packed), bad)
        learner.learn_one(packed, bad)
        expected = regression.predict_proba_one(scaled(packed))[True]
        assert learner.predict_proba_one(packed) == pytest.approx(expected, rel=1e-9)


def test_the_other_kind_is_river_scaler_and_regression() -> None:
    """Gradient steps are those of River's own logistic regression on the scaled and clipped values."""
    learner, scaler = Pupil(GRADIENT), preprocessing.StandardScaler()
    regression = linear_model.LogisticRegression(optim.SGD(0.05), intercept_lr=0.05)
    for packed, bad in _outcomes(60):
        scaler.learn_one(as_dict(NAMES, packed))
        row = {name: max(-3.0, min(3.0, v)) for name, v in scaler.transform_one(as_dict(NAMES, packed)).items()}
        regression.learn_one(row, bad)
        learner.learn_one(packed, bad)
        assert learner.predict_proba_one(packed) == pytest.approx(regression.predict_proba_one(row)[True], rel=1e-9)


def test_a_name_that_changes_its_kind_starts_anew() -> None:
    """Weights of one kind are never taken for those of another."""
    for before, after in ((BAYESIAN, GRADIENT), (GRADIENT, BAYESIAN)):
        state = _taught(_outcomes(20), before).state()
        assert make_learner(NAMES, after, state).steps == 0


def test_extremes_are_clipped() -> None:
    """Beyond three deviations a value moves the prediction no further."""
    learner = _taught(_outcomes(200))
    near, far, farther = (
        learner.predict_proba_one(array("f", [first, *[2.0] * 10]).tobytes()) for first in (8.0, 1e4, 1e9)
    )
    assert near < far == farther < 1.0


def test_prediction_changes_nothing() -> None:
    """However often it predicts, the learner stays the same."""
    learner = _taught(_outcomes(20))
    before = msgspec.msgpack.encode(learner.state())
    for packed, _ in _outcomes(50, seed=9):
        learner.predict_proba_one(packed)
    assert msgspec.msgpack.encode(learner.state()) == before


@KINDS
@pytest.mark.parametrize("stored_after", [1, 2, 40])
def test_state_restores_bit_for_bit(stored_after: int, settings: LearnerSettings) -> None:
    """Stored and restored in the middle, the learner goes on with the same bits as one that never stopped."""
    outcomes = _outcomes(80)
    whole = _taught(outcomes[:stored_after], settings)
    stored = msgspec.msgpack.decode(msgspec.msgpack.encode(whole.state()), type=LearnerState)
    restored = Pupil(settings, stored)
    assert restored.learner.steps == stored_after
    for packed, bad in outcomes[stored_after:]:
        assert restored.predict_proba_one(packed) == whole.predict_proba_one(packed)
        whole.learn_one(packed, bad)
        restored.learn_one(packed, bad)
    assert msgspec.msgpack.encode(restored.state()) == msgspec.msgpack.encode(whole.state())


def test_empty_state_restores_to_a_new_learner() -> None:
    """The state of a learner that learned nothing gives one that learned nothing, and then learns like a new one."""
    outcomes = _outcomes(10)
    restored = Pupil(state=Pupil().state())
    assert restored.predict_proba_one(outcomes[0][0]) == 0.5
    for packed, bad in outcomes:
        restored.learn_one(packed, bad)
    assert restored.state() == _taught(outcomes).state()


def test_a_taken_state_does_not_move() -> None:
    """What was stored stays as it was while the learner goes on."""
    learner = _taught(_outcomes(20))
    state = learner.state()
    before = msgspec.msgpack.encode(state)
    for packed, bad in _outcomes(5, seed=9):
        learner.learn_one(packed, bad)
    assert msgspec.msgpack.encode(state) == before
