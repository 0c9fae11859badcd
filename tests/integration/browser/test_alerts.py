"""The alerts page in real browsers: what one person does, the others see; silences; who may not."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from desk.api.roles import Role
from schemas.assessments import LevelOverridden
from schemas.levels import Level
from schemas.topics import ASSESSMENTS
from streams.sources.event_file import timed
from tests.integration.browser.conftest import SignIn, Stack

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
    expect(grades.locator("[col-id=lead]").nth(0)).to_have_text("Lead, days (P10)")
    expect(grades.locator("[col-id=lead]").nth(1)).to_have_text(re.compile(r"^(–|\d+ \(\d+\))$"))


@pytest.mark.usefixtures("dispatcher")
def test_what_comes_later_takes_its_place(stack: Stack, sign_in: SignIn) -> None:
    """A critical alert stands above the others as soon as it is there, not below those that were there before."""
    page = sign_in(Role.READER, "/alerts")
    alerts = page.locator("section.card", has=page.get_by_role("heading", name="Alerts", exact=True))
    expect(alerts.locator(".ag-row", has_text="Notice").first).to_be_visible(timeout=30_000)
    now = stack.now()
    blocked = LevelOverridden(
        version=1, customer_id="C000", event_id="C000-blocked", occurred_at=now, by="ana", reason="left the trade",
        level=Level.BLOCKED, expires_on=now.date() + timedelta(days=90),
    )  # fmt: skip
    stack.publish(timed(ASSESSMENTS, now, blocked))
    expect(alerts.locator(".ag-row", has_text="C000").filter(has_text="Set by a person")).to_be_visible()
    page.wait_for_function(_IN_ORDER)


_IN_ORDER = """() => {
    const rows = [...document.querySelectorAll(".ag-center-cols-container .ag-row")]
        .filter((row) => row.querySelector("[col-id=severity]"))
        .sort((one, other) => one.getAttribute("row-index") - other.getAttribute("row-index"));
    const ranks = rows.map((row) => ["Critical", "Warning", "Notice", "Info"].findIndex(
        (word) => row.querySelector("[col-id=severity]").textContent.endsWith(word)));
    return new Set(ranks).size > 1
        && ranks.every((rank, place) => rank >= 0 && (!place || ranks[place - 1] <= rank));
}"""
