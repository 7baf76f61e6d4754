"""The result while it is drawn: bytes of our own, since libvips copies all of a picture for each one that is drawn on it.

Threads may draw at the same time where they draw into different parts.
"""

import pyvips

STRIP = 256  # rows that are written at a time, so that a ground is never in memory twice


class Canvas:
    def __init__(self, width: int, height: int, ground: list[int]):
        """Of one colour: RGB where nothing shines through it, else RGBA."""
        self.width, self.height, self.bands = width, height, len(ground)
        self._pixels = bytearray(ground) * (width * height)

    def spread(self, ground: pyvips.Image) -> None:
        """Cover all of it with a picture of its size."""
        for top in range(0, self.height, STRIP):
            self.draw(ground.crop(0, top, self.width, min(STRIP, self.height - top)), 0, top)

    def draw(self, picture: pyvips.Image, left: int, top: int) -> None:
        """Lay a picture on what is there, without what hangs over the edges; RGBA shines through."""
        right, bottom = min(self.width, left + picture.width), min(self.height, top + picture.height)
        begin, high = max(0, left), max(0, top)
        if begin >= right or high >= bottom:
            return
        picture = picture.crop(begin - left, high - top, right - begin, bottom - high)
        self._lay(self._over(picture, begin, high) if picture.bands == 4 else self._opaque(picture), begin, high)

    def image(self) -> pyvips.Image:
        """The pixels as a picture; not a copy."""
        pixels = pyvips.Image.new_from_memory(self._pixels, self.width, self.height, self.bands, "uchar")
        return pixels.copy(interpretation="srgb")

    def _over(self, picture: pyvips.Image, left: int, top: int) -> pyvips.Image:
        under = self.image().crop(left, top, picture.width, picture.height)
        return under.composite2(picture, "over").cast("uchar")[: self.bands]

    def _opaque(self, picture: pyvips.Image) -> pyvips.Image:
        return picture if self.bands == 3 else picture.bandjoin(255)

    def _lay(self, picture: pyvips.Image, left: int, top: int) -> None:
        pixels, row = memoryview(picture.write_to_memory()), picture.width * self.bands
        for down in range(picture.height):
            start = ((top + down) * self.width + left) * self.bands
            self._pixels[start : start + row] = pixels[down * row : (down + 1) * row]
