"""A customer's sheet: what the archive answers, readable and harmless."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from rich.console import Console

from alerts.texts import LANGUAGES, Language
from desk.customer_sheet import sheet
from tests.unit.alerts.samples import alert, envelope, level, order

EVIL = "x\x1b]0;owned\x07\x9b2J\u202e[bold]"


def _entry(kind: str, event: dict[str, Any], type_: str = "") -> dict[str, Any]:
    return {"time": "2025-03-14T17:00:00+00:00", "kind": kind, "type": type_, "event": event}


def _answer(**changes: Any) -> dict[str, Any]:
    """An answer of ``streams.archive.reads.read_customer`` after one tightening."""
    decided = alert().model_dump(mode="json")
    paid = {"payment_id": "P1", "invoice_id": "INV-9", "amount": "250.00", "currency": "USD"}
    timeline = [
        _entry("alert", envelope(alert()).model_dump(mode="json")),
        _entry("level", envelope(level()).model_dump(mode="json")),
        _entry("order", envelope(order()).model_dump(mode="json")),
        _entry("event", paid, "payment.received"),
    ]
    exposure = {name: decided["exposures"][0][name] for name in decided["exposures"][0]}
    values: dict[str, Any] = {
        "customer_id": "C1", "name": "Acme", "segment": None, "sector": "food", "region": None, "group_parent": None,
        "owner": None, "since": "2025-03-14T17:00:00+00:00", "exposures": [exposure], "timeline": timeline,
        **{name: decided[name] for name in (
            "level", "score", "score_before", "provisional", "default_risk", "measures", "reasons", "caps", "way_back"
        )},
    }  # fmt: skip
    return {**values, **changes}


def _shown(answer: dict[str, Any], language: Language = "en") -> str:
    console = Console(file=io.StringIO(), width=200, record=True)
    console.print(sheet(answer, language))
    return console.export_text()


def test_everything_about_the_customer_is_shown() -> None:
    """Level, score, risk, measures, reasons with points, facts, way back, exposure and the four kinds of entry."""
    shown = _shown(_answer())
    for part in (
        "C1  ·  Acme  ·  food", "watch  since 2025-03-14", "712 -> 598", "31% (20% to 50%)", "terms 14 days",
        "payment index 61.5, prompt is 80 (-80)", "oldest item 17 days past due in USD",
        "back to standard: pay 4,200 USD", "12,500", "7,000", "-5,500", "179%",
        "C1 tightened: standard -> watch", "standard -> watch, score 598", "C1 order O1 over 300.00 USD held",
        "payment received INV-9 P1 250.00 USD",
    ):  # fmt: skip
        assert part in shown


def test_a_customer_that_was_never_assessed() -> None:
    """No score, no limit and nothing open are said, not shown as zero."""
    nothing = dict.fromkeys(("since", "score", "score_before", "default_risk", "measures", "way_back"))
    shown = _shown(
        _answer(**nothing, level="UNRATED", provisional=True, reasons=[], caps=[], exposures=[], timeline=[])
    )
    assert "unrated" in shown
    assert "nothing open, no limit set" in shown


def test_opinions_are_shown() -> None:
    """What others say is told in a line each; an answer of an earlier version has none."""
    said = {"code": "AGENCY", "value": 0.7, "confidence": 0.5, "detail": {"agency": "A", "as_of": "2025-01-31"}}
    assert "0.7 on a scale from 0 to 1 (weight 50%); agency A; as of 2025-01-31" in _shown(_answer(opinions=[said]))
    assert "also known" not in _shown(_answer())


def test_the_limit_and_the_terms_say_where_they_come_from() -> None:
    """One line per currency, and the habit behind the terms; an answer of an earlier version has neither."""
    basis = {"currency": "USD", "source": "orders", "base": "10000", "figures": {"order_days": "45"}, "factor": "0.7",
             "limit": "7000"}  # fmt: skip
    measures = {"terms_days": 14, "terms_basis": "pays_late", "deposit_share": 0.0, "orders": "approve"}
    shown = _shown(_answer(limit_basis=[basis], measures=measures))
    assert "7,000 USD = 45 days of usual orders 10,000 x 0.7" in shown
    assert "terms 14 days (one step shorter, pays late as a rule)" in shown
    assert "usual orders" not in _shown(_answer())


def test_two_uses_of_a_limit_have_two_names() -> None:
    """The score looks at the limit for level standard, as of the decision; what is in use now, at the one granted."""
    reason = {"code": "UTILISATION", "contribution": -30, "detail": {"value": "0.55"}}
    answer = _answer(reasons=[reason], decided_at="2025-03-14T17:00:00+00:00")
    shown = _shown(answer)
    assert re.search(r"reasons 2025-03-14 +exposure at 55% of the limit for level standard \(-30\)", shown)
    assert re.search(r"headroom +overdue +limit in use", shown)
    assert "limit in use" not in shown.split("headroom")[0]
    chinese = _shown(answer, "zh")
    assert "敞口为“标准”等级额度的 55%" in chinese
    assert "额度使用率" in chinese


def test_no_limit_is_not_zero() -> None:
    """A currency without limit says so."""
    row = {**_answer()["exposures"][0], "limit": None, "headroom": None, "utilisation": None}
    assert "no limit set" in _shown(_answer(exposures=[row]))
    assert "disputed" not in _shown(_answer(exposures=[row]))
    contested = _shown(_answer(exposures=[row | {"disputed": "310.50"}]))
    assert "disputed" in contested
    assert "310.50" in contested


@pytest.mark.parametrize("language", LANGUAGES)
def test_hostile_texts_steer_nothing(language: Language) -> None:
    """Names and ids of others bring no control character and no markup to the screen."""
    timeline = [_entry("event", {"order_id": EVIL, "amount": "1", "currency": "USD"}, "order.placed")]
    timeline.append(_entry("order", envelope(order(order_id=EVIL), subject=EVIL).model_dump(mode="json")))
    shown = _shown(_answer(customer_id=EVIL, name=EVIL, sector=EVIL, timeline=timeline), language)
    assert all(sign.isprintable() or sign == "\n" for sign in shown)
    assert "[bold]" in shown
