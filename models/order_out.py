"""Build the CloudEvents of order decisions; ids come from the cause, so a replay builds the same ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from models.account import Account, OpenOrder
from models.calendar import from_ms
from models.exposure import Position
from models.out_events import SOURCE, Cause, exposure_out, master_out, next_number
from schemas.decisions import DATASCHEMA, ORDER_DECISION, Decision, OrderCheck, OrderDecision, OrderOut
from schemas.envelope import Severity
from schemas.levels import Level
from schemas.order_measures import OrderMeasure, WayToPass

_SEVERITY = {Decision.HOLD: Severity.NOTICE, Decision.REJECT: Severity.WARNING}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be told of an order. ``changes`` is False where the order stays what it was: its version does too."""

    decision: Decision
    checks: Sequence[OrderCheck] = ()
    measure: OrderMeasure | None = None
    to_pass: Sequence[WayToPass] = ()
    by: str | None = None
    reason: str | None = None
    severity: Severity | None = None
    changes: bool = True


def order_out(
    account: Account,
    order_id: str,
    order: OpenOrder,
    verdict: Verdict,
    position: Position,
    cause: Cause,
    versions: tuple[str, str],
) -> OrderOut:
    """``OrderDecision`` in its envelope; ``versions`` are those of policy and model."""
    number = next_number(account, ORDER_DECISION)
    if verdict.changes:
        order.version = int(number)
    decision, release = verdict.decision, order.release
    held = decision is Decision.HOLD and order.held_since
    return OrderOut(
        id=cause.id_for(account.customer_id, f"order:{order_id}:{decision.value}"),
        source=SOURCE,
        type=ORDER_DECISION,
        subject=account.customer_id,
        time=cause.time,
        recordedtime=cause.recorded,
        severity=verdict.severity or _SEVERITY.get(decision, Severity.INFO),
        sequence=number,
        dataschema=DATASCHEMA[ORDER_DECISION],
        data=OrderDecision(
            order_id=order_id,
            decision=decision,
            amount=order.amount,
            currency=order.currency,
            level=Level(account.level),
            checks=list(verdict.checks),
            exposure=exposure_out(order.currency, position, account.limits.get(order.currency)),
            cause=cause.source,
            cause_type=cause.type,
            policy_version=versions[0],
            model_version=versions[1],
            version=order.version,
            measure=verdict.measure,
            to_pass=list(verdict.to_pass),
            held_since=from_ms(order.held_since) if held else None,
            by=verdict.by or (release.by if release else None),
            second_person=release.second if release else None,
            reason=verdict.reason or (release.reason if release else None),
            released_up_to=release.up_to if release else None,
            valid_until=date.fromordinal(release.until) if release else None,
            master=master_out(account.master),
        ),
    )
