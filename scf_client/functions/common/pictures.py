"""Pictures from anywhere, read by libvips: upright, in sRGB whatever their profile, and no larger in memory than they must be.

The cache is off, one thread works, and each picture is finished before the next is begun: that takes a third of the memory of
libvips' own ways, and no more time. Only decoders that libvips trusts are left on.
"""

from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

import pyvips

from .errors import Invalid, OutOfMemory, is_about_memory
from .media import File

pyvips.cache_set_max(0)
pyvips.concurrency_set(1)
pyvips.block_untrusted_set(True)

MAX_PIXELS = 100_000_000
# How much of a fault ends the reading. libjpeg only warns of damaged pixels and draws on, so nothing below "warning" finds any: of 20
# JPEGs with 512 bytes overwritten it refused 18, "error" none. PNG, GIF and AVIF say it at every level, by checksum or syntax; a
# WebP, or a JPEG with few bytes wrong, may decode to other pixels without a sign. "warning" takes what cameras really write
# (stray bytes before the end, a trailer after it, bad EXIF or colour profiles), but for these odd headers:
ODD_HEADERS = ("Invalid SOS parameters", "Unknown Adobe color transform", "unknown JFIF revision")
STRICT, LENIENT = "fail_on=warning", "fail_on=truncated"  # libvips 8.18 takes no notice of the argument where it reads from a source
ON_ITS_SIDE = range(5, 9)  # EXIF orientations that swap width and height


@dataclass(frozen=True)
class Picture:
    """A picture whose header has been read and found harmless; no pixel has been decoded."""

    file: File

    @cached_property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels, upright; raises Invalid for what is no picture or too large to decode."""
        with blamed(self.file):
            header = pyvips.Image.new_from_source(self._source(), "")
        width, height = header.width, _page_height(header)
        if width * height > MAX_PIXELS:
            raise Invalid(f"{self.file.field} has {width} × {height} pixels: {MAX_PIXELS:,} at most.", field=self.file.field)
        is_on_its_side = header.get_typeof("orientation") and header.get("orientation") in ON_ITS_SIDE
        return (height, width) if is_on_its_side else (width, height)

    def fitted(self, width: int, height: int, fit: str) -> pyvips.Image:
        """RGBA of exactly width × height: `cover` crops what hangs over, `contain` leaves transparent bars."""
        scaled = self.scaled(width, height, fit)
        scaled = scaled if scaled.hasalpha() else scaled.bandjoin(255)
        return scaled.gravity("centre", width, height, extend="background", background=[0, 0, 0, 0]).copy_memory()

    def scaled(self, width: int, height: int, fit: str, *, gravity: str = "centre") -> pyvips.Image:
        """RGB, or RGBA where it has transparency: `cover` is exactly width × height, of the part at `gravity`; `contain` lies within it."""
        self.size  # noqa: B018  (its check comes before any decoding)
        with blamed(self.file):
            try:
                return self._scaled(width, height, fit, gravity, STRICT)
            except pyvips.Error as fault:
                if not any(words in str(fault) for words in ODD_HEADERS):
                    raise
                return self._scaled(width, height, fit, gravity, LENIENT)

    def _scaled(self, width: int, height: int, fit: str, gravity: str, how: str) -> pyvips.Image:
        crop = {"crop": self._kept(width, height, gravity)} if fit == "cover" else {}
        options = {"height": height, "size": "both", **crop}
        if shrink := self._shrink(width, height, fit):
            opened = pyvips.Image.new_from_source(self._source(), f"[shrink={shrink},{how}]", access="sequential")
            scaled = opened.thumbnail_image(width, **options)
        else:
            scaled = pyvips.Image.thumbnail_source(self._source(), width, option_string=f"[{how}]", **options)
        return _rgb(scaled).copy_memory()

    def _shrink(self, width: int, height: int, fit: str) -> int:
        """By how much a JPEG is made smaller while it is decoded; 0 for not at all, which libvips' own way of scaling does best.

        libvips leaves a factor of two for its filter, which doubles the time for common sizes; half as much again cannot be told from it.
        """
        if self.file.format != "jpeg":
            return 0
        ratios = self.size[0] / width, self.size[1] / height
        ratio = min(ratios) if fit == "cover" else max(ratios)
        return next((shrink for shrink in (8, 4, 2) if ratio >= 1.5 * shrink), 0)

    def _kept(self, width: int, height: int, gravity: str) -> str:
        """Which part of it is kept, in libvips' words: only one side hangs over."""
        if gravity == "attention":
            return gravity
        across, down = parts(gravity)
        return {0: "low", 0.5: "centre", 1: "high"}[across if self.size[0] * height > self.size[1] * width else down]

    def _source(self) -> pyvips.Source:
        return pyvips.Source.new_from_file(str(self.file.path))


def parts(gravity: str) -> tuple[float, float]:
    """Where `gravity` lies, across and down: 0, a half or 1, as in (0, 1) for bottom-left."""
    across = 0 if "left" in gravity else 1 if "right" in gravity else 0.5
    return across, 0 if "top" in gravity else 1 if "bottom" in gravity else 0.5


class blamed:
    """Turns what libvips says of a file into Invalid for the field that named it; running out of memory stays what it is."""

    def __init__(self, file: File):
        self._file = file

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type | None, fault: BaseException | None, trace: object) -> None:
        if isinstance(fault, pyvips.Error):
            if is_about_memory(str(fault)):
                message = f"{self._file.field} needs more memory than a function has: give a smaller picture, or lower the result's size."
                raise OutOfMemory(message, field=self._file.field) from None
            message = f"{self._file.field} is damaged or cut short: it cannot be read as {self._file.format.upper()}."
            raise Invalid(message, field=self._file.field) from fault


def _page_height(header: pyvips.Image) -> int:
    """The height of the first picture of an animation."""
    return header.get("page-height") if header.get_typeof("page-height") else header.height


def _rgb(picture: pyvips.Image) -> pyvips.Image:
    """8 bits in sRGB. Where there is a profile, that is done by it, after scaling: libvips' thumbnail takes four times as long for it."""
    if picture.get_typeof("icc-profile-data"):
        with suppress(pyvips.Error):  # one that is none, or is of another kind of picture; libvips looks at it here, at no pixel
            picture = picture.icc_transform("srgb", embedded=True, depth=8, intent="relative")
    return picture.colourspace("srgb").cast("uchar")
