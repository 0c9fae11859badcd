"""Laws of the report's page: all that the report says, in both languages, in one file, and nothing that it does not."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any, get_args

import pytest

from schemas.decisions import ModelNoteKind
from streams.backtesting.html.render import render, words

ATTACK = "<script>alert(1)</script>"


def quality(auc: float = 0.8703) -> dict[str, Any]:
    """Figures of one model."""
    return {
        "n": 6198, "positives": 506, "rate": 0.08, "mean_probability": 0.088, "auc": auc, "gini": 2 * auc - 1,
        "average_precision": 0.6, "ks": 0.6, "log_loss": 0.17571, "brier": 0.0461,
    }  # fmt: skip


def sample() -> dict[str, Any]:
    """A report with something in every section."""
    task = {
        "model": quality(), "naive": quality(0.8597), "batch": quality(0.8741), "from": "2019-12-20",
        "intervals": {name: {"auc": [0.7911, 0.9122], "log_loss": [0.12, 0.25]} for name in ("model", "naive")},
        "calibration": {"model": [
            {"from": 0, "to": 0.1, "n": 10, "mean_probability": 0.05, "rate": 0.1, "low": 0.02, "high": 0.4},
            {"from": 0.1, "to": 0.9, "n": 10, "mean_probability": 0.4, "rate": 0.5, "low": 0.2, "high": 0.8},
        ]},
        "without_largest": {"share_of_rows": 0.318, "model": quality(0.8578), "naive": quality(0.8411)},
    }  # fmt: skip
    warning = {
        "recall": 0.8891, "precision": 0.2793, "median_lead_days": 46, "p10_lead_days": 18.4,
        "false_alerts_per_100_customers_per_quarter": 14.675, "events": 54,
        "intervals": {"recall": [0.8123, 0.9567], "precision": [0.2, 0.36], "median_lead_days": [41.5, 46.0],
                      "p10_lead_days": [15.0, 30.0], "false_alerts_per_100_customers_per_quarter": None},
    }  # fmt: skip
    levels = ["PRIME", "STANDARD", "WATCH", "HIGH_RISK", "BLOCKED", "UNRATED"]
    group = {
        "name": ATTACK, "customers": 321, "customer_years": 334.0, "tightenings": 309, "per_customer_year": 0.7654,
        "low": 0.68, "high": 0.8556, "share_of_customers": 0.3014, "events": 61, "median_lead_days": 46, "enough": True,
    }  # fmt: skip
    segment = {
        "name": ATTACK, "customers": 4, "n": 77, "positives": 7, "mean_probability": 0.1, "rate": 0.09, "auc": None,
        "log_loss": 0.3333, "naive_auc": None, "naive_log_loss": 0.4444, "tightenings": 3,
    }  # fmt: skip
    money = {
        "orders": 28606, "sales": "1234567.89", "holds": 1437, "held_amount": "5.00", "rejections": 377,
        "rejected_amount": "6.00", "false_holds": 1032, "false_hold_amount": "7.00", "sales_forgone": "8.00",
        "margin_forgone": "9.00", "bad_amount": "10.00", "bad_amount_held": "11.00", "loss_avoided": "210351.62",
        "late_cost_avoided": "12.00", "expected_loss": "13.00", "net": "-3805957.26",
    }  # fmt: skip
    assumed = {
        "margin": "0.2", "loss_given_default": "0.5", "loss_after_days": "60", "cost_of_capital": "0.08",
        "sales_lost": "0.3", "late_days": 5,
    }  # fmt: skip
    return {
        "events": 62954, "customers": 744, "decisions": 3000, "alerts": {"total": 998}, "dead_letters": {"total": 0},
        "policy_version": ATTACK, "prediction": {"A": task, "B": task}, "early_warning": warning,
        "early_warning_rules": {"dpd_15": warning, "dpd_30": warning},
        "levels_over_time": [{"month": f"2020-0{n}", **dict.fromkeys(levels, n)} for n in range(1, 6)],
        "migration": {"from": "2019-09-01", "to": "2020-05-31", "levels": levels,
                      "matrix": {a: {b: 7 if a == b else 0 for b in levels} for a in levels}},
        "segments": {key: [segment] for key in ("segment", "sector", "region", "currency")},
        "fairness": {"minimum_customers": 30, "groups": {"age": [group], "size": [{**group, "enough": False}]}},
        "money": {"assumptions": assumed, "orders": 28606, "currencies": {"USD": money}},
        "model_log": [
            {"time": "2020-03-01T00:00:00+00:00", "task": "A", "kind": kind, "statistic": 0.2777, "threshold": 0.25,
             "outcomes": 4321}
            for kind in get_args(ModelNoteKind)
        ],
    }  # fmt: skip


class Page(HTMLParser):
    """The texts of a page by language, its tags and what its attributes point to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: dict[str, list[str]] = {"en": [], "zh-CN": [], "": []}
        self.links: list[str] = []
        self._language: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember the tag, the language of a span, and links."""
        self.tags.append(tag)
        if tag == "span":
            self._language.append(dict(attrs).get("lang") or "")
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href")]

    def handle_endtag(self, tag: str) -> None:
        """Leave the span."""
        if tag == "span":
            self._language.pop()

    def handle_data(self, data: str) -> None:
        """Keep the text under its language."""
        self.texts[self._language[-1] if self._language else ""].append(data)

    def all(self, language: str = "") -> str:
        """Texts of a language, or those of none."""
        return " ".join(self.texts[language])


@pytest.mark.parametrize("text", [
    "0.870 (0.791 - 0.912)", "0.860", "0.874", "0.1757", "0.741", "0.89", "0.28", "18 (15 - 30)", "14.7",
    "2020-03-01", "0.2777",
    "1,234,567.89", "28,606", "210,351.62", "0.3333", "0.77", "0.68 - 0.86", "30.1%", "6,198", "1.10",
])  # fmt: skip
def test_figures_stand_in_the_page(text: str) -> None:
    """Rounded, grouped, and with their intervals."""
    assert text in Page(render(sample())).all()


def test_every_heading_and_note_is_there_in_both_languages() -> None:
    """For each English text a Chinese one, with the same numbers in it."""
    page = Page(render(sample()))
    assert len(page.texts["en"]) == len(page.texts["zh-CN"]) > 100
    for english, chinese in zip(page.texts["en"], page.texts["zh-CN"], strict=True):
        assert sorted(re.findall(r"\d+\.\d+", english)) == sorted(re.findall(r"\d+\.\d+", chinese))
    assert any(re.search(r"[\u4e00-\u9fff]", text) for text in page.texts["zh-CN"])
    assert not re.search(r"[\u4e00-\u9fff]", page.all("en"))


def test_no_text_is_without_use() -> None:
    """Each text of the catalogue stands in the page of a whole report, in both languages, but for the title's tag."""
    page = Page(render(sample()))
    for key, (english, chinese) in words().items():
        for language, text in (("en", english), ("zh-CN", chinese)):
            fixed = max(re.split(r"\{\w+\}", text), key=len)
            assert fixed in page.all(language), key


