"""The broker does not answer: the desk says so in a page that stays open, and goes on by itself."""

from __future__ import annotations

import os
import re
import signal
from datetime import timedelta
from decimal import Decimal

import pytest
from playwright.sync_api import expect

from desk.api.roles import Role
from schemas.events import OrderInvoiced
from schemas.topics import ORDERS
from streams.embedded.broker import EmbeddedBroker
from streams.sources.event_file import timed
from tests.integration.browser.conftest import SignIn, Stack

pytestmark = pytest.mark.embedded_only


def test_the_desk_says_that_the_broker_is_away_and_recovers(
    stack: Stack, embedded_broker: EmbeddedBroker, sign_in: SignIn
) -> None:
    """It hangs, its connections stay open: what is shown stays, and what comes afterwards is seen without a reload."""
    page = sign_in(Role.READER, "/customers/C002")
    light, banner = page.locator(".light"), page.locator(".banner")
    exposure = page.locator(".tile", has_text="Exposure").locator(".tile-value")
    expect(light).to_have_class(re.compile("light-good"))
    expect(exposure).not_to_have_text("–")
    before = exposure.inner_text()
    os.kill(embedded_broker.child.pid, signal.SIGSTOP)
    try:
        expect(banner).to_contain_text("broker does not answer", timeout=40_000)
        assert exposure.inner_text() == before
    finally:
        os.kill(embedded_broker.child.pid, signal.SIGCONT)
    expect(banner).to_be_hidden(timeout=60_000)
    expect(light).to_have_class(re.compile("light-good"))
    at = stack.now()
    invoice = OrderInvoiced(
        version=1, customer_id="C002", event_id="outage", occurred_at=at, invoice_id="outage", amount=Decimal(77_777),
        currency="USD", issue_date=at.date(), due_date=at.date() + timedelta(days=30), terms_days=30,
    )  # fmt: skip
    stack.publish(timed(ORDERS, at, invoice))
    expect(exposure).not_to_have_text(before)
