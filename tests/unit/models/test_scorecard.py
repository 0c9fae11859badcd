"""Laws of models.scorecard."""

from __future__ import annotations

from decimal import Decimal

import pytest

from models.account import Behaviour, OpenItem
from models.behaviour import record_order, record_payment
from models.exposure import Position, positions
from models.opinions import Opinion
from models.scorecard import COMPONENTS, Scorecard, utilisation
from tests.unit.models.build import DAY, account, owing, policy

RULES = policy()
"""Weights of the default policy: 30, 35, 20, 10, 5, 15, 10, 5; together 130."""
CARD = Scorecard(RULES)


def test_points_by_hand() -> None:
    """All eight known: weight / 130 x points of the curve, rounded down."""
    points = CARD.points(
        {
            "default_risk": 0.05,  # 900 x 30/130 = 207.69
            "ageing": 3,  # 850 x 35/130 = 228.85
            "payment_index": 80,  # 920 x 20/130 = 141.54
            "utilisation": 0.8,  # 850 x 10/130 = 65.38
            "order_pattern": 3,  # 750 x 5/130 = 28.85
            "financial": 850,  # 850 x 15/130 = 98.08
            "agency": 0.5,  # 500 x 10/130 = 38.46
            "qualitative": 3,  # 500 x 5/130 = 19.23
        }
    )
    assert points == {
        "default_risk": 207,
        "ageing": 228,
        "payment_index": 141,
        "utilisation": 65,
        "order_pattern": 28,
        "financial": 98,
        "agency": 38,
        "qualitative": 19,
    }


def test_unknown_components_share_out_their_weight() -> None:
    """With ageing and utilisation unknown, 30 and 20 fill up to 3/5 and 2/5 of 1000."""
    assert CARD.points({"default_risk": 0.05, "payment_index": 60}) == {"default_risk": 540, "payment_index": 180}


def test_one_component_alone_is_the_score() -> None:
    """A customer of whom only the default risk is known is scored by it alone."""
    assert CARD.points({"default_risk": 0.1}) == {"default_risk": 800}


def test_nothing_known_is_no_points() -> None:
    """Without any measure there are no points, and no division by zero."""
    assert CARD.points({}) == {}


def test_best_and_worst() -> None:
    """All measures at their best sum to no more than 1000 and, for rounding, no less than 992; at worst to 0."""
    best = {
        "default_risk": 0.0,
        "ageing": 0,
        "payment_index": 100,
        "utilisation": 0,
        "order_pattern": 1,
        "financial": 1000,
        "agency": 1,
        "qualitative": 5,
        "concentration": 0.1,
        "delivery": 1000,
        "price": 0.5,
    }
    worst = {
        "default_risk": 1.0,
        "ageing": 99,
        "payment_index": 20,
        "utilisation": 9,
        "order_pattern": 100,
        "financial": -4,
        "agency": 0,
        "qualitative": 1,
        "concentration": 1,
        "delivery": 0,
        "price": 2,
    }
    assert 992 <= sum(CARD.points(best).values()) <= 1000
    assert sum(CARD.points(worst).values()) == 0
    assert set(best) == set(COMPONENTS)


def test_weight_zero_removes_a_component() -> None:
    """A component without weight gets no points and takes no share."""
    card = Scorecard(policy("scorecard: {ageing: {weight: 0}}"))
    assert card.points({"default_risk": 0.1, "ageing": 50}) == {"default_risk": 800}


def test_new_customer_has_only_default_risk() -> None:
    """Of an account without items, payments, limits and reports nothing else is known."""
    known = account()
    known.probability = 0.2
    assert CARD.measures(known, {}, {}, DAY) == {"default_risk": 0.2}


def test_ageing_is_known_with_an_invoice_or_a_payment() -> None:
    """An open invoice that is not due yet, or a payment long ago, makes the ageing known: zero."""
    owed = owing(("I1", 100, 5))
    payer = account()
    payer.behaviour.payments = 1
    assert CARD.measures(owed, positions(owed, DAY, RULES), {}, DAY)["ageing"] == 0.0
    assert CARD.measures(payer, {}, {}, DAY)["ageing"] == 0.0


def test_ageing_is_that_of_the_worst_material_currency() -> None:
    """EUR 10 days on all, USD 40 days on a quarter: 10 and 10; USD half: 20. Currencies are not added."""
    known = owing(("I1", 100, -10))
    known.items["I2"] = OpenItem(Decimal(50), "USD", DAY - 40, Decimal(50))
    known.open_invoices["USD"] = Decimal(100)
    assert CARD.measures(known, positions(known, DAY, RULES), {}, DAY)["ageing"] == pytest.approx(20.0)


