"""The font that all text is drawn in: Noto Sans SC, Latin and Chinese, from a package, so that every machine draws the same."""

import re
from html import escape
from importlib.resources import files
from pathlib import Path

import pyvips

UNSEEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")  # which markup cannot hold either
NAME = "Noto Sans SC"
FILE = Path(str(files("pylopdf_fonts_zh_cn").joinpath("NotoSansSC-Regular.otf")))


def drawn(text: str, *, pixels: float, width: int | None = None, weight: str = "normal", align: str = "low") -> pyvips.Image:
    """`text` as a one-band mask (0–255), `pixels` per em, wrapped at `width` where one is given; `align`: low, centre, high."""
    # At 72 dots per inch a point is a pixel. Pango reads markup, so the text is escaped.
    markup = f'<span size="{round(pixels * 1024)}" weight="{weight}">{escape(visible(text), quote=False)}</span>'
    wrapped = {"width": width, "wrap": "word-char"} if width else {}
    return pyvips.Image.text(markup, font=NAME, fontfile=str(FILE), dpi=72, align=align, **wrapped)


def visible(text: str) -> str:
    """A text without the control characters that no font draws."""
    return UNSEEN.sub("", text)
