"""Piecewise linear curves, held constant beyond their ends."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence


class Curve:
    """A curve through nodes ``(x, y)`` with strictly ascending x.

    >>> Curve([(0, 0), (10, 100)])(2.5)
    25.0
    """

    __slots__ = ("_xs", "_ys")

    def __init__(self, nodes: Sequence[tuple[float, float]]) -> None:
        self._xs = [float(x) for x, _ in nodes]
        self._ys = [float(y) for _, y in nodes]

    def __call__(self, x: float) -> float:
        at = bisect_right(self._xs, x)
        if at == 0:
            return self._ys[0]
        if at == len(self._xs):
            return self._ys[-1]
        x0, x1, y0, y1 = self._xs[at - 1], self._xs[at], self._ys[at - 1], self._ys[at]
        return y0 + (y1 - y0) * (x - x0) / (x1 - x0)
