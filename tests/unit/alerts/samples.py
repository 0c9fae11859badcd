"""Out-events for tests, each valid by its contract."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from schemas.decisions import (
    CREDIT_ALERT,
    CREDIT_LEVEL,
    DATASCHEMA,
    DEAD_LETTER,
    MODEL_NOTE,
    ORDER_DECISION,
    AlertKind,
    AlertOut,
    CreditAlert,
    CreditLevelChanged,
    DeadLetter,
    DeadLetterOut,
    Decision,
    DefaultRisk,
    Exposure,
    LevelOut,
    Measures,
    ModelNote,
    ModelNoteOut,
    OrderDecision,
    OrderOut,
    Reason,
    WayBack,
)
from schemas.envelope import CloudEvent, Severity
from schemas.levels import Level
from schemas.log import Source

AT = datetime(2025, 3, 14, 17, 0, tzinfo=UTC)
CAUSE = Source(topic="broadcasts", partition=0, offset=3)


def exposure(**changes: Any) -> Exposure:
    """12,500 USD of exposure with a limit of 7,000."""
    values: dict[str, Any] = {
        "currency": "USD", "open_orders": Decimal(500), "open_invoices": Decimal(12_000),
        "unapplied_cash": Decimal(0), "exposure": Decimal(12_500), "limit": Decimal(7_000),
        "headroom": Decimal(-5_500), "utilisation": 1.786, "overdue": Decimal(4_200), "oldest_days_past_due": 17,
    }  # fmt: skip
    return Exposure(**{**values, **changes})


def _assessment() -> dict[str, Any]:
    return {
        "level": Level.WATCH,
        "level_before": Level.STANDARD,
        "score": 598,
        "score_before": 712,
        "reasons": [
            Reason(code="PAYMENT_INDEX", contribution=-80, detail={"value": "61.5"}),
            Reason(code="AGEING", contribution=-34, detail={"value": "8"}),
        ],
        "caps": [
            Reason(code="DPD_15", contribution=0, detail={"at_most": "WATCH", "days_past_due": "17", "currency": "USD"})
        ],
        "default_risk": DefaultRisk(
            probability=0.31, bad_event="invoice paid late", horizon_days=36, evidence=9, low=0.2, high=0.5
        ),
        "exposures": [exposure()],
        "measures": Measures(terms_days=14, deposit_share=0.0, orders="approve"),
        "provisional": False,
        "cause": CAUSE,
        "cause_type": "tick",
        "policy_version": "default-1",
        "model_version": "1",
    }


def alert(**changes: Any) -> CreditAlert:
    """A tightening from STANDARD to WATCH."""
    way = WayBack(
        to_level=Level.STANDARD,
        pay={"USD": Decimal(4_200)},
        invoices=["INV-1"],
        not_before=datetime(2025, 4, 14, tzinfo=UTC),
    )
    values = {
        **_assessment(), "kind": AlertKind.TIGHTENING, "cause_kind": "DPD_15",
        "at_stake": {"USD": Decimal(12_500)}, "way_back": way,
    }  # fmt: skip
    return CreditAlert(**{**values, **changes})


def level(**changes: Any) -> CreditLevelChanged:
    """The change of level behind ``alert``."""
    return CreditLevelChanged(**{**_assessment(), **changes})


def order(**changes: Any) -> OrderDecision:
    """An order over 300 USD that is held."""
    values: dict[str, Any] = {
        "order_id": "O1", "decision": Decision.HOLD, "amount": Decimal(300), "currency": "USD",
        "level": Level.HIGH_RISK, "checks": [], "exposure": exposure(), "cause": CAUSE,
        "cause_type": "order.placed", "policy_version": "default-1",
    }  # fmt: skip
    return OrderDecision(**{**values, **changes})


def dead_letter(**changes: Any) -> DeadLetter:
    """A payment that was no JSON."""
    values: dict[str, Any] = {
        "source": Source(topic="payments", partition=1, offset=7), "reason_code": "not_json",
        "message": "expected value at line 1", "key_base64": None, "value_base64": "e30=", "record_time": AT,
    }  # fmt: skip
    return DeadLetter(**{**values, **changes})


def note(**changes: Any) -> ModelNote:
    """A drift of partition 1's model of late payment."""
    values: dict[str, Any] = {
        "task": "A", "kind": "calibration_drift", "partition": 1, "statistic": 25.03, "threshold": 25.0,
        "outcomes": 26_839, "mean_probability": 0.0758, "rate": 0.0451, "model_version": "v1",
        "policy_version": "default-1",
    }  # fmt: skip
    return ModelNote(**{**values, **changes})


_ENVELOPES: dict[type, tuple[type[CloudEvent[Any]], str]] = {
    CreditAlert: (AlertOut, CREDIT_ALERT),
    CreditLevelChanged: (LevelOut, CREDIT_LEVEL),
    OrderDecision: (OrderOut, ORDER_DECISION),
    DeadLetter: (DeadLetterOut, DEAD_LETTER),
    ModelNote: (ModelNoteOut, MODEL_NOTE),
}


def envelope(data: Any, *, event_id: str = "id-1", subject: str = "C1", at: datetime = AT) -> Any:
    """The data in its CloudEvent."""
    kind, type_ = _ENVELOPES[type(data)]
    return kind(
        id=event_id, source="/creditpulse/engine", type=type_, subject=subject, time=at, recordedtime=at,
        severity=Severity.WARNING, sequence="0000000001", dataschema=DATASCHEMA[type_], data=data,
    )  # fmt: skip
