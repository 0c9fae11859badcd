"""Laws of the report's money: what held and rejected orders would have meant, by what then happened."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner

from schemas.decisions import Decision
from streams.backtesting.compare import Setting, comparison, run_of
from streams.backtesting.holds import CheckedOrder
from streams.backtesting.money import Assumptions, money_report
from streams.backtesting.truth import Invoice, Truth
from streams.cli import main
from streams.policy_file import named_policy
from streams.sources.ledger import LedgerFormat
from streams.sources.past import past_events

DAY = date(2025, 1, 1).toordinal()
USUAL = Assumptions(
    margin=Decimal("0.2"), loss_given_default=Decimal("0.5"), loss_after_days=60,
    cost_of_capital=Decimal("0.0365"), sales_lost=Decimal("0.3"),
)  # fmt: skip


def truth(**paid: int | None) -> Truth:
    """Invoices over 1,000 EUR due on day 30, by name, paid so many days late (None: open on day 200)."""
    found = Truth(last_day=DAY + 200)
    for name, late in paid.items():
        done = None if late is None else DAY + 30 + late
        found.invoices["C", name] = Invoice("C", DAY, DAY + 30, Decimal(1000), "EUR", paid=done)
    return found


def order(decision: Decision, invoice: str, currency: str = "EUR") -> CheckedOrder:
    """The order behind an invoice, with a default risk of 10 %."""
    return CheckedOrder("C", DAY, Decimal(1000), currency, decision, [], 0.1, invoice)


def euros(orders: list[CheckedOrder], known: Truth) -> dict[str, object]:
    """The money of the orders in EUR."""
    found: dict[str, object] = money_report(orders, known, USUAL, 5)["currencies"]["EUR"]
    return found


def test_a_false_hold_costs_margin_and_saves_nothing() -> None:
    """Paid on time: 30 % of 1,000 lost, at a margin of 20 % that is 60."""
    found = euros([order(Decision.HOLD, "good")], truth(good=0))
    assert (found["false_holds"], found["sales_forgone"], found["margin_forgone"]) == (1, "300.00", "60.00")
    assert (found["loss_avoided"], found["late_cost_avoided"], found["net"]) == ("0.00", "0.00", "-60.00")


@pytest.mark.parametrize(("late", "false"), [(5, 1), (6, 0)])
def test_within_terms_ends_where_late_begins(late: int, false: int) -> None:
    """Five days of grace are within terms; the sixth is not."""
    assert euros([order(Decision.HOLD, "x")], truth(x=late))["false_holds"] == false


def test_a_right_rejection_avoids_half_of_the_bad_debt() -> None:
    """Never paid: 500 of 1,000 and 170 days at 3.65 % a year (17) avoided, 200 of margin forgone."""
    found = euros([order(Decision.REJECT, "bad")], truth(bad=None))
    assert (found["rejections"], found["false_holds"], found["bad_amount_held"]) == (1, 0, "1000.00")
    assert (found["loss_avoided"], found["late_cost_avoided"], found["margin_forgone"]) == ("500.00", "17.00", "200.00")
    assert found["net"] == "317.00"


def test_an_approved_order_costs_its_expected_loss_only() -> None:
    """PD .1 x LGD .5 x 1,000; nothing is forgone, nothing avoided."""
    found = euros([order(Decision.APPROVE, "bad")], truth(bad=None))
    assert (found["expected_loss"], found["bad_amount"], found["late_cost"], found["net"]) == (
        "50.00", "1000.00", "17.00", "0.00",
    )  # fmt: skip


def test_few_of_the_late_go_bad() -> None:
    """Two orders at 10 %, both late and one of them bad: half of 2 x .1 x .5 x 1,000."""
    orders = [order(Decision.APPROVE, "late"), order(Decision.APPROVE, "bad")]
    assert euros(orders, truth(late=10, bad=None))["expected_loss"] == "50.00"


def test_currencies_stay_apart() -> None:
    """Each has its own sums."""
    orders = [order(Decision.HOLD, "good"), order(Decision.HOLD, "good", "USD")]
    found = money_report(orders, truth(good=0), USUAL, 5)
    assert found["orders"] == 2
    assert [money["held_amount"] for money in found["currencies"].values()] == ["1000.00", "1000.00"]


def ledger(path: Path) -> Path:
    """A customer that pays on time for a year and then not at all, and one that always pays."""
    rows, first = ["customer_id,invoice_id,issue_date,due_date,amount,currency,paid_date"], date(2024, 1, 1)
    for week in range(70):
        issued = first + timedelta(days=7 * week)
        due = issued + timedelta(days=20)
        rows.append(f"steady,s{week},{issued},{due},1000,EUR,{due}")
        rows.append(f"failing,f{week},{issued},{due},500,EUR,{due if week < 45 else ''}")
    path.write_text("\n".join(rows), encoding="utf-8")
    return path


def test_two_policies_differ_by_the_customer_that_fails(tmp_path: Path) -> None:
    """One that lets every order go, against the default: only the failing customer makes a difference."""
    events = past_events(ledger(tmp_path / "ledger.csv"), LedgerFormat())
    lax = "version: lax\norder_checks: {level: false, utilisation: false, oldest_item_dpd: null}"
    setting = Setting(datetime(2026, 1, 1, tzinfo=UTC))
    runs = [run_of(text, events, setting, lambda: None) for text in (lax, named_policy("default"))]
    found = comparison(*runs)
    assert found["a"]["money"]["currencies"]["EUR"]["holds"] == 0
    (row,) = found["customers"]
    assert (row["customer_id"], row["net_a"], row["difference"]) == ("failing", "0.00", row["net_b"])
    assert row["difference"] == found["difference"]["EUR"]["net"]
    assert Decimal(row["difference"]) > 0


def test_the_command_writes_what_it_prints(tmp_path: Path) -> None:
    """compare.json is what --json prints; a policy against itself differs in nothing."""
    source = ledger(tmp_path / "ledger.csv")
    done = CliRunner().invoke(main, ["compare", "default", "default", str(source), "--out", str(tmp_path), "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found == json.loads((tmp_path / "compare.json").read_text(encoding="utf-8"))
    assert found["customers"] == []
    assert {value for value in found["difference"]["EUR"].values() if value not in (0, "0.00")} == set()


@pytest.mark.parametrize(("name", "said"), [("nowhere.yaml", "neither a file nor one of default, "), ("bad", "bad:2")])
def test_a_wrong_policy_is_named(tmp_path: Path, name: str, said: str) -> None:
    """With its file and line, and exit code 2."""
    source = ledger(tmp_path / "ledger.csv")
    (tmp_path / "bad").write_text("version: x\nladderr: 3\n", encoding="utf-8")
    policy = str(tmp_path / name) if name == "bad" else name
    done = CliRunner().invoke(main, ["compare", "default", policy, str(source)])
    assert done.exit_code == 2
    assert said in done.stderr
