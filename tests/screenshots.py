"""Pictures of every page of the desk, in both languages and themes: ``make screenshots`` (OUT=folder, README=1).

Starts the embedded stack with a simulated book, and a real Chromium. With README=1 it also renews the pictures of the
README, which show what fits on a screen; the others show the whole page.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from urllib.parse import quote

import httpx
from playwright.sync_api import Page, ViewportSize, sync_playwright

from alerts.texts import LANGUAGES
from desk.web.page import find_pages
from desk.web.theme import THEMES
from models.calendar import to_ms
from schemas.topics import PAYMENTS
from streams.sources.event_file import TimedEvent
from tests.integration.browser.conftest import chromium, run
from tests.integration.demo_process import ROOT, settings_of, start, wait_for
from tests.integration.pipeline import publish

_SIZE = ViewportSize(width=1440, height=900)
_SETTLE_MS = 2_000
_TRIAL_MS = 300_000
_TRIED = "models"
_DRAFT = "order_checks: {utilisation_share: 0.7, oldest_item_dpd: 30}\n"
_README = {
    "overview-en-light": "desk-overview.png",
    "customer-zh-light": "desk-customer-zh.png",
    "holds-en-dark": "desk-holds.png",
}


def main(out: Path, *, readme: bool = False) -> None:
    """Take them all into a folder."""
    out.mkdir(parents=True, exist_ok=True)
    path = chromium()
    if path is None:
        sys.exit("there is no Chromium: apt-get install chromium fonts-noto-cjk")
    with tempfile.TemporaryDirectory() as scratch:
        told, data = Path(scratch) / "demo.out", Path(scratch) / "demo"
        demo = start(data, "--customers", "120", "--history", "300", "--speed", "1800x", out=told)
        try:
            wait_for("-- live", told, demo, seconds=600)
            url = next(word for word in told.read_text().split() if word.startswith("http://127.0.0.1"))
            _wait_for_desk(url)
            _send_what_is_refused(data)
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
                page = browser.new_page(viewport=_SIZE)
                _try_a_policy(page, url)
                taken = 0
                for last in (False, True):  # while a policy is being tried, the other pages
                    for language, theme in product(LANGUAGES, THEMES):
                        _choose(page, url, language, theme)
                        names = {name: at for name, at in _addresses(page, url).items() if (name == _TRIED) is last}
                        for name, address in names.items():
                            page.goto(url + address)
                            _fill(page, name)
                            _picture(page, out, f"{name}-{language}-{theme}", readme=readme)
                        taken += len(names)
                browser.close()
        finally:
            demo.terminate()
            demo.wait(timeout=60)
    print(f"{taken} pictures in {out}")


def _fill(page: Page, name: str) -> None:
    """Ask what a page can be asked."""
    if name == "customer":
        page.locator(".badge").first.wait_for()  # what is typed before the page is connected is not heard
        page.locator(".form-row input").first.fill("25000")
        page.locator("section.card .button.main-act").first.click()
    if name == _TRIED:
        page.wait_for_timeout(_SETTLE_MS)
        page.locator(".q-linear-progress").wait_for(state="detached", timeout=_TRIAL_MS)


def _picture(page: Page, out: Path, name: str, *, readme: bool) -> None:
    page.wait_for_timeout(_SETTLE_MS)
    page.wait_for_function("![...document.querySelectorAll('.skeleton')].some(found => found.offsetParent)")
    page.evaluate("scrollTo(0, 0)")
    if readme and name in _README:
        page.screenshot(path=ROOT / "docs" / "img" / _README[name])
    whole = page.evaluate("document.documentElement.scrollHeight")
    page.set_viewport_size(ViewportSize(width=_SIZE["width"], height=max(_SIZE["height"], whole)))
    page.screenshot(path=out / f"{name}.png", full_page=True)
    page.set_viewport_size(_SIZE)


def _addresses(page: Page, url: str) -> dict[str, str]:
    """Name and address of each page; that of a customer shows one with a story: at risk, with orders on hold."""
    wanted = {"held": True, "levels": ["WATCH", "HIGH_RISK"], "sort": "-exposure"}
    rows: list[dict[str, str]] = []
    for asked in (wanted, {}):
        query = f"{url}/desk/rows/customers?from=0&to=1&asked={quote(json.dumps(asked))}"
        rows = rows or page.request.get(query).json()["rows"]
    customer = quote(rows[0]["customer_id"], safe="")
    return {found.key: found.path.replace("{customer_id:path}", customer) for found in find_pages()}


def _send_what_is_refused(data: Path) -> None:
    """A few records that the gate cannot take, as a broken interface sends them."""
    settings, at = settings_of(data), to_ms(datetime.now(UTC))
    payment = {"version": 1, "type": "payment.received", "event_id": "ERP-7", "customer_id": "C00007",
               "payment_id": "P7", "amount": "-12.00", "currency": "EUR", "paid_at": "2025-10-01T08:00:00Z",
               "occurred_at": "2025-10-01T08:00:00Z"}  # fmt: skip
    values = [payment, payment | {"currency": "euro", "amount": "12.00"}, "not a payment"]
    events = [TimedEvent(PAYMENTS, "C00007", at, json.dumps(value).encode()) for value in values]

    async def send() -> None:
        await publish(settings, events)

    run(send())


def _try_a_policy(page: Page, url: str) -> None:
    page.goto(f"{url}/models")
    draft = page.locator("textarea.q-field__native").last
    draft.wait_for()
    page.wait_for_timeout(_SETTLE_MS)  # the policy in force has been filled in
    draft.fill(_DRAFT)
    page.locator(".button.main-act").click()
    page.wait_for_timeout(_SETTLE_MS)


def _choose(page: Page, url: str, language: str, theme: str) -> None:
    page.goto(url)
    for switch, mark in (("language", f"lang-{language}"), ("theme", f"cp-{theme}")):
        page.wait_for_selector("body.cp")
        if mark not in (page.locator("body").get_attribute("class") or ""):
            page.click(f"[data-switch={switch}]")
            page.wait_for_selector(f"body.{mark}")
            page.wait_for_load_state("networkidle")


def _wait_for_desk(url: str) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{url}/health", timeout=5).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.5)
    sys.exit("the desk did not start")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "data/screenshots"), readme="--readme" in sys.argv[2:])
