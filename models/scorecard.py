"""The scorecard: each known measure of an account turned into points; the score is their sum (0-1000)."""

from __future__ import annotations

from decimal import Decimal

from models.account import Account
from models.behaviour import mean_payment_index, order_velocity
from models.curve import Curve
from models.exposure import Position, material
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

    def measures(
        self, account: Account, positions: dict[str, Position], limits: dict[str, Decimal], day: int
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
        external = account.external
        if external.altman_z is not None:
            known["financial"] = external.altman_z
        if external.agency is not None:
            known["agency"] = external.agency
        if external.qualitative is not None and day <= external.qualitative_expires:
            known["qualitative"] = external.qualitative
        return known

    def points(self, measures: dict[str, float]) -> dict[str, int]:
        """Points per component. Weights of unknown components are shared out; points are rounded down, so
        that they are whole numbers and their sum, the score, never passes 1000."""
        parts = self._parts
        known = [(name, *parts[name], value) for name, value in measures.items() if name in parts]
        total = 0.0
        for _, weight, _, _ in known:
            total += weight
        return {name: int(weight / total * curve(value)) for name, weight, curve, value in known}


def utilisation(position: Position, limit: Decimal) -> float:
    """Exposure / limit, at least 0; a limit of zero is used up tenfold by any exposure."""
    exposure = float(position.exposure)
    if exposure <= 0:
        return 0.0
    return exposure / float(limit) if limit > 0 else 10.0
