"""Sentences: an alert says who, what, why, how much is at stake and the way back."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from alerts.order_text import order_sentence
from alerts.sentences import (
    alert_sentence,
    amounts,
    help_text,
    money,
    opinion_line,
    review_text,
    top_reasons,
    way_back_text,
)
from alerts.texts import LANGUAGES, Language
from schemas.decisions import (
    AlertKind,
    Counterfactual,
    Opinion,
    OrderCheck,
    OrderLetGo,
    Reason,
    TighteningReview,
    WayBack,
)
from schemas.fields import Currency
from schemas.levels import Level

from .samples import alert, order


def test_a_tightening_names_all_that_matters() -> None:
    """Customer, levels, scores, cap and reasons with points, stake, limit and way back are in the sentence."""
    told = alert_sentence("C1", alert(), "en")
    for part in (
        "C1 tightened: standard -> watch, score 712 -> 598",
        "oldest item 17 days past due in USD",
        "payment index 61.5, prompt is 80 (-80)",
        "at stake: 12,500 USD",
        "limit 7,000 USD",
        "back to standard: pay 4,200 USD, then from 2025-04-14 (invoices: INV-1)",
    ):
        assert part in told


@pytest.mark.parametrize("language", LANGUAGES)
def test_hostile_names_cannot_steer_the_terminal(language: Language) -> None:
    """Neither a customer's nor an invoice's or order's name brings a control character to the screen."""
    evil = "x\x1b]0;owned\x07\x9b2J\u202e"
    way = WayBack(to_level=Level.STANDARD, pay={"USD": Decimal(1)}, invoices=[evil], not_before=None)
    told = alert_sentence(evil, alert(way_back=way), language) + order_sentence(evil, order(order_id=evil), language)
    assert told.isprintable()


@pytest.mark.parametrize(
    ("opinion", "told"),
    [
        (
            Opinion(code="FINANCIAL", value=640.4, confidence=0.25, detail={"current_ratio": "1.667"}),
            "financial ratios: 640 of 1000 points (weight 25%); current ratio 1.667",
        ),
        (
            Opinion(code="AGENCY", value=None, confidence=0.0, detail={"unused": "A: no\x1b such rating"}),
            "agency report (weight 0%); not used: A: no\ufffd such rating",
        ),
        (
            Opinion(code="QUALITATIVE", value=3.5, confidence=1.0, detail={"disputed": "management, reputation"}),
            "mean grade 3.5 of 5; disputed: management, reputation",
        ),
    ],
)
def test_an_opinion_is_told_with_its_weight_and_what_is_behind_it(opinion: Opinion, told: str) -> None:
    """Value, weight if it has aged, ratios and sources, and what is not used: harmlessly, whoever wrote it."""
    assert opinion_line(opinion, "en") == told
    assert "opinion." not in opinion_line(opinion, "zh")


def test_reasons_shown_drove_the_alert() -> None:
    """A tightening shows the caps of its level and what lowered the score; an easing what raised it."""
    up = Reason(code="AGEING", contribution=30)
    down = Reason(code="PAYMENT_INDEX", contribution=-90)
    softer = Reason(code="DPD_15", contribution=0, detail={"at_most": "STANDARD"})
    harder = Reason(code="DPD_30", contribution=0, detail={"at_most": "WATCH"})
    tightening = alert(reasons=[down, up], caps=[harder, softer])
    assert top_reasons(tightening) == [harder, down]
    easing = alert(kind=AlertKind.EASING, reasons=[down, up], caps=[harder])
    assert top_reasons(easing) == [up]


def test_points_shown_sum_to_the_change() -> None:
    """What moved the score the other way is summed up, so that nobody wonders where the points went."""
    reasons = [Reason(code="DEFAULT_RISK", contribution=-644), Reason(code="AGEING", contribution=386)]
    told = alert_sentence("C1", alert(reasons=reasons, caps=[], cause_kind="DEFAULT_RISK", score_before=856), "en")
    assert "why: risk of late payment (-644); all else (+386)" in told


