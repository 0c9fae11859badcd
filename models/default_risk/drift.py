"""Watch a model on its matured outcomes: has what it foretells drifted from what happens, or from what it foretold?

Only certain outcomes are watched: early ones come in a biased order (see learner.py), and a detector that sees them
takes every weekend for drift. A drift is noted and changes nothing.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from math import fsum, log
from typing import Any, Literal, NamedTuple

import msgspec
from river import drift

from schemas.policy import Drift as DriftPolicy

EDGES = (0.01, 0.02, 0.04, 0.07, 0.11, 0.17, 0.27, 0.42, 0.62)
"""Borders of the bins of scores, about evenly spaced in log-odds."""
_NOTED_UNTIL = 0.5
"""A shift of the scores is noted again when the index has been below this part of its threshold meanwhile."""

_LOOKED_AT_EVERY = 50
"""Outcomes between two looks at the scores: their shares move slowly."""


class DriftState(msgspec.Struct, array_like=True):
    """Plain numbers from which the watch goes on, bit for bit."""

    outcomes: int = 0
    seen: int = 0
    mean: float = 0.0
    increase: float = 0.0
    least: float = 0.0
    decrease: float = 0.0
    most: float = 0.0
    reference: list[int] = []
    recent: list[float] = []
    recent_probability: float = 0.0
    recent_bad: float = 0.0
    shifted: bool = False


class Drifted(NamedTuple):
    """What was found, beyond which threshold."""

    kind: Literal["calibration_drift", "score_drift"]
    statistic: float
    threshold: float


class DriftWatch:
    """Page-Hinkley test (Page 1954; River's) on the errors, and population stability index of the scores."""

    def __init__(self, policy: DriftPolicy, state: DriftState | None = None) -> None:
        self._policy = policy
        self._fade = 0.5 ** (1.0 / policy.recent_outcomes)
        self._state = state or DriftState()
        self._test = drift.PageHinkley(delta=policy.delta, threshold=policy.threshold, alpha=1.0)
        if self._state.seen:
            self._restore()

    @property
    def recent(self) -> tuple[float, float]:
        """Mean probability and rate of the recent outcomes."""
        weight = fsum(self._state.recent)
        return (self._state.recent_probability / weight, self._state.recent_bad / weight) if weight else (0.0, 0.0)

    @property
    def outcomes(self) -> int:
        """How many outcomes were watched."""
        return self._state.outcomes

    @property
    def stability(self) -> float | None:
        """The population stability index of the scores; None until there is something to compare with."""
        return self._index() if self._comparable() else None

    def add(self, probability: float, bad: bool) -> list[Drifted]:
        """Watch an outcome that has become certain; what is worth a note now."""
        state, policy = self._state, self._policy
        state.outcomes += 1
        self._count(probability, bad)
        found = []
        self._test.update(bad - probability)  # type: ignore[no-untyped-call]
        if self._test.drift_detected:
            found.append(Drifted("calibration_drift", self._summed(), policy.threshold))
        if state.outcomes % _LOOKED_AT_EVERY:
            return found
        index = self._index()
        if index > policy.psi and not state.shifted:
            state.shifted = True
            found.append(Drifted("score_drift", index, policy.psi))
        elif index < policy.psi * _NOTED_UNTIL:
            state.shifted = False
        return found

    def _count(self, probability: float, bad: bool) -> None:
        state, place = self._state, bisect_right(EDGES, probability)
        if not state.recent:
            state.reference, state.recent = [0] * (len(EDGES) + 1), [0.0] * (len(EDGES) + 1)
        span = self._policy.reference_outcomes
        if span < state.outcomes <= 2 * span:
            state.reference[place] += 1
        state.recent = [count * self._fade for count in state.recent]
        state.recent[place] += 1.0
        state.recent_probability = state.recent_probability * self._fade + probability
        state.recent_bad = state.recent_bad * self._fade + bad

    def _index(self) -> float:
        return population_stability(self._state.reference, self._state.recent) if self._comparable() else 0.0

    def _comparable(self) -> bool:
        """Whether the reference is whole, and as many recent outcomes as count stand behind it."""
        return self._state.outcomes >= 2 * self._policy.reference_outcomes + self._policy.recent_outcomes

    def _summed(self) -> float:
        test = self._test
        return max(test._sum_increase - test._min_increase, test._max_decrease - test._sum_decrease)

    def state(self) -> DriftState:
        """All of it as plain numbers."""
        state = self._state
        test: Any = self._test  # its attributes have no types
        if test.drift_detected:  # the test starts anew with its next outcome
            state.seen, state.mean = 0, 0.0
            state.increase = state.least = state.decrease = state.most = 0.0
        else:
            state.seen, state.mean = int(test._x_mean.n), test._x_mean.get()
            state.increase, state.least = test._sum_increase, test._min_increase
            state.decrease, state.most = test._sum_decrease, float(test._max_decrease)
        return state

    def _restore(self) -> None:
        state = self._state
        test: Any = self._test  # its attributes have no types
        test._x_mean.n, test._x_mean._mean = state.seen, state.mean
        test._sum_increase, test._min_increase = state.increase, state.least
        test._sum_decrease, test._max_decrease = state.decrease, state.most


def population_stability(reference: Sequence[float], recent: Sequence[float]) -> float:
    """PSI = sum((b - a) ln(b / a)) over bins of shares a (reference) and b; half a count is added to each bin."""
    bins = len(reference)
    before, now = fsum(reference) + bins / 2, fsum(recent) + bins / 2
    index = 0.0
    for old, new in zip(reference, recent, strict=True):
        a, b = (old + 0.5) / before, (new + 0.5) / now
        index += (b - a) * log(b / a)
    return index
