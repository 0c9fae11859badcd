"""The judgement on an order: what it did not pass, and what follows."""

from __future__ import annotations

from dataclasses import dataclass

from models.account import Release
from models.order_checks.facts import Facts, Failed
from models.order_checks.ladder import mildest_measure
from models.order_checks.steps import failed_steps
from schemas.decisions import Decision, OrderCheck
from schemas.order_measures import OrderMeasure

_CONDITIONS = ("shorter_terms", "deposit")
"""Measures on which an order can be approved as a whole."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """``decision`` is APPROVE, HOLD or REJECT; ``released``: a person's release that lets it pass."""

    decision: Decision
    failed: list[Failed]
    measure: OrderMeasure | None
    released: Release | None = None

    @property
    def checks(self) -> list[OrderCheck]:
        """What it did not pass, as it is told."""
        return [item.check for item in self.failed]


def judge(facts: Facts) -> Judgement:
    """What an order gets from the state as it is."""
    failed = failed_steps(facts)
    measure = mildest_measure(facts, failed)
    if measure is None:
        return Judgement(Decision.APPROVE, failed, None)
    release = facts.order.release
    if release is not None and facts.order.amount <= release.up_to and facts.day <= release.until:
        return Judgement(Decision.APPROVE, failed, measure, release)
    if measure.kind == "refuse":
        return Judgement(Decision.REJECT, failed, measure)
    if measure.kind in _CONDITIONS and facts.policy.order_checks.soft == "condition":
        return Judgement(Decision.APPROVE, failed, measure)
    return Judgement(Decision.HOLD, failed, measure)
