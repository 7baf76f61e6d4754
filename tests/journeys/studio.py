"""Somebody in front of the studio: a browser's page, and the same account as its client sees it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Browser, Locator, Page, expect

from tasks_app.management.client import Client
from tests import looks
from tests.browser import DESKTOP, Looked

# What goes on in the page, told by the browser itself: clicks of a person, and what its policy kept out.
WATCHES = """
    const told = (name, what) => sessionStorage.setItem(name, JSON.stringify([...JSON.parse(sessionStorage.getItem(name) ?? "[]"), what]));
    addEventListener("pointerdown", () => told("clicks", document.title), true);
    document.addEventListener("securitypolicyviolation", (event) => told("violations", `${event.violatedDirective} ${event.blockedURI}`));
"""


@dataclass
class Studio:
    """One person's browser: `looked` is its page; what went wrong in it is in `troubles`."""

    looked: Looked
    client: Client
    key: str

    @property
    def page(self) -> Page:
        return self.looked.page

    def told(self, name: str) -> list[str]:
        return json.loads(self.page.evaluate(f"sessionStorage.getItem('{name}') ?? '[]'"))

    def troubles(self) -> list[str]:
        """Beside the API's refusals, which are what some tests are about."""
        known = ("the server responded with a status of 4", "422 ", "401 ")
        return [one for one in self.looked.troubles if not any(part in one for part in known)] + self.told("violations")

    def forgives(self, trouble: str) -> None:
        """That this went wrong was the test's own doing."""
        self.looked.troubles = [one for one in self.looked.troubles if trouble not in one]

    def sign_in(self) -> None:
        self.page.goto("/studio/")
        self.page.get_by_label("API key").fill(self.key)
        self.page.get_by_role("button", name="Sign in").click()
        expect(self.page.get_by_role("button", name="Create", exact=True)).to_be_visible()

    def enter(self, hash: str = "#/") -> None:
        """The same without the door, which some tests are about and others only pass."""
        ours = {"Sec-Fetch-Site": "same-origin"}
        assert self.page.context.request.post("/studio/session", data={"key": self.key}, headers=ours).status == 204
        self.page.goto("about:blank")  # else another hash loads nothing
        self.page.goto(f"/studio/{hash}")
        self.page.locator("main h1").first.wait_for(state="attached")

    def write(self, prompt: str, **fields: str) -> None:
        self.page.get_by_label("Prompt", exact=False).first.fill(prompt)
        for label, value in fields.items():
            self.page.get_by_label(label, exact=False).first.fill(value)

    def create(self) -> None:
        self.page.get_by_role("button", name="Create", exact=True).click()

    def cards(self, words: str) -> Locator:
        """The finished cards whose prompt has these words."""
        return self.page.locator(".gallery article.card:has(.pick)", has_text=words)

    def waits_for(self, words: str) -> Locator:
        """The first of them, once it is there."""
        card = self.cards(words).first
        expect(card).to_be_visible(timeout=60_000)
        return card

    def field(self, name: str) -> Locator:
        """What the form has for this property of the model's input."""
        return self.page.locator(f'[data-field="{name}"]')

    def tab_to(self, name: str) -> None:
        """Press Tab until what is called this has the focus."""
        for _ in range(150):
            if self.page.evaluate("document.activeElement.getAttribute('aria-label')") == name:
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"Tab never comes to {name!r}")

    def tasks(self, words: str) -> list[dict[str, Any]]:
        """The account's tasks of this prompt, as its client sees them."""
        return [one for one in self.client.call("GET", "/api/v1/tasks?limit=100")["data"] if one["input"].get("prompt") == words]

    def shoot(self, name: str) -> None:
        looks.shot(self.looked, f"studio/{name}", whole=False)


@contextmanager
def a_person(browser: Browser, client: Client, viewport: dict[str, int] = DESKTOP, **more: Any) -> Iterator[Studio]:
    """A browser of their own, with a key of the account; not signed in yet."""
    context = browser.new_context(base_url=client.url, viewport=viewport, **more)
    context.add_init_script(WATCHES)
    key = client.call("POST", "/api/v1/keys", {"name": "studio"})["key"]
    try:
        yield Studio(Looked(context.new_page()), client, key)
    finally:
        context.close()
