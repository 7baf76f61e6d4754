"""The system's Chromium, driven by Playwright: for tests that look at pages as a person does.

Playwright runs an event loop in this thread, and Django reads no database beside one. So a test makes its rows before it opens
the browser and looks at them after it has closed it.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, sync_playwright

PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1440, "height": 900}
# No sandbox, because tests may run as root; no calls home, because nobody waits for their answers.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_MS = 15_000


class Looked:
    """One page as it is looked at, and what went wrong in it: errors of scripts, of the console, and answers of 400 or more."""

    def __init__(self, page: Page):
        self.page, self.troubles = page, list[str]()
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: self.troubles.append(f"script: {error}"))
        page.on("console", lambda line: self.troubles.append(f"console: {line.text}") if line.type == "error" else None)
        page.on("response", lambda answer: self.troubles.append(f"{answer.status} {answer.url}") if answer.status >= 400 else None)

    def too_wide_px(self) -> int:
        """By how much the page is wider than the window."""
        self.page.wait_for_load_state()
        return self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")


@contextmanager
def looked_at(base_url: str, viewport: dict[str, int]) -> Iterator[Looked]:
    """A fresh browser with one page; addresses are relative to `base_url`."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("needs chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        try:
            yield Looked(browser.new_page(base_url=base_url, viewport=viewport))
        finally:
            browser.close()
