"""Captions: each as a band as wide as its picture, over it or beside it."""

from collections.abc import Mapping
from typing import Any

import pyvips

from ..common import fonts
from ..common.errors import Invalid
from . import looks

BESIDE = ("above", "below")
# Without a size, letters are this part of their picture's width, within these bounds, and smaller where they do not fit.
PART, LEAST, MOST = 1 / 16, 9, 72
LINE = 1.1  # height of a line, in that of its letters
HIGHEST = 2000  # pixels of a band beside a picture
ROOM = 0.5  # of a picture's height


class Captions:
    """As the schema's `captions` have them; none where a client gave none."""

    def __init__(self, given: Mapping[str, Any] | None, *, pictures: int):
        self._given = given or {"texts": []}
        self._texts = self._given["texts"]
        if len(self._texts) > pictures:
            told = f"{len(self._texts)} captions for {pictures} pictures: give one for each, or fewer."
            raise Invalid(told, field="captions.texts")
        self.position = self._given.get("position", "bottom")
        self.are_beside = self.position in BESIDE and any(text.strip() for text in self._texts)

    def band(self, widths: list[int]) -> int:
        """How high the bands beside pictures of these widths are: as the highest needs."""
        return max(self._drawn(place, width, HIGHEST).height for place, width in enumerate(widths[: len(self._texts)]) if self._has(place))

    def beside(self, place: int, width: int, height: int) -> pyvips.Image | None:
        """The caption of a picture as RGBA of that size, None where it has none."""
        if not self._has(place):
            return None
        return self._drawn(place, width, height).gravity("centre", width, height, extend="background", background=[0, 0, 0, 0])

    def over(self, place: int, picture: pyvips.Image) -> pyvips.Image:
        """A picture with its caption on it."""
        if self.are_beside or not self._has(place):
            return picture
        band = self._drawn(place, picture.width, int(picture.height * ROOM))
        ground = looks.with_alpha(looks.plain(band.width, band.height, looks.colour(self._given["background"])))
        band = ground.composite2(band, "over").cast("uchar")
        top = {"top": 0, "middle": (picture.height - band.height) // 2}.get(self.position, picture.height - band.height)
        laid = picture.composite2(band, "over", x=0, y=top).cast("uchar")
        return (laid if picture.hasalpha() else laid[:3]).copy_memory()

    def _has(self, place: int) -> bool:
        return place < len(self._texts) and bool(self._texts[place].strip())

    def _drawn(self, place: int, width: int, height: int) -> pyvips.Image:
        """A text as RGBA, `width` wide with its margins; raises Invalid where it is higher than `height`."""
        asked = self._given.get("size")
        pixels = asked or max(LEAST, min(MOST, round(width * PART)))
        while True:
            mask = self._mask(self._texts[place], width, pixels)
            if mask and mask.height <= height:
                return looks.plain(mask.width, mask.height, self._colour()).bandjoin(mask).copy(interpretation="srgb").copy_memory()
            if asked or pixels <= LEAST:
                field = f"captions.texts[{place}]"
                raise Invalid(f"{field} does not fit its picture: give a shorter one, or lower captions.size.", field=field)
            pixels = max(LEAST, int(pixels * 0.85))

    def _mask(self, text: str, width: int, pixels: int) -> pyvips.Image | None:
        """None where a single character is too wide."""
        margin = max(2, round(pixels * 0.4))
        align = self._given["align"]
        if width <= 2 * margin:
            return None
        mask = fonts.drawn(text, pixels=pixels, width=width - 2 * margin, align={"left": "low", "right": "high"}.get(align, align))
        if mask.width > width - 2 * margin:
            return None
        left = {"left": margin, "right": width - margin - mask.width}.get(align, (width - mask.width) // 2)
        height = max(mask.height, round(LINE * pixels)) + 2 * margin  # alike for all letters: a mask is as high as its ink
        return mask.embed(left, (height - mask.height) // 2, width, height)

    def _colour(self) -> list[int]:
        own = "#000000" if self.are_beside else "#ffffff"
        return looks.colour(self._given.get("colour", own))
