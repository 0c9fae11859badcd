"""The engine: a deterministic fold of log entries over accounts; the same log gives the same decisions.

The law that makes crashes harmless: a customer's entry changes that account alone; a broadcast (tick, market,
policy) changes the partition's state first and then accounts. Whoever stores the state writes it in that
order, and an entry applied twice changes nothing the second time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Protocol, cast

from models import assessments, disputes, ledger, order_memory, supply
from models.account import SCHEMA, Account, Marks, OpenOrder, Prediction
from models.assess import Assessor, Situation
from models.behaviour import record_invoice, record_outcome, record_roll
from models.book_index import BookIndex
from models.brake import Brake
from models.calendar import MS_PER_HOUR, day_of, day_of_ms, ms_of_day, to_ms
from models.customer_file import file_of, standing_of
from models.default_risk.risk import DefaultRisk, EventRisk, Outcome, is_bad
from models.default_risk.roll import RollRisk
from models.exposure import positions
from models.feed_watch import FeedWatch
from models.group_book import GroupBook
from models.memory import contains, id_hash, prune, remember
from models.model_exchange import ModelExchange
from models.model_keeper import ModelKeeper, Task
from models.out_events import Cause
from models.partition import SCHEMA as PARTITION_SCHEMA
from models.partition import MarketReading, PartitionState
from models.policy import layered_policy
from models.policy_layers import Layer
from models.wake import WakeIndex, matured, next_wake
from models.what_if import decide_order
from schemas.assessments import (
    AgencyReportReceived,
    CoverChanged,
    FinancialStatementFiled,
    LevelOverridden,
    MasterDataChanged,
    QualitativeReviewed,
)
from schemas.customer_file import CustomerFile, CustomerStanding
from schemas.decisions import Decision, OrderCheck, OutEvent
from schemas.errors import InvalidInput
from schemas.events import (
    CustomerEvent,
    DisputeResolved,
    InvoiceDisputed,
    MarketIndexRead,
    OrderCancelled,
    OrderInvoiced,
    OrderPlaced,
    OverdueNoticed,
    PaymentReceived,
    PaymentReversed,
)
from schemas.log import (
    GroupsReported,
    LogEntry,
    ModelPromoted,
    ModelRestored,
    ModelShared,
    PartitionReport,
    PolicyActivated,
    TimePassed,
)
from schemas.order_acts import OrderAct, OrderChanged
from schemas.review_acts import ReviewAct, ReviewApproved, ReviewRejected
from schemas.supply import DeliveryReceived, PriceQuoted
from schemas.topics import PAYMENTS


class Accounts(Protocol):
    """Where the engine finds its partition's accounts. What ``put`` was given, ``get`` returns."""

    def get(self, customer_id: str) -> Account | None:
        """The account, or None."""

    def put(self, account: Account) -> None:
        """Keep the changed account."""

    def all(self) -> Iterable[Account]:
        """Every account; called with nothing changed and not yet written."""

    def ids(self) -> Iterable[str]:
        """The id of every account."""


REMEMBERED_BROADCASTS = 200
"""Market and policy events by whose ids a repetition is known."""


class MemoryAccounts:
    """Accounts in a dict: for backtests and tests."""

    def __init__(self) -> None:
        self.by_id: dict[str, Account] = {}

    def get(self, customer_id: str) -> Account | None:
        """The account, or None."""
        return self.by_id.get(customer_id)

    def put(self, account: Account) -> None:
        """Keep the account."""
        self.by_id[account.customer_id] = account

    def all(self) -> Iterable[Account]:
        """Every account."""
        return self.by_id.values()

    def ids(self) -> Iterable[str]:
        """The id of every account."""
        return self.by_id


@dataclass(slots=True)
class Effects:
    """What applying one entry led to. ``applied`` is False when the entry was known already."""

    applied: bool
    broadcast: bool = False
    out: list[OutEvent] = field(default_factory=list)
    touched: list[Account] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    reports: list[PartitionReport] = field(default_factory=list)
    """What the other partitions are to be told."""


_BROADCASTS: frozenset[type] = frozenset(
    {TimePassed, MarketIndexRead, PolicyActivated, ModelPromoted, ModelRestored, ModelShared, GroupsReported}
)
_FOR_EVERYONE = (PolicyActivated, ModelPromoted, ModelRestored)
"""Broadcasts after which every account is looked at again."""

