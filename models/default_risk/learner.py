"""The learner of default risk: River's scaler and logistic regression, with a state that survives without pickle.

It is pulled towards nothing but the data, learns only outcomes that are certain, and predicts for whole
partitions; the customer's own rate (``customer_rate``) stands beside it.
"""

from __future__ import annotations

from collections import Counter, defaultdict

import msgspec
from river import linear_model, optim, preprocessing

from models.default_risk.features import NAMES, as_dict, values

_CLIP = 3.0


class LearnerState(msgspec.Struct, array_like=True):
    """Plain numbers from which the learner can be built again, bit for bit."""

    weights: dict[str, float] = {}
    intercept: float = 0.0
    steps: int = 0
    counts: dict[str, int] = {}
    means: dict[str, float] = {}
    variances: dict[str, float] = {}


def _clipped(x: dict[str, float]) -> dict[str, float]:
    return {name: max(-_CLIP, min(_CLIP, value)) for name, value in x.items()}


class Learner:
    """Online logistic regression on scaled features clipped to +-3 (unclipped, single values upset it for weeks)."""

    def __init__(self, learning_rate: float, l2: float, state: LearnerState | None = None) -> None:
        self._scaler = preprocessing.StandardScaler()
        self._regression = linear_model.LogisticRegression(optimizer=optim.SGD(learning_rate), l2=l2)
        self._scale: list[tuple[str, float, float]] | None = None
        if state is not None and state.steps:
            self._restore(state)

    @property
    def learned(self) -> int:
        """Outcomes learned so far."""
        return int(self._regression.optimizer.n_iterations)

    def predict_proba_one(self, packed: bytes) -> float:
        """Probability of the bad event, 0-1; 0.5 before anything was learned."""
        # What scaler and clipping do, in one pass: predictions are far more frequent than changes of the scale.
        if self._scale is None:
            scaler = self._scaler
            self._scale = [(name, scaler.means.get(name, 0.0), scaler.vars.get(name, 0.0) ** 0.5) for name in NAMES]
        x: dict[str, float] = {}
        for (name, mean, deviation), value in zip(self._scale, values(packed), strict=True):
            scaled = (value - mean) / deviation if deviation else 0.0
            x[name] = -_CLIP if scaled < -_CLIP else scaled if scaled < _CLIP else _CLIP
        return float(self._regression.predict_proba_one(x)[True])  # type: ignore[no-untyped-call]

    def learn_one(self, packed: bytes, bad: bool, weight: float = 1.0) -> None:
        """Learn a certain outcome."""
        x = as_dict(packed)
        self._scaler.learn_one(x)  # type: ignore[no-untyped-call]
        self._scale = None
        scaled = self._scaler.transform_one(x)  # type: ignore[no-untyped-call]
        self._regression.learn_one(_clipped(scaled), bad, w=weight)

    def state(self) -> LearnerState:
        """All that was learned."""
        regression, scaler = self._regression, self._scaler
        return LearnerState(
            weights=dict(regression._weights.items()),
            intercept=regression.intercept,
            steps=regression.optimizer.n_iterations,
            counts=dict(scaler.counts),
            means=dict(scaler.means),
            variances=dict(scaler.vars),
        )

    def _restore(self, state: LearnerState) -> None:
        for name, value in state.weights.items():
            self._regression._weights[name] = value
        self._regression.intercept = state.intercept
        self._regression.optimizer.n_iterations = state.steps
        self._scaler.counts = Counter(state.counts)
        self._scaler.means = defaultdict(float, state.means)
        self._scaler.vars = defaultdict(float, state.variances)
