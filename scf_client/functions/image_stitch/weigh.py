"""A file that is no larger than a client wants, in the best quality that allows."""

import pyvips

from ..common import save
from ..common.errors import Invalid

WORST = 5  # below it a picture cannot be told any more


def within(image: pyvips.Image, *, output_format: str, quality: int, max_bytes: int) -> bytes:
    """The file in `quality`, or in the next lower one that fits; raises Invalid where none does."""
    best = save.encoded(image, output_format=output_format, quality=quality)
    if len(best) <= max_bytes:
        return best
    low, high = min(WORST, quality), quality  # what may fit, and what does not
    best = save.encoded(image, output_format=output_format, quality=low)
    if len(best) > max_bytes:
        told = f"Even in the lowest quality the result has {len(best):,} bytes: raise max_bytes, or lower the size."
        raise Invalid(told, field="max_bytes")
    while high - low > 1:
        middle = (low + high) // 2
        content = save.encoded(image, output_format=output_format, quality=middle)
        low, high, best = (middle, high, content) if len(content) <= max_bytes else (low, middle, best)
    return best
