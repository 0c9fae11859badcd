"""Risk of an event in a partition's book: the customers' own rates, the learner beside them, and their quality.

The customer's own rate, smoothed to the book's, holds nearly all that can be known; the learner adds a
little. Both are averaged in log-odds. Everything here changes only when outcomes become certain, at ticks.
"""

from __future__ import annotations

from math import exp, fsum
from typing import ClassVar, Literal

import msgspec

from models.account import Account, Behaviour, Prediction, Trial
from models.default_risk.evidence import Evidence, trial_after
from models.default_risk.features import NAMES, logit
from models.default_risk.learner import Learner, LearnerState, Scaling, make_learner
from models.default_risk.pool import Pool
from models.default_risk.quality import Period, RunningQuality, log_loss_one
from models.default_risk.recalibration import Recalibration
from models.default_risk.segments import SegmentRates, segment_of
from models.default_risk.sharing import SharedRisk
from schemas.policy import BASE_MODEL, DefaultRiskModel, RollRiskModel

_Z80 = 1.2815515655446004
"""Standard normal quantile for an interval that holds 80 %."""

_DISTRUSTED, _MOST_DISTRUST = -3.0, -5.0
"""In log-loss, summed: a learner that has lost so much against the rate falls silent until it has made up for it; and
however badly it did when it was young, it has no more than the second to make up for."""


OFFSET_STEPS = 10_000
"""Steps of a recalibration's offset in one unit of log-odds."""


class RiskState(msgspec.Struct, array_like=True):
    """What the partition knows about one event: its outcomes, how many were bad (``late``), and the learners.

    ``learner`` is the champion's, with the scaling that all share; ``since`` is the day of the last promotion;
    ``segments`` counts outcomes and bad ones; ``offset`` and ``information`` are the recalibration's; ``restored`` is
    the id of the event that last put the model back to a checkpoint.
    """

    outcomes: int = 0
    late: int = 0
    learner: LearnerState = msgspec.field(default_factory=LearnerState)
    quality: RunningQuality = msgspec.field(default_factory=RunningQuality)
    advantage: float = 0.0
    trusted: bool = True
    champion: str = BASE_MODEL
    challengers: dict[str, LearnerState] = {}
    evidence: dict[str, Evidence] = {}
    since: int = 0
    period: Period = msgspec.field(default_factory=Period)
    segments: dict[str, list[int]] = {}
    offset: float = 0.0
    information: float = 0.0
    restored: str = ""


class Outcome(msgspec.Struct):
    """A prediction whose outcome has become certain. Task A: made at issue; B: on the first day past due.

    ``acted``: our own holds or terms may have changed it.
    """

    customer_id: str
    invoice_id: str
    issued: int
    matured: int
    model: float
    naive: float
    bad: bool
    task: Literal["A", "B"] = "A"
    features: bytes = b""
    acted: bool = False


