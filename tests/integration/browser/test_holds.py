"""The queue of held orders in real browsers: worked by keys, seen by others at once, never overwritten."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect
from pydantic import BaseModel

from desk.api.roles import Role
from schemas.assessments import MasterDataChanged
from schemas.events import OrderInvoiced, OrderPlaced, PaymentReceived
from schemas.log import PolicyActivated
from schemas.topics import ASSESSMENTS, ORDERS, PAYMENTS, POLICY
from streams.sources.event_file import timed
from tests.integration.browser.conftest import FOUR_EYES, SignIn, Stack, run
from tests.integration.conftest import ALONE

pytestmark = pytest.mark.embedded_only

CUSTOMER = "HOLDS-1"
SECOND = 1_000
"""A freed order leaves the queue within it."""


def _event(stack: Stack, topic: str, kind: type[BaseModel], event_id: str, **fields: Any) -> Any:
    at = stack.now()
    head: dict[str, Any] = {"version": 1, "customer_id": CUSTOMER, "event_id": event_id, "occurred_at": at}
    if kind is PaymentReceived:
        head["paid_at"] = at
    return timed(topic, at, kind(**head, **fields))


def _begin(stack: Stack) -> None:
    """A new customer, who gets half of the limit of USD 1,000: an invoice takes most of that, five orders wait.

    The limit is applied before anything else is told: the gate waits for a topic that was idle for a while no longer.
    """
    day = stack.now().date()
    due = {"issue_date": day, "due_date": day + timedelta(days=30), "terms_days": 30}
    usd = {"currency": "USD"}
    limit = _event(stack, ASSESSMENTS, MasterDataChanged, "m", base_limits={"USD": Decimal(1_000)})
    invoice = _event(stack, ORDERS, OrderInvoiced, "i", invoice_id="I-1", amount=Decimal(450), **usd, **due)
    orders = [
        _event(stack, ORDERS, OrderPlaced, f"SO-{amount}", order_id=f"SO-{amount}", amount=Decimal(amount), **usd)
        for amount in (300, 700, 800, 900, 6_000)
    ]
    stack.publish(limit)
    stack.publish(invoice, *orders)


def _row(page: Page, order: str) -> Locator:
    return page.locator(".ag-center-cols-container .ag-row", has=page.locator("[col-id=order_id]", has_text=order))


def _choose(page: Page, order: str) -> None:
    """By keys alone."""
    _row(page, order).wait_for()
    expect(page.locator(".q-dialog")).to_have_count(0)  # keys are off while one is open
    for _ in range(5):
        page.keyboard.press("k")
    for _ in range(30):
        if "ag-row-selected" in (_row(page, order).get_attribute("class") or ""):
            break
        page.keyboard.press("j")
        page.wait_for_timeout(30)
    expect(page.locator(".chosen-card .strong").first).to_have_text(order)


def _say(page: Page, key: str, reason: str) -> None:
    """Press the key of an act and give the reason; nothing is confirmed yet."""
    page.keyboard.press(key)
    expect(page.locator(".dialog textarea")).to_be_focused()
    page.keyboard.type(reason)  # the field has the focus, and its letters are no keys of the queue


def test_the_queue_is_worked_by_keys_and_nothing_is_overwritten(stack: Stack, sign_in: SignIn) -> None:
    """Released, whole and in part, freed by a payment, changed by somebody else meanwhile, agreed to by a second
    person."""
    _begin(stack)
    approver, reader = sign_in(Role.APPROVER, "/holds"), sign_in(Role.READER, "/holds")
    # A payment frees what fits then; nobody reloads.
    expect(_row(reader, "SO-300")).to_contain_text("pay")
    stack.publish(
        _event(stack, PAYMENTS, PaymentReceived, "p", payment_id="P-1", invoice_id="I-1", amount=Decimal(450),
               currency="USD")
    )  # fmt: skip
    expect(_row(reader, "SO-300")).to_have_count(0, timeout=SECOND)

    _choose(approver, "SO-700")
    _say(approver, "r", "paid by cheque, seen")
    approver.keyboard.press("Control+Enter")
    expect(_row(reader, "SO-700")).to_have_count(0, timeout=5_000)
    expect(_row(approver, "SO-700")).to_have_count(0)

    # Who may only read is offered nothing, and refused by the server.
    _choose(reader, "SO-800")
    expect(reader.locator(".order-acts button")).to_have_count(0)
    reader.keyboard.press("x")
    expect(reader.locator(".note-bad")).to_contain_text("Analyst")

    # What another has decided meanwhile is shown and stays.
    _choose(approver, "SO-800")
    _say(approver, "r", "as a favour")
    analyst = sign_in(Role.ANALYST, "/holds")
    _choose(analyst, "SO-800")
    _say(analyst, "h", "bank details changed")
    analyst.keyboard.press("Control+Enter")
    expect(_row(reader, "SO-800")).to_contain_text("Held by a person")
    approver.keyboard.press("Control+Enter")
    conflict = approver.locator(".conflict")
    expect(conflict).to_contain_text("version")
    expect(conflict).to_contain_text("bank details changed")
    approver.keyboard.press("Enter")
    expect(conflict).to_have_count(0)
    expect(_row(approver, "SO-800")).to_contain_text("Held by a person")

    # A part may go; the rest is held on, and the order says so to everybody.
    _choose(approver, "SO-900")
    _choose(reader, "SO-900")
    approver.keyboard.press("p")
    approver.get_by_label("Up to (USD)").fill("nothing")
    approver.locator(".dialog textarea").fill("the first delivery")
    approver.keyboard.press("Control+Enter")
    expect(approver.locator(".note-bad").last).to_contain_text("above zero")
    approver.get_by_label("Up to (USD)").fill("123.45")
    approver.keyboard.press("Control+Enter")
    expect(reader.locator(".chosen-card")).to_contain_text(re.compile(r"May go already\s*123\.45 USD"))
    expect(_row(reader, "SO-900")).to_have_count(1)

    _choose(approver, "SO-6000")
    _say(approver, "r", "guaranteed by the parent")
    approver.keyboard.press("Control+Enter")
    expect(_row(reader, "SO-6000")).to_contain_text("Second person")
    approver.keyboard.press("a")
    approver.locator(".dialog .main-act").click()
    expect(approver.locator(".note-bad", has_text="somebody else")).to_be_visible()
    approver.keyboard.press("Escape")
    admin = sign_in(Role.ADMIN, "/holds")
    _choose(admin, "SO-6000")
    admin.keyboard.press("a")
    admin.locator(".dialog .main-act").click()
    expect(_row(reader, "SO-6000")).to_have_count(0)


TYPO = "version: typo\nbrake: {share: null, customers: 2, always: 2}\n"
TYPO += "knock_outs: {ageing: [{days_past_due: 1, at_most: HIGH_RISK}]}\n"
"""Meant was 15. One customer of each partition is tightened; of C005, C009 and C012 two wait for a person."""


@pytest.mark.usefixtures("dispatcher")
def test_a_stopped_tightening_is_decided(stack: Stack, sign_in: SignIn) -> None:
    """One counts once an approver says so, the other leaves the list when the policy is put right.

    The alerts of both are over, and say by what.
    """
    approver, reader = sign_in(Role.APPROVER, "/holds"), sign_in(Role.READER, "/holds")
    for page in (approver, reader):
        page.get_by_role("button", name="Stopped tightenings").click()
    _activate(stack, TYPO)
    waiting = approver.locator(".ag-center-cols-container .ag-row", has=approver.locator("[col-id=to_level]"))
    expect(waiting).to_have_count(2, timeout=15_000)
    names = waiting.evaluate_all("rows => rows.map(row => row.getAttribute('row-id'))")
    for page in (approver, reader):
        page.locator(f'.ag-row[row-id="{names[0]}"] [col-id=why]').click()
    reader.keyboard.press("a")
    expect(reader.locator(".note-bad")).to_contain_text("Approver")
    expect(waiting).to_have_count(2)
    _say(approver, "a", "they do not pick up the phone")
    approver.keyboard.press("Control+Enter")
    expect(reader.locator(f'.ag-row[row-id="{names[0]}"]')).to_have_count(0)
    expect(reader.locator(f'.ag-row[row-id="{names[1]}"]')).to_have_count(1)
    _activate(stack, "")
    expect(waiting).to_have_count(0)
    reader.goto(f"{stack.url}/customers/{names[0]}")
    expect(reader.locator(".badge", has_text="High risk").first).to_be_visible()
    run(stack.pipeline.archived())
    for name, event in zip(names, ("Tightening approved after review", "Policy activated"), strict=True):
        reader.goto(f"{stack.url}/alerts")
        reader.get_by_role("button", name="Over", exact=True).click()
        over = reader.locator(".ag-center-cols-container .ag-row", has_text=name)
        over.filter(has_text="Review of a tightening").locator("[col-id=cause]").click()
        ended = re.compile(rf"Ended by\s*{event}.*Source\s*\w+\[\d\]@\d+", re.DOTALL)
        expect(reader.locator(".dialog")).to_contain_text(ended, use_inner_text=True)


def _activate(stack: Stack, text: str) -> None:
    at = stack.now()
    policy = PolicyActivated(
        version=1, event_id=f"policy-{at}", occurred_at=at, by="board", text=ALONE + FOUR_EYES + text
    )
    stack.publish(timed(POLICY, at, policy))
