"""Laws of models.default_risk.evidence: sums that say how surely a challenger is ahead, customers counted once."""

from __future__ import annotations

from itertools import groupby
from math import inf, sqrt
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.account import Trial
from models.default_risk.evidence import Evidence, trial_after

GAINS = st.lists(st.tuples(st.sampled_from("abcde"), st.floats(-2, 2)), min_size=2, max_size=60)


def counted(gains: list[tuple[str, float]]) -> Evidence:
    """The evidence of (customer, gain) pairs, in the order in which they come."""
    evidence, trials = Evidence(), dict[str, Trial]()
    for customer, gain in gains:
        before, trials[customer] = trial_after(trials.get(customer), 0, gain)
        evidence.add(before, trials[customer])
    return evidence


@given(GAINS)
def test_it_is_the_cluster_robust_standard_error(gains: list[tuple[str, float]]) -> None:
    """Kept as sums, the bound is the one computed from all gains at once by the formula."""
    evidence = counted(gains)
    clusters = [[g for _, g in group] for _, group in groupby(sorted(gains), key=lambda pair: pair[0])]
    mean = fmean(gain for _, gain in gains)
    assert evidence.mean() == pytest.approx(mean, abs=1e-9)
    if len(clusters) < 2:
        assert evidence.lower_bound(1.64) == -inf
        return
    squares = sum((sum(cluster) - mean * len(cluster)) ** 2 for cluster in clusters)
    error = sqrt(squares * len(clusters) / (len(clusters) - 1)) / len(gains)
    assert evidence.lower_bound(1.64) == pytest.approx(mean - 1.64 * error, abs=1e-6)


def test_the_same_gains_prove_less_when_few_customers_show_them() -> None:
    """Half gains of .3 and half losses of .1: of a hundred customers that is evidence, of four it is none."""
    gains = [0.3, -0.1] * 50
    many = counted([(f"c{n}", gain) for n, gain in enumerate(gains)])
    few = counted([(f"c{n % 4}", gain) for n, gain in enumerate(gains)])
    assert many.mean() == pytest.approx(few.mean()) == pytest.approx(0.1)
    assert many.lower_bound(1.64) > 0 > few.lower_bound(1.64)


def test_a_trial_from_before_the_promotion_is_void() -> None:
    """What a customer had shown against another champion does not count."""
    before, after = trial_after(Trial(since=5, outcomes=9, gain=3.0), since=6, gain=0.5)
    assert (before, after) == (Trial(6), Trial(6, 1, 0.5))
