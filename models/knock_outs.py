"""Facts that beat the score: what holds an account's level down, whatever the score says."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from models.account import Account
from models.behaviour import order_velocity, usual_days_late
from models.exposure import Position, material
from schemas.decisions import Reason
from schemas.levels import Level
from schemas.policy import AgeingCap, Policy


@dataclass(frozen=True, slots=True)
class Cap:
    """The level is at most ``at_most`` because of ``code``; ``detail`` holds the numbers."""

    code: str
    at_most: Level
    detail: dict[str, str]

    def as_reason(self) -> Reason:
        """The cap as a reason; it moves the level, not the score, so it contributes no points."""
        return Reason(code=self.code, contribution=0, detail={"at_most": self.at_most.value, **self.detail})


def caps(account: Account, positions: dict[str, Position], day: int, policy: Policy) -> list[Cap]:
    """All caps that apply on a day, hardest first."""
    found = _reversal_cap(positions, policy)
    overdue = {currency: position for currency, position in positions.items() if position.items}
    if overdue:
        found += _ageing_caps(account, overdue, policy)
        found += _early_caps(account, overdue, policy)
        found += _bust_out_cap(account, overdue, day, policy)
    return sorted(found, key=lambda cap: (-cap.at_most.rank, cap.code)) if found else found


def _ageing_caps(account: Account, positions: dict[str, Position], policy: Policy) -> list[Cap]:
    found = []
    # The hardest one whose overdue amount matters: a trifle 90 days late is not a block.
    ladder = [(cap, days_needed(account, cap)) for cap in policy.knock_outs.ageing]
    # Of two that demand the same the later one tells more, and may be one that the brake lets pass.
    ladder.sort(key=lambda step: (-step[0].at_most.rank, -step[1]))
    for currency, position in positions.items():
        for cap, needed in ladder:
            to_hold = policy.measures.holds(cap.at_most)
            if position.oldest_dpd >= needed and material(position, needed, policy, to_hold=to_hold):
                detail = {"days_past_due": str(position.oldest_dpd), "currency": currency}
                found.append(Cap(f"DPD_{cap.days_past_due}", cap.at_most, detail))
                break
    return found


def days_needed(account: Account, cap: AgeingCap) -> int:
    """Days past due from which the cap holds for this customer: later for one that is usually late, if it says so."""
    rules = cap.beyond_usual
    usual = usual_days_late(account.behaviour) if rules is not None else None
    if rules is None or usual is None:
        return cap.days_past_due
    mean, spread = usual
    return min(max(cap.days_past_due, ceil(mean + rules.deviations * spread + rules.days)), rules.at_latest)


def _early_caps(account: Account, positions: dict[str, Position], policy: Policy) -> list[Cap]:
    found = []
    for rule in policy.knock_outs.early:
        for currency, position in positions.items():
            if position.oldest_dpd < rule.days_past_due or not material(
                position, rule.days_past_due, policy, to_hold=policy.measures.holds(rule.at_most)
            ):
                continue
            for dpd, _, invoice_id in position.items:
                prediction = account.rolls.get(invoice_id)
                likely = prediction is not None and prediction.model >= rule.probability
                if prediction is not None and likely and dpd >= rule.days_past_due:
                    detail = {"probability": f"{prediction.model:.2f}", "currency": currency}
                    found.append(Cap("EARLY_WARNING", rule.at_most, detail))
                    break
    return found


def _reversal_cap(positions: dict[str, Position], policy: Policy) -> list[Cap]:
    """A reversal counts where it opened an invoice again that is neither contested nor covered by other cash."""
    for position in positions.values():
        for _, invoice_id in position.reopened:
            return [Cap("PAYMENT_REVERSED", policy.knock_outs.unpaid_reversal, {"invoice": invoice_id})]
    return []


def _bust_out_cap(account: Account, positions: dict[str, Position], day: int, policy: Policy) -> list[Cap]:
    rules = policy.knock_outs
    to_hold = policy.measures.holds(rules.bust_out)
    if not any(material(position, 1, policy, to_hold=to_hold) for position in positions.values()):
        return []
    velocity = order_velocity(account.behaviour, day, policy.behaviour)
    if velocity is None or velocity < rules.bust_out_velocity:
        return []
    return [Cap("BUST_OUT", rules.bust_out, {"velocity": f"{velocity:.1f}"})]
