"""Roll risk: on the first day past due, will the invoice stay open for long? What foretells trouble best.

It says more than the score at issue: most invoices that miss their date by a day are paid within the week, and
which ones are not shows in how this customer's overdue invoices ended before.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from math import log1p

from models.account import Account, Behaviour, OpenItem, Prediction
from models.default_risk.features import late_by_habit, logit
from models.default_risk.risk import EventRisk
from models.default_risk.segments import segment_of
from models.exposure import Position
from schemas.policy import RollRiskModel

_STARTS_BY = 3
"""Days past due until which an invoice gets its prediction (its first day may lie in a time without ticks)."""
_NEVER_PAID = 365
_TYPICAL_GAP = 10.0
"""Days between two payments of a customer of whom we know none yet."""


class RollRisk(EventRisk):
    """Predicts and learns whether an invoice that is overdue passes ``days`` past due."""

    task = "B"
    names = (
        "roll_rate_logit",
        "recent_roll_rate_logit",
        "roll_share_logit",
        "roll_by_habit",
        "payment_gap",
        "unusual_amount",
        "new_customer",
        "age_log",
        "oldest_dpd_log",
        "open_count_log",
        "overdue_share",
    )
    _policy: RollRiskModel

    def naive_rate(self, behaviour: Behaviour) -> float:
        """How often the customer's overdue invoices have rolled, smoothed to the book's rate."""
        return self.smoothed(behaviour.rolled_outcomes, behaviour.overdue_outcomes)

    def customer_rate(self, behaviour: Behaviour, segment: str | None) -> float:
        """The same, smoothed to the customer's segment."""
        return self.smoothed(behaviour.rolled_outcomes, behaviour.overdue_outcomes, segment)

    @staticmethod
    def unforetold(account: Account, day: int) -> list[tuple[str, OpenItem]]:
        """The invoices that have just become overdue, without a prediction."""
        found = []
        for invoice_id, item in account.items.items():
            if item.due < day <= item.due + _STARTS_BY and invoice_id not in account.rolls:
                found.append((invoice_id, item))
        if account.disputes:  # how these end does not tell the payer
            found = [(invoice_id, item) for invoice_id, item in found if invoice_id not in account.disputes]
        return found

    def foretell(
        self, account: Account, fresh: Iterable[tuple[str, OpenItem]], where: dict[str, Position], day: int
    ) -> None:
        """Predict invoices that are ``unforetold``, once; the predictions wait in ``account.rolls``."""
        naive = self.naive_rate(account.behaviour)
        rate = self.customer_rate(account.behaviour, segment_of(account.master))
        shared = self._customer_features(account, where, rate, day)
        for invoice_id, item in fresh:
            packed = self._packed(account, shared, float(item.amount))
            model = self.corrected(rate if self.is_silent else self.blend(packed, rate))
            issued = account.predictions.get(invoice_id)
            account.rolls[invoice_id] = Prediction(
                item.due + self._policy.days + 1, day, item.due, model, naive, packed,
                others=self.shadows(packed, rate), acted=issued is not None and issued.acted,
                offset=self.offset,
            )  # fmt: skip

    def _customer_features(
        self, account: Account, where: dict[str, Position], rate: float, day: int
    ) -> tuple[list[float], list[float]]:
        """What is the same for all invoices of a day: the features before, and those behind, the amount's."""
        behaviour, days = account.behaviour, self._policy.days
        recent = (behaviour.recent_rolled + 3.0 * rate) / (behaviour.recent_overdue + 3.0)
        share = (behaviour.rolled_outcomes + 1.0) / (behaviour.outcomes + 15.0)
        overdue_by_habit = max(1e-3, late_by_habit(behaviour, 0))
        habit = min(0.98, late_by_habit(behaviour, days) / overdue_by_habit)
        since = min(_NEVER_PAID, day - behaviour.last_payment) if behaviour.last_payment else _NEVER_PAID
        age = max(0, day - behaviour.first_order) if behaviour.first_order else 0
        gap = age / behaviour.payments if behaviour.payments else _TYPICAL_GAP
        overdue = sum(len(position.items) for position in where.values())
        before = [logit(rate), logit(recent), logit(min(share, 1.0)), logit(0.01 + 0.98 * habit)]
        before.append(log1p(max(0, since)) - log1p(gap))
        behind = [
            0.0 if behaviour.payments else 1.0,
            log1p(age),
            log1p(max((position.oldest_dpd for position in where.values()), default=0)),
            log1p(len(account.items)),
            overdue / max(1, len(account.items)),
        ]
        return before, behind

    @staticmethod
    def _packed(account: Account, shared: tuple[list[float], list[float]], amount: float) -> bytes:
        behaviour = account.behaviour
        unusual = log1p(amount) - behaviour.amount_log_sum / behaviour.invoices if behaviour.invoices else 0.0
        before, behind = shared
        return array("f", [*before, unusual, *behind]).tobytes()
