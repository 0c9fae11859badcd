"""Late rates by segment: what a customer's rate is smoothed to, between the customer and the book."""

from __future__ import annotations

from typing import Final

from models.account import Master

MOST: Final = 200
"""Segments that are counted; those that come later stay with the book. A firm has a few dozen."""


def segment_of(master: Master) -> str | None:
    """The segment of a customer, or else its sector; None where master data tells neither."""
    if master.segment is not None:
        return f"segment:{master.segment}"
    return None if master.sector is None else f"sector:{master.sector}"


class SegmentRates:
    """Outcomes and bad ones by segment: plain counts, so those of several partitions add up."""

    def __init__(self, weight: float | None, counts: dict[str, list[int]]) -> None:
        """``weight``: a segment's rate counts as much as the book's at so many outcomes; None = not at all."""
        self._weight, self.counts = weight, counts

    def learn(self, segment: str | None, bad: bool) -> None:
        """Count a certain outcome."""
        if segment is None:
            return
        found = self.counts.get(segment)
        if found is None:
            if len(self.counts) >= MOST:
                return
            found = self.counts[segment] = [0, 0]
        found[0] += 1
        found[1] += bad

    def rate(self, segment: str | None, book_rate: float) -> float:
        """The segment's rate, smoothed to the book's; the book's where nothing is known of it."""
        found = self.counts.get(segment) if segment is not None and self._weight is not None else None
        if found is None or self._weight is None:
            return book_rate
        return (found[1] + self._weight * book_rate) / (found[0] + self._weight)
