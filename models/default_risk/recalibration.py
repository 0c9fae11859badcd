"""Keeps probabilities calibrated: an online offset to log-odds, learned from certain outcomes alone.

A model that ranks well may still foretell too much or too little of everything, as when the times get better. The
offset is the intercept of a logistic regression whose only feature, the log-odds foretold, has the weight 1
(recalibration in the large: D. R. Cox, "Two further applications of a model for binary regression", Biometrika 45,
1958), learned in one Newton step per outcome. It moves all probabilities alike, so it changes no ranking.
"""

from __future__ import annotations

from math import exp
from typing import Final

from river import base

FEATURE: Final = "log_odds"
_LEAST_VARIANCE = 1e-4


class Recalibration(base.Classifier):
    """The offset, in log-odds, with River's API.

    Args:
        prior: information that the offset of zero starts with, in outcomes x p (1 - p): 50 are some 700 outcomes of an
            event that happens once in twelve times. The larger, the slower.

    Plain Python numbers: the same outcomes give the same bits.
    """

    def __init__(self, prior: float = 50.0) -> None:
        self.prior = prior
        self.offset = 0.0
        self.information = prior

    def learn_one(self, x: dict[base.typing.FeatureName, float], y: base.typing.ClfTarget) -> None:
        """Learn an outcome; ``x`` holds the log-odds foretold under ``FEATURE`` (absent: 0)."""
        self.learn(x.get(FEATURE, 0.0), bool(y))

    def learn(self, log_odds: float, happened: bool) -> None:
        """``learn_one`` for whoever has the log-odds, before correction, at hand."""
        probability = 1.0 / (1.0 + exp(-(log_odds + self.offset)))
        self.information += max(probability * (1.0 - probability), _LEAST_VARIANCE)
        self.offset += (happened - probability) / self.information

    def predict_proba_one(
        self, x: dict[base.typing.FeatureName, float], **kwargs: object
    ) -> dict[base.typing.ClfTarget, float]:
        """Probability of both classes, corrected."""
        probability = 1.0 / (1.0 + exp(-(x.get(FEATURE, 0.0) + self.offset)))
        return {False: 1.0 - probability, True: probability}
