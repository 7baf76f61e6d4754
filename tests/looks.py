"""Pictures of pages, for people to look at: below var/screenshots, named after what they show."""

from pathlib import Path

from .browser import Looked

SCREENSHOTS = Path(__file__).parents[1] / "var/screenshots"


def shot(looked: Looked, name: str, *, whole: bool = True) -> None:
    """The page as it is now, whole or what the window shows of it."""
    path = SCREENSHOTS / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    looked.page.screenshot(path=path, full_page=whole, animations="disabled")
