"""A line of text as a picture that can lie on any other."""

import pyvips

from . import fonts
from .errors import Invalid

DRAFT = 100  # pixels at which a text is measured


def lettered(text: str, *, width: int, colour: str, field: str) -> pyvips.Image:
    """RGBA, `width` wide, in a colour like #rrggbb, with a shadow: it must be seen on white too. Raises Invalid where it is empty."""
    if not fonts.visible(text).strip():
        raise Invalid(f"{field} has nothing but white space in it.", field=field)
    pixels = max(6.0, DRAFT * width / fonts.drawn(text, pixels=DRAFT, weight="bold").width)
    mask = fonts.drawn(text, pixels=pixels, weight="bold")
    soft = max(1.0, pixels / 20)
    room = round(3 * soft)
    mask = mask.embed(room, room, mask.width + 2 * room, mask.height + 2 * room)
    shadow = _coloured(mask.gaussblur(soft) * 0.8, [0, 0, 0])
    return shadow.composite2(_coloured(mask, list(bytes.fromhex(colour[1:]))), "over").cast("uchar")


def _coloured(mask: pyvips.Image, colour: list[int]) -> pyvips.Image:
    plain = pyvips.Image.black(mask.width, mask.height).new_from_image(colour)
    return plain.bandjoin(mask.cast("uchar")).copy(interpretation="srgb")
