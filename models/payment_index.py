"""The payment index (0-100) of one payment, from its days late; source: docs of the domain, fixed nodes."""

from __future__ import annotations

from models.curve import Curve

MIN_PAYMENTS = 3
"""The index of a customer needs at least so many payments."""

_CURVE = Curve(
    [(-30, 100), (-20, 90), (0, 80), (15, 70), (22, 60), (30, 50), (60, 40), (90, 30), (120, 20)],
)


def payment_index(days_late: float) -> float:
    """100 = 30 days early, 80 = prompt, 70 = 15 days late ... 20 = 120 late or more; linear in between.

    >>> payment_index(0), payment_index(45), payment_index(-40)
    (80.0, 45.0, 100.0)
    """
    return _CURVE(days_late)