def test_a_first_rating_is_not_compared_with_a_score_without_evidence() -> None:
    """From UNRATED there is no score before and there are no points, only what speaks against the customer."""
    reasons = [Reason(code="DEFAULT_RISK", contribution=-551), Reason(code="AGEING", contribution=495)]
    told = alert_sentence("C1", alert(level_before=Level.UNRATED, reasons=reasons, caps=[], score_before=654), "en")
    assert "unrated -> watch, score 598; why: risk of late payment; at stake" in told


def test_an_alert_without_reasons_names_its_cause() -> None:
    """There is always a why, also for a change of limit or terms that no score explains."""
    assert "why: limit or terms changed" in alert_sentence(
        "C1", alert(cause_kind="LIMIT_OR_TERMS", reasons=[], caps=[]), "en"
    )
    assert "why: overdue items" in alert_sentence("C1", alert(cause_kind="AGEING", reasons=[], caps=[]), "en")


def test_amounts_never_mix_currencies() -> None:
    """Amounts of several currencies stand beside each other, zero ones are left out."""
    assert amounts({"USD": Decimal("1500"), "EUR": Decimal("12.5"), "GBP": Decimal(0)}, "en") == "12.50 EUR + 1,500 USD"
    assert amounts({}, "en") == "none"
    assert money(Decimal("999.99"), "CNY") == "999.99 CNY"


def test_a_way_back_without_debts_asks_to_stay_current() -> None:
    """Who owes nothing overdue is not asked to pay zero."""
    way = WayBack(to_level=Level.WATCH, pay={}, invoices=[], not_before=datetime(2025, 1, 2, tzinfo=UTC))
    assert way_back_text(way, "en") == "back to watch: stay current, from 2025-01-02"


def test_a_review_names_the_orders_that_went_with_their_amounts() -> None:
    """Of a tightening that waits, and of stopped holds; an order that is gone by now has its id alone."""
    went = OrderLetGo(order_id="SO-1", amount=Decimal(1_200), currency=Currency("USD"))
    waits = TighteningReview(state="pending", to_level=Level.BLOCKED, version=1, let_go=[went])
    told = "orders that went meanwhile, to be held by the checks: SO-1 (1,200 USD)"
    assert review_text(waits, "en").endswith(told)
    assert review_text(waits, "zh").endswith("按检查本应暂扣的订单：SO-1 (1,200 USD)")
    assert "orders" not in review_text(waits.model_copy(update={"let_go": []}), "en")
    holds = waits.model_copy(update={"order_ids": ["SO-0", "SO-1"]})
    assert "SO-0, SO-1 (1,200 USD) go" in review_text(holds, "en")


def test_an_order_decision_says_what_stands_in_the_way() -> None:
    """A held order is told with its checks and their numbers."""
    check = OrderCheck(
        code="OVER_LIMIT",
        detail={"exposure": "900", "order": "300", "limit": "1000", "short_by": "200", "currency": "USD"},
    )
    told = order_sentence("C1", order(checks=[check]), "en")
    assert (
        told
        == "C1 order O1 over 300.00 USD held: exposure 900.00 plus order 300.00 passes the limit 1,000 USD by 200.00"
    )


def test_what_would_help_is_said_with_its_date_or_as_a_way() -> None:
    """Invoices paid on time, the level they lead to, and what cannot be foretold; what the way back says is not said
    twice."""
    one = Counterfactual(
        pay={}, on_time=2, to_level=Level.WATCH, not_before=datetime(2025, 3, 12, tzinfo=UTC), approximate=False
    )
    assert help_text(one, "en") == "with 2 more invoices paid on time: watch from 2025-03-12"
    later = one.model_copy(update={"not_before": None, "to_level": Level.PRIME, "approximate": True})
    assert help_text(later, "en").startswith("with 2 more invoices paid on time: prime, step by step (")
    assert "2 张发票" in help_text(later, "zh")
    assert help_text(one.model_copy(update={"on_time": 0}), "en") == ""