def test_names_stay_text() -> None:
    """A region that is called like a script makes none: there is just the page's own."""
    page = Page(render(sample()))
    assert page.tags.count("script") == 1
    assert page.all().count(ATTACK) >= 3


def test_nothing_is_loaded() -> None:
    """One file: whatever it points to stands within it."""
    page = Page(render(sample()))
    assert [link for link in page.links if not link.startswith("#")] == []
    assert "url(http" not in render(sample())
    assert "link" not in page.tags


def test_the_same_report_is_the_same_page() -> None:
    """Byte for byte, charts as well."""
    assert render(sample()) == render(sample())


@pytest.mark.parametrize("absent", [
    "prediction", "early_warning", "levels_over_time", "migration", "segments", "fairness", "money", "model_log",
])  # fmt: skip
def test_what_the_report_does_not_have_is_left_out(absent: str) -> None:
    """The rest stands as before."""
    whole, part = sample(), {name: value for name, value in sample().items() if name != absent}
    assert len(render(part)) < len(render(whole))
    assert words()["method"][0] in render(part)


def test_an_empty_report_is_a_page() -> None:
    """Nothing happened, and that can be read."""
    assert Page(render({})).tags.count("h2") == 2


def test_small_groups_show_no_rates() -> None:
    """The words, and no number in their place; no chart is drawn of such a dimension."""
    report = sample()
    report["fairness"]["groups"] = {"size": report["fairness"]["groups"]["size"]}
    page = Page(render(report))
    assert "too few" in page.all("en")
    assert "0.68 - 0.86" not in page.all()


def test_warnings_show_their_intervals() -> None:
    """Each figure with its ends; one without an interval, and a report of an earlier version, stand alone."""
    page = render(sample())
    assert "0.89 (0.81 - 0.96)" in page
    assert "46 (42 - 46)" in page
    assert "<td>14.7</td>" in page
    old = sample()
    del old["early_warning"]["intervals"]
    assert "<td>0.89</td>" in render(old)
