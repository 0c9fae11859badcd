"""The page of subscribers in real browsers: an endpoint is added, tested, paused and removed; who may not."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from playwright.sync_api import Page, expect
from standardwebhooks import Webhook

from desk.api.roles import Role
from tests.integration.browser.conftest import SignIn, wait_until

pytestmark = pytest.mark.embedded_only


@contextmanager
def receiver() -> Iterator[tuple[str, list[tuple[bytes, dict[str, str]]]]]:
    """A receiver on this machine: its address, and the requests it answered with 200."""
    taken: list[tuple[bytes, dict[str, str]]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            taken.append((body, {name.lower(): value for name, value in self.headers.items()}))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/hooks", taken
        server.shutdown()


def _confirm(page: Page) -> None:
    page.locator(".dialog .main-act").click()


def test_an_endpoint_is_added_tested_paused_and_removed(sign_in: SignIn) -> None:
    """A wrong address is told and stays to be mended; the secret shown once is the one that signs the test event."""
    with receiver() as (url, taken):
        page = sign_in(Role.ADMIN, "/subscribers")
        page.get_by_role("button", name="Add an endpoint").click()
        page.locator(".dialog .url-field input").fill("ftp://erp.example.com/hooks")
        _confirm(page)
        expect(page.locator(".note-bad")).to_contain_text("http")
        page.locator(".dialog .url-field input").fill(url)
        page.get_by_label("Exposure above, per currency").fill("EUR=many")
        _confirm(page)
        expect(page.locator(".note-bad").last).to_contain_text("Exposure above, per currency: 'EUR=many'")
        page.get_by_label("Exposure above, per currency").fill("EUR=50000")
        page.get_by_label("Name").fill("the ERP")
        _confirm(page)
        secret = page.locator(".dialog .secret-field input").input_value()
        _confirm(page)
        card = page.locator(".endpoint-card")
        expect(card).to_contain_text("the ERP")
        expect(card).to_contain_text("alerts; exposure above 50,000 EUR")
        expect(page.locator(".secret-field")).to_have_count(0)
        assert secret not in page.content()

        card.get_by_role("button", name="Test", exact=True).click()
        expect(page.locator(".note-good").last).to_contain_text("arrived: status 200")
        body, headers = taken[0]
        assert Webhook(secret).verify(body, headers)["type"] == "creditpulse.webhook-test.v1"

        card.get_by_role("button", name="New secret").click()
        _confirm(page)
        fresh = page.locator(".dialog .secret-field input")
        expect(fresh).to_have_value(re.compile("^whsec_"))
        assert fresh.input_value() != secret
        _confirm(page)

        card.get_by_role("button", name="Pause").click()
        page.locator(".dialog textarea").fill("moving house")
        _confirm(page)
        expect(card).to_contain_text("moving house")
        reader = sign_in(Role.ANALYST, "/subscribers")
        expect(reader.locator(".endpoint-card")).to_contain_text("moving house")
        expect(reader.get_by_role("button", name="Resume")).to_have_count(0)
        expect(reader.get_by_role("button", name="Add an endpoint")).to_have_count(0)

        card.get_by_role("button", name="Remove").click()
        page.locator(".dialog .danger").click()
        expect(page.get_by_text("No system is subscribed")).to_be_visible()


@pytest.mark.usefixtures("dispatcher")
def test_what_was_sent_is_sent_again(sign_in: SignIn) -> None:
    """All alerts of a customer from the first on, then one of them once more: signed, with the same id, in the log."""
    with receiver() as (url, taken):
        page = sign_in(Role.ADMIN, "/subscribers")
        page.get_by_role("button", name="Add an endpoint").click()
        page.locator(".dialog .url-field input").fill(url)
        page.get_by_label("Name").fill("collections")
        _confirm(page)
        secret = page.locator(".dialog .secret-field input").input_value()
        _confirm(page)
        card, log = page.locator(".endpoint-card"), page.locator(".log-card")
        expect(card).to_contain_text("collections")

        card.get_by_role("button", name="Replay").click()
        page.locator(".dialog").get_by_role("button", name="From a customer's sequence").click()
        page.locator(".dialog").get_by_label("Customer").fill("C001")
        _confirm(page)
        expect(page.locator(".note-good").last).to_contain_text("sent again")
        arrived = log.locator(".ag-center-cols-container .ag-row", has_text="arrived")
        arrived.first.locator("[col-id=event]").click(timeout=40_000)
        assert {Webhook(secret).verify(body, headers)["subject"] for body, headers in taken} == {"C001"}
        ids = Counter(headers["webhook-id"] for _, headers in taken)
        assert set(ids.values()) == {1}

        dialog = page.get_by_role("dialog", name="Delivery")
        (again,) = [event_id for event_id in ids if event_id in dialog.inner_text().split()]
        dialog.get_by_role("button", name="Send again").click()
        wait_until(lambda: sum(headers["webhook-id"] == again for _, headers in taken) == 2, 30)
        assert Webhook(secret).verify(*taken[-1])["id"] == again


def test_a_reader_may_not_see_it(sign_in: SignIn) -> None:
    """Addresses of other systems are for analysts, as in the REST API."""
    page = sign_in(Role.READER, "/subscribers")
    expect(page.locator("#main")).to_contain_text("This needs the role")
    expect(page.get_by_role("navigation", name="Pages")).not_to_contain_text("Subscribers")
