"""The bench's arithmetic: rates, percentiles and ratios, on numbers made by hand."""

from __future__ import annotations

import pytest

from bench.figures import Sample, median_ratio, percentile, rate


def test_rate_is_taken_between_the_first_tenth_and_the_end() -> None:
    """A slow start and the idle time after the last event do not count."""
    samples = [Sample(0.0, 5), Sample(10.0, 100), Sample(11.0, 300), Sample(12.0, 500), Sample(20.0, 1000)]
    assert rate(samples, 1000) == 200.0


def test_rate_over_the_first_events_ignores_what_came_later() -> None:
    """With a smaller total the same samples give the rate up to there."""
    samples = [Sample(0.0, 0), Sample(1.0, 100), Sample(2.0, 200), Sample(3.0, 900)]
    assert rate(samples, 300) == 100.0


def test_rate_of_too_few_samples_is_refused() -> None:
    """One sample within the range, or several without progress, give no rate rather than a wrong one."""
    with pytest.raises(ValueError, match="too few samples"):
        rate([Sample(0.0, 0), Sample(1.0, 500), Sample(2.0, 1000)], 1000)
    with pytest.raises(ValueError, match="too few samples"):
        rate([Sample(0.0, 500), Sample(1.0, 500)], 1000)


@pytest.mark.parametrize(
    ("share", "expected"), [(0.5, 50.0), (0.99, 99.0), (0.9901, 100.0), (1.0, 100.0), (0.0, 1.0), (0.01, 1.0)]
)
def test_percentile_is_the_nearest_rank(share: float, expected: float) -> None:
    """The smallest value not exceeded by that share of the values, whatever their order."""
    assert percentile([float(value) for value in range(100, 0, -1)], share) == expected


def test_percentile_of_nothing_is_refused() -> None:
    """No values: no percentile."""
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)


def test_ratio_pairs_the_runs_of_a_round() -> None:
    """Noise that slows a whole round cancels out; an odd round does not move the median."""
    assert median_ratio([100.0, 50.0, 30.0], [50.0, 25.0, 30.0]) == 2.0


def test_ratio_needs_as_many_runs_on_both_sides() -> None:
    """A missing run is an error, not a shorter list."""
    with pytest.raises(ValueError, match="zip"):
        median_ratio([1.0, 2.0], [1.0])
