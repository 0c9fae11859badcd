"""Online Bayesian logistic regression, a River model: second order, no learning rate to choose.

``learn_one`` and ``predict_proba_one`` let it stand in River's pipelines and comparisons; the engine, which has the
features as a vector, takes the shorter way of ``learn_vector`` and ``predict_vector``.

Each outcome is one step of an extended Kalman filter on the weights (the Laplace approximation of their
posterior, updated in closed form). It learns from few outcomes what gradient steps need thousands for.

Source: D. J. Spiegelhalter, S. L. Lauritzen, "Sequential updating of conditional probabilities on directed
graphical structures", Networks 20 (1990). Predictions are made from the mean of the weights: moderating them by
the covariance (MacKay 1992) changed no figure on real ledgers in the fourth digit, and costs more than all else.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from math import exp, fsum, sqrt
from operator import mul

from river import base

_LEAST_VARIANCE = 1e-4
"""Of an outcome: one that was thought impossible would otherwise move the weights without bound."""
_MOST_VARIANCE = 4.0
"""Of a weight, as a multiple of its prior: the weight of a feature that is rarely seen would otherwise be forgotten
without bound, until the next outcome throws it anywhere (after some years its variance is not even a number)."""


class BayesianLogisticRegression(base.Classifier):
    """Logistic regression for two classes, with the full covariance of its weights.

    Args:
        prior_variance: variance of each weight before anything is learned; scale the features.
        forgetting: 1 remembers everything; 0.9998 halves the past after some 3,500 outcomes.

    Plain Python numbers: the same outcomes give the same bits, whatever linear algebra library a machine has.
    Cost: the square of the number of features per outcome.
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
        if w > 0.0:
            self.grow(x)
            self.learn_vector(self._vector(x), bool(y), w)

    def learn_vector(self, z: list[float], y: bool, w: float = 1.0) -> None:
        """``learn_one`` for whoever has the values at hand: 1 for the intercept, then those of ``names``, all of them
        known (``grow``). The fast way: a dict of features costs as much as the learning."""
        if w <= 0.0:
            return
        probability = _sigmoid(_dot(self.weights, z))
        variance = max(probability * (1.0 - probability), _LEAST_VARIANCE)
        spread = [_dot(row, z) for row in self.covariance]
        gain = 1.0 / (self.forgetting / (variance * w) + _dot(spread, z))
        step = gain * (y - probability) / variance
        self.weights = [weight + step * part for weight, part in zip(self.weights, spread, strict=True)]
        inflation = 1.0 / self.forgetting
        # In brackets, so that both halves of the matrix round alike: forgetting would blow up what differs.
        self.covariance = [
            [(value - gain * (part * other)) * inflation for value, other in zip(row, spread, strict=True)]
            for row, part in zip(self.covariance, spread, strict=True)
        ]
        if inflation > 1.0:
            self._bound()
        self.steps += 1

    def predict_proba_one(
        self, x: dict[base.typing.FeatureName, float], **kwargs: object
    ) -> dict[base.typing.ClfTarget, float]:
        """Probability of both classes; one half before anything was learned."""
        probability = self.predict_vector(self._vector(x))
        return {False: 1.0 - probability, True: probability}

    def predict_vector(self, z: list[float]) -> float:
        """Probability of True, from values as ``learn_vector`` takes them; one half before anything was learned."""
        return _sigmoid(_dot(self.weights, z))

    def _bound(self) -> None:
        most = self.prior_variance * _MOST_VARIANCE
        if any(row[at] > most for at, row in enumerate(self.covariance)):
            scale = [min(1.0, sqrt(most / row[at])) for at, row in enumerate(self.covariance)]
            self.covariance = [
                [value * (own * other) for value, other in zip(row, scale, strict=True)]
                for row, own in zip(self.covariance, scale, strict=True)
            ]

    def _vector(self, x: Mapping[Hashable, float]) -> list[float]:
        # Intercept first. Features that are absent count as zero: their mean, once they are scaled.
        return [1.0, *[x.get(name, 0.0) for name in self.names]]

    def grow(self, x: Iterable[Hashable]) -> None:
        """Give features that are new their weights, which start at the prior; in order of their names."""
        known = set(self.names)
        new = sorted((name for name in x if name not in known), key=str)
        for name in new:
            self.names.append(name)
            self.weights.append(0.0)
            for row in self.covariance:
                row.append(0.0)
            self.covariance.append([*([0.0] * len(self.covariance)), self.prior_variance])


def _dot(a: list[float], b: list[float]) -> float:
    # fsum rounds once, at the end: the built-in sum does so from Python 3.12 on only, and bits would differ.
    return fsum(map(mul, a, b))


def _sigmoid(value: float) -> float:
    if value >= 0.0:
        return 1.0 / (1.0 + exp(-value))
    odds = exp(value)
    return odds / (1.0 + odds)
