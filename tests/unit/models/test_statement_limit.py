"""Laws of the limit that a statement bears: its currency, the lower of what is known, and no fall by age."""

from __future__ import annotations

from decimal import Decimal

import pytest

from models import assessments
from models.account import Account, Master
from models.calendar import ms_of_day
from models.limit_basis import limit_basis
from models.measures import LimitRules
from schemas.levels import Level
from tests.unit.models.book import Book, levels
from tests.unit.models.build import DAY, account, policy, statement

EQUITY = "statement: {equity_share: 0.1}"


def filed(as_of: int = 0, day: int | None = None, **changed: object) -> Account:
    """An account with a statement that became known on ``day``."""
    known = account()
    known.clock = ms_of_day(DAY + (as_of if day is None else day))
    assessments.file_statement(known, statement(as_of=as_of, **changed))
    return known


def base(known: Account, limits: str = EQUITY) -> dict[str, Decimal]:
    """The base limits by a policy."""
    return LimitRules(policy(f"limits: {{{limits}}}")).base(known)


def test_a_share_of_net_worth_in_the_statements_currency() -> None:
    """A tenth of 400, and nothing in another currency."""
    assert base(filed(currency="CNY")) == {"CNY": 40}


def test_the_lower_of_net_worth_and_sales_counts() -> None:
    """Two hundredths of a year's sales of 1500 are 30; a tenth of the net worth is 40."""
    assert base(filed(), "statement: {equity_share: 0.1, sales_share: 0.02}") == {"EUR": 30}
    assert base(filed(), "statement: {equity_share: 0.05, sales_share: 0.02}") == {"EUR": 20}


def test_without_net_worth_there_is_no_credit() -> None:
    """A negative equity bears a limit of zero, not a negative one and not "no limit"."""
    assert base(filed(total_liabilities=1100, equity=-100)) == {"EUR": 0}


def test_of_orders_and_statement_the_lower_counts() -> None:
    """What is agreed or set comes first; then what it needs, as far as it can bear it."""
    both = f"capacity: {{order_days: 45}}, {EQUITY}"
    known = filed()
    for orders, expected in ((Decimal(25), 25), (Decimal(70), 40)):
        known.capacity = {"EUR": orders, "USD": Decimal(9)}
        assert base(known, both) == {"EUR": expected, "USD": 9}
    assert base(known, both + ", base: {EUR: 500}")["EUR"] == 500
    known.master = Master(base_limits={"EUR": Decimal(7)})
    assert base(known, both)["EUR"] == 7


def test_a_statement_too_old_when_filed_bears_nothing() -> None:
    """30 months are its last; one that was fresh and grows old keeps the limit: nothing bad was said."""
    assert base(filed(as_of=0, day=920)) == {}
    known = filed(as_of=0, day=300)
    known.clock = ms_of_day(DAY + 3_000)
    assert base(known) == {"EUR": 40}


def test_a_statement_kept_by_an_earlier_version_bears_nothing() -> None:
    """Its size was not stored: unknown is not zero."""
    known = filed()
    assert known.external.statement is not None
    known.external.statement.currency = known.external.statement.equity = known.external.statement.sales = None
    assert base(known) == {}


def test_the_default_takes_no_limit_from_a_statement() -> None:
    """Off unless the firm switches it on."""
    assert LimitRules(policy()).base(filed()) == {}


@pytest.mark.parametrize(
    ("limits", "source"),
    [
        (EQUITY, "statement"),
        ("capacity: {order_days: 45}", "orders"),
        (f"capacity: {{order_days: 45}}, {EQUITY}", "orders"),
        ("base: {EUR: 9}, capacity: {order_days: 45}", "policy"),
    ],
)
def test_the_source_is_named(limits: str, source: str) -> None:
    """The one that set the base limit; with the figures that it takes to compute it."""
    known = filed()
    known.capacity = {"EUR": Decimal(25)}
    rules = LimitRules(policy(f"limits: {{round_to: 1, {limits}}}"))
    (told,) = limit_basis(known, Level.STANDARD, DAY, rules)
    assert told.source == source
    if source == "statement":
        assert told.figures == {"figure": "equity", "amount": "400", "share": "0.1", "as_of": "2024-03-04"}
    known.master = Master(base_limits={"EUR": Decimal(7)})
    assert limit_basis(known, Level.STANDARD, DAY, rules)[0].source == "agreed"


def test_a_better_statement_raises_in_steps_and_a_worse_one_cuts_at_once() -> None:
    """The caps on change hold for this source as for all."""
    limits = f"limits: {{round_to: 1, max_rise: 0.25, rise_days: 10, {EQUITY}}}"
    book = Book(f"{limits}\nscorecard: {{financial: {{weight: 0}}}}\nmeasures: {{PRIME: {{limit_factor: 1}}}}")
    book.good_payer()
    book.see(statement(as_of=21, day=21))
    book.see(statement(as_of=22, day=22, total_liabilities=200, current_liabilities=200, equity=800))
    assert book.account.limits == {"EUR": 60}
    book.days(23, 60)
    assert book.account.limits == {"EUR": 80}
    told = levels(book.see(statement(as_of=61, day=61)))
    assert book.account.limits == {"EUR": 40}
    assert told[-1].limit_basis[0].limit == told[-1].exposures[0].limit == 40
