"""Laws of models.rehearsal: what is played is what the engine would do, and nothing else knows of it."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.account import encode
from models.customer_file import file_of
from models.partition import encode as encode_partition
from models.rehearsal import Rehearsal
from schemas.errors import InvalidInput
from schemas.log import PolicyActivated
from tests.unit.models.book import Book, orders
from tests.unit.models.build import CUSTOMER, at, disputed, invoiced, on, paid, placed

RULES = "limits: {base: {EUR: 2500}}"


def late_payer(late: int = 20) -> tuple[Book, int]:
    """A good payer that has let two invoices go unpaid, and the day."""
    book = Book(RULES)
    book.good_payer()
    book.see(invoiced("I1", 1_000, due=25, issued=20), invoiced("I2", 700, due=40, issued=20))
    book.days(21, 25 + late)
    return book, 25 + late


def rehearsal(book: Book) -> Rehearsal:
    return Rehearsal(CUSTOMER, book.account, book.engine.state)


def activated(text: str, day: int) -> PolicyActivated:
    return PolicyActivated(version=1, event_id="draft", occurred_at=at(day), by="ana", text=text)


@settings(max_examples=12)
@given(st.integers(1, 80), st.integers(1, 3_000), st.integers(1, 1_000), st.booleans())
def test_what_is_played_is_what_then_happens_and_nothing_happens_by_playing(
    late: int, ordered: int, cash: int, pays_first: bool
) -> None:
    """An order and a payment, in either order, on any day: the same decisions, score, level and exposure."""
    book, day = late_payer(late)
    events = [paid("I1", cash, day=day), placed("O1", ordered, day=day)][:: 1 if pays_first else -1]
    before = encode(book.account), encode_partition(book.engine.state)
    played = rehearsal(book).after(list(events), at(day))
    assert (encode(book.account), encode_partition(book.engine.state)) == before
    real = book.see(*events)
    assert [order.decision for order in orders(played.decisions)] == [order.decision for order in orders(real)]
    assert played.after == book.engine.standing(CUSTOMER, on(day).toordinal())
    assert sum(reason.contribution for reason in played.reasons) == (played.after.score or 0) - (
        played.before.score or 0
    )


def test_a_draft_policy_shows_what_it_would_do_to_this_customer() -> None:
    book, day = late_payer(5)
    draft = "version: draft\nlimits: {base: {EUR: 900}}"
    played = rehearsal(book).after([activated(draft, day), placed("O1", 100, day=day)], at(day))
    assert (played.before.exposures[0].limit, played.after.exposures[0].limit) == (Decimal(2500), Decimal(900))
    assert (played.before.policy_version, played.after.policy_version) == ("default-1", "draft")
    assert [order.decision.value for order in orders(played.decisions)] == ["hold"]
    assert played.after.held == ["O1"]


def test_a_draft_that_is_no_policy_says_where() -> None:
    book, day = late_payer(5)
    with pytest.raises(InvalidInput, match="ladder"):
        rehearsal(book).play(activated("ladder: {WATCH: {enter: many}}", day), at(day))


def test_of_somebody_unknown_only_the_policy_is_known() -> None:
    book = Book(RULES)
    played = Rehearsal("new", None, book.engine.state).standing(at(0))
    assert (played.level.value, played.score, played.parts) == ("UNRATED", None, [])


@given(st.integers(0, 90))
@settings(max_examples=10)
def test_the_parts_of_the_score_sum_to_it_and_the_items_to_the_exposure(late: int) -> None:
    """Both waterfalls end where they say, whatever is late, contested, ordered or paid without an invoice."""
    book, day = late_payer(late)
    book.see(placed("O1", 300, day=day), disputed("I2", 200, day=day), paid(None, 50, day=day))
    found = file_of(book.account, book.engine._assessor, on(day).toordinal())
    assert sum(part.points for part in found.parts) == found.score == book.account.score
    assert all(0 <= part.points <= part.most for part in found.parts)
    (exposure,) = found.exposures
    items = sum((invoice.outstanding for invoice in found.invoices), Decimal(0))
    ordered = sum((order.counts for order in found.orders), Decimal(0))
    assert items + ordered - found.unapplied["EUR"] == exposure.exposure
    assert sum(found.ageing["EUR"].values()) == items - sum(invoice.disputed for invoice in found.invoices)
    assert found.habit.normal_from is not None
    assert found.habit.mean_days_late is not None
    assert found.habit.normal_from <= found.habit.mean_days_late


def test_the_way_back_of_the_file_names_what_is_overdue() -> None:
    book, day = late_payer(40)
    found = rehearsal(book).file(at(day))
    assert found.way_back is not None
    assert found.way_back.invoices == ["I1", "I2"]
    assert found.way_back.pay == {"EUR": Decimal(1700)}
