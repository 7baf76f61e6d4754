"""The system's Chromium, driven by Playwright: for tests that look at pages as a person does.

Playwright runs an event loop in this thread, and Django reads no database beside one. So a test makes its rows before it opens
the browser and looks at them after it has closed it.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pylopdf_fonts_zh_cn
import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, Page, expect, sync_playwright

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
PATIENCE_MS = 30_000
expect.set_options(timeout=PATIENCE_MS)
# With the font that our functions draw with, so that Chinese shows as Chinese on machines that have none.
FONTS = f"""<fontconfig>
<include ignore_missing="yes">/etc/fonts/fonts.conf</include><dir>{Path(pylopdf_fonts_zh_cn.__file__).parent}</dir>
</fontconfig>"""


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

    def barriers(self) -> list[str]:
        """What axe-core finds on the page that keeps people out, of its two worst grades: rule, and the first element at fault."""
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(AXE_SCRIPT)
        found = self.page.evaluate("axe.run({resultTypes: ['violations']})")["violations"]
        worst = [one for one in found if one["impact"] in ("serious", "critical")]
        return [f"{one['id']}: {one['nodes'][0]['html'][:200]} {one['nodes'][0]['failureSummary']}" for one in worst]


@contextmanager
def chromium() -> Iterator[Browser]:
    """The system's browser, for several pages."""
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("needs chromium")
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as fonts, sync_playwright() as playwright:
        fonts.write(FONTS)
        fonts.flush()
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS, env={**os.environ, "FONTCONFIG_FILE": fonts.name})
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def looked_at(base_url: str, viewport: dict[str, int]) -> Iterator[Looked]:
    """A fresh browser with one page; addresses are relative to `base_url`."""
    with chromium() as browser:
        yield Looked(browser.new_page(base_url=base_url, viewport=viewport))
