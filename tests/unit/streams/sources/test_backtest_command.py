"""``creditpulse backtest``: the engine over a ledger or a file of events, its decisions and its report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from streams.cli import main
from tests.unit.streams.sources.books import long_ledger, write_ledger

QUALITY = {
    "n", "positives", "rate", "mean_probability", "auc", "gini", "average_precision", "ks", "log_loss", "brier"
}  # fmt: skip


def _run(*arguments: str | Path, command: str = "backtest") -> Result:
    return CliRunner().invoke(main, [command, *map(str, arguments)])


def test_the_report_counts_what_was_decided(tmp_path: Path) -> None:
    """Events, customers, decisions and alerts are those of the files; stdout and report.json say the same."""
    done = _run(long_ledger(tmp_path / "ledger.csv"), "--out", tmp_path / "out", "--json")
    assert done.exit_code == 0, done.output
    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert report == json.loads(done.stdout)
    decisions = (tmp_path / "out" / "decisions.jsonl").read_text(encoding="utf-8").splitlines()
    alerts = [line for line in map(json.loads, decisions) if line["type"] == "creditpulse.credit-alert.v1"]
    assert report["events"] == 2 * 6 * 40
    assert report["customers"] == sum(report["levels"].values()) == 6
    assert report["decisions"] == len(decisions) > 0
    assert report["alerts"]["total"] == len(alerts) > 0
    assert report["dead_letters"]["total"] == 0


def test_predictions_are_scored_on_the_last_part_of_the_time(tmp_path: Path) -> None:
    """Task A counts invoices issued in the last 30 % of time; who always pays late is told from who never does."""
    _run(long_ledger(tmp_path / "ledger.csv"), "--out", tmp_path / "out")
    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    scored = report["prediction"]["A"]
    assert set(scored["model"]) == set(scored["naive"]) == QUALITY
    # 40 invoices each 18 days apart: the last 30 % of 39 gaps are 11 or 12 invoices of each customer
    assert scored["naive"]["n"] == scored["model"]["n"] in range(6 * 11, 6 * 13)
    assert scored["naive"]["positives"] == scored["naive"]["n"] / 3
    assert scored["naive"]["auc"] == scored["naive"]["gini"] == 1.0


def test_a_ledger_and_its_imported_events_are_decided_alike(tmp_path: Path) -> None:
    """Importing first changes no decision: decisions are equal byte for byte, reports but for the wall clock."""
    ledger, events = long_ledger(tmp_path / "ledger.csv.gz"), tmp_path / "events.jsonl.gz"
    assert _run(ledger, "--out", events, command="import").exit_code == 0
    for name, source in (("a", ledger), ("b", events), ("c", ledger)):
        assert _run(source, "--out", tmp_path / name).exit_code == 0
    decided = [(tmp_path / run / "decisions.jsonl").read_bytes() for run in "abc"]
    assert decided[0] == decided[1] == decided[2]
    reports = [json.loads((tmp_path / run / "report.json").read_bytes()) for run in "abc"]
    assert min(report.pop("us_per_event") for report in reports) > 0  # wall clock: all that may differ
    assert reports[0] == reports[1] == reports[2]


def test_bad_events_are_counted_and_do_not_stop_the_run(tmp_path: Path) -> None:
    """What the gate would refuse is told by its code; the rest is decided."""
    good = '{"topic":"orders","timestamp":"2024-01-02T09:00:00Z","key":"C1","value":{"version":1,"event_id":"1",'
    good += '"type":"order.placed","occurred_at":"2024-01-02T09:00:00Z","customer_id":"C1","order_id":"O1",'
    good += '"amount":"10","currency":"USD"}}'
    lines = [good, good.replace('"10"', '"-10"'), good.replace('"key":"C1"', '"key":"C2"')]
    (tmp_path / "events.jsonl").write_text("\n".join(lines), encoding="utf-8")
    done = _run(tmp_path / "events.jsonl", "--out", tmp_path / "out", "--json")
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert report["dead_letters"] == {"total": 2, "invalid_field": 1, "wrong_key": 1}
    assert report["customers"] == 1


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("backtest", "decisions.jsonl"), ("backtest", "report.json"), ("backtest", "report.html"),
        ("compare", "compare.json"), ("compare", "compare.csv"), ("tune", "tune.json"), ("tune", "tuned-policy.yaml"),
    ],
)  # fmt: skip
def test_a_result_that_cannot_be_written_is_named(tmp_path: Path, command: str, name: str) -> None:
    """Here a folder has its name; a full disk or a missing right is told alike."""
    (tmp_path / "out" / name).mkdir(parents=True)
    ledger = write_ledger(tmp_path / "ledger.csv")
    given = {"compare": ("default", "default", ledger), "tune": (ledger, "--trials", "1")}.get(command, (ledger,))
    done = _run(*given, "--out", tmp_path / "out", command=command)
    assert done.exit_code == 2, done.output
    assert f"cannot write {tmp_path / 'out' / name}: Is a directory" in done.stderr


def test_a_policy_changes_what_is_decided(tmp_path: Path) -> None:
    """--policy is laid over the default: without an evidence floor nobody stays unrated."""
    ledger, policy = write_ledger(tmp_path / "ledger.csv"), tmp_path / "policy.yaml"
    policy.write_text("version: mine\nladder: {evidence_floor: 0}\n", encoding="utf-8")
    plain = json.loads(_run(ledger, "--out", tmp_path / "a", "--json").stdout)
    changed = json.loads(_run(ledger, "--out", tmp_path / "b", "--policy", policy, "--json").stdout)
    assert changed["policy_version"] == "mine"
    assert plain["levels"].get("UNRATED", 0) > changed["levels"].get("UNRATED", 0)


def test_without_json_a_table_is_shown(tmp_path: Path) -> None:
    """A person sees levels and both rows of task A, and where the files are."""
    done = _run(write_ledger(tmp_path / "ledger.csv"), "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert {"UNRATED", "model", "naive", "AUC"} <= set(done.stdout.split())


@pytest.mark.parametrize("name", ["ledger.txt", "events.json", "ledger"])
def test_neither_ledger_nor_events_is_wrong_input(tmp_path: Path, name: str) -> None:
    """The ending of the name decides; others are refused with what is possible."""
    (tmp_path / name).write_text("x", encoding="utf-8")
    done = _run(tmp_path / name, "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert ".csv.gz" in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_wrong_policy_is_wrong_input(tmp_path: Path) -> None:
    """Exit code 2, and the file is named."""
    policy = tmp_path / "policy.yaml"
    policy.write_text("ladder: {evidence_flor: 0}\n", encoding="utf-8")
    done = _run(write_ledger(tmp_path / "ledger.csv"), "--out", tmp_path / "out", "--policy", policy)
    assert done.exit_code == 2
    assert "policy.yaml" in done.stderr
