"""The learners of an event: one scaling of the features that all share, and a regression of its own for each.

They learn only outcomes that are certain, and predict for a whole partition; the customer's own rate
(``customer_rate``) stands beside them.
"""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any, Protocol

import msgspec
from river import linear_model, optim, preprocessing

from models.default_risk.bayesian import BayesianLogisticRegression
from models.default_risk.features import as_dict
from models.default_risk.sharing import Information, ScaleSums, own_information
from schemas.policy import LearnerSettings

_CLIP = 3.0


class LearnerState(msgspec.Struct, array_like=True):
    """Plain numbers from which a learner can be built again, bit for bit; weights: intercept, then sorted names.

    ``counts`` to ``variances`` are the scaling's; they stand with the first learner only, for all of them.
    """

    weights: list[float] = []
    covariance: list[list[float]] = []
    steps: int = 0
    counts: dict[str, int] = {}
    means: dict[str, float] = {}
    variances: dict[str, float] = {}


Scale = list[tuple[int, float, float]]
"""Of each feature, in order of the names: where it stands among the packed ones, its mean and its deviation."""


def scale_of(names: Sequence[str], means: Sequence[float], variances: Sequence[float]) -> Scale:
    """``names`` as they are packed; means and variances in order of the names."""
    order = sorted(range(len(names)), key=lambda at: names[at])
    return [(at, mean, variance**0.5) for at, mean, variance in zip(order, means, variances, strict=True)]


def scaled(values: Sequence[float], scale: Scale) -> list[float]:
    """1 for the intercept, then the features, scaled and clipped, in order of their names."""
    z = [1.0]
    for at, mean, deviation in scale:
        value = (values[at] - mean) / deviation if deviation else 0.0
        z.append(-_CLIP if value < -_CLIP else value if value < _CLIP else _CLIP)
    return z


class Scaling:
    """Scales features by River's scaler and clips them to +-3 (unclipped, single values upset a learner for weeks)."""

    def __init__(self, names: Sequence[str], state: LearnerState | None = None) -> None:
        """``names`` of the features, in the order in which they are packed."""
        self._names = names
        self._order = sorted(range(len(names)), key=lambda at: names[at])
        self._scaler = preprocessing.StandardScaler()
        self._scale: Scale | None = None
        if state is not None:
            self._scaler.counts = Counter(state.counts)
            self._scaler.means = defaultdict(float, state.means)
            self._scaler.vars = defaultdict(float, state.variances)

    def learn_one(self, packed: bytes) -> None:
        """Take one more invoice into what is usual."""
        self._scaler.learn_one(as_dict(self._names, packed))  # type: ignore[no-untyped-call]
        self._scale = None

    def scaled(self, packed: bytes) -> list[float]:
        """1 for the intercept, then the scaled features in order of their names."""
        # What the scaler does and clipping, in one pass: predictions are far more frequent than changes of scale.
        if self._scale is None:
            sums = self.sums()
            self._scale = scale_of(self._names, sums.means, sums.variances)
        return scaled(array("f", packed), self._scale)

    def sums(self) -> ScaleSums:
        """What the scaling rests on, in order of the features' names."""
        scaler, names = self._scaler, [self._names[at] for at in self._order]
        means = [scaler.means.get(name, 0.0) for name in names]
        return ScaleSums(scaler.counts[names[0]], means, [scaler.vars.get(name, 0.0) for name in names])

    def keep_in(self, state: LearnerState) -> LearnerState:
        """The state with the scaling's numbers in it."""
        state.counts, state.means = dict(self._scaler.counts), dict(self._scaler.means)
        state.variances = dict(self._scaler.vars)
        return state


class Learner(Protocol):
    """A regression on scaled features ``z``, whose first is 1."""

    @property
    def steps(self) -> int:
        """Outcomes learned so far."""

    def predict(self, z: list[float]) -> float:
        """Probability of the bad event, 0 to 1; 0.5 before anything was learned."""

    def learn(self, z: list[float], bad: bool, weight: float) -> None:
        """Learn a certain outcome."""

    def state(self) -> LearnerState:
        """All that was learned."""

    def information(self) -> Information | None:
        """What outcomes have added to the prior; None for a learner that has no such sums."""


class SecondOrder:
    """Bayesian logistic regression (bayesian.py): learns from few outcomes, at the square of the features' number."""

    def __init__(self, names: Sequence[str], settings: LearnerSettings, state: LearnerState | None) -> None:
        self.regression = BayesianLogisticRegression(settings.prior_variance, settings.forgetting)
        self.regression.grow(names)
        if state is not None and state.covariance:  # else it is of another kind of learner, or has learned nothing
            self.regression.weights, self.regression.covariance = state.weights, state.covariance
            self.regression.steps = state.steps

    @property
    def steps(self) -> int:
        """Outcomes learned so far."""
        return self.regression.steps

    def predict(self, z: list[float]) -> float:
        """Probability of the bad event, 0 to 1; 0.5 before anything was learned."""
        return self.regression.predict_vector(z)

    def learn(self, z: list[float], bad: bool, weight: float) -> None:
        """Learn a certain outcome."""
        self.regression.learn_vector(z, bad, weight)

    def state(self) -> LearnerState:
        """All that was learned."""
        return LearnerState(self.regression.weights, self.regression.covariance, self.regression.steps)

    def information(self) -> Information | None:
        """What outcomes have added to the prior, of which forgetting leaves less and less."""
        model = self.regression
        left = model.forgetting**model.steps / model.prior_variance
        return own_information(model.weights, model.covariance, left)


class Gradient:
    """River's logistic regression with plain gradient steps: cheap, and slow to learn."""

    def __init__(self, names: Sequence[str], settings: LearnerSettings, state: LearnerState | None) -> None:
        rate = settings.learning_rate
        self._names = sorted(names)
        self._model: Any = linear_model.LogisticRegression(optim.SGD(rate), intercept_lr=rate)
        self.steps = 0
        if state is not None and state.steps and not state.covariance:
            self.steps, self._model.intercept = state.steps, state.weights[0]
            self._model._weights.update(dict(zip(self._names, state.weights[1:], strict=True)))

    def predict(self, z: list[float]) -> float:
        """Probability of the bad event, 0 to 1; 0.5 before anything was learned."""
        return float(self._model.predict_proba_one(dict(zip(self._names, z[1:], strict=True)))[True])

    def learn(self, z: list[float], bad: bool, weight: float) -> None:
        """Learn a certain outcome."""
        if weight > 0.0:
            self._model.learn_one(dict(zip(self._names, z[1:], strict=True)), bad, w=weight)
            self.steps += 1

    def state(self) -> LearnerState:
        """All that was learned."""
        weights = self._model._weights
        return LearnerState([self._model.intercept, *(weights[name] for name in self._names)], [], self.steps)

    def information(self) -> Information | None:
        """None: single steps leave no sums that others' could be added to."""
        return None


def make_learner(names: Sequence[str], settings: LearnerSettings, state: LearnerState | None = None) -> Learner:
    """The learner that the settings ask for, as it was when ``state`` was taken."""
    if settings.kind == "gradient":
        return Gradient(names, settings, state)
    return SecondOrder(names, settings, state)
