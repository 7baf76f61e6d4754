"""A look at a page as it was left: a screenshot below var/screenshots."""

from pathlib import Path

from .browser import Looked

SCREENSHOTS = Path(__file__).parents[1] / "var/screenshots"


def shot(looked: Looked, name: str) -> None:
    path = SCREENSHOTS / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    looked.page.screenshot(path=path, full_page=True, animations="disabled")
