"""Build the CloudEvents of decisions; ids come from the cause, so a replay builds the same ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from models.account import Account
from models.account import Master as KnownMaster
from models.calendar import from_ms
from models.default_risk.risk import DefaultRisk
from models.exposure import Position
from models.opinions import Opinion
from models.partition import PartitionState
from models.reasons import reason_code
from models.supply import known_outcomes
from schemas.decisions import (
    CREDIT_ALERT,
    CREDIT_LEVEL,
    DATASCHEMA,
    MODEL_NOTE,
    AlertKind,
    AlertOut,
    Assessment,
    Counterfactual,
    CreditAlert,
    CreditLevelChanged,
    Exposure,
    LevelOut,
    LevelRange,
    LimitBasis,
    Master,
    Measures,
    ModelNote,
    ModelNoteKind,
    ModelNoteOut,
    Reason,
    TermsBasis,
    TighteningReview,
    WayBack,
)
from schemas.decisions import DefaultRisk as DefaultRiskOut
from schemas.decisions import Opinion as OpinionOut
from schemas.envelope import Severity
from schemas.levels import Level
from schemas.log import LogEntry, Source
from schemas.policy import Policy

SOURCE = "/creditpulse/engine"

_NOTE_SEVERITY = {
    "quality": Severity.INFO,
    "challenger_ahead": Severity.NOTICE,
    "promoted": Severity.NOTICE,
    "restored": Severity.NOTICE,
    "payments_back": Severity.NOTICE,
}
"""Drift, and what could not be done, is a warning."""


class Cause(NamedTuple):
    """What is being applied: its coordinates, its type, when it became known and when it was read."""

    source: Source
    type: str
    event_id: str
    time: datetime
    recorded: datetime

    @classmethod
    def of(cls, entry: LogEntry, now_ms: int) -> Cause:
        """The cause of what follows from a log entry at ``now_ms``."""
        event = entry.event
        return cls(entry.source, event.type, event.event_id, from_ms(now_ms), entry.received_at)

    def id_for(self, customer_id: str, kind: str) -> str:
        """The id of the decision of this kind about this customer."""
        source = self.source
        return f"{source.topic}/{source.partition}/{source.offset}/{customer_id}/{kind}"


@dataclass(frozen=True, slots=True)
class Change:
    """A change of level, limit or terms, with everything that explains it."""

    level_before: Level
    score_before: int
    reasons: list[Reason]
    caps: list[Reason]
    positions: dict[str, Position]
    opinions: Mapping[str, Opinion] = field(default_factory=dict)
    range: LevelRange | None = None
    limit_basis: list[LimitBasis] = field(default_factory=list)
    terms_basis: TermsBasis | None = None
    ageing_as_of: date | None = None


def next_number(account: Account | PartitionState, type_: str) -> str:
    """The number of the next event of this type about the account or partition."""
    number = account.sequences.get(type_, 0) + 1
    account.sequences[type_] = number
    return f"{number:010d}"


def exposure_out(currency: str, position: Position, limit: Decimal | None) -> Exposure:
    """The position in one currency as subscribers see it."""
    exposure = position.exposure
    return Exposure(
        currency=currency,
        open_orders=position.open_orders,
        open_invoices=position.open_invoices,
        unapplied_cash=position.unapplied,
        exposure=exposure,
        limit=limit,
        headroom=None if limit is None else limit - exposure,
        utilisation=float(exposure / limit) if limit else None,
        overdue=position.overdue,
        oldest_days_past_due=position.oldest_dpd,
        disputed=position.disputed or None,
    )


def opinions_out(opinions: Mapping[str, Opinion]) -> list[OpinionOut]:
    """Opinions as subscribers see them."""
    return [
        OpinionOut(code=reason_code(name), value=opinion.value, confidence=opinion.confidence, detail=opinion.detail)
        for name, opinion in opinions.items()
    ]


def assessment(account: Account, change: Change, cause: Cause, risk: DefaultRisk, policy: Policy) -> Assessment:
    """The state of the account after a change."""
    low, high = risk.interval(account.probability, account.behaviour)
    measures = policy.measures.of(Level(account.level))
    currencies = sorted({*change.positions, *account.limits})
    return Assessment(
        level=Level(account.level),
        level_before=change.level_before,
        score=account.score,
        score_before=change.score_before,
        reasons=change.reasons,
        caps=change.caps,
        opinions=opinions_out(change.opinions),
        default_risk=DefaultRiskOut(
            probability=account.probability,
            bad_event=f"invoice paid more than {policy.default_risk.late_days} days late",
            horizon_days=account.behaviour.last_terms + policy.default_risk.late_days + 1,
            evidence=account.behaviour.outcomes,
            low=low,
            high=high,
        ),
        exposures=[
            exposure_out(currency, change.positions.get(currency, Position()), account.limits.get(currency))
            for currency in currencies
        ],
        measures=Measures(
            terms_days=account.terms_days,
            terms_basis=change.terms_basis,
            deposit_share=measures.deposit_share,
            orders=measures.orders,
        ),
        limit_basis=change.limit_basis,
        provisional=known_outcomes(account, policy) < policy.ladder.provisional_below,
        level_range=change.range,
        ageing_as_of=change.ageing_as_of,
        cause=cause.source,
        cause_type=cause.type,
        policy_version=policy.version,
        model_version=risk.model_version,
        master=master_out(account.master),
    )


def master_out(known: KnownMaster) -> Master:
    """Who the customer is, as subscribers see it."""
    return Master(
        name=known.name,
        segment=known.segment,
        sector=known.sector,
        region=known.region,
        group_parent=known.group_parent,
        owner=known.owner,
    )


def level_out(account: Account, state: Assessment, cause: Cause, severity: Severity) -> LevelOut:
    """``CreditLevelChanged`` in its envelope."""
    return LevelOut(
        id=cause.id_for(account.customer_id, "level"),
        source=SOURCE,
        type=CREDIT_LEVEL,
        subject=account.customer_id,
        time=cause.time,
        recordedtime=cause.recorded,
        severity=severity,
        sequence=next_number(account, CREDIT_LEVEL),
        dataschema=DATASCHEMA[CREDIT_LEVEL],
        data=CreditLevelChanged(**_fields(state)),
    )


_LOUDER = (Severity.NOTICE, Severity.WARNING, Severity.CRITICAL)


def louder(told: int) -> Severity:
    """Of what waits for a person and is told again: the first time (``told`` 0), the second, and from the third on."""
    return _LOUDER[min(told, len(_LOUDER) - 1)]


def alert_out(
    account: Account,
    state: Assessment,
    cause: Cause,
    severity: Severity,
    *,
    kind: AlertKind,
    cause_kind: str,
    way_back: WayBack | None = None,
    retracts: str | None = None,
    helps: Sequence[Counterfactual] = (),
    review: TighteningReview | None = None,
) -> AlertOut:
    """``CreditAlert`` in its envelope; several retractions of one cause differ by what they retract."""
    suffix = kind.value if retracts is None else f"{kind.value}:{retracts}"
    return AlertOut(
        id=cause.id_for(account.customer_id, suffix),
        source=SOURCE,
        type=CREDIT_ALERT,
        subject=account.customer_id,
        time=cause.time,
        recordedtime=cause.recorded,
        severity=severity,
        sequence=next_number(account, CREDIT_ALERT),
        dataschema=DATASCHEMA[CREDIT_ALERT],
        data=CreditAlert(
            **_fields(state),
            kind=kind,
            cause_kind=cause_kind,
            at_stake={item.currency: item.exposure for item in state.exposures},
            retracts=retracts,
            retracts_because=cause.event_id if retracts is not None else None,
            way_back=way_back,
            counterfactuals=list(helps),
            review=review,
        ),
    )


def model_note_out(state: PartitionState, note: ModelNote, cause: Cause) -> ModelNoteOut:
    """``ModelNote`` in its envelope; its subject is the partition, which has a model of its own."""
    subject = f"partition-{note.partition}"
    return ModelNoteOut(
        id=cause.id_for(subject, f"{note.kind}:{note.task}:{note.outcomes}"),
        source=SOURCE,
        type=MODEL_NOTE,
        subject=subject,
        time=cause.time,
        recordedtime=cause.recorded,
        severity=_NOTE_SEVERITY.get(note.kind, Severity.WARNING),
        sequence=next_number(state, MODEL_NOTE),
        dataschema=DATASCHEMA[MODEL_NOTE],
        data=note,
    )


def book_note_out(
    state: PartitionState,
    kind: ModelNoteKind,
    cause: Cause,
    *,
    partition: int,
    statistic: float,
    threshold: float,
    policy_version: str,
    figures: dict[str, float],
) -> ModelNoteOut:
    """A note that is about the partition's book, and no model of it."""
    note = ModelNote(
        task="book", kind=kind, partition=partition, statistic=statistic, threshold=threshold, outcomes=0,
        mean_probability=0.0, rate=0.0, model_version="", policy_version=policy_version, figures=figures,
    )  # fmt: skip
    return model_note_out(state, note, cause)


def _fields(state: Assessment) -> dict[str, object]:
    return {name: getattr(state, name) for name in Assessment.model_fields}
