"""How far two pictures are apart to the eye."""

import pyvips

SIDE, BLOCK = 120, 10  # pixels: what both are brought to, and what is looked at as one


def distance(one: pyvips.Image, other: pyvips.Image) -> float:
    """The largest colour difference (CIEDE2000) of any block: 0 for the same, 1 just seen side by side, 5 to 10 for a word more."""
    blocks = [_blocks(picture) for picture in (one, other)]
    return blocks[0].dE00(blocks[1]).max()


def _blocks(picture: pyvips.Image) -> pyvips.Image:
    if picture.hasalpha():  # what shines through must not count as what lies there
        picture = picture.flatten(background=[255, 0, 255])
    small = picture.thumbnail_image(SIDE, height=SIDE, size="force").colourspace("lab").cast("float")
    return small.shrink(BLOCK, BLOCK)