def test_immaterial_overdue_is_not_ageing() -> None:
    """An overdue trifle (2 of 100, 20 days) does not age the account."""
    known = owing(("I1", 2, -20), ("I2", 98, 20))
    assert CARD.measures(known, positions(known, DAY, RULES), {}, DAY)["ageing"] == 0.0


def test_utilisation_is_that_of_the_worst_limited_currency() -> None:
    """EUR 80 of 100, USD 30 of 20, CNY without limit: 1.5."""
    where = {c: Position(open_invoices=Decimal(n)) for c, n in (("EUR", 80), ("USD", 30), ("CNY", 900))}
    limits = {"EUR": Decimal(100), "USD": Decimal(20), "GBP": Decimal(1)}
    assert CARD.measures(account(), where, limits, DAY)["utilisation"] == pytest.approx(1.5)


def test_utilisation_is_unknown_without_a_limit() -> None:
    """No limit set is not a limit of zero: the component is absent."""
    known = owing(("I1", 100, 5))
    where = positions(known, DAY, RULES)
    assert "utilisation" not in CARD.measures(known, where, {}, DAY)


def test_a_limit_with_nothing_against_it_is_unused() -> None:
    """Utilisation is 0 then, not unknown: otherwise paying the last invoice would take its points away."""
    known = account()
    assert CARD.measures(known, {}, {"EUR": Decimal(5)}, DAY)["utilisation"] == 0.0
    elsewhere = positions(owing(("I1", 100, 5)), DAY, RULES)
    assert CARD.measures(known, elsewhere, {"USD": Decimal(5)}, DAY)["utilisation"] == 0.0


@pytest.mark.parametrize(
    ("owed", "limit", "used"),
    [(50, 200, 0.25), (300, 200, 1.5), (0, 200, 0.0), (-80, 200, 0.0), (1, 0, 10.0), (0, 0, 0)],
)
def test_utilisation_is_exposure_over_limit(owed: int, limit: int, used: float) -> None:
    """A credit balance uses nothing; a limit of zero is used tenfold by any exposure."""
    position = Position(open_invoices=Decimal(owed))
    assert utilisation(position, Decimal(limit)) == pytest.approx(used)


def test_order_pattern_warns_in_both_directions() -> None:
    """A fifth of the usual orders is as remarkable as five times the usual."""
    known = account()
    known.behaviour = Behaviour(first_order=DAY - 29)
    for _ in range(5):
        record_order(known.behaviour, "EUR", Decimal(100), DAY, RULES.behaviour)
    # long after: a hundredth of the usual is the floor
    assert CARD.measures(known, {}, {}, DAY)["order_pattern"] > 1
    assert CARD.measures(known, {}, {}, DAY + 3000)["order_pattern"] == pytest.approx(100.0)


def test_payment_index_enters_with_the_third_payment() -> None:
    """Three prompt payments have the index 80."""
    known = account()
    for _ in range(3):
        assert "payment_index" not in CARD.measures(known, {}, {}, DAY)
        record_payment(known.behaviour, "EUR", Decimal(10), DAY, DAY, RULES.behaviour)
    assert CARD.measures(known, {}, {}, DAY)["payment_index"] == pytest.approx(80.0)


def test_opinions_enter_as_they_are_known() -> None:
    """An opinion with confidence is a measure; one without, or without a value, is unknown."""
    said = {"financial": Opinion(640.0, 0.2), "agency": Opinion(0.7, 0.0), "qualitative": Opinion(None, 0.0)}
    assert CARD.measures(account(), {}, {}, DAY, said) == {"default_risk": 0.0, "financial": 640.0}


def test_what_age_takes_of_a_weight_is_shared_out() -> None:
    """Financial at a third of its weight of 15 is 5 beside 30: 900 x 30/35 and 400 x 5/35."""
    known = {"default_risk": 0.05, "financial": 400}
    points = CARD.points(known, {"financial": Opinion(400, 1 / 3)})
    assert points == {"default_risk": 771, "financial": 57}
    assert CARD.points(known, {"financial": Opinion(400, 1.0)}) == CARD.points(known)


def test_score_of_all_forgets_ages() -> None:
    """It is the score as if no opinion had aged; what has no value stays out."""
    said = {
        "financial": Opinion(1000.0, 0.0, unaged=1000.0),
        "agency": Opinion(0.2, 0.1, unaged=0.5),
        "qualitative": Opinion(None, 0.0),
    }
    young = sum(CARD.points({"default_risk": 0.1, "financial": 1000, "agency": 0.5}).values())
    assert CARD.score_of_all({"default_risk": 0.1, "agency": 0.5}, said) == young
