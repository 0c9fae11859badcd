"""Order decisions in words: every way to pass, every soft measure and who decided can be read."""

from __future__ import annotations

from decimal import Decimal

import pytest

from alerts.order_text import measure_text, order_why, way_text, ways_text
from alerts.texts import LANGUAGES, Language
from schemas.decisions import Decision
from schemas.order_measures import OrderMeasure, WayToPass

from .samples import order

PAY = WayToPass(kind="pay", currency="USD", pay=Decimal(12_400), invoices=["INV-7"])
DEPOSIT = WayToPass(kind="deposit", currency="USD", deposit=Decimal(300), deposit_share=Decimal("0.3"), terms_days=14)
PERSON = WayToPass(kind="person", currency="USD", needs=["OVER_LIMIT", "HOLD_AGED"])


def test_each_way_is_told_and_any_is_enough() -> None:
    """As the issue words it: pay 12,400 on INV-7, or a deposit of 30 %."""
    assert way_text(PAY, "en") == "pay 12,400 USD on INV-7"
    told = ways_text([PAY, DEPOSIT], "en")
    assert told == "passes if: pay 12,400 USD on INV-7, or deposit of 300.00 USD (30%) and terms of at most 14 days"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("way", [PAY, DEPOSIT, PERSON, WayToPass(kind="reduce", currency="EUR", reduce_to=Decimal(5))])
def test_no_way_is_silent_in_any_language(way: WayToPass, language: Language) -> None:
    """Nothing that the order needs is left unsaid."""
    told = way_text(way, language)
    assert told
    for number in (way.pay, way.deposit, way.reduce_to):
        assert number is None or f"{number:,.0f}" in told


def test_no_more_invoices_are_named_than_can_be_read() -> None:
    """The rest is hinted at."""
    many = PAY.model_copy(update={"invoices": [f"I{number}" for number in range(9)]})
    assert way_text(many, "en") == "pay 12,400 USD on I0, I1, I2, …"


def test_a_release_tells_what_freed_it_and_an_act_of_a_person_who_it_was() -> None:
    """The cash that came, or the person with the reason given; a control character in it stays text."""
    freed = order(decision=Decision.RELEASE, checks=[], cause_type="payment.received")
    assert order_why(freed, "en") == "freed by: payment received"
    by_hand = order(decision=Decision.RELEASE, checks=[], by="Ann", reason="paid\x1b today")
    assert order_why(by_hand, "en") == "decided by Ann; paid\ufffd today"


def test_a_partial_release_on_a_deposit_names_both() -> None:
    """All numbers of the measure are told; hold and refuse have none."""
    part = OrderMeasure(kind="partial", currency="USD", release_amount=Decimal(400), deposit=Decimal(50))
    assert measure_text(part, "en") == "400.00 USD may go now; with a deposit of 50.00 USD"
    assert measure_text(OrderMeasure(kind="hold", currency="USD"), "en") == ""
