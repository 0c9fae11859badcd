"""The state of one customer's account: what the engine remembers between two events, compact and versioned.

Days are proleptic ordinals (``date.toordinal``), times are milliseconds since 1970 in UTC. Amounts are exact
decimals kept per currency; statistics are floats. The field order is the wire format: append, never reorder,
and raise ``SCHEMA`` when the meaning of a field changes.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final, NamedTuple

import msgspec

from schemas.errors import UnsupportedVersion
from schemas.levels import Level

SCHEMA: Final = 1
ZERO: Final = Decimal(0)


class OpenItem(msgspec.Struct, array_like=True):
    """An invoice with something still to pay."""

    outstanding: Decimal
    currency: str
    due: int
    amount: Decimal
    changed: int = 0
    reversed: bool = False
    from_notice: bool = False


class Release(msgspec.Struct, array_like=True):
    """A person let an order go: up to an amount, of which what is invoiced comes off, through a day."""

    by: str
    reason: str
    up_to: Decimal
    until: int
    second: str | None = None

    @property
    def is_by_one(self) -> bool:
        """Whether nobody else agreed to it."""
        return self.second in (None, self.by)


class OpenOrder(msgspec.Struct, array_like=True):
    """An order not yet invoiced or cancelled. A held order is not going to be shipped: it is not exposure.

    ``was_held`` stays when it is released; ``asked_terms`` are those the customer asked for, in days. ``version`` is
    the number of the decision that changed it last. Of a held order ``held_since`` (ms), how often its age was told
    (``told``), and the part of it that is ``free`` to go all the same. ``by_one``: what of it was invoiced on releases
    to which no second person agreed.
    """

    amount: Decimal
    currency: str
    placed: int
    delivery: int | None = None
    held: bool = False
    was_held: bool = False
    asked_terms: int | None = None
    version: int = 0
    held_since: int = 0
    told: int = 0
    free: Decimal = ZERO
    release: Release | None = None
    by_one: Decimal = ZERO


class ForcedHold(msgspec.Struct, array_like=True):
    """A person holds an order's id (``kind``: the act); ``until`` = 0 while the order is open, then a last day."""

    by: str
    reason: str
    kind: str
    until: int = 0


class Passed(msgspec.Struct, array_like=True):
    """An order that was let go, on the day it was placed: what the next ones are summed with."""

    amount: Decimal
    currency: str
    placed: int


class OrderMemory(msgspec.Struct, array_like=True):
    """What is remembered of orders by their ids, beyond their end."""

    forced: dict[str, ForcedHold] = {}
    passed: dict[str, Passed] = {}


class EarlyPayment(msgspec.Struct, array_like=True):
    """Cash (or a credit note) for an invoice that has not arrived yet; it counts as unapplied until then."""

    amount: Decimal
    currency: str
    paid: int
    credit: bool = False


class Dispute(msgspec.Struct, array_like=True):
    """A dispute of an invoice (``amount`` None: all of it), as of its newest news (``changed``, ms).

    One that is over (``open`` False) is kept while its invoice is: what was foretold of it is not judged.
    """

    changed: int
    open: bool
    amount: Decimal | None = None
    currency: str | None = None
    reason: str = "other"


class Prediction(msgspec.Struct, array_like=True):
    """A prediction about an invoice, made on day ``issued``, waiting until its outcome is certain (``matures``).

    ``shadow`` is what the learner had a say in, also while it was silent and ``model`` was the rate alone; ``others``
    is what its challengers foretold. ``acted``: we held the order or cut its terms, which may change the outcome.
    ``offset``: the recalibration that is in ``model``, in ten-thousandths of log-odds.
    """

    matures: int
    issued: int
    due: int
    model: float
    naive: float
    features: bytes
    settled: int | None = None
    shadow: float | None = None
    others: dict[str, float] | None = None
    acted: bool = False
    offset: int = 0


class Trial(msgspec.Struct, array_like=True):
    """What a customer's outcomes have shown of a challenger since a day: how many, and its summed gain in log-loss."""

    since: int
    outcomes: int = 0
    gain: float = 0.0


class CashStats(msgspec.Struct, array_like=True):
    """Time-decayed, amount-weighted payment statistics in one currency."""

    paid: float = 0.0
    late_amount_days: float = 0.0
    index_amount: float = 0.0
    orders_fast: float = 0.0
    orders_slow: float = 0.0


