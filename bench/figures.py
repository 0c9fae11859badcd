"""The arithmetic of the bench: rates from counter samples, percentiles, medians over rounds, ratios."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import NamedTuple


class Sample(NamedTuple):
    """A counter as read at a time (seconds of any one clock)."""

    at: float
    counted: float


def rate(samples: Sequence[Sample], total: float, skip: float = 0.1) -> float:
    """Counts per second between the first sample beyond ``skip`` of ``total`` and the last one below ``total``.

    The beginning (first fetch, cold caches) and the end (idle after the last count) are left out. Raises ValueError
    when fewer than two samples are left.
    """
    within = [sample for sample in samples if total * skip <= sample.counted < total]
    if len(within) < 2 or within[-1].counted <= within[0].counted:
        raise ValueError(f"too few samples between {total * skip:.0f} and {total:.0f}: sample more often or run longer")
    first, last = within[0], within[-1]
    return (last.counted - first.counted) / (last.at - first.at)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least ``share`` (0-1) of the values do not exceed; raises ValueError on none."""
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    at = -(-len(ordered) * share // 1)  # ceiling
    return ordered[max(0, int(at) - 1)]


def percentiles(phases: Sequence[Sequence[float]], share: float) -> list[float]:
    """The same percentile of each phase, or round."""
    return [percentile(phase, share) for phase in phases]


def median_ratio(above: Sequence[float], below: Sequence[float]) -> float:
    """The median over rounds of ``above / below`` of the same round: noise that lasts over a round cancels out."""
    return median(a / b for a, b in zip(above, below, strict=True))
