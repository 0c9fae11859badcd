"""The scorecard: each known measure of an account turned into points; the score is their sum (0-1000)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from models.account import Account
from models.behaviour import mean_payment_index, order_velocity
from models.curve import Curve
from models.exposure import Position, concentration, material
from models.opinions import NO_OPINIONS, Opinion, OpinionRules
from models.supply import SupplyRules
from schemas.policy import Policy

COMPONENTS: tuple[str, ...] = (
    "default_risk",
    "ageing",
    "payment_index",
    "utilisation",
    "order_pattern",
    "financial",
    "agency",
    "qualitative",
    "concentration",
    "delivery",
    "price",
)


class Scorecard:
    """A policy's scorecard, made ready to score accounts."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._parts: dict[str, tuple[float, Curve]] = {}
        for name in COMPONENTS:
            component = getattr(policy.scorecard, name)
            if component.weight > 0:
                nodes = [(node.at, node.points) for node in component.nodes]
                self._parts[name] = (component.weight, Curve(nodes))
        self._opinion_rules, self._supply_rules = OpinionRules(policy), SupplyRules(policy)

    def opinions(self, account: Account, day: int) -> dict[str, Opinion]:
        """What is said of the customer, by component, each with the confidence that its age leaves; of a supplier also
        how it delivers and what it asks."""
        found = self._opinion_rules.opinions(account.external, day)
        if account.supply is not None:
            found |= self._supply_rules.opinions(account.supply, day)
        return found

    def measures(
        self,
        account: Account,
        positions: dict[str, Position],
        limits: dict[str, Decimal],
        day: int,
        opinions: Mapping[str, Opinion] = NO_OPINIONS,
    ) -> dict[str, float]:
        """What is known of the account on a day, by component; unknown components are absent."""
        known = {"default_risk": account.probability}
        if account.items or account.behaviour.payments:
            ageing = 0.0
            for position in positions.values():
                if position.items and material(position, 1, self._policy):
                    ageing = max(ageing, position.mean_days_past_due)
            known["ageing"] = ageing
        index = mean_payment_index(account.behaviour)
        if index is not None:
            known["payment_index"] = index
        if limits:
            # A limit with nothing against it is unused, not unknown: paying the last invoice costs no points.
            used = [utilisation(positions[c], limit) for c, limit in limits.items() if c in positions]
            known["utilisation"] = max(used, default=0.0)
        velocity = order_velocity(account.behaviour, day, self._policy.behaviour)
        if velocity is not None:
            known["order_pattern"] = max(velocity, 1.0 / velocity)
        if "concentration" in self._parts:
            share = concentration(account, positions, day, self._policy)
            if share is not None:
                known["concentration"] = share
        for name, opinion in opinions.items():
            if opinion.value is not None and opinion.confidence > 0:
                known[name] = opinion.value
        return known

    def points(self, measures: Mapping[str, float], opinions: Mapping[str, Opinion] = NO_OPINIONS) -> dict[str, int]:
        """Points per component. Weights of unknown components, and what age takes of an opinion's weight, are shared
        out; points are rounded down, so that they are whole numbers and their sum, the score, never passes 1000."""
        known, total = self._weighed(measures, opinions)
        return {name: int(weight / total * curve(value)) for name, weight, curve, value in known}

    def shares(self, measures: Mapping[str, float], opinions: Mapping[str, Opinion] = NO_OPINIONS) -> dict[str, float]:
        """The share of the score that each component has a say in, as in ``points``; they sum to 1."""
        known, total = self._weighed(measures, opinions)
        return {name: weight / total for name, weight, _, _ in known}

    def _weighed(
        self, measures: Mapping[str, float], opinions: Mapping[str, Opinion]
    ) -> tuple[list[tuple[str, float, Curve, float]], float]:
        """Name, weight, curve and value of each known component, and the sum of the weights."""
        parts = self._parts
        known, total = [], 0.0
        for name, value in measures.items():
            if name in parts:
                weight, curve = parts[name]
                if name in opinions:
                    weight *= opinions[name].confidence
                known.append((name, weight, curve, value))
                total += weight
        return known, total

    def score_of_all(self, measures: Mapping[str, float], opinions: Mapping[str, Opinion]) -> int:
        """The score if no opinion had aged: each has its full weight, those that are too old as well."""
        unaged = {name: opinion.unaged for name, opinion in opinions.items() if opinion.unaged is not None}
        return sum(self.points({**measures, **unaged}).values())


def utilisation(position: Position, limit: Decimal) -> float:
    """Exposure / limit, at least 0; a limit of zero is used up tenfold by any exposure."""
    exposure = float(position.exposure)
    if exposure <= 0:
        return 0.0
    return exposure / float(limit) if limit > 0 else 10.0
