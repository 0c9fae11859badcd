"""The learner of default risk: River's scaler and a Bayesian logistic regression, stored as plain numbers.

It learns only outcomes that are certain, and predicts for a whole partition; the customer's own rate
(``customer_rate``) stands beside it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence

import msgspec
from river import preprocessing

from models.default_risk.bayesian import BayesianLogisticRegression
from models.default_risk.features import as_dict, values

_CLIP = 3.0


class LearnerState(msgspec.Struct, array_like=True):
    """Plain numbers from which the learner can be built again, bit for bit; weights: intercept, then sorted names."""

    weights: list[float] = []
    covariance: list[list[float]] = []
    steps: int = 0
    counts: dict[str, int] = {}
    means: dict[str, float] = {}
    variances: dict[str, float] = {}


class Learner:
    """Logistic regression on scaled features clipped to +-3 (unclipped, single values upset it for weeks)."""

    def __init__(
        self, names: Sequence[str], prior_variance: float, forgetting: float, state: LearnerState | None = None
    ) -> None:
        """``names`` of the features, in the order in which they are packed."""
        self._names = names
        self._scaler = preprocessing.StandardScaler()
        self._regression = BayesianLogisticRegression(prior_variance, forgetting)
        self._scale: list[tuple[str, float, float]] | None = None
        if state is not None and state.steps:
            self._restore(state)

    @property
    def learned(self) -> int:
        """Outcomes learned so far."""
        return self._regression.steps

    def predict_proba_one(self, packed: bytes) -> float:
        """Probability of the bad event, 0-1; 0.5 before anything was learned."""
        return self._regression.predict_proba_one(self._scaled(packed))[True]

    def learn_one(self, packed: bytes, bad: bool, weight: float = 1.0) -> None:
        """Learn a certain outcome."""
        self._scaler.learn_one(as_dict(self._names, packed))  # type: ignore[no-untyped-call]
        self._scale = None
        self._regression.learn_one(self._scaled(packed), bad, w=weight)

    def _scaled(self, packed: bytes) -> dict[Hashable, float]:
        # What the scaler does and clipping, in one pass: predictions are far more frequent than changes of scale.
        if self._scale is None:
            scaler = self._scaler
            self._scale = [
                (name, scaler.means.get(name, 0.0), scaler.vars.get(name, 0.0) ** 0.5) for name in self._names
            ]
        x: dict[Hashable, float] = {}
        for (name, mean, deviation), value in zip(self._scale, values(packed), strict=True):
            scaled = (value - mean) / deviation if deviation else 0.0
            x[name] = -_CLIP if scaled < -_CLIP else scaled if scaled < _CLIP else _CLIP
        return x

    def state(self) -> LearnerState:
        """All that was learned."""
        regression, scaler = self._regression, self._scaler
        return LearnerState(
            weights=regression.weights,
            covariance=regression.covariance,
            steps=regression.steps,
            counts=dict(scaler.counts),
            means=dict(scaler.means),
            variances=dict(scaler.vars),
        )

    def _restore(self, state: LearnerState) -> None:
        regression = self._regression
        regression.names, regression.steps = [*sorted(self._names)], state.steps
        regression.weights, regression.covariance = state.weights, state.covariance
        self._scaler.counts = Counter(state.counts)
        self._scaler.means = defaultdict(float, state.means)
        self._scaler.vars = defaultdict(float, state.variances)