class EventRisk:
    """Predict and learn one event; one object per partition. The subclasses say which event."""

    task: ClassVar[Literal["A", "B"]]
    names: ClassVar[tuple[str, ...]]
    """Of the features, in the order in which they are packed."""

    def __init__(self, policy: DefaultRiskModel | RollRiskModel, state: RiskState | None = None) -> None:
        self._policy = policy
        state = state or RiskState()
        self.outcomes, self.late, self.quality = state.outcomes, state.late, state.quality
        self.evidence, self.since, self.period = state.evidence, state.since, state.period
        self._advantage, self._trusted = state.advantage, state.trusted
        self._segments = SegmentRates(policy.segment_weight, state.segments)
        self._recalibration = None if policy.recalibration_prior is None else Recalibration(policy.recalibration_prior)
        if self._recalibration is not None and state.information:
            self._recalibration.offset, self._recalibration.information = state.offset, state.information
        self.restored = state.restored
        self._fade = 0.5 ** (1.0 / policy.trust_outcomes)
        self._scaling = Scaling(self.names, state.learner)
        self._settings = policy.learners
        stored = {**state.challengers, state.champion: state.learner}
        self._learners = {
            name: make_learner(self.names, settings, stored.get(name)) for name, settings in self._settings.items()
        }
        self._heard: list[SharedRisk] = []
        self._shared: SharedRisk | None = None
        self._pooled: Pool | None = None
        # A policy that does not know the champion any more has the section's own learner instead.
        self._lead(state.champion if state.champion in self._learners else BASE_MODEL)

    def _lead(self, champion: str) -> None:
        self.champion = champion
        self._learner, self._weight = self._learners[champion], self._settings[champion].model_weight
        self._others = [
            (name, learner, self._settings[name].model_weight)
            for name, learner in self._learners.items()
            if name != champion
        ]

    def state(self) -> RiskState:
        """All of it as plain numbers."""
        return RiskState(
            self.outcomes,
            self.late,
            self._scaling.keep_in(self._learner.state()),
            self.quality,
            self._advantage,
            self._trusted,
            self.champion,
            {name: learner.state() for name, learner, _ in self._others},
            self.evidence,
            self.since,
            self.period,
            self._segments.counts,
            0.0 if self._recalibration is None else self._recalibration.offset,
            0.0 if self._recalibration is None else self._recalibration.information,
            self.restored,
        )

    @property
    def model_version(self) -> str:
        """Names the model exactly: its kind and how many outcomes it has learned."""
        kind = {"second_order": "rate-blr-2", "gradient": "rate-sgd-1"}[self._settings[self.champion].kind]
        name = "" if self.champion == BASE_MODEL else f"{self.champion}:"
        return f"{name}{kind}@{self._learner.steps}"

    @property
    def book_rate(self) -> float:
        """Rate of the event in the whole book, as far as it is known here, starting from the policy's guess."""
        policy, known = self._policy, self._pool or self
        return (known.late + policy.base_rate * policy.base_weight) / (known.outcomes + policy.base_weight)

    @property
    def offset(self) -> int:
        """The correction of all predictions, in ten-thousandths of log-odds; 0 while nothing was learned.

        In whole steps, since each prediction that waits for its outcome keeps the one that is in it.
        """
        if self._recalibration is None:
            return 0
        return round((self._recalibration.offset if self._pool is None else self._pool.offset) * OFFSET_STEPS)

    @property
    def is_shared(self) -> bool:
        """Whether partitions tell each other what they have learned."""
        return self._policy.shared

    def shared(self) -> SharedRisk:
        """What was learned here, as sums that those of other partitions are added to."""
        if self._shared is None:
            self._shared = self._sums()
        return self._shared

    def _sums(self) -> SharedRisk:
        known = {name: learner.information() for name, learner in self._learners.items()}
        correction = self._recalibration
        return SharedRisk(
            self.outcomes,
            self.late,
            {segment: list(counts) for segment, counts in self._segments.counts.items()},
            self._scaling.sums(),
            {name: information for name, information in known.items() if information is not None},
            0.0 if correction is None else correction.offset * correction.information,
            0.0 if correction is None else correction.information - correction.prior,
            self._advantage,
            sorted(self.names),
            self.champion,
            self.restored,
        )

    def pool_with(self, others: list[SharedRisk]) -> None:
        """Predict from what the other partitions know as well, from now on; learning stays one's own.

        Left out are models of other features (a worker of another version), and those that were not put back to the
        checkpoint to which ours was, or have been put back already: each tells its new one when it has.
        """
        names = sorted(self.names)
        self._heard = [other for other in others if other.names == names and other.restored == self.restored]
        self._pooled = None

    @property
    def _pool(self) -> Pool | None:
        if self._heard and self._pooled is None:
            variances = {
                name: settings.prior_variance
                for name, settings in self._settings.items()
                if settings.kind == "second_order"
            }
            policy = self._policy
            parts = [self.shared(), *self._heard]
            self._pooled = Pool(parts, self.names, variances, policy.segment_weight, policy.recalibration_prior)
        return self._pooled

    def smoothed(self, bad: float, outcomes: float, segment: str | None = None) -> float:
        """A customer's rate, smoothed to its segment's and that to the book's: empirical Bayes with fixed weights."""
        weight, pool = self._policy.prior_weight, self._pool
        segments = self._segments if pool is None else pool.segments
        return (bad + weight * segments.rate(segment, self.book_rate)) / (outcomes + weight)

    def corrected(self, probability: float) -> float:
        """A probability, recalibrated."""
        return _shifted(probability, self.offset / OFFSET_STEPS)

    @property
    def is_silent(self) -> bool:
        """Whether the customer's rate decides alone: the learner is off, too young, or has lately done harm.

        A young learner is confidently wrong where the first outcomes are unlike the later ones (those due at once
        mature first); so it stays in the shadow until its log-loss beats that of the rate alone.
        """
        known = self._pool or self
        return self._weight == 0.0 or known.outcomes < self._policy.warm_up or not self._trusted

    def blend(self, packed: bytes, rate: float) -> float:
        """The champion and the rate, averaged in log-odds."""
        return _blended(self._predict(self.champion, self._learner, packed), rate, self._weight)

    def _predict(self, name: str, learner: Learner, packed: bytes) -> float:
        pool = self._pool
        pooled = None if pool is None else pool.predict(name, packed)
        # One that is not pooled has learned on the scale of its own partition.
        return learner.predict(self._scaling.scaled(packed)) if pooled is None else pooled

    def shadows(self, packed: bytes, rate: float) -> dict[str, float] | None:
        """What the challengers foretell, by name; those that are still too young say nothing."""
        if not self._others:
            return None
        warm_up = self._policy.warm_up
        return {
            name: _blended(self._predict(name, learner, packed), rate, weight)
            for name, learner, weight in self._others
            if learner.steps >= warm_up
        }

    def learn(
        self, account: Account, invoice_id: str, prediction: Prediction, trials: dict[str, Trial] | None = None
    ) -> Outcome:
        """Score and learn a prediction that has matured; the account itself is not changed.

        ``trials``: what the account had shown of the challengers before; brought up to date.
        """
        bad = is_bad(prediction)
        self._pooled = self._shared = None
        if not prediction.acted:
            self._score(account.customer_id, prediction, bad, trials if trials is not None else {})
        weight = self._policy.acted_weight if prediction.acted else 1.0
        if not prediction.acted and self._recalibration is not None:
            self._recalibration.learn(logit(prediction.model) - prediction.offset / OFFSET_STEPS, bad)
        if weight > 0.0:
            self._segments.learn(segment_of(account.master), bad)
            self._scaling.learn_one(prediction.features)
            z = self._scaling.scaled(prediction.features)
            for learner in self._learners.values():
                learner.learn(z, bad, weight)
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
            prediction.features,
            prediction.acted,
        )

    def _score(self, customer_id: str, prediction: Prediction, bad: bool, trials: dict[str, Trial]) -> None:
        if prediction.shadow is not None:
            gain = log_loss_one(prediction.naive, bad) - log_loss_one(prediction.shadow, bad)
            # What the others have seen of the pooled learner counts as well: together they have as much to make up for
            # as one partition alone.
            most = _MOST_DISTRUST / (1 + len(self._heard))
            self._advantage = max(most, self._advantage * self._fade + gain)
            alike = [other.advantage for other in self._heard if other.champion == self.champion]
            advantage = self._advantage + fsum(alike)
            self._trusted = advantage >= (_DISTRUSTED if self._trusted else 0.0)
        self.quality.add(prediction.model, prediction.naive, bad)
        self.period.add(customer_id, prediction.model, prediction.naive, bad)
        for name, before, after in self.tried(prediction, bad, trials):
            self.evidence.setdefault(name, Evidence()).add(before, after)

    def tried(self, prediction: Prediction, bad: bool, trials: dict[str, Trial]) -> list[tuple[str, Trial, Trial]]:
        """What an outcome says of the challengers: the account's trial of each, before and after; kept in ``trials``.

        Outcomes that our own actions may have changed say nothing, nor do those foretold before the last promotion.
        """
        found = []
        if not prediction.acted and prediction.others and prediction.issued >= self.since:
            champion = uncorrected(prediction)  # challengers are not recalibrated: like is compared with like
            for name, probability in prediction.others.items():
                if name in self._learners and name != self.champion:
                    gain = log_loss_one(champion, bad) - log_loss_one(probability, bad)
                    key = f"{self.task}:{name}"
                    before, after = trial_after(trials.get(key), self.since, gain)
                    trials[key] = after
                    found.append((name, before, after))
        return found

    def forget_others(self, trials: dict[str, Trial]) -> None:
        """Drop an account's trials of challengers that are none (any more), or from before the last promotion."""
        for key in [key for key in trials if key[0] == self.task]:
            if trials[key].since != self.since or key[2:] not in self.challengers:
                del trials[key]

    @property
    def challengers(self) -> list[str]:
        """Names of the learners in the shadow."""
        return [name for name, _, _ in self._others]

    def promote(self, name: str, day: int) -> None:
        """Let a challenger lead from ``day`` on; the champion goes on in the shadow, and all evidence starts anew."""
        self._lead(name)
        self._advantage, self._trusted = 0.0, True
        self.evidence, self.since = {}, day
        if self._recalibration is not None:  # it made up for the mistakes of the model that led until now
            self._recalibration = Recalibration(self._recalibration.prior)
        self._pooled = self._shared = None