class Behaviour(msgspec.Struct, array_like=True):
    """How the customer pays and orders. ``day`` is the day to which all decayed sums are brought."""

    day: int = 0
    payments: int = 0
    weight: float = 0.0
    late_sum: float = 0.0
    late_square_sum: float = 0.0
    outcomes: int = 0
    late_outcomes: int = 0
    weighted_outcomes: float = 0.0
    weighted_late: float = 0.0
    orders: int = 0
    first_order: int = 0
    last_payment: int = 0
    last_amount: float = 0.0
    last_terms: int = 30
    last_outcome: int = 0
    cash: dict[str, CashStats] = {}
    invoices: int = 0
    amount_log_sum: float = 0.0
    overdue_outcomes: int = 0
    rolled_outcomes: int = 0
    recent_overdue: float = 0.0
    recent_rolled: float = 0.0
    last_overdue_outcome: int = 0


class Master(msgspec.Struct, array_like=True):
    """Master data."""

    name: str | None = None
    segment: str | None = None
    sector: str | None = None
    region: str | None = None
    group_parent: str | None = None
    owner: str | None = None
    base_limits: dict[str, Decimal] = {}
    terms_days: int | None = None
    limit_valid_until: int | None = None


class Override(msgspec.Struct, array_like=True):
    """A level set by a person, valid through ``expires``."""

    level: str
    by: str
    expires: int


class Statement(msgspec.Struct, array_like=True):
    """The ratios of a financial statement by name; one that could not be computed is absent.

    ``filed``: the day it became known. Its size in ``currency``: net worth, and sales brought to a year (None: kept by
    an earlier version, which did not store them).
    """

    as_of: int
    ratios: dict[str, float]
    filed: int = 0
    currency: str | None = None
    equity: Decimal | None = None
    sales: Decimal | None = None


class AgencyReport(msgspec.Struct, array_like=True):
    """What an agency said last, as it said it: score and ends of its scale, symbol of a rating (None = not said)."""

    as_of: int
    score: Decimal | None = None
    scale_worst: Decimal | None = None
    scale_best: Decimal | None = None
    rating: str | None = None


class Review(msgspec.Struct, array_like=True):
    """A reviewer's last grades, 1 worst to 5 best, valid through ``expires``."""

    as_of: int
    expires: int
    management: float
    industry_position: float
    reputation: float


class External(msgspec.Struct, array_like=True):
    """What others say of the customer (None = unknown), by agency and by reviewer.

    ``altman_z`` to ``qualitative_expires``, and ``qualitative_day``, are of earlier versions; ``decode`` moves them.
    """

    altman_z: float | None = None
    statement_day: int = 0
    agency: float | None = None
    agency_day: int = 0
    qualitative: float | None = None
    qualitative_expires: int = 0
    covers: dict[str, tuple[str, Decimal, str, int]] = {}
    qualitative_day: int = 0
    statement: Statement | None = None
    agencies: dict[str, AgencyReport] = {}
    reviews: dict[str, Review] = {}


class PriceStats(msgspec.Struct, array_like=True):
    """Faded sums of a supplier's prices in one currency: their number, what it asks, and the same by reference."""

    weight: float = 0.0
    asked: float = 0.0
    reference: float = 0.0


class Supply(msgspec.Struct, array_like=True):
    """How a supplier delivers and what it asks. ``day`` is the day to which all faded sums are brought."""

    day: int = 0
    deliveries: int = 0
    quotes: int = 0
    last_delivery: int = 0
    last_quote: int = 0
    weight: float = 0.0
    on_time_in_full: float = 0.0
    days_late: float = 0.0
    rejected: float = 0.0
    prices: dict[str, PriceStats] = {}


class Tightening(msgspec.Struct, array_like=True):
    """A tightening that still stands: what a late payment may have to retract."""

    alert_id: str
    time: int
    level_before: str


class Tightened(msgspec.Struct, array_like=True):
    """The entry at log ``offset`` tightened the account or held an order, in a window of the brake; exposure then."""

    window: int
    offset: int
    exposure: dict[str, Decimal] = {}


class GroupMark(msgspec.Struct, array_like=True):
    """From log ``offset`` on the account is in this corporate group ('' = in none any more), with so much exposure."""

    offset: int
    group: str
    exposure: dict[str, Decimal]


class StoppedTightening(msgspec.Struct, array_like=True):
    """A tightening to ``level`` that waits for a person since a time (ms), or was rejected ``until`` a day (0 = waits).

    ``version`` is the number of the alert that told of it last (0 = none has yet), ``told`` how often its age was told.
    ``orders``: what was stopped is no tightening but the hold of these orders; the newest that passed meanwhile.
    ``let_go``: orders whose hold was stopped while a tightening waits, the newest.
    """

    level: str
    since: int
    version: int
    until: int = 0
    told: int = 0
    orders: list[str] = []
    let_go: list[str] = []


