"""docs/functions.md: every option of our functions, with what the function itself makes of it.

    example.py   what an example is, and the pictures that they start from
    stage.py     examples → a function's real outputs
    show.py      an output → a small picture, or a snippet of text
    page.py      schema, examples and what came out → a section of the page
    write.py     all of it, in order

Each function has a file with its examples, named like it. `manage.py functions docs` writes the page; the tests run the examples again
and hold what comes out against the pictures there.
"""

from importlib import import_module
from pathlib import Path

from .example import Example, Gallery

# In the page's order; a function that is no tool has nothing to show.
NAMES = ("image_stitch", "video_compose", "text_process")


def of(function: str) -> Gallery:
    """The examples of a function."""
    return import_module(f".{function}", __package__).GALLERY


def file(function: str, example: Example) -> Path:
    """Where an example's picture lies, below docs/."""
    return Path("pictures", function, f"{example.name}.webp")
