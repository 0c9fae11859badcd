"""Laws of models.knock_outs."""

from __future__ import annotations

from decimal import Decimal

import pytest

from models.account import Account, Behaviour, OpenItem, Prediction
from models.behaviour import record_order, record_payment
from models.exposure import positions
from models.knock_outs import Cap, caps
from schemas.errors import InvalidInput
from schemas.levels import Level
from tests.unit.models.build import DAY, account, owing, policy

RULES = policy()


def _caps(known: Account, day: int = 0) -> list[Cap]:
    return caps(known, positions(known, DAY + day, RULES), DAY + day, RULES)


def _predicted(known: Account, invoice_id: str, probability: float) -> Account:
    item = known.items[invoice_id]
    known.rolls[invoice_id] = Prediction(item.due + 16, item.due + 1, item.due, probability, 0.1, b"")
    return known


def _spiking(*items: tuple[str, int | str, int]) -> Account:
    """Small orders every day for 400 days, then a giant one today."""
    known = owing(*items)
    known.behaviour = Behaviour()
    for day in range(-400, 0):
        record_order(known.behaviour, "EUR", Decimal(1), DAY + day, RULES.behaviour)
    record_order(known.behaviour, "EUR", Decimal(100_000), DAY, RULES.behaviour)
    return known


def test_nothing_open_has_no_caps() -> None:
    """An account without items is not held down."""
    assert _caps(account()) == []


@pytest.mark.parametrize(
    ("dpd", "code", "level"),
    [
        (15, "DPD_15", Level.WATCH),
        (29, "DPD_15", Level.WATCH),
        (30, "DPD_30", Level.HIGH_RISK),
        (89, "DPD_30", Level.HIGH_RISK),
        (90, "DPD_90", Level.BLOCKED),
        (900, "DPD_90", Level.BLOCKED),
    ],
)
def test_ageing_caps_at_their_days(dpd: int, code: str, level: Level) -> None:
    """15 days past due hold at WATCH, 30 at HIGH_RISK, 90 at BLOCKED: the hardest reached alone is named."""
    (cap,) = _caps(owing(("I1", 1000, -dpd)))
    assert (cap.code, cap.at_most) == (code, level)
    assert cap.detail == {"days_past_due": str(dpd), "currency": "EUR"}


@pytest.mark.parametrize("dpd", [-30, 0, 1, 14])
def test_no_cap_before_its_day(dpd: int) -> None:
    """Up to 14 days past due the score alone decides."""
    assert _caps(owing(("I1", 1000, -dpd))) == []


WAITING = policy(
    "knock_outs: {ageing: [{days_past_due: 20, at_most: WATCH,"
    " beyond_usual: {deviations: 2, days: 10, at_latest: 40}}, {days_past_due: 45, at_most: HIGH_RISK}]}"
)


@pytest.mark.parametrize(
    ("habit", "needed"),
    [([], 20), ([-5] * 9, 20), ([12] * 9, 22), ([8, 16], 30), ([60] * 9, 40)],
    ids=["nothing known", "early", "always 12", "12 on average, 4 off", "always 60"],
)
def test_a_cap_may_wait_until_the_customer_is_later_than_usual(habit: list[int], needed: int) -> None:
    """Mean + 2 standard deviations + 10 days, not before its days and not after the latest."""
    known = owing(("I1", 100, 0))
    for late in habit:
        record_payment(known.behaviour, "EUR", Decimal(10), DAY, DAY - late, WAITING.behaviour)
    for day, capped in ((needed - 1, False), (needed, True), (45, True)):
        found = caps(known, positions(known, DAY + day, WAITING), DAY + day, WAITING)
        assert [cap.code for cap in found] == ([f"DPD_{45 if day == 45 else 20}"] if capped else [])


def test_a_cap_cannot_wait_until_before_its_days() -> None:
    """A latest day below the first one is refused."""
    with pytest.raises(InvalidInput, match="at_latest"):
        policy(
            "knock_outs: {ageing: [{days_past_due: 20, at_most: WATCH,"
            " beyond_usual: {deviations: 2, days: 10, at_latest: 19}}]}"
        )


def test_trifle_long_overdue_is_no_block() -> None:
    """2 of 1000 for 95 days is not material; beside it 900 for 20 days caps at WATCH."""
    assert _caps(owing(("OLD", 2, -95), ("I1", 998, 10))) == []
    (cap,) = _caps(owing(("OLD", 2, -95), ("I1", 900, -20), ("I2", 98, 10)))
    assert (cap.code, cap.at_most) == ("DPD_15", Level.WATCH)


def test_rounding_rest_is_no_cap() -> None:
    """A rest of one unit holds nobody down, even alone and for a year."""
    assert _caps(owing(("I1", 1, -365))) == []


