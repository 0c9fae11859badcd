"""Keeps probabilities calibrated: an online offset to log-odds, learned from certain outcomes alone.

A model that ranks well may still foretell too much or too little of everything, as when the times get better. The
offset is the intercept of a logistic regression whose only feature, the log-odds foretold, has the weight 1
(recalibration in the large: D. R. Cox, "Two further applications of a model for binary regression", Biometrika 45,
1958), learned in one Newton step per outcome. It moves all probabilities alike, so it changes no ranking.
"""

from __future__ import annotations

from math import exp

_LEAST_VARIANCE = 1e-4


class Recalibration:
    """The offset, in log-odds.

    Args:
        prior: information that the offset of zero starts with, in outcomes x p (1 - p): 50 are some 700 outcomes of an
            event that happens once in twelve times. The larger, the slower.

    Plain Python numbers: the same outcomes give the same bits.
    """

    def __init__(self, prior: float = 50.0) -> None:
        self.prior = prior
        self.offset = 0.0
        self.information = prior

    def learn(self, log_odds: float, happened: bool) -> None:
        """Learn a certain outcome; ``log_odds`` as they were foretold, before correction."""
        probability = 1.0 / (1.0 + exp(-(log_odds + self.offset)))
        self.information += max(probability * (1.0 - probability), _LEAST_VARIANCE)
        self.offset += (happened - probability) / self.information
