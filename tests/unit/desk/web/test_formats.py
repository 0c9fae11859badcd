"""Numbers, money, dates and ages as each language writes them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from desk.web.formats import DASH, Formats


def test_values_are_written_as_the_language_has_it() -> None:
    """The same values, twice."""
    en, zh = Formats("en"), Formats("zh")
    assert (en.number(-1234.5, 1), en.number(7, signed=True), zh.number(1234)) == ("−1,234.5", "+7", "1,234")
    assert (en.percent(0.256, 1), zh.percent(1)) == ("25.6%", "100%")
    assert (en.money(Decimal("12.30"), "EUR"), en.money("12400.60", "USD")) == ("12.30 EUR", "12,401 USD")
    assert (en.short_money(1_234_567, "EUR"), zh.short_money(1_234_567, "EUR")) == ("1.2M EUR", "123.5万 EUR")
    assert (en.day(date(2025, 3, 7)), zh.day("2025-03-07")) == ("7 Mar 2025", "2025年3月7日")
    moment = datetime(2025, 3, 7, 14, 5, 9, tzinfo=UTC)
    assert (en.time(moment, seconds=True), zh.clock("2025-03-07T14:05:09.000Z")) == (
        "7 Mar 2025 14:05:09",
        "3月7日 14:05",
    )
    assert (en.age(timedelta(days=3, hours=4)), zh.age(timedelta(minutes=61))) == ("3 d 4 h", "1 小时 1 分")
    assert en.age(timedelta(seconds=-5)) == "0 s"


def test_what_is_not_known_is_a_dash() -> None:
    """None and NaN everywhere."""
    f = Formats("en")
    found = {
        f.number(None), f.number(float("nan")), f.percent(None), f.money(None), f.short_money(None), f.day(None),
        f.time(None), f.clock(None), f.age(None), f.days(None),
    }  # fmt: skip
    assert found == {DASH}
