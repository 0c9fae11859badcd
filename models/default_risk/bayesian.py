"""Online Bayesian logistic regression with River's API: second order, no learning rate to choose.

Each outcome is one step of an extended Kalman filter on the weights (the Laplace approximation of their
posterior, updated in closed form); predictions are moderated by what the weights do not know yet. It learns from
few outcomes what a gradient step needs thousands for.

Sources: D. J. Spiegelhalter, S. L. Lauritzen, "Sequential updating of conditional probabilities on directed
graphical structures", Networks 20 (1990), for the update; D. J. C. MacKay, "The evidence framework applied to
classification networks", Neural Computation 4 (1992), for the moderation.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from math import exp, pi, sqrt
from operator import mul

from river import base

_LEAST_VARIANCE = 1e-4
"""Of an outcome: one that was thought impossible would otherwise move the weights without bound."""


class BayesianLogisticRegression(base.Classifier):
    """Logistic regression for two classes, with the full covariance of its weights.

    Args:
        prior_variance: variance of each weight before anything is learned; scale the features.
        forgetting: 1 remembers everything; 0.9998 halves the past after some 3,500 outcomes.

    Plain Python numbers in a fixed order of summing: the same outcomes give the same bits, whatever linear
    algebra library a machine has. Cost: the square of the number of features, per outcome and per prediction.
    """

    def __init__(self, prior_variance: float = 1.0, forgetting: float = 1.0) -> None:
        self.prior_variance = prior_variance
        self.forgetting = forgetting
        self.steps = 0
        self.names: list[Hashable] = []
        self.weights: list[float] = [0.0]
        self.covariance: list[list[float]] = [[prior_variance]]
        """Of intercept (first) and weights, in the order of ``names``."""

    def learn_one(self, x: dict[base.typing.FeatureName, float], y: base.typing.ClfTarget, w: float = 1.0) -> None:
        """Learn a certain outcome with weight ``w``; features not seen before start at the prior."""
        if w <= 0.0:
            return
        self._grow(x)
        z = self._vector(x)
        probability = _sigmoid(sum(map(mul, self.weights, z)))
        variance = max(probability * (1.0 - probability), _LEAST_VARIANCE)
        spread = [sum(map(mul, row, z)) for row in self.covariance]
        gain = 1.0 / (self.forgetting / (variance * w) + sum(map(mul, spread, z)))
        step = gain * (bool(y) - probability) / variance
        self.weights = [weight + step * part for weight, part in zip(self.weights, spread, strict=True)]
        inflation = 1.0 / self.forgetting
        self.covariance = [
            [(value - gain * part * other) * inflation for value, other in zip(row, spread, strict=True)]
            for row, part in zip(self.covariance, spread, strict=True)
        ]
        self.steps += 1

    def predict_proba_one(
        self, x: dict[base.typing.FeatureName, float], **kwargs: object
    ) -> dict[base.typing.ClfTarget, float]:
        """Moderated probability of both classes; one half before anything was learned."""
        z = self._vector(x)
        doubt = sum(map(mul, z, [sum(map(mul, row, z)) for row in self.covariance]))
        probability = _sigmoid(sum(map(mul, self.weights, z)) / sqrt(1.0 + pi / 8.0 * max(doubt, 0.0)))
        return {False: 1.0 - probability, True: probability}

    def _vector(self, x: Mapping[Hashable, float]) -> list[float]:
        # Intercept first. Features that are absent count as zero: their mean, once they are scaled.
        return [1.0, *[x.get(name, 0.0) for name in self.names]]

    def _grow(self, x: Mapping[Hashable, float]) -> None:
        known = set(self.names)
        new = sorted((name for name in x if name not in known), key=str)
        for name in new:
            self.names.append(name)
            self.weights.append(0.0)
            for row in self.covariance:
                row.append(0.0)
            self.covariance.append([*([0.0] * len(self.covariance)), self.prior_variance])


def _sigmoid(value: float) -> float:
    if value >= 0.0:
        return 1.0 / (1.0 + exp(-value))
    odds = exp(value)
    return odds / (1.0 + odds)
