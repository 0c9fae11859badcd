"""Histories of a partition for property tests: all kinds of events, late ones, repetitions, market and policy."""

from __future__ import annotations

from base64 import b64encode
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from models.default_risk.features import NAMES
from models.default_risk.sharing import Information, ScaleSums, SharedRisk, encode_shared
from schemas.assessments import (
    AgencyReportReceived,
    CoverChanged,
    FinancialStatementFiled,
    LevelOverridden,
    MasterDataChanged,
    QualitativeReviewed,
)
from schemas.events import (
    DisputeResolved,
    InEvent,
    InvoiceDisputed,
    MarketIndexRead,
    OrderCancelled,
    OrderInvoiced,
    OrderPlaced,
    OverdueNoticed,
    PaymentReceived,
    PaymentReversed,
)
from schemas.levels import Level
from schemas.log import GroupsReported, LogEntry, ModelRestored, ModelShared, PolicyActivated, Source, TimePassed
from schemas.review_acts import ReviewApproved, ReviewRejected
from schemas.supply import DeliveryReceived, PriceQuoted
from schemas.topics import ASSESSMENTS, MARKET, ORDERS, OVERDUE, PARTITION_REPORTS, PAYMENTS, POLICY, SUPPLY, TICKS

START = datetime(2025, 1, 1, tzinfo=UTC)
POLICY_TEXT = (
    "version: laws\nlimits: {base: {USD: 4000, EUR: 3000}}\nladder: {evidence_floor: 1}\n"
    "freshness: {stale_hours: 100, missed_payments: 0}\n"
    "order_checks: {group_limit: true, group_limits: {USD: 700}}\n"
)
POLICIES = (
    POLICY_TEXT,
    "version: strict\nagencies: {mappings: {rater0: {fresh_days: 1, max_age_days: 30, ratings: {B: 100}}}}\n"
    "limits: {base: {USD: 1000}}\nladder: {evidence_floor: 0, dwell_days: 30}\n"
    "brake: {customers: 1, always: 1, except_for: [DPD_30], reject_days: 20}\n",
    "version: other-event\ndefault_risk: {late_days: 20, warm_up: 2, model_weight: 1}\nladder: {evidence_floor: 1}\n",
    "version: supplied\nscorecard: {concentration: {weight: 5}, delivery: {weight: 40}, price: {weight: 10}}\n"
    "supply: {min_deliveries: 1, min_quotes: 1}\nladder: {evidence_floor: 1}\n",
)
CURRENCIES = ("USD", "EUR")
CUSTOMER_KINDS = (
    *("order", "cancel", "invoice", "dispute", "resolve", "pay", "unapplied", "reverse", "notice"),
    *("master", "override", "other", "supply", "review"),
)
_TOPIC = {
    **dict.fromkeys(("order", "cancel", "invoice", "dispute", "resolve"), ORDERS),
    **dict.fromkeys(("pay", "unapplied", "reverse"), PAYMENTS),
    "notice": OVERDUE,
    "supply": SUPPLY,
    **dict.fromkeys(("master", "override", "other", "review"), ASSESSMENTS),
    "market": MARKET,
    "policy": POLICY,
    "restore": POLICY,
    "report": PARTITION_REPORTS,
    "tick": TICKS,
}


@dataclass(frozen=True)
class Step:
    """Days pass (each with its tick, or one tick after a silence), then something becomes known.

    ``delay``: so many days ago it happened.
    """

    days: int
    kind: str
    customer: int = 0
    number: int = 0
    cents: int = 10_000
    currency: int = 0
    delay: int = 0


def steps(
    *, customers: int = 2, most: int = 60, kinds: Iterable[str] = CUSTOMER_KINDS, broadcasts: bool = True
) -> st.SearchStrategy[list[Step]]:
    """Lists of steps; invoices and payments are the most frequent."""
    often = ["invoice", "invoice", "pay", "pay", "tick", "tick"]
    chosen = [*often, *often, *kinds, *(["market", "policy", "restore", "report", "report"] if broadcasts else [])]
    return st.lists(
        st.builds(
            Step,
            days=st.sampled_from([0, 0, 0, 0, 1, 2, 7, 14, 21, 40]),
            kind=st.sampled_from(chosen),
            customer=st.integers(0, customers - 1),
            number=st.integers(0, 4),
            cents=st.sampled_from([1, 99, 5_000, 10_000, 10_000, 10_000, 10_000, 30_001, 250_000]),
            currency=st.sampled_from([0, 0, 0, 1]),
            delay=st.sampled_from([0, 0, 0, 1, 15, 50]),
        ),
        min_size=most // 3,  # Hypothesis makes lists short, and short histories have no past
        max_size=most,
    )


