"""Risk of an event in a partition's book: the customers' own rates, the learner beside them, and their quality.

The customer's own rate, smoothed to the book's, holds nearly all that can be known; the learner adds a
little. Both are averaged in log-odds. Everything here changes only when outcomes become certain, at ticks.
"""

from __future__ import annotations

from math import exp
from typing import ClassVar, Literal

import msgspec

from models.account import Account, Behaviour, Prediction
from models.default_risk.features import NAMES, logit
from models.default_risk.learner import Learner, LearnerState
from models.default_risk.quality import RunningQuality, log_loss_one
from schemas.policy import DefaultRiskModel, RollRiskModel

_Z80 = 1.2815515655446004
"""Standard normal quantile for an interval that holds 80 %."""

_DISTRUSTED, _MOST_DISTRUST = -3.0, -5.0
"""In log-loss, summed: a learner that has lost so much against the rate falls silent until it has made up for it; and
however badly it did when it was young, it has no more than the second to make up for."""


class RiskState(msgspec.Struct, array_like=True):
    """What the partition knows about one event: its outcomes, how many were bad (``late``), and the learner."""

    outcomes: int = 0
    late: int = 0
    learner: LearnerState = msgspec.field(default_factory=LearnerState)
    quality: RunningQuality = msgspec.field(default_factory=RunningQuality)
    advantage: float = 0.0
    trusted: bool = True


class Outcome(msgspec.Struct):
    """A prediction whose outcome has become certain. Task A: made at issue; B: on the first day past due."""

    customer_id: str
    invoice_id: str
    issued: int
    matured: int
    model: float
    naive: float
    bad: bool
    task: Literal["A", "B"] = "A"


class EventRisk:
    """Predict and learn one event; one object per partition. The subclasses say which event."""

    task: ClassVar[Literal["A", "B"]]
    names: ClassVar[tuple[str, ...]]
    """Of the features, in the order in which they are packed."""

    def __init__(self, policy: DefaultRiskModel | RollRiskModel, state: RiskState | None = None) -> None:
        self._policy = policy
        state = state or RiskState()
        self.outcomes, self.late, self.quality = state.outcomes, state.late, state.quality
        self._advantage, self._trusted = state.advantage, state.trusted
        self._fade = 0.5 ** (1.0 / policy.trust_outcomes)
        self._learner = Learner(self.names, policy.prior_variance, policy.forgetting, state.learner)

    def state(self) -> RiskState:
        """All of it as plain numbers."""
        return RiskState(self.outcomes, self.late, self._learner.state(), self.quality, self._advantage, self._trusted)

    @property
    def book_rate(self) -> float:
        """Rate of the event in the whole partition, starting from the policy's guess."""
        policy = self._policy
        return (self.late + policy.base_rate * policy.base_weight) / (self.outcomes + policy.base_weight)

    def smoothed(self, bad: float, outcomes: float) -> float:
        """A customer's rate, smoothed to the book's: an empirical Bayes estimate with a prior of fixed weight."""
        weight = self._policy.prior_weight
        return (bad + weight * self.book_rate) / (outcomes + weight)

    @property
    def is_silent(self) -> bool:
        """Whether the customer's rate decides alone: the learner is off, too young, or has lately done harm.

        A young learner is confidently wrong where the first outcomes are unlike the later ones (those due at once
        mature first); so it stays in the shadow until its log-loss beats that of the rate alone.
        """
        policy = self._policy
        return policy.model_weight == 0.0 or self.outcomes < policy.warm_up or not self._trusted

    def blend(self, packed: bytes, rate: float) -> float:
        """Learner and rate, averaged in log-odds."""
        weight = self._policy.model_weight
        blended = weight * logit(self._learner.predict_proba_one(packed)) + (1.0 - weight) * logit(rate)
        return 1.0 / (1.0 + exp(-blended))

    def learn(self, account: Account, invoice_id: str, prediction: Prediction) -> Outcome:
        """Score and learn a prediction that has matured; the account itself is not changed."""
        bad = is_bad(prediction)
        if prediction.shadow is not None:
            gain = log_loss_one(prediction.naive, bad) - log_loss_one(prediction.shadow, bad)
            self._advantage = max(_MOST_DISTRUST, self._advantage * self._fade + gain)
            self._trusted = self._advantage >= (_DISTRUSTED if self._trusted else 0.0)
        self.quality.add(prediction.model, prediction.naive, bad)
        self._learner.learn_one(prediction.features, bad)
        self.outcomes += 1
        self.late += bad
        return Outcome(
            account.customer_id,
            invoice_id,
            prediction.issued,
            prediction.matures,
            prediction.model,
            prediction.naive,
            bad,
            self.task,
        )


class DefaultRisk(EventRisk):
    """At issue: will the invoice be paid more than K days late?"""

    task = "A"
    names = NAMES
    _policy: DefaultRiskModel

    @property
    def model_version(self) -> str:
        """Names the model exactly: its kind and how many outcomes it has learned."""
        return f"rate-blr-2@{self._learner.learned}"

    def customer_rate(self, behaviour: Behaviour) -> float:
        """The customer's late rate, of faded outcomes, smoothed to the book's."""
        return self.smoothed(behaviour.weighted_late, behaviour.weighted_outcomes)

    def naive_rate(self, behaviour: Behaviour) -> float:
        """The bar that any model has to beat: the customer's plain late rate, smoothed to the book's."""
        return self.smoothed(behaviour.late_outcomes, behaviour.outcomes)

    def interval(self, probability: float, behaviour: Behaviour) -> tuple[float, float]:
        """80 % interval of a rate from so many outcomes (Wilson score interval)."""
        n = behaviour.weighted_outcomes + self._policy.prior_weight
        z2 = _Z80 * _Z80
        middle = (probability + z2 / (2 * n)) / (1 + z2 / n)
        half = _Z80 / (1 + z2 / n) * ((probability * (1 - probability) + z2 / (4 * n)) / n) ** 0.5
        return max(0.0, min(middle - half, probability)), min(1.0, max(middle + half, probability))

    def predict(self, packed: bytes, behaviour: Behaviour) -> float:
        """Probability that an invoice with these features is paid more than K days late.

        While the learner is silent, customers without any outcome start above the rate of a book that is known; in
        a young book all customers are new to us. Later the learner knows by itself how much worse new ones turn out.
        """
        policy, rate = self._policy, self.customer_rate(behaviour)
        if self.is_silent:
            is_new = not behaviour.outcomes and self.outcomes >= policy.trust_outcomes
            return min(0.9, rate * policy.new_customer_factor) if is_new else rate
        return self.blend(packed, rate)


def is_bad(prediction: Prediction) -> bool:
    """Whether a matured prediction's invoice was paid more than K days late, or is open still.

    K is that of the policy under which it was predicted: it matures on day K + 1 past due, and under a policy that
    came meanwhile it would be judged too early, or not for what was foretold.
    """
    return prediction.settled is None or prediction.settled >= prediction.matures
