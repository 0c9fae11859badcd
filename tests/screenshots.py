"""Pictures of every page of the desk, in both languages and themes: ``make screenshots`` (OUT=folder).

Starts the embedded stack with a simulated book, and a real Chromium.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

import httpx
from playwright.sync_api import Page, sync_playwright

from alerts.texts import LANGUAGES
from desk.web.page import find_pages
from desk.web.theme import THEMES
from tests.integration.browser.conftest import chromium
from tests.integration.demo_process import start, wait_for

_SIZE = {"width": 1440, "height": 900}
_SETTLE_MS = 4_000


def main(out: Path) -> None:
    """Take them all into a folder."""
    out.mkdir(parents=True, exist_ok=True)
    path = chromium()
    if path is None:
        sys.exit("there is no Chromium: apt-get install chromium fonts-noto-cjk")
    with tempfile.TemporaryDirectory() as scratch:
        told = Path(scratch) / "demo.out"
        demo = start(Path(scratch) / "demo", "--customers", "250", "--history", "300", "--speed", "1800x", out=told)
        try:
            wait_for("-- live", told, demo, seconds=600)
            url = next(word for word in told.read_text().split() if word.startswith("http://127.0.0.1"))
            _wait_for_desk(url)
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
                page = browser.new_page(viewport=_SIZE)
                page.goto(url)
                for language in LANGUAGES:
                    for theme in THEMES:
                        _choose(page, url, language, theme)
                        for name, address in _addresses(page, url).items():
                            page.goto(url + address)
                            page.wait_for_timeout(_SETTLE_MS)
                            page.screenshot(path=out / f"{name}-{language}-{theme}.png")
                browser.close()
        finally:
            demo.terminate()
            demo.wait(timeout=60)
    print(f"{len(list(out.glob('*.png')))} pictures in {out}")


def _addresses(page: Page, url: str) -> dict[str, str]:
    """Name and address of each page; the page of a customer shows the one with the largest exposure."""
    found = page.request.get(f"{url}/desk/rows/customers?from=0&to=1").json()["rows"]
    customer = quote(str(found[0]["customer_id"]), safe="") if found else ""
    return {found.key: found.path.replace("{customer_id:path}", customer) for found in find_pages()}


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
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "data/screenshots"))
