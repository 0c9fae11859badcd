"""Every text of the pages is there in both languages, and every text that is asked for exists."""

from __future__ import annotations

import re
from pathlib import Path
from string import Formatter

import yaml

from desk.web.components.table import locale_text
from desk.web.texts import messages

WEB = Path(__file__).parents[4] / "desk" / "web"
_ASKED = re.compile(r"""\bt\(\s*"([a-z0-9_.]+)\"""")


def test_each_text_is_in_both_languages_with_the_same_parts() -> None:
    """A text that is missing, empty, or names other parts in Chinese than in English is found here."""
    for key, entry in messages().items():
        assert set(entry) == {"en", "zh"}, key
        assert all(isinstance(text, str) and text.strip() for text in entry.values()), key
        parts = [{name for _, name, _, _ in Formatter().parse(text) if name} for text in entry.values()]
        assert parts[0] == parts[1], key


def test_each_text_that_is_asked_for_exists() -> None:
    """``t("name")`` in a page or component is a key of its own file, ``t("file.name")`` of another one."""
    known = messages()
    asked = 0
    for module in [*WEB.glob("*.py"), *WEB.glob("pages/*.py"), *WEB.glob("components/*.py")]:
        for key in _ASKED.findall(module.read_text(encoding="utf-8")):
            if "." in key or module.parent.name == "pages":
                asked += 1
                assert (key if "." in key else f"{module.stem}.{key}") in known, f"{module.name}: {key}"
    assert asked > 50


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
