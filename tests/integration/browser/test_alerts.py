"""The alerts page in real browsers: what one person does, the others see; silences; who may not."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from desk.api.roles import Role
from tests.integration.browser.conftest import SignIn

pytestmark = pytest.mark.embedded_only


@pytest.mark.usefixtures("dispatcher")
def test_acknowledged_by_one_it_shows_so_to_the_other(sign_in: SignIn) -> None:
    """Within moments and without a reload; a reader is offered neither that nor a silence."""
    ann, bob = sign_in(Role.ANALYST, "/alerts"), sign_in(Role.READER, "/alerts")
    # The grades stand in a table of the same page, and may be there first.
    alerts = ann.locator("section.card", has=ann.get_by_role("heading", name="Alerts", exact=True))
    first = alerts.locator(".ag-center-cols-container .ag-row").first
    first.wait_for(timeout=30_000)
    alert_id = first.get_attribute("row-id")
    seen = bob.locator(f'.ag-row[row-id="{alert_id}"] [col-id=state]')
    expect(seen).to_contain_text("Firing")
    bob.locator(f'.ag-row[row-id="{alert_id}"] [col-id=cause]').click()
    dialog = bob.locator(".dialog")
    expect(dialog).to_be_visible()
    expect(dialog.get_by_role("button", name="Acknowledge")).to_have_count(0)
    expect(bob.get_by_role("button", name="Silence")).to_have_count(0)

    ann.locator(f'.ag-row[row-id="{alert_id}"] [col-id=cause]').click()
    ann.locator(".dialog").get_by_role("button", name="Acknowledge").click()
    ann.locator(".dialog textarea").fill("called them")
    ann.get_by_role("button", name="Confirm").click()
    expect(ann.locator(f'.ag-row[row-id="{alert_id}"] [col-id=state]')).to_contain_text("Acknowledged")
    expect(seen).to_contain_text("Acknowledged", timeout=5_000)


@pytest.mark.usefixtures("dispatcher")
def test_a_silence_is_seen_and_ended(sign_in: SignIn) -> None:
    """A wrong matcher is told and nothing is set; a right one stands there with its reason until it is ended."""
    ann = sign_in(Role.ANALYST, "/alerts")
    card = ann.locator("section.card", has=ann.locator("h2", has_text="Silences"))
    card.get_by_role("button", name="Silence").click()
    ann.locator(".dialog .match-field input").fill("nonsense")
    ann.locator(".dialog textarea").fill("payment plan agreed")
    ann.get_by_role("button", name="Confirm").click()
    expect(ann.locator(".note-bad")).to_be_visible()
    ann.locator(".dialog .match-field input").fill("customer=C001")
    ann.get_by_role("button", name="Confirm").click()
    expect(card).to_contain_text("payment plan agreed")
    card.get_by_role("button", name="End this silence now").click()
    expect(card).not_to_contain_text("payment plan agreed")


@pytest.mark.usefixtures("dispatcher")
def test_tightenings_are_graded_on_the_page(sign_in: SignIn) -> None:
    """By policy and model, as `creditpulse alerts grade` tells."""
    page = sign_in(Role.READER, "/alerts")
    grades = page.locator("section.card", has=page.locator("h2", has_text="Tightenings graded"))
    expect(grades.locator("[col-id=model]").nth(1)).to_have_text("rate-blr-2", timeout=30_000)
