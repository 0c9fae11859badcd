"""``creditpulse policy``: what it tells of a file, for people and for programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from streams.cli import main

FIRM = """version: firm-7
pack: wholesale
ladder: {dwell_days: 14}
overrides:
  - {sector: retail, measures: {WATCH: {terms_days: 21}}}
  - {customer: C-17, limits: {base: {EUR: 90000}}}
"""


@pytest.fixture
def firm(tmp_path: Path) -> Path:
    """A policy file with one setting that has no effect."""
    path = tmp_path / "firm.yaml"
    path.write_text(FIRM, encoding="utf-8")
    return path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["policy", *map(str, arguments)])


def found(*arguments: object) -> Any:
    done = run(*arguments, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_a_right_file_is_told_with_its_warnings(firm: Path) -> None:
    """Warnings go to stderr with file and line and are no failure."""
    done = run("check", firm)
    assert (done.exit_code, done.stderr.count("warning:")) == (0, 1)
    assert "firm.yaml:3: ladder.dwell_days: is 14 without it already (default)" in done.stderr
    assert "valid, version firm-7, 5 layers, 1 without effect" in done.stdout


def test_a_check_for_programs(firm: Path) -> None:
    """One JSON object: valid, version, layers from below, warnings."""
    told = found("check", firm)
    assert (told["valid"], told["version"]) == (True, "firm-7")
    assert told["layers"] == ["default", "pack wholesale", "firm", "segment sector=retail", "customer C-17"]
    [warning] = told["warnings"]
    assert (warning["path"], warning["layer"]) == ("ladder.dwell_days", "firm")


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_wrong_file_fails_with_line_and_reason(firm: Path, options: list[str]) -> None:
    """Exit code 2, the fault on stderr, and for programs in the object as well."""
    firm.write_text(FIRM.replace("terms_days: 21", "terms_days: soon"), encoding="utf-8")
    done = run("check", firm, *options)
    assert done.exit_code == 2
    assert "firm.yaml:5: overrides.0.measures.WATCH.terms_days" in done.stderr
    if options:
        told = json.loads(done.stdout)
        assert (told["valid"], told["error"]["field"]) == (False, "overrides.0.measures.WATCH.terms_days")


def test_a_value_is_explained(firm: Path) -> None:
    """Value, layer, line, and what lies below."""
    done = run("explain", firm, "measures.WATCH.terms_days", "--sector", "retail")
    assert done.exit_code == 0
    assert "layers: default < pack wholesale < firm < segment sector=retail" in done.stdout
    assert "measures.WATCH.terms_days = 21" in done.stdout
    assert "firm.yaml:5), over pack wholesale: 10, over default: 14" in done.stdout


def test_an_explanation_is_of_the_customer_asked_for(firm: Path) -> None:
    """Without master data the book's value holds."""
    [book] = found("explain", firm, "measures.WATCH.terms_days")
    assert (book["value"], book["layer"]) == (10, "pack wholesale")
    [own] = found("explain", firm, "limits.base", "--customer", "C-17")
    assert (own["path"], own["value"], own["layer"]) == ("limits.base.EUR", 90000, "customer C-17")


def test_without_a_path_what_differs_from_the_default_is_shown(firm: Path) -> None:
    """All values that a layer above the default sets, and no others."""
    shown = {value["path"]: value["layer"] for value in found("explain", firm)}
    assert shown["version"] == "firm"
    assert "default" not in shown.values()
    assert "order_checks.level" not in shown


def test_an_unknown_path_fails(firm: Path) -> None:
    """Exit code 2 and the path."""
    done = run("explain", firm, "laddr")
    assert done.exit_code == 2
    assert "laddr: the policy has no such value" in done.stderr