def _blended(probability: float, rate: float, weight: float) -> float:
    log_odds = weight * logit(probability) + (1.0 - weight) * logit(rate)
    return 1.0 / (1.0 + exp(-log_odds))


def _shifted(probability: float, offset: float) -> float:
    return probability if offset == 0.0 else 1.0 / (1.0 + exp(-(logit(probability) + offset)))


def uncorrected(prediction: Prediction) -> float:
    """What was foretold, without the recalibration that is in it."""
    return _shifted(prediction.model, -prediction.offset / OFFSET_STEPS)


class DefaultRisk(EventRisk):
    """At issue: will the invoice be paid more than K days late?"""

    task = "A"
    names = NAMES
    _policy: DefaultRiskModel

    def customer_rate(self, behaviour: Behaviour, segment: str | None = None) -> float:
        """The customer's late rate, of faded outcomes, smoothed to its segment's."""
        return self.smoothed(behaviour.weighted_late, behaviour.weighted_outcomes, segment)

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

    def predict(
        self, packed: bytes, behaviour: Behaviour, segment: str | None = None, blended: float | None = None
    ) -> float:
        """Probability that an invoice with these features is paid more than K days late, recalibrated.

        ``blended``: what ``blend`` gives for it, where that is known already.

        While the learner is silent, customers without any outcome start above their segment's rate in a book that is
        known; in a young book all customers are new to us. Later the learner knows by itself how much worse new ones
        turn out.
        """
        policy, rate = self._policy, self.customer_rate(behaviour, segment)
        if self.is_silent:
            is_new = not behaviour.outcomes and (self._pool or self).outcomes >= policy.trust_outcomes
            return self.corrected(min(0.9, rate * policy.new_customer_factor) if is_new else rate)
        return self.corrected(self.blend(packed, rate) if blended is None else blended)


def is_bad(prediction: Prediction) -> bool:
    """Whether a matured prediction's invoice was paid more than K days late, or is open still.

    K is that of the policy under which it was predicted: it matures on day K + 1 past due, and under a policy that
    came meanwhile it would be judged too early, or not for what was foretold.
    """
    return prediction.settled is None or prediction.settled >= prediction.matures