def _customer_event(step: Step, head: dict[str, Any], today: date) -> InEvent:
    happened: datetime = head["occurred_at"]
    head = {**head, "customer_id": f"C{step.customer}"}
    invoice, order = f"i{step.number}", f"o{step.number}"
    money = {"amount": Decimal(step.cents) / 100, "currency": CURRENCIES[step.currency]}
    later = today + timedelta(days=step.number * 20 + 1)
    match step.kind:
        case "order":
            return OrderPlaced(**head, order_id=order, delivery_date=later if step.number % 2 else None, **money)
        case "cancel":
            return OrderCancelled(**head, order_id=order)
        case "invoice":
            issued = happened.date()
            return OrderInvoiced(
                **head, invoice_id=invoice, order_id=order if step.number % 2 else None, issue_date=issued,
                due_date=issued + timedelta(days=14), terms_days=14, **money,
            )  # fmt: skip
        case "pay":
            return PaymentReceived(**head, payment_id=head["event_id"], invoice_id=invoice, paid_at=happened, **money)
        case "unapplied":
            return PaymentReceived(**head, payment_id=head["event_id"], paid_at=happened, **money)
        case "reverse":
            named = invoice if step.number else None
            return PaymentReversed(**head, payment_id=head["event_id"], invoice_id=named, **money)
        case "dispute":
            part = money if step.currency else {}
            return InvoiceDisputed(**head, invoice_id=invoice, reason="price", **part)
        case "resolve":
            credited = step.number % 2 == 1
            return DisputeResolved(
                **head,
                invoice_id=invoice,
                outcome="accepted" if credited else "rejected",
                **(money if credited else {}),
            )
        case "supply":
            return _supply(step, head)
        case "notice":
            return OverdueNoticed(
                **head, invoice_id=invoice, outstanding_amount=money["amount"] if step.number % 3 else Decimal(0),
                currency=money["currency"], days_past_due=step.number * 12, as_of=happened.date(),
            )  # fmt: skip
        case "master":
            group = [None, "G", "G", "H", None][step.number]
            limits = {"USD": money["amount"]}
            return MasterDataChanged(**head, base_limits=limits, terms_days=step.number * 15, group_parent=group)
        case "review":
            kind = ReviewRejected if step.currency else ReviewApproved
            return kind(**head, by="ann", reason="looked into it", expected_version=step.number or None)
        case "override":
            level = [None, Level.PRIME, Level.WATCH, Level.BLOCKED, None][step.number]
            return LevelOverridden(**head, by="ann", reason="knows better", level=level, expires_on=later)
        case _:
            return _opinion(step, head, later)


def _supply(step: Step, head: dict[str, Any]) -> InEvent:
    if step.currency:
        price = Decimal(80 + 10 * step.number)
        return PriceQuoted(**head, item="coil", unit_price=price, currency="USD", reference_price=Decimal(100))
    day = head["occurred_at"].date()
    return DeliveryReceived(
        **head, purchase_order_id=f"p{step.number}", promised_date=day - timedelta(days=step.number),
        delivered_date=day, quantity_ordered=Decimal(100), quantity_delivered=Decimal(min(step.cents, 10_000)) / 100,
    )  # fmt: skip


def _opinion(step: Step, head: dict[str, Any], later: date) -> InEvent:
    as_of = head["occurred_at"].date()
    if step.number < 2 and step.currency:
        return AgencyReportReceived(**head, agency=f"rater{step.number}", as_of=as_of, rating="B")
    if step.number < 2:
        return AgencyReportReceived(
            **head, agency="agency", as_of=as_of, score=Decimal(step.number), scale_worst=Decimal(0),
            scale_best=Decimal(1),
        )  # fmt: skip
    if step.number == 2:
        return CoverChanged(
            **head, cover_id="g1", kind="guarantee", amount=Decimal(step.cents) / 100, currency="USD", expires_on=later
        )
    if step.number == 4 and step.cents >= 10_000:
        return _statement(step, head, as_of)
    grades = {"management": step.number, "industry_position": 2, "reputation": 5}
    return QualitativeReviewed(**head, reviewer=f"ann{step.currency}", as_of=as_of, expires_on=later, **grades)


