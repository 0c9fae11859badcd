"""Every text of the pages is there in both languages, and every text that is asked for exists."""

from __future__ import annotations

import re
from pathlib import Path
from string import Formatter

import pytest
import yaml
from pydantic import ValidationError

from desk.web.components.table import locale_text
from desk.web.oversight.letters import REASONS
from desk.web.texts import messages, said, translate
from models.policy import parse_policy
from schemas.assessments import ReviewGrades
from schemas.errors import InvalidInput

WEB = Path(__file__).parents[4] / "desk" / "web"
_ASKED = re.compile(r"""\bt\(\s*"([a-z0-9_.]+)\"""")


def test_each_text_is_in_both_languages_with_the_same_parts() -> None:
    """A text that is missing, empty, or names other parts in Chinese than in English is found here."""
    for key, entry in messages().items():
        assert set(entry) == {"en", "zh"}, key
        assert all(isinstance(text, str) and text.strip() for text in entry.values()), key
        parts = [{name for _, name, _, _ in Formatter().parse(text) if name} for text in entry.values()]
        # What a service says may have parts that Chinese does without.
        assert parts[1] <= parts[0] if key.startswith("said.") else parts[0] == parts[1], key


def test_each_text_that_is_asked_for_exists() -> None:
    """``t("name")`` in a page or component is a key of its own file, ``t("file.name")`` of another one."""
    known = messages()
    asked = 0
    names = {key.partition(".")[2] for key in known}
    for module in WEB.rglob("*.py"):
        for key in _ASKED.findall(module.read_text(encoding="utf-8")):
            if key.endswith("_"):
                continue
            asked += 1
            if module.parent.name == "pages" or "." in key:
                assert (key if "." in key else f"{module.stem}.{key}") in known, f"{module.name}: {key}"
            else:  # a part of a page: the page's texts, whichever it is
                assert key in names, f"{module.name}: {key}"
    assert asked > 300


def test_the_texts_of_the_table_are_in_both_languages() -> None:
    """AG Grid would show English where one is missing."""
    english, chinese = locale_text("en"), locale_text("zh")
    assert set(english) == set(chinese)
    assert all(english.values())
    assert all(chinese.values())


def test_no_file_says_a_text_twice() -> None:
    """YAML would let the second one win without a word."""
    for file in (WEB / "messages").glob("*.yaml"):
        names = re.findall(r"^(\w+):", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
        assert len(names) == len(set(names)) == len(yaml.safe_load(file.read_text(encoding="utf-8"))), file.name


def test_what_services_say_is_chinese_on_a_chinese_page() -> None:
    """The wordings are those that the services and their library use now; names of fields and numbers stay."""
    with pytest.raises(ValidationError) as wrong:
        ReviewGrades.model_validate(
            {"as_of": "soon", "expires_on": "2030-01-01", "management": 0, "industry_position": 9, "nonsense": 1}
        )
    told = {str(error["loc"][0]): said(error["msg"], "zh") for error in wrong.value.errors()}
    assert told == {
        "as_of": "须为日期，例如 2026-03-31", "management": "须不小于 1", "industry_position": "须不大于 5",
        "reputation": "此项必填", "nonsense": "没有此项",
    }  # fmt: skip
    with pytest.raises(InvalidInput) as refused:
        parse_policy("ladder: {WATCH: {enter: many}}")
    assert said(refused.value.message, "zh").endswith("ladder.WATCH.enter: 须为数字")
    two = "amount: Input should be greater than 0; currency: String should match pattern '^[A-Z]{3}$'"
    assert said(two, "zh") == "amount: 须大于 0; currency: 格式不符：^[A-Z]{3}$"
    assert said(two, "en") == two
    assert said("p-1: it would be refused again: amount: Field required", "zh") == "p-1: 仍会被拒收: amount: 此项必填"
    assert said("something new: that nobody has translated", "zh") == "something new: that nobody has translated"


def test_each_reason_of_the_gate_has_a_name() -> None:
    """A code that the gate may give and that has none here would be shown raw."""
    code = "".join(file.read_text(encoding="utf-8") for file in (WEB.parents[1] / "streams" / "gate").glob("*.py"))
    given = set(re.findall(r"""InvalidInput\("([a-z_]+)\"""", code)) | {
        "missing_field",
        "unknown_field",
        "unknown_version",
    }
    assert given <= REASONS
    for reason in REASONS:
        assert translate(f"data_quality.reason_{reason}", "zh")
