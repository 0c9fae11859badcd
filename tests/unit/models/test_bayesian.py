"""The Bayesian logistic regression: River's own checks, the formulas in matrix form, and what it is good for."""

from __future__ import annotations

import random

import numpy as np
import pytest
from river import checks, linear_model, optim
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from models.default_risk.bayesian import BayesianLogisticRegression

WEIGHTS = {"a": 1.5, "b": -0.8, "c": 0.0}


def outcomes(count: int, seed: int = 1) -> list[tuple[dict[str, float], bool]]:
    """Outcomes of a known logistic model with intercept -1.5."""
    dice = random.Random(seed)
    found = []
    for _ in range(count):
        x = {name: dice.gauss(0, 1) for name in WEIGHTS}
        odds = -1.5 + sum(WEIGHTS[name] * value for name, value in x.items())
        found.append((x, dice.random() < 1 / (1 + np.exp(-odds))))
    return found


@pytest.mark.parametrize("check", list(checks.yield_checks(BayesianLogisticRegression())), ids=lambda c: c.__name__)
def test_river_accepts_the_estimator(check: object) -> None:
    """River's checks of an estimator pass: it clones, pickles, and takes features in any order."""
    check(BayesianLogisticRegression())  # type: ignore[operator]


@pytest.mark.parametrize("forgetting", [1.0, 0.999])
def test_steps_are_the_extended_kalman_filter(forgetting: float) -> None:
    """Weights, covariance and predictions are those of the filter written with matrices."""
    model = BayesianLogisticRegression(prior_variance=0.5, forgetting=forgetting)
    mean, covariance = np.zeros(4), np.eye(4) * 0.5
    for x, y in outcomes(200):
        model.learn_one(x, y)
        z = np.array([1.0, x["a"], x["b"], x["c"]])
        p = 1 / (1 + np.exp(-mean @ z))
        s = p * (1 - p)
        gain = covariance @ z / (forgetting / s + z @ covariance @ z)
        mean = mean + gain * (y - p) / s
        covariance = (covariance - np.outer(gain, covariance @ z)) / forgetting
    assert model.names == ["a", "b", "c"]
    np.testing.assert_allclose(model.weights, mean, rtol=1e-9)
    np.testing.assert_allclose(model.covariance, covariance, rtol=1e-9, atol=1e-12)
    z = np.array([1.0, 0.3, -1.0, 2.0])
    expected = 1 / (1 + np.exp(-(mean @ z)))
    assert model.predict_proba_one({"a": 0.3, "b": -1.0, "c": 2.0})[True] == pytest.approx(expected, rel=1e-9)


def test_it_finds_what_a_batch_fit_finds() -> None:
    """After one pass its weights are close to those of the same regression fitted to all outcomes at once."""
    data = outcomes(4_000)
    model = BayesianLogisticRegression()
    for x, y in data:
        model.learn_one(x, y)
    batch = LogisticRegression(C=1.0).fit([list(x.values()) for x, _ in data], [y for _, y in data])
    assert model.weights == pytest.approx([*batch.intercept_, *batch.coef_[0]], abs=0.1)


def test_it_learns_faster_than_gradient_steps() -> None:
    """On the first 300 outcomes, predicted before they are learned, it loses less than River's gradient descent."""
    losses = {}
    for name, model in {
        "bayes": BayesianLogisticRegression(),
        "sgd": linear_model.LogisticRegression(optim.SGD(0.01)),
    }.items():
        predicted = []
        for x, y in outcomes(300, seed=2):
            predicted.append(model.predict_proba_one(x).get(True, 0.5))
            model.learn_one(x, y)
        losses[name] = log_loss([y for _, y in outcomes(300, seed=2)], predicted)
    assert losses["bayes"] < losses["sgd"]


def test_an_outcome_without_weight_teaches_nothing() -> None:
    """Weight zero changes nothing, and weight two moves the weights further than one."""
    model = BayesianLogisticRegression()
    model.learn_one({"a": 1.0}, True, w=0.0)
    assert model.weights == [0.0]
    once, twice = BayesianLogisticRegression(), BayesianLogisticRegression()
    once.learn_one({"a": 1.0}, True)
    twice.learn_one({"a": 1.0}, True, w=2.0)
    assert twice.weights[0] > once.weights[0] > 0


def test_a_feature_that_is_never_seen_stays_harmless() -> None:
    """Forgetting does not pile up doubt without end: after years of silence a feature's first outcome moves little."""
    model = BayesianLogisticRegression(forgetting=0.95)
    for x, y in outcomes(3_000):
        model.learn_one({**x, "rare": 0.0}, y)
    assert max(row[at] for at, row in enumerate(model.covariance)) <= 4.0 * (1 + 1e-12)
    assert all(row[at] == model.covariance[at][n] for n, row in enumerate(model.covariance) for at in range(len(row)))
    before = model.predict_proba_one({"a": 0.0, "rare": 0.001})[True]
    model.learn_one({"a": 0.0, "rare": 1.0}, not before > 0.5)
    assert abs(model.weights[model.names.index("rare") + 1]) < 20
    assert model.predict_proba_one({"a": 0.0, "rare": 0.001})[True] == pytest.approx(before, abs=0.2)
