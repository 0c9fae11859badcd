"""The page of a customer in a real browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from desk.api.roles import Role
from tests.integration.browser.conftest import NASTY, SignIn

pytestmark = pytest.mark.embedded_only


def test_the_whole_story_and_back_to_the_events(sign_in: SignIn) -> None:
    """Scripts in the name stay text; an open item leads to the events it comes from; what-if changes nothing."""
    page = sign_in(Role.ORDER_ENTRY, "/customers/C001")
    expect(page.locator(".customer-name")).to_have_text(f"{NASTY} (C001)")
    expect(page.locator(".timeline-row").first).to_be_visible(timeout=20_000)
    exposure = page.locator(".tile", has_text="Exposure").locator(".tile-value")
    before = exposure.inner_text()
    page.locator(".items-card .button.link").first.click()
    dialog = page.locator("[role=dialog]")
    expect(dialog.locator("tbody tr").first).to_contain_text(re.compile(r"orders\[\d\]@\d+"))
    dialog.get_by_role("button", name="Close").click()
    page.fill("input[aria-label='This order']", "9,000,000")
    page.get_by_role("button", name="Try").click()
    expect(
        page.locator("section.card", has_text="What if").locator(
            ".badge", has_text=re.compile("approved", re.IGNORECASE)
        )
    ).to_be_visible()
    page.fill("input[aria-label='This order']", "nine")
    page.get_by_role("button", name="Try").click()
    expect(page.locator(".bad-text", has_text="This order: not an amount")).to_be_visible()
    assert exposure.inner_text() == before
    assert page.evaluate("window.hacked") is None
    assert page.get_by_role("button", name="Set the level").count() == 0, "that is for approvers"


def test_what_is_entered_is_seen_by_others(sign_in: SignIn) -> None:
    """An analyst's review, and a level set by an approver, appear on another's screen; nobody reloads."""
    reader, analyst = sign_in(Role.READER, "/customers/C003"), sign_in(Role.ANALYST, "/customers/C003")
    expect(reader.locator(".tile-value").first).not_to_have_text("–")
    analyst.get_by_role("button", name="Review", exact=True).click()
    dialog = analyst.locator("[role=dialog]")
    for name, value in (("Management", "4"), ("Industry position", "9"), ("Reputation", "3")):
        dialog.locator(f"input[aria-label^='{name}']").fill(value)
    dialog.locator("input[aria-label='As of']").fill("2024-01-01")
    dialog.locator("input[aria-label='Valid through']").fill("2030-01-01")
    dialog.get_by_role("button", name="Confirm").click()
    expect(dialog.locator("[role=alert]")).to_contain_text("Industry position")
    dialog.locator("input[aria-label^='Industry position']").fill("5")
    dialog.get_by_role("button", name="Confirm").click()
    expect(reader.locator("section.card", has_text="Also known")).to_contain_text("Review by analyst")
    approver = sign_in(Role.APPROVER, "/customers/C003")
    approver.get_by_role("button", name="Set the level").click()  # at once, whatever of the page has been filled
    dialog = approver.locator("[role=dialog]")
    dialog.locator("input[aria-label='Valid through']").fill("2030-01-01")
    dialog.locator("textarea").fill("a guarantee is under way")
    dialog.get_by_role("button", name="Confirm").click()
    expect(reader.locator(".badge", has_text="set by approver through 1 Jan 2030")).to_be_visible(timeout=20_000)