class Account(msgspec.Struct, array_like=True):
    """Everything known of one customer.

    ``covered``: cover that added to the limits at the last decision; ``cover_told``: the end of cover that was
    announced last. ``terms_step``: -1 shorter terms for paying late, 1 longer for paying early, since
    ``terms_changed``. ``heard``: the time (ms) of the newest event of the payments feed, ``told``: of any other
    topic. ``tightened`` and ``held``: when the brake last let it be tightened, and an order of its be held.
    ``overpaid``: the part of the unapplied cash that names an invoice, by invoice.
    """

    schema: int
    customer_id: str
    applied: int = -1
    sources: dict[str, int] = {}
    seen: dict[int, bytes] = {}
    closed: dict[int, bytes] = {}
    clock: int = 0
    items: dict[str, OpenItem] = {}
    orders: dict[str, OpenOrder] = {}
    early: dict[str, list[EarlyPayment]] = {}
    open_invoices: dict[str, Decimal] = {}
    unapplied: dict[str, Decimal] = {}
    predictions: dict[str, Prediction] = {}
    behaviour: Behaviour = msgspec.field(default_factory=Behaviour)
    master: Master = msgspec.field(default_factory=Master)
    external: External = msgspec.field(default_factory=External)
    override: Override | None = None
    level: str = Level.UNRATED.value
    level_since: int = 0
    better_since: int | None = None
    points: dict[str, int] = {}
    decided_points: dict[str, int] = {}
    probability: float = 0.0
    limits: dict[str, Decimal] = {}
    terms_days: int = 0
    sequences: dict[str, int] = {}
    tightenings: list[Tightening] = []
    next_wake: int = 0
    rolls: dict[str, Prediction] = {}
    capacity: dict[str, Decimal] = {}
    capacity_day: int = 0
    limit_raised: int = 0
    trials: dict[str, Trial] = {}
    covered: dict[str, Decimal] = {}
    cover_told: int = 0
    terms_step: int = 0
    terms_changed: int = 0
    order_memory: OrderMemory | None = None
    disputes: dict[str, Dispute] = {}
    supply: Supply | None = None
    tightened: Tightened | None = None
    review: StoppedTightening | None = None
    heard: int = 0
    group_marks: list[GroupMark] = []
    told: int = 0
    held: Tightened | None = None
    overpaid: dict[str, list[EarlyPayment]] = {}

    @property
    def score(self) -> int:
        """0 (worst) to 1000 (best)."""
        return sum(self.points.values())


class _Header(msgspec.Struct, array_like=True):
    schema: int


class Marks(NamedTuple):
    """What the brake let pass of an account: ``Account.tightened`` and ``Account.held``."""

    tightened: Tightened | None
    held: Tightened | None


NO_MARKS: Final = Marks(None, None)

# The other fields are skipped unread: the whole book is looked through for these two.
_OnlyMarks = msgspec.defstruct(
    "_OnlyMarks",
    [
        (name, Tightened | None, None) if name in Marks._fields else (name, msgspec.Raw, msgspec.Raw())
        for name in Account.__struct_fields__
    ],
    array_like=True,
)
_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Account)
_MARKS_DECODER = msgspec.msgpack.Decoder(_OnlyMarks)
_HEADER = msgspec.msgpack.Decoder(_Header)


def encode(account: Account) -> bytes:
    """The account as msgpack; at most about 2 KB for a typical one."""
    return _ENCODER.encode(account)


def decode(data: bytes) -> Account:
    """The account of ``encode``.

    Raises:
        UnsupportedVersion: a newer creditpulse wrote it.
    """
    _check(data)
    account = _DECODER.decode(data)
    _modernise(account.external)
    return account


def decode_marks(data: bytes) -> Marks:
    """The marks alone, without decoding the rest; raises as ``decode``."""
    _check(data)
    found: Any = _MARKS_DECODER.decode(data)
    return Marks(found.tightened, found.held)


def _check(data: bytes) -> None:
    # The version first, alone: a newer shape may fail to decode, or decode into nonsense by chance.
    schema = _HEADER.decode(data).schema
    if schema > SCHEMA:
        raise UnsupportedVersion(f"account state has schema {schema}, this creditpulse knows up to {SCHEMA}")


def _modernise(external: External) -> None:
    """Move what earlier versions kept as single figures; who had said it was not kept: the name is empty."""
    if external.altman_z is not None:
        external.statement = Statement(external.statement_day, {"altman_z": external.altman_z})
        external.altman_z, external.statement_day = None, 0
    if external.agency is not None:
        position = Decimal(repr(external.agency))
        external.agencies[""] = AgencyReport(external.agency_day, position, ZERO, Decimal(1))
        external.agency, external.agency_day = None, 0
    if external.qualitative is not None:
        grade = external.qualitative
        external.reviews[""] = Review(external.qualitative_day, external.qualitative_expires, grade, grade, grade)
        external.qualitative, external.qualitative_expires, external.qualitative_day = None, 0, 0
