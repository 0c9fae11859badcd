"""The overview and the table of customers in a real browser."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from desk.api.roles import Role
from desk.web.formats import Formats
from schemas.assessments import LevelOverridden
from schemas.events import OrderInvoiced
from schemas.levels import Level
from schemas.topics import ASSESSMENTS, ORDERS
from streams.sources.event_file import timed
from tests.integration.browser.conftest import CUSTOMERS, NASTY, SignIn, Stack, run, wait_until

pytestmark = pytest.mark.embedded_only


def test_an_event_is_seen_within_a_moment(stack: Stack, sign_in: SignIn) -> None:
    """A large invoice changes the exposure of the customer in view, and the book's; nobody reloads anything."""
    table, overview = sign_in(Role.READER, "/customers"), sign_in(Role.READER, "/")
    tile = overview.locator(".tile", has=overview.get_by_text("Exposure", exact=True)).locator(".tile-value")
    expect(tile).to_contain_text("USD")
    before = tile.inner_text()
    cell = table.locator("[row-id=C002] [col-id=exposure]")
    cell.wait_for()
    at = stack.now()
    invoice = OrderInvoiced(
        version=1, customer_id="C002", event_id="browser-i1", occurred_at=at, invoice_id="browser-I1",
        amount=Decimal(777_000), currency="USD", issue_date=at.date(), due_date=at.date(), terms_days=0,
    )  # fmt: skip
    stack.publish(timed(ORDERS, at, invoice))
    expect(cell).to_have_text(re.compile(r"[78]\d\d,\d{3} USD"), timeout=15_000)
    expect(tile).not_to_have_text(before, timeout=15_000)


def test_scripts_in_a_name_stay_text(sign_in: SignIn) -> None:
    """In the table, and in what a search shows."""
    page = sign_in(Role.READER, "/customers")
    expect(page.locator("[row-id=C001] [col-id=name]")).to_have_text(NASTY)
    page.fill(".search input", "<script>")
    expect(page.locator(".toolbar [role=status]")).to_have_text("1 customers")
    assert page.evaluate("window.hacked") is None


def test_search_filter_sort_and_saved_views(sign_in: SignIn) -> None:
    """A view is saved by its name, also for the next time, and can be forgotten."""
    page = sign_in(Role.READER, "/customers")
    status = page.locator(".toolbar [role=status]")
    expect(status).to_have_text(f"{CUSTOMERS} customers")
    page.fill(".search input", "c00")
    expect(status).to_have_text("10 customers")
    page.locator(".ag-header-cell[col-id=customer_id]").click()
    expect(page.locator(".ag-row[row-index='0'] [col-id=customer_id]")).to_have_text("C009")
    page.locator(".ag-header-cell[col-id=customer_id]").click()
    expect(page.locator(".ag-row[row-index='0'] [col-id=customer_id]")).to_have_text("C000")
    page.click("[aria-label='Save this view']")
    page.fill(".dialog input", "mine")
    page.keyboard.press("Enter")
    expect(page.locator(".toolbar .button").first).to_contain_text("mine")
    page.reload()
    expect(status).to_have_text(f"{CUSTOMERS} customers")
    _choose(page, "mine")
    expect(status).to_have_text("10 customers")
    expect(page.locator(".ag-row[row-index='0'] [col-id=customer_id]")).to_have_text("C000")
    page.locator(".toolbar .button").first.click()
    page.click("[aria-label='Delete this view']")
    expect(page.locator(".q-notification", has_text="View deleted")).to_be_visible()


def test_export_is_what_was_looked_for(sign_in: SignIn, tmp_path: Path) -> None:
    """Raw numbers with their currency, the heads of the table, and no formulas."""
    page = sign_in(Role.READER, "/customers")
    page.fill(".search input", "c00")
    expect(page.locator(".toolbar [role=status]")).to_have_text("10 customers")
    with page.expect_download() as download:
        page.click("text=Export CSV")
    download.value.save_as(tmp_path / "customers.csv")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "customers.csv").read_text(encoding="utf-8-sig"))))
    assert {row["Customer"] for row in rows} == {f"C{number:03d}" for number in range(10)}
    named = next(row for row in rows if row["Customer"] == "C001")
    assert (named["Name"], named["Owner"]) == (NASTY, "li.wei")
    assert {row["Currency"] for row in rows if Decimal(row["Exposure"])} == {"USD"}


def test_exposure_over_time_ends_with_what_stands_now(stack: Stack, sign_in: SignIn) -> None:
    """The levels of the last day sum to the exposure that the engine holds; the expected loss is a part of it."""
    run(stack.pipeline.archived())
    page = sign_in(Role.READER, "/")
    tile = page.locator(".tile", has=page.get_by_text("Exposure", exact=True)).locator(".tile-value")
    expect(tile).to_contain_text("USD")
    past = page.locator("section.card", has=page.get_by_role("heading", name="By level over time"))
    past.get_by_role("button", name="Exposure").click()
    chart = past.locator(".chart")
    wait_until(lambda: Formats("en").short_money(round(chart.evaluate(_LAST_SUM)), "USD") == tile.inner_text(), 30)
    loss = page.locator("section.card", has=page.get_by_role("heading", name="Expected loss"))
    expect(loss.locator(".strong")).to_have_text(re.compile(r"\d.* USD"))
    expect(loss).to_contain_text(re.compile(r"\d+\.\d\d% of the exposure"))
    # By age: what the view provision_matrix says, its buckets without a rate left out of the sum.
    matrix = httpx.get(f"http://127.0.0.1:{stack.settings.archive_port}/v1/views/provision_matrix", timeout=30).json()
    provisions = [row["provision"] for row in matrix["rows"] if row["currency"] == "USD"]
    loss.get_by_role("button", name="By age").click()
    expect(loss).to_contain_text("of the open invoices: balance × roll rates")
    total = sum(provision for provision in provisions if provision is not None)
    expect(loss.locator(".strong")).to_have_text(Formats("en").short_money(round(total), "USD"))
    assert (None in provisions) == ("no history yet" in loss.inner_text())


def test_the_tape_stands_still_under_the_pointer(stack: Stack, sign_in: SignIn) -> None:
    """What comes meanwhile is counted, and shown when asked for."""
    page = sign_in(Role.READER, "/")
    tape = page.locator(".tape")
    expect(tape.locator(".tape-row").first).to_be_visible()
    tape.hover()
    first = tape.locator(".tape-row").first.inner_text()
    at = stack.now()
    blocked = [
        LevelOverridden(
            version=1, customer_id=customer, event_id=f"tape-{customer}", occurred_at=at, by="li.wei",
            reason="does not answer", level=Level.BLOCKED, expires_on=at.date() + timedelta(days=20),
        )
        for customer in ("C004", "C006", "C008")  # not C005, which test_holds wants as it is
    ]  # fmt: skip
    stack.publish(*(timed(ASSESSMENTS, at, event) for event in blocked))
    more = page.locator(".tape-more")
    expect(more).to_be_visible(timeout=15_000)
    assert tape.locator(".tape-row").first.inner_text() == first
    page.mouse.move(5, 5)  # the pointer is somewhere else: what waited comes in
    expect(tape.locator(".tape-row").first).not_to_have_text(first)
    expect(more).to_have_count(0)


_LAST_SUM = """chart => getElement(Number(chart.id.slice(1))).chart.getOption().series
    .reduce((sum, line) => sum + (line.data.at(-1) ?? 0), 0)"""


def _choose(page: Page, name: str) -> None:
    page.locator(".toolbar .button").first.click()
    page.locator(".view-menu .button", has_text=name).click()
