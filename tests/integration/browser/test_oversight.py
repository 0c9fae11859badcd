"""The pages on models and policy, and on data quality, in a real browser."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import expect

from desk.api.roles import Role
from models.calendar import to_ms
from schemas.topics import PAYMENTS
from streams.sources.event_file import TimedEvent
from tests.integration.browser.conftest import SignIn, Stack

pytestmark = pytest.mark.embedded_only


def test_a_dead_letter_is_mended_and_submitted_again(stack: Stack, sign_in: SignIn) -> None:
    """As it was it would be refused again, and the page says why; mended it goes in, and everybody sees by whom."""
    at = stack.now()
    payment = {
        "version": 1, "type": "payment.received", "event_id": "browser-bad", "occurred_at": at.isoformat(),
        "customer_id": "C005", "payment_id": "browser-bad", "amount": "-12", "currency": "USD",
        "paid_at": at.isoformat(),
    }  # fmt: skip
    stack.publish(TimedEvent(PAYMENTS, "C005", to_ms(at), json.dumps(payment).encode()))
    page, reader = sign_in(Role.ANALYST, "/data-quality"), sign_in(Role.READER, "/data-quality")
    row = page.locator(".ag-row", has_text="Input should be greater than 0")
    expect(row).to_contain_text("waiting")
    row.locator("[col-id=message]").click()
    dialog = page.locator("[role=dialog]")
    dialog.get_by_role("button", name="Submit again").click()
    expect(page.locator(".q-notification", has_text="it would be refused again")).to_be_visible()
    text = dialog.locator("textarea")
    text.fill(text.input_value().replace('"-12"', '"12"'))
    dialog.get_by_role("button", name="Submit again").click()
    expect(reader.locator(".ag-row", has_text="Input should be greater than 0")).to_contain_text(
        "submitted again by analyst", timeout=20_000
    )
    reader.locator(".ag-row", has_text="Input should be greater than 0").locator("[col-id=message]").click()
    expect(reader.get_by_role("dialog", name="Dead letter")).to_be_visible()
    assert reader.get_by_role("button", name="Submit again").count() == 0


def test_the_rank_of_the_models_as_auc_and_gini(sign_in: SignIn) -> None:
    """Gini = 2 AUC - 1, in the note of the tile."""
    page = sign_in(Role.READER, "/models")
    tile = page.locator(".tile", has=page.get_by_text("AUC", exact=True))
    expect(tile.locator(".tile-value")).to_have_text(re.compile(r"^\d\.\d{3}$"))
    auc = float(tile.locator(".tile-value").inner_text())
    note = tile.locator(".tile-note").inner_text().replace("−", "-")
    gini = re.match(r"Gini (-?\d\.\d{3}) \(\d\.\d\d … \d\.\d\d\)$", note)
    assert gini is not None, note
    assert float(gini[1]) == pytest.approx(2 * auc - 1, abs=0.002)


def test_a_model_is_rolled_back_by_an_admin_only(sign_in: SignIn) -> None:
    """With a reason; what came of it stands in the log below. A draft that is no policy says where it is wrong."""
    admin, reader = sign_in(Role.ADMIN, "/models"), sign_in(Role.READER, "/models")
    expect(reader.locator("section.card", has_text="Champion and challengers")).to_contain_text("base model")
    assert reader.get_by_role("button", name="Roll back to").count() == 0
    admin.get_by_role("button", name="Roll back to").click()
    dialog = admin.locator("[role=dialog]")
    dialog.locator("textarea").fill("it has learned from a broken feed")
    dialog.get_by_role("button", name="Confirm").click()
    expect(reader.locator(".timeline-row", has_text="rolled back").first).to_be_visible()
    admin.locator("textarea[aria-label='Draft of a policy']").fill("ladder: {WATCH: {enter: many}}")
    admin.get_by_role("button", name="Try on the past").click()
    expect(admin.locator(".bad-text", has_text="ladder.WATCH.enter")).to_be_visible()


def test_a_draft_is_tried_on_the_past_in_money(sign_in: SignIn) -> None:
    """A draft that holds every order holds more, which costs; everybody sees it, and a reader cannot begin one."""
    analyst, reader = sign_in(Role.ANALYST, "/models"), sign_in(Role.READER, "/models")
    draft = analyst.locator("textarea[aria-label='Draft of a policy']")
    expect(draft).to_have_value(re.compile("four_eyes_above"))  # it begins with the policy in force
    draft.fill("order_checks: {max_order: {USD: 1}}\n")
    analyst.get_by_role("button", name="Try on the past").click()
    outcome = reader.locator("section.card", has_text="What it would have meant")
    expect(outcome.locator(".badge.good", has_text="done")).to_be_visible(timeout=150_000)
    held = outcome.locator("tr", has=reader.get_by_text("Amount held", exact=True))
    assert reader.get_by_role("button", name="Try on the past").count() == 0
    expect(held.locator("td").nth(3)).to_have_text(re.compile(r"^\+[\d,]+ USD$"))
    customers = outcome.locator("table.plain").last.locator("tbody tr")
    expect(customers.first.locator("a")).to_have_attribute("href", re.compile("^/customers/C"))
    net = outcome.locator("table.plain").first.locator("tr", has=reader.get_by_text("Net", exact=True))
    expect(net.locator("td").nth(3)).to_have_text(re.compile(r"^[+−][\d,]+ USD$"))
