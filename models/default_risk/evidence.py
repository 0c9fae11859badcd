"""Evidence for a challenger: by how much its log-loss is the lower one, paired by invoice, clustered by customer.

The invoices of one customer are not independent, so the customers are what counts: the variance of the mean gain is the
cluster-robust one (Liang and Zeger 1986), C / (C - 1) sum((d_c - m n_c)^2) / n^2 for C customers with n_c outcomes each
and summed gains d_c. It is kept as sums, to which each outcome adds; the customer's own part stands in its account.
"""

from __future__ import annotations

from math import sqrt

import msgspec

from models.account import Trial


class Evidence(msgspec.Struct, array_like=True):
    """Sums over the customers; those of several partitions add up, since no customer is in two of them."""

    outcomes: int = 0
    customers: int = 0
    gain: float = 0.0
    gain_squares: float = 0.0
    gain_counts: float = 0.0
    count_squares: int = 0

    def add(self, before: Trial, after: Trial) -> None:
        """Count one outcome of a customer, whose trial it changed from ``before`` to ``after``."""
        self.outcomes += 1
        self.customers += before.outcomes == 0
        self.gain += after.gain - before.gain
        self.gain_squares += after.gain**2 - before.gain**2
        self.gain_counts += after.gain * after.outcomes - before.gain * before.outcomes
        self.count_squares += after.outcomes**2 - before.outcomes**2

    def mean(self) -> float:
        """Mean gain in log-loss per outcome; above 0 the challenger is ahead."""
        return self.gain / self.outcomes if self.outcomes else 0.0

    def lower_bound(self, quantile: float) -> float:
        """The mean minus so many standard errors; no bound (-inf) with fewer than two customers."""
        if self.customers < 2:
            return float("-inf")
        mean = self.mean()
        squares = self.gain_squares - 2.0 * mean * self.gain_counts + mean * mean * self.count_squares
        variance = max(0.0, squares) * self.customers / (self.customers - 1) / self.outcomes**2
        return mean - quantile * sqrt(variance)


def trial_after(trial: Trial | None, since: int, gain: float) -> tuple[Trial, Trial]:
    """A customer's trial of a challenger before and after an outcome; one from before the last promotion is void."""
    before = trial if trial is not None and trial.since == since else Trial(since)
    return before, Trial(since, before.outcomes + 1, before.gain + gain)