def test_caps_are_hardest_first() -> None:
    """Each currency has its cap, hardest first."""
    known = owing(("I1", 1000, -20))
    known.items["I2"] = OpenItem(Decimal(500), "USD", DAY - 95, Decimal(500))
    known.open_invoices["USD"] = Decimal(500)
    assert [(cap.code, cap.detail["currency"]) for cap in _caps(known)] == [("DPD_90", "USD"), ("DPD_15", "EUR")]


@pytest.mark.parametrize(("probability", "warned"), [(0.5, True), (0.49, False)])
def test_early_warning_needs_a_high_prediction(probability: float, warned: bool) -> None:
    """On the first day past due an invoice that was predicted bad with 0.5 holds at WATCH, below that it does not."""
    known = _predicted(owing(("I1", 1000, -1)), "I1", probability)
    assert [(cap.code, cap.at_most) for cap in _caps(known)] == [("EARLY_WARNING", Level.WATCH)] * warned


def test_early_warning_waits_for_the_first_day() -> None:
    """On the due date there is no early warning yet."""
    known = _predicted(owing(("I1", 1000, 0)), "I1", 0.9)
    assert _caps(known) == []
    assert [cap.code for cap in _caps(known, day=1)] == ["EARLY_WARNING"]


def test_early_warning_is_of_the_overdue_invoice_itself() -> None:
    """A bad prediction for an invoice that is not due yet says nothing of another that is overdue."""
    known = _predicted(owing(("I1", 1000, -1), ("I2", 1000, 20)), "I2", 0.9)
    assert _caps(known) == []


def test_unpaid_reversal_holds_at_watch() -> None:
    """A payment taken back caps while the invoice is open, due or not; paid again, it does not."""
    known = owing(("I1", 1000, 20))
    known.items["I1"].reversed = True
    (cap,) = _caps(known)
    assert (cap.code, cap.at_most, cap.detail) == ("PAYMENT_REVERSED", Level.WATCH, {"invoice": "I1"})
    known.items["I1"].reversed = False
    assert _caps(known) == []


@pytest.mark.parametrize("due", [20, -3])
def test_cash_covers_a_reversal(due: int) -> None:
    """Paid twice, the second time without naming the invoice, and one bounces: whoever has paid is not held."""
    known = owing(("I1", 1000, due), ("I2", 300, 25))
    known.items["I1"].reversed = True
    known.unapplied["EUR"] = Decimal(1000)
    assert _caps(known) == []
    known.unapplied["EUR"] = Decimal(998)
    assert [cap.code for cap in _caps(known)] == ["PAYMENT_REVERSED"]
    known.unapplied = {"USD": Decimal(1000)}
    assert [cap.code for cap in _caps(known)] == ["PAYMENT_REVERSED"]


def test_cash_covers_what_is_overdue_before_a_reversal() -> None:
    """The same cash counts once."""
    known = owing(("I1", 1000, 20), ("I2", 600, -3))
    known.items["I1"].reversed = True
    known.unapplied["EUR"] = Decimal(1000)
    assert [cap.code for cap in _caps(known)] == ["PAYMENT_REVERSED"]
    known.unapplied["EUR"] = Decimal(1600)
    assert _caps(known) == []


def test_a_reversal_is_seen_while_ageing_stands_still() -> None:
    """Open items are aged to an earlier day while the payments feed is stale: one due since then is reopened all the
    same."""
    known = owing(("I1", 1000, -2))
    known.items["I1"].reversed = True
    (cap,) = caps(known, positions(known, DAY - 5, RULES), DAY, RULES)
    assert cap.code == "PAYMENT_REVERSED"


def test_reversed_trifle_is_no_cap() -> None:
    """A reversal that leaves one unit open holds nobody down."""
    known = owing(("I1", 1, 20))
    known.items["I1"].reversed = True
    assert _caps(known) == []


def test_bust_out_is_a_spike_while_overdue() -> None:
    """Orders far above the usual while something material is past due cap at HIGH_RISK."""
    (cap,) = _caps(_spiking(("I1", 1000, -2)))
    assert (cap.code, cap.at_most) == ("BUST_OUT", Level.HIGH_RISK)
    assert float(cap.detail["velocity"]) >= 5


def test_spike_alone_is_no_bust_out() -> None:
    """With nothing past due, or only a trifle, more orders are good news."""
    assert _caps(_spiking(("I1", 1000, 5))) == []
    assert _caps(_spiking(("I1", 2, -2), ("I2", 998, 5))) == []


def test_silence_is_no_bust_out() -> None:
    """Orders far below the usual are no bust-out, however far."""
    known = _spiking(("I1", 1000, 395))
    assert _caps(known, day=400) == []


def test_cap_as_reason_contributes_no_points() -> None:
    """A cap moves the level, not the score; its reason names the level and the numbers."""
    reason = Cap("DPD_30", Level.HIGH_RISK, {"days_past_due": "31", "currency": "EUR"}).as_reason()
    assert (reason.code, reason.contribution) == ("DPD_30", 0)
    assert reason.detail == {"at_most": "HIGH_RISK", "days_past_due": "31", "currency": "EUR"}