def _statement(step: Step, head: dict[str, Any], filed: date) -> FinancialStatementFiled:
    """Statements from debt-free to bankrupt, up to three years old."""
    assets = Decimal(step.cents * 160)
    debts = assets * step.days / 40
    return FinancialStatementFiled(
        **head, as_of=filed - timedelta(days=step.delay * 20), currency="USD", current_assets=assets / 2,
        total_assets=assets, current_liabilities=debts / 2, total_liabilities=debts, equity=assets - debts,
        retained_earnings=assets / 4, sales=assets, ebit=assets / 10 - debts / 4, interest_expense=debts / 20,
    )  # fmt: skip


def _event(step: Step, index: int, known: datetime) -> InEvent:
    head: dict[str, Any] = {"version": 1, "event_id": f"e{index}", "occurred_at": known - timedelta(days=step.delay)}
    if step.kind == "tick":
        return TimePassed(version=1, event_id=f"tick-{index}", occurred_at=known)
    if step.kind == "market":
        value = Decimal(60 + step.number * 20)
        return MarketIndexRead(
            **head, scope="sector", name=f"s{step.customer}", value=value, as_of=head["occurred_at"].date()
        )
    if step.kind == "policy":
        return PolicyActivated(**head, by="committee", text=POLICIES[step.number % len(POLICIES)])
    if step.kind == "restore":
        month = known.date().replace(day=1).isoformat()
        return ModelRestored(**head, task="AB"[step.number % 2], checkpoint=month, by="ana")
    if step.kind == "report" and step.currency:
        groups = {"G": {"USD": Decimal(step.cents) / 100}} if step.customer else {"G": {}}
        return GroupsReported(**head, partition=1, number=index + 1, groups=groups)
    if step.kind == "report":
        return ModelShared(**head, partition=1, number=index + 1, models=_models(step.number + 1))
    return _customer_event(step, head, known.date())


def _models(late: int) -> str:
    """What another partition has learned of task A from 40 outcomes."""
    size = len(NAMES)
    matrix = [[float(row == column) * late for column in range(size + 1)] for row in range(size + 1)]
    learned = Information(matrix, [late - 8.0, *[late / 10] * size])
    scale = ScaleSums(40, [late / 2] * size, [1.0] * size)
    told = SharedRisk(40, late, {"sector:s0": [9, 2]}, scale, {"base": learned}, 0.2, 3.0, 1.0, sorted(NAMES), "base")
    return b64encode(encode_shared({"A": told})).decode()


class LogWriter:
    """Numbers entries as the gate would: one partition, offsets per topic of origin."""

    def __init__(self) -> None:
        self.entries: list[LogEntry] = []
        self._offsets: defaultdict[str, int] = defaultdict(int)

    def add(self, topic: str, at: datetime, event: InEvent) -> LogEntry:
        """Append an event that becomes known at a time."""
        source = Source(topic=topic, partition=0, offset=self._offsets[topic])
        self._offsets[topic] += 1
        # Read a little later than it became known, and never twice at the same moment.
        received = at + timedelta(milliseconds=len(self.entries) + 1)
        self.entries.append(LogEntry(time=at, received_at=received, source=source, event=event))
        return self.entries[-1]


def history(found: list[Step], *, trailing_days: int = 45) -> list[LogEntry]:
    """The log of the steps, with one tick per day that is named, and some at the end so that all comes out."""
    log, now = LogWriter(), START
    tick = Step(0, "tick")
    for index, step in enumerate(found):
        if step.days:
            now = datetime(now.year, now.month, now.day, tzinfo=UTC) + timedelta(days=step.days)
            log.add(TICKS, now, _event(tick, 10_000 + index, now))
        now += timedelta(minutes=1)
        log.add(_TOPIC[step.kind], now, _event(step, index, now))
    for number in range(0, trailing_days, 5):
        at = now + timedelta(days=number + 1)
        log.add(TICKS, at, _event(tick, 20_000 + number, at))
    return log.entries
