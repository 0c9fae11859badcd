"""How a supplier delivers and what it asks: faded sums on its account, and what the policy makes of them.

On time in full (OTIF) = deliveries by the promised date of the quantity ordered, rejects off, / deliveries: level 2 of
the SCOR model's reliability (RL.2.1 delivered in full, RL.2.2 delivery performance to customer commit date). Prices
are a Paasche index per currency: sum(asked price x quantity) / sum(reference price x quantity).
"""

from __future__ import annotations

from datetime import date
from math import fsum

from models.account import Account, PriceStats, Supply
from models.curve import Curve
from models.opinions import Opinion, confidence
from schemas.policy import Policy
from schemas.supply import DeliveryReceived, PriceQuoted


def receive_delivery(account: Account, event: DeliveryReceived, policy: Policy) -> None:
    """Count what came of a promise; early counts as on time."""
    day = event.delivered_date.toordinal()
    late = max(0, day - event.promised_date.toordinal())
    good = float((event.quantity_delivered - event.quantity_rejected) / event.quantity_ordered)
    supply, weight = _brought_to(account, day, policy)
    supply.deliveries += 1
    supply.last_delivery = max(supply.last_delivery, day)
    supply.weight += weight
    supply.on_time_in_full += weight * (late == 0 and good >= policy.supply.in_full_share)
    supply.days_late += weight * late
    if event.quantity_delivered:
        supply.rejected += weight * float(event.quantity_rejected / event.quantity_delivered)


def quote_price(account: Account, event: PriceQuoted, policy: Policy) -> None:
    """Count a price beside its reference, within its currency."""
    day = event.occurred_at.date().toordinal()
    supply, weight = _brought_to(account, day, policy)
    supply.quotes += 1
    supply.last_quote = max(supply.last_quote, day)
    prices = supply.prices.setdefault(event.currency, PriceStats())
    quantity = 1.0 if event.quantity is None else float(event.quantity)
    prices.weight += weight
    prices.asked += weight * quantity * float(event.unit_price)
    prices.reference += weight * quantity * float(event.reference_price)


def _brought_to(account: Account, day: int, policy: Policy) -> tuple[Supply, float]:
    """The supplier's sums faded to ``day``, or, if they are ahead of it, what a fact of that day still weighs."""
    half_life = policy.behaviour.half_life_days
    supply = account.supply = account.supply or Supply(day)
    ahead = supply.day - day
    if ahead >= 0:
        return supply, 2.0 ** (-ahead / half_life)
    fade = 2.0 ** (ahead / half_life)
    supply.day = day
    supply.weight *= fade
    supply.on_time_in_full *= fade
    supply.days_late *= fade
    supply.rejected *= fade
    for prices in supply.prices.values():
        prices.weight *= fade
        prices.asked *= fade
        prices.reference *= fade
    return supply, 1.0


class SupplyRules:
    """A policy's rules for deliveries and prices, made ready to weigh them."""

    def __init__(self, policy: Policy) -> None:
        self._rules = policy.supply
        self._parts: dict[str, tuple[float, Curve]] = {}
        for name, component in policy.supply.deliveries:
            if component.weight > 0:
                self._parts[name] = (component.weight, Curve([(node.at, node.points) for node in component.nodes]))

    def opinions(self, supply: Supply, day: int) -> dict[str, Opinion]:
        """``delivery`` (points, 0 to 1000) and ``price`` (asked / reference, of the dearest currency)."""
        found = {}
        if supply.deliveries:
            found["delivery"] = self._of_deliveries(supply, day)
        if supply.quotes:
            found["price"] = self._of_prices(supply, day)
        return found

    def delivery_measures(self, supply: Supply) -> dict[str, float]:
        """OTIF rate, mean days late, mean share rejected; each smoothed to what is usual."""
        rules = self._rules
        prior = rules.prior_weight

        def smoothed(total: float, usual: float) -> float:
            return (total + prior * usual) / (supply.weight + prior)

        return {
            "on_time_in_full": smoothed(supply.on_time_in_full, rules.usual_on_time_in_full),
            "days_late": smoothed(supply.days_late, rules.usual_days_late),
            "rejected": smoothed(supply.rejected, rules.usual_rejected),
        }

    def price_ratio(self, supply: Supply) -> tuple[float, str]:
        """Asked / reference price, smoothed to 1, of the currency in which it is highest; never across currencies."""
        prior = self._rules.prior_weight
        ratios = [
            (1.0 + (prices.asked / prices.reference - 1.0) * prices.weight / (prices.weight + prior), currency)
            for currency, prices in supply.prices.items()
            if prices.reference > 0.0
        ]
        return max(ratios, default=(1.0, ""))

    def _of_deliveries(self, supply: Supply, day: int) -> Opinion:
        detail = {"deliveries": str(supply.deliveries), "as_of": date.fromordinal(supply.last_delivery).isoformat()}
        measures = self.delivery_measures(supply)
        total = fsum(weight for weight, _ in self._parts.values())
        if supply.deliveries < self._rules.min_deliveries or not total:
            return Opinion(None, 0.0, detail)
        points = fsum(weight / total * curve(measures[name]) for name, (weight, curve) in self._parts.items())
        detail = {**{name: f"{value:.3g}" for name, value in measures.items()}, **detail}
        return Opinion(points, self._confidence(supply.last_delivery, day), detail, unaged=points)

    def _of_prices(self, supply: Supply, day: int) -> Opinion:
        detail = {"quotes": str(supply.quotes), "as_of": date.fromordinal(supply.last_quote).isoformat()}
        if supply.quotes < self._rules.min_quotes:
            return Opinion(None, 0.0, detail)
        ratio, currency = self.price_ratio(supply)
        return Opinion(ratio, self._confidence(supply.last_quote, day), {"currency": currency, **detail}, unaged=ratio)

    def _confidence(self, last: int, day: int) -> float:
        return confidence(day - last, self._rules.fresh_days, self._rules.max_age_days)


def known_outcomes(account: Account, policy: Policy) -> int:
    """The evidence on an account: outcomes of its invoices, and deliveries where the policy weighs them."""
    outcomes = account.behaviour.outcomes
    if account.supply is not None and policy.scorecard.delivery.weight > 0:
        outcomes += account.supply.deliveries
    return outcomes


def next_change(supply: Supply, day: int, policy: Policy) -> int | None:
    """The next day after ``day`` on which deliveries or prices have lost all confidence."""
    days = [last + policy.supply.max_age_days for last in (supply.last_delivery, supply.last_quote) if last]
    return min((found for found in days if found > day), default=None)