_DECIDED = (OrderPlaced, OrderChanged, OrderAct)
"""Events that are answered by an order decision."""

_REVIEW_ACTS: frozenset[type] = frozenset({ReviewApproved, ReviewRejected})

_Booking = Callable[[Account, Any, Any], object]
_BOOKINGS: dict[type[CustomerEvent], _Booking] = {
    OrderCancelled: lambda account, event, policy: order_memory.cancel(account, event),
    PaymentReceived: ledger.receive_payment,
    PaymentReversed: lambda account, event, policy: ledger.reverse_payment(account, event),
    OverdueNoticed: ledger.notice_overdue,
    MasterDataChanged: lambda account, event, policy: assessments.change_master_data(account, event),
    LevelOverridden: lambda account, event, policy: assessments.override_level(account, event),
    FinancialStatementFiled: lambda account, event, policy: assessments.file_statement(account, event),
    AgencyReportReceived: lambda account, event, policy: assessments.receive_agency_report(account, event),
    QualitativeReviewed: lambda account, event, policy: assessments.review(account, event),
    CoverChanged: lambda account, event, policy: assessments.change_cover(account, event),
    InvoiceDisputed: lambda account, event, policy: disputes.dispute_invoice(account, event),
    DisputeResolved: disputes.resolve_dispute,
    DeliveryReceived: supply.receive_delivery,
    PriceQuoted: supply.quote_price,
}


