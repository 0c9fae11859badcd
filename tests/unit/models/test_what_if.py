"""Laws of models.what_if: asking what an order would get changes nothing, and foretells what it then gets."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.account import OpenOrder, encode
from models.engine import CreditEngine, MemoryAccounts
from models.partition import encode as encode_partition
from models.what_if import check_order
from schemas.decisions import Decision
from tests.unit.models.book import Book, orders
from tests.unit.models.build import CUSTOMER, DAY, invoiced, placed

RULES = "limits: {base: {EUR: 1000}}"


@given(st.integers(1, 2_000), st.integers(0, 1_500), st.integers(0, 120))
def test_it_foretells_the_decision_and_changes_nothing(amount: int, owed: int, day: int) -> None:
    """Whatever is open and however late: the order placed next gets what was foretold."""
    book = Book(RULES)
    book.good_payer()
    if owed:
        book.see(invoiced("I1", owed, due=25, issued=20))
    book.days(21, 21 + day)
    before = encode(book.account), encode_partition(book.engine.state)
    foretold, checks = book.engine.check_order(CUSTOMER, Decimal(amount), "EUR", DAY + 21 + day)
    asked = OpenOrder(Decimal(amount), "EUR", DAY + 21 + day)
    answer = check_order(book.account, asked, DAY + 21 + day, book.engine.policy)
    assert bool(answer.to_pass) == (foretold is not Decision.APPROVE), "what passes needs no way to pass"
    assert (encode(book.account), encode_partition(book.engine.state)) == before
    (order,) = orders(book.see(placed("O1", amount, day=21 + day)))[:1]
    assert (order.decision, [check.code for check in order.checks]) == (foretold, [check.code for check in checks])


@pytest.mark.parametrize(("amount", "decision"), [(500, Decision.APPROVE), (501, Decision.HOLD)])
def test_a_customer_nobody_knows_has_the_limit_of_the_policy(amount: int, decision: Decision) -> None:
    """Half the base limit as long as it is UNRATED; and it is unknown still after it was asked for."""
    accounts = MemoryAccounts()
    found, _ = CreditEngine(accounts, RULES).check_order("new", Decimal(amount), "EUR", DAY)
    assert (found, accounts.by_id) == (decision, {})
