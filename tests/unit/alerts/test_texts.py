"""Texts: every code that can be sent has a text in every language."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

import models
import streams
from alerts.texts import LANGUAGES, Language, reason_text, text, texts
from models.reasons import OTHER, reason_code
from models.scorecard import COMPONENTS
from schemas.decisions import AlertKind, Decision, OrderCheck, Reason
from schemas.envelope import Severity
from schemas.levels import Level
from schemas.policy import GRADED, StatementRatios

_DETAILS = ("as_of", "agency", "unused", "reviewers", "expired", "unknown_reviewers", "disputed")
"""What models.opinions tells beside ratios."""
_CODE = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+")


def _strings(folder: Path) -> Iterator[str]:
    """Every text constant of a folder's modules."""
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def _codes_in_models() -> set[str]:
    folder = Path(models.__file__).parent
    return {value for value in _strings(folder) if _CODE.fullmatch(value)}


def _codes_of_refusals() -> set[str]:
    """The codes with which gate and policy refuse a record: the first argument of InvalidInput."""
    found: set[str] = set()
    for folder in (Path(models.__file__).parent, Path(streams.__file__).parent / "gate"):
        for path in folder.rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "InvalidInput":
                    first = node.args[0]
                    found |= {str(first.value)} if isinstance(first, ast.Constant) else set()
    # Those chosen in an expression, see streams/gate/validate.py.
    return found | {
        "unknown_type",
        "not_an_object",
        "unknown_version",
        "missing_field",
        "unknown_field",
        "invalid_field",
    }


def _all_codes() -> set[str]:
    return {
        *(level.value for level in Level),
        *(kind.value for kind in AlertKind),
        *(decision.value for decision in Decision),
        *(severity.value for severity in Severity),
        *(reason_code(component) for component in COMPONENTS),
        *(f"opinion.{name}" for name in (*StatementRatios.model_fields, *GRADED, *_DETAILS)),
        *_codes_in_models(),
        *_codes_of_refusals(),
        OTHER,
        "SCORE",
        "OVERRIDE",
        "DPD_15",
        "DPD_123",
    }


def test_the_search_for_codes_finds_them() -> None:
    """The codes that models/ is known to send are among those searched for, so the next test looks at something."""
    known = {"EARLY_WARNING", "PAYMENT_REVERSED", "BUST_OUT", "LATE_NEWS", "LIMIT_OR_TERMS"}
    assert known | {"LEVEL_HOLD", "LEVEL_BLOCKED", "OVER_LIMIT", "OLDEST_ITEM"} <= _codes_in_models()
    assert {"not_json", "wrong_key", "in_the_future", "policy_invalid"} <= _codes_of_refusals()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_has_a_text(language: Language) -> None:
    """A code without a text would reach a customer as a code."""
    assert not {code for code in _all_codes() if code not in texts(language)} - {"DPD_15", "DPD_123"}
    assert text("DPD_15", language) == text("DPD_123", language) == texts(language)["DPD"]


def test_languages_hold_the_same_texts_with_the_same_numbers() -> None:
    """A translation neither lacks a text nor leaves out or makes up a number."""

    def parts(language: Language) -> dict[str, set[str]]:
        return {
            code: {name for _, name, _, _ in string.Formatter().parse(told) if name}
            for code, told in texts(language).items()
        }

    assert parts("en") == parts("zh")


def test_numbers_of_a_reason_are_shown() -> None:
    """A reason is told with its numbers, shares in percent."""
    reason = Reason(code="UTILISATION", contribution=-40, detail={"value": "0.8512"})
    assert reason_text(reason, "en") == "exposure at 85% of the limit for level standard"
    cap = Reason(
        code="DPD_30", contribution=0, detail={"at_most": "HIGH_RISK", "days_past_due": "37", "currency": "EUR"}
    )
    assert reason_text(cap, "en") == "oldest item 37 days past due in EUR"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_reason_without_its_numbers_still_has_a_text(language: Language) -> None:
    """A detail that is missing or unreadable never breaks a sentence."""
    for code in ("PAYMENT_INDEX", "OVER_LIMIT", "EARLY_WARNING"):
        assert reason_text(OrderCheck(code=code), language) == text(code, language)
    assert "n/a" in reason_text(Reason(code="AGEING", contribution=-1, detail={"value": "n/a"}), language)


def test_a_code_of_a_newer_sender_is_shown_harmlessly() -> None:
    """An unknown code is shown as it is, without what steers a terminal."""
    assert text("SOMETHING_NEW", "en") == "SOMETHING_NEW"
    assert "\x1b" not in text("X\x1b[2J", "zh")