class CreditEngine:
    """One partition's engine. Single-threaded; ``state`` and ``accounts`` are its whole memory."""

    def __init__(
        self,
        accounts: Accounts,
        policy_text: str,
        state: PartitionState | None = None,
        partition: int = 0,
        partitions: int = 1,
        others: Mapping[str, Marks] = MappingProxyType({}),
    ) -> None:
        """``policy_text`` decides until a policy is activated in the log; a stored ``state`` knows its own.

        ``partition``: the log's, by which notes on its models are told from those of others, of ``partitions``.
        ``others``: what the brake has let pass of customers that are not among ``accounts``.
        """
        self._accounts, self._partition, self._partitions = accounts, partition, partitions
        self._state = state or PartitionState(PARTITION_SCHEMA, policy_text)
        self._layers = layered_policy(self._state.policy_text)
        self._index, wakes = BookIndex(), []
        self._groups = GroupBook(self._state, partition)
        self._brake = Brake(self._layers.base.brake, self._state, partitions)
        for account in accounts.all():  # one after the other: all of them may be more than fit into memory
            self._index.add(account)
            self._groups.add(account)
            wakes.append((account.next_wake, account.customer_id))
            self._brake.remember(account.customer_id, Marks(account.tightened, account.held))
        for customer_id, marks in others.items():
            self._brake.remember(customer_id, marks)
        self._groups.begin()
        self._wakes = WakeIndex(wakes)
        self._use_policy()

    @property
    def state(self) -> PartitionState:
        """The partition's state, complete after every ``apply``."""
        self._keeper.keep()
        return self._state

    @property
    def risk(self) -> DefaultRisk:
        """The default-risk model, for metrics."""
        return self._risk

    def _use_policy(self) -> None:
        self._layers = layered_policy(self._state.policy_text)
        self.policy = self._layers.base
        self._risk = DefaultRisk(self.policy.default_risk, self._state.risk)
        self._roll = RollRisk(self.policy.roll_risk, self._state.roll)
        risks: dict[Task, EventRisk] = {"A": self._risk, "B": self._roll}
        self._keeper = ModelKeeper(self.policy, self._state, risks, self._partition)
        self._exchange = ModelExchange(self._state, risks, self._partition)
        self._feed = FeedWatch(self.policy.freshness, self._state, self._partition, self.policy.version)
        self._assessor = Assessor(self.policy, self._risk, self._state.market, self._groups, self._brake)
        self._overridden: dict[tuple[Layer, ...], Assessor] = {(): self._assessor}

    def _assessor_of(self, account: Account) -> Assessor:
        """The assessor by the account's effective policy, which follows from its id and its master data of now."""
        if not self._layers.overrides:
            return self._assessor
        layers = self._layers.layers_of(account.customer_id, account.master)
        assessor = self._overridden.get(layers)
        if assessor is None:
            assessor = self._overridden[layers] = Assessor(
                self._layers.policy_of(layers), self._risk, self._state.market, self._groups, self._brake
            )
        return assessor

    def check_order(
        self, customer_id: str, amount: Decimal, currency: str, day: int
    ) -> tuple[Decision, list[OrderCheck]]:
        """What an order would get on ``day`` (ordinal), and its checks; nothing is booked or changed."""
        account = self._accounts.get(customer_id) or Account(SCHEMA, customer_id)
        order = OpenOrder(amount, currency, day)
        policy, frozen = self._assessor_of(account).policy, self._feed.frozen
        return decide_order(account, order, day, policy, self._groups, aged_to=frozen, brake=self._brake)

    def standing(self, customer_id: str, day: int) -> CustomerStanding:
        """How the customer stands on ``day`` (ordinal); nothing is changed."""
        account = self._accounts.get(customer_id) or Account(SCHEMA, customer_id)
        return standing_of(account, self._assessor_of(account), day, self._feed.frozen)

    def file(self, customer_id: str, day: int) -> CustomerFile:
        """All that is known of the customer, as of ``day`` (ordinal); nothing is changed."""
        account = self._accounts.get(customer_id) or Account(SCHEMA, customer_id)
        return file_of(account, self._assessor_of(account), day, self._feed.frozen)

    def probability(self, customer_id: str) -> float:
        """The customer's default risk as of its last assessment; the book's rate for one that is unknown."""
        account = self._accounts.get(customer_id)
        return self._risk.book_rate if account is None or not account.points else account.probability

    def apply(self, offset: int, entry: LogEntry) -> Effects:
        """Apply the entry at this log offset."""
        # isinstance of a pydantic model costs as much as a whole booking: here and below the type itself is asked.
        if type(entry.event) in _BROADCASTS:
            return self._apply_broadcast(offset, entry)
        return self._apply_customer(offset, entry, cast(CustomerEvent, entry.event))

    def _apply_customer(self, offset: int, entry: LogEntry, event: CustomerEvent) -> Effects:
        account = self._accounts.get(event.customer_id) or Account(SCHEMA, event.customer_id)
        topic = entry.source.topic
        if offset <= account.applied or entry.source.offset <= account.sources.get(topic, -1):
            return Effects(applied=False)
        digest = id_hash(event.event_id)
        if contains(account.seen, digest):
            return Effects(applied=False)
        account.applied, account.sources[topic] = offset, entry.source.offset
        account.clock = max(account.clock, self._state.clock, to_ms(entry.time))
        self._groups.catch_up(offset)
        day = day_of_ms(account.clock)
        self._remember(account, digest, day)
        situation = Situation(account, Cause.of(entry, account.clock), day, frozen=self._feed.frozen)
        situation.late_since = self._late_since(event, day)
        payments = account.behaviour.payments
        self._book(situation, event)
        if topic == PAYMENTS:
            account.heard = max(account.heard, to_ms(entry.time))
        else:
            account.told = max(account.told, to_ms(entry.time))
        self._index.note_news(account, payments)  # an invoice may settle a payment that came early
        self._assess(situation)
        return Effects(True, out=situation.out, touched=[account])

    def _remember(self, account: Account, digest: bytes, day: int) -> None:
        rules = self.policy.behaviour
        remember(account.seen, digest, day)
        prune(account.seen, day, rules.remember_events_days, rules.remember_events_count)
        prune(account.closed, day, rules.remember_closed_days, rules.remember_events_count)

    @staticmethod
    def _late_since(event: CustomerEvent, day: int) -> int | None:
        """When it really happened (ms), if the news comes on a later day; None for punctual news."""
        if type(event) in _REVIEW_ACTS:
            return None  # what a person decides counts from when it is known
        occurred = happened = event.occurred_at
        if type(event) is PaymentReceived:
            happened = event.paid_at
        late = day_of(occurred) < day or day_of(happened) < day
        return to_ms(happened) if late else None

    def _book(self, situation: Situation, event: CustomerEvent) -> None:
        account = situation.account
        assessor = self._assessor_of(account)
        if type(event) is OrderInvoiced:
            self._book_invoice(situation, event, assessor)
        elif isinstance(event, _DECIDED):
            assessor.decide_order(situation, event)
        elif type(event) in _REVIEW_ACTS:
            situation.act = cast(ReviewAct, event)
        else:
            _BOOKINGS[type(event)](account, event, assessor.policy)

    def _book_invoice(self, situation: Situation, event: OrderInvoiced, assessor: Assessor) -> None:
        account, day = situation.account, situation.day
        due = event.due_date.toordinal()
        matures = due + self.policy.default_risk.late_days + 1
        behaviour = account.behaviour
        # The prediction is made from what was known before the invoice, and frozen with its features. One that waits
        # for its outcome stays: the same invoice under another event id is nothing new.
        invoice = event.invoice_id
        predicted = day < matures and invoice not in account.items and invoice not in account.predictions
        predicted = predicted and invoice not in account.disputes
        if predicted:
            naive = self._risk.naive_rate(behaviour)
            packed, rate, shadow, probability = assessor.foretell(account, float(event.amount), due, day)
            account.predictions[invoice] = Prediction(
                matures, day, due, probability, naive, packed,
                shadow=shadow, others=self._risk.shadows(packed, rate),
                acted=ledger.is_acted_on(account, event), offset=self._risk.offset,
            )  # fmt: skip
        if order_memory.invoice(account, event, assessor.policy):
            record_invoice(behaviour, float(event.amount), event.terms_days)
        elif predicted:
            del account.predictions[invoice]

    def _apply_broadcast(self, offset: int, entry: LogEntry) -> Effects:
        event = entry.event
        effects = Effects(applied=offset > self._state.applied, broadcast=True)
        if offset < self._state.applied or (effects.applied and self._is_known(entry)):
            # Before the last broadcast everything is stored, accounts as well; or the gate wrote this one again after
            # a crash, further down the log, and it has had its effect where it first stood.
            return Effects(applied=False, broadcast=True)
        now = max(self._state.clock, to_ms(entry.time))
        day = day_of_ms(now)
        everyone = isinstance(event, _FOR_EVERYONE)
        if everyone:
            woken = sorted(self._accounts.ids())
        else:
            woken = self._wakes.due(day) if isinstance(event, TimePassed) else []
        accounts = [a for a in map(self._accounts.get, woken) if a is not None and a.applied < offset]
        if not everyone:
            # Plans that were overtaken by later ones come up as well: they are not due any more.
            accounts = [a for a in accounts if 0 < a.next_wake <= day]
        if effects.applied:
            self._change_partition(offset, entry, now, accounts, effects)
        for account in accounts:
            account.applied = offset
            self._groups.catch_up(offset, account.customer_id)
            account.clock = max(account.clock, now)
            frozen = self._feed.frozen
            situation = Situation(account, Cause.of(entry, account.clock), day_of_ms(account.clock), frozen=frozen)
            if isinstance(event, TimePassed) and not frozen:  # the tick that lets the partition learn them
                self._settle_outcomes(account, day)
                fresh = self._roll.unforetold(account, day)
                if fresh:
                    where = positions(account, day, self._assessor_of(account).policy)
                    self._roll.foretell(account, fresh, where, day)
            self._assess(situation)
            effects.out += situation.out
            effects.touched.append(account)
        return effects

    def _is_known(self, entry: LogEntry) -> bool:
        source, event = entry.source, entry.event
        if source.offset <= self._state.sources.get(f"{source.topic}/{source.partition}", -1):
            return True
        if isinstance(event, PartitionReport):  # so many a day that their ids would push those of others out
            return event.number <= self._state.heard.get(f"{event.type}/{event.partition}", 0)
        return event.event_id in self._state.seen

    def _change_partition(self, offset: int, entry: LogEntry, now: int, woken: list[Account], effects: Effects) -> None:
        event = entry.event
        state, source = self._state, entry.source
        state.applied = offset
        state.sources[f"{source.topic}/{source.partition}"] = source.offset
        if isinstance(event, PartitionReport):
            state.heard[f"{event.type}/{event.partition}"] = event.number
        elif not isinstance(event, TimePassed):
            state.seen = [*state.seen, event.event_id][-REMEMBERED_BROADCASTS:]
        if isinstance(event, TimePassed):
            self._state.clock = max(self._state.clock, ms_of_day(day_of_ms(now)))
            self._brake.tick(now, len(self._index.rated))
            effects.out += self._feed.tick(now, self._index, Cause.of(entry, now))
            # What was paid is not known while the feed is stale: nothing is certain then.
            self._learn(Cause.of(entry, now), day_of_ms(now), [] if self._feed.frozen else woken, effects)
            self._groups.catch_up(offset)
            groups = self._groups.report(day_of_ms(now), Cause.of(entry, now))
            if self._partitions > 1:
                effects.reports += [*self._exchange.report(day_of_ms(now), Cause.of(entry, now)), *groups]
        elif isinstance(event, MarketIndexRead):
            key, as_of = f"{event.scope}:{event.name}", event.as_of.toordinal()
            if key not in self._state.market or self._state.market[key].as_of <= as_of:
                self._state.market[key] = MarketReading(float(event.value), as_of)
        elif isinstance(event, ModelShared):
            self._exchange.hear(event)
        elif isinstance(event, GroupsReported):
            self._groups.hear(event)
        elif isinstance(event, PolicyActivated):
            self._activate(event, Cause.of(entry, now), now)
        elif isinstance(event, ModelPromoted):
            effects.out += self._keeper.promote(event, day_of_ms(now), Cause.of(entry, now))
        elif isinstance(event, ModelRestored):
            effects.out += self._keeper.restore(event, day_of_ms(now), Cause.of(entry, now))
            self._use_policy()
            if self._partitions > 1:  # the others have dropped what the model was that is no more
                effects.reports += self._exchange.report(day_of_ms(now), Cause.of(entry, now), at_once=True)

    def _learn(self, cause: Cause, day: int, woken: list[Account], effects: Effects) -> None:
        """Learn what has become certain for these accounts; note where a model has drifted."""
        for account in woken:
            trials = dict(account.trials)
            for invoice_id, prediction in matured(account.predictions, day):
                effects.outcomes.append(self._risk.learn(account, invoice_id, prediction, trials))
            for invoice_id, prediction in matured(account.rolls, day):
                effects.outcomes.append(self._roll.learn(account, invoice_id, prediction, trials))
        for outcome in effects.outcomes:
            if not outcome.acted:
                effects.out += self._keeper.watch(outcome, cause)
        effects.out += self._keeper.first_of_month(day, cause)

    def _activate(self, event: PolicyActivated, cause: Cause, now: int) -> None:
        try:
            layers = layered_policy(event.text)
        except InvalidInput:
            return  # the gate refuses such a policy; should one slip through, the old one stays in force
        self._keeper.checkpoint(f"before-{cause.event_id}", cause, day_of_ms(now))
        self._state.policy_text = event.text
        self._brake = Brake(layers.base.brake, self._state, self._partitions)
        self._brake.begin(max(self._state.brake.hour, now // MS_PER_HOUR), len(self._index.rated))
        self._use_policy()

    def _settle_outcomes(self, account: Account, day: int) -> None:
        behaviour, rules = account.behaviour, self.policy
        for invoice_id, prediction in matured(account.predictions, day):
            self._risk.tried(prediction, is_bad(prediction), account.trials)
            record_outcome(behaviour, is_bad(prediction), day, rules.default_risk.half_life_days)
            del account.predictions[invoice_id]
        for invoice_id, prediction in matured(account.rolls, day):
            self._roll.tried(prediction, is_bad(prediction), account.trials)
            record_roll(behaviour, is_bad(prediction), day, rules.roll_risk.half_life_days)
            del account.rolls[invoice_id]
        if account.trials:
            self._risk.forget_others(account.trials)
            self._roll.forget_others(account.trials)

    def _assess(self, situation: Situation) -> None:
        account = situation.account
        assessor = self._assessor_of(account)  # asked anew: the event may have changed the master data
        assessor.assess(situation)
        planned = next_wake(
            account, situation.day, assessor.policy, rise_due=situation.rise_due,
            deferred=situation.deferred or account.review is not None,
            order_day=assessor.orders.next_day(account) if account.orders else 0,
        )  # fmt: skip
        if planned != account.next_wake:  # else the index holds it already
            account.next_wake = planned
            self._wakes.plan(planned, account.customer_id)
        self._index.note_level(account)
        if account.master.group_parent is not None or account.group_marks:
            self._groups.note(account, positions(account, situation.day, assessor.policy))
        self._accounts.put(account)
