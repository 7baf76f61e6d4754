"""What is done to single pictures: a blurred ground made of one, rounded corners, strength, colours."""

import pyvips

BLUR_SIDE, BLUR = 64, 3.0  # a ground is blurred while it is small: pixels of its longer side, and the blur's sigma


def colour(text: str) -> list[int]:
    """#rrggbb as RGB, #rrggbbaa as RGBA; where nothing shines through it, as RGB."""
    if text == "transparent":
        return [0, 0, 0, 0]
    *rgb, opacity = bytes.fromhex(text.removeprefix("#").ljust(8, "f"))
    return rgb if opacity == 255 else [*rgb, opacity]


def plain(width: int, height: int, colour: list[int]) -> pyvips.Image:
    return pyvips.Image.black(width, height).new_from_image(colour).copy(interpretation="srgb")


def blurred(picture: pyvips.Image, width: int, height: int) -> pyvips.Image:
    """RGB of width × height, filled by the picture and blurred beyond recognition."""
    scale = BLUR_SIDE / max(width, height)
    small_width, small_height = max(1, round(width * scale)), max(1, round(height * scale))
    small = opaque(picture).thumbnail_image(small_width, height=small_height, size="both", crop="centre").copy_memory()
    small = small.embed(16, 16, small_width + 32, small_height + 32, extend="copy").gaussblur(BLUR).crop(16, 16, small_width, small_height)
    large = small.copy_memory().resize(width / small_width, vscale=height / small_height, kernel="cubic")
    return large.gravity("centre", width, height, extend="copy").cast("uchar")


def opaque(picture: pyvips.Image) -> pyvips.Image:
    return picture.flatten(background=[255, 255, 255]).cast("uchar") if picture.hasalpha() else picture


def rounded(picture: pyvips.Image, radius: int) -> pyvips.Image:
    """RGBA without its corners; no radius is more than half of a side."""
    radius = min(radius, picture.width // 2, picture.height // 2)
    if radius == 0:
        return picture
    picture = with_alpha(picture)
    shape = _shape(picture.width, picture.height, radius)
    return picture[:3].bandjoin((picture[3] * shape).cast("uchar")).copy(interpretation="srgb")


def faded(picture: pyvips.Image, strength: float) -> pyvips.Image:
    """RGBA that shines through."""
    picture = with_alpha(picture)
    return picture[:3].bandjoin((picture[3] * strength).cast("uchar")).copy(interpretation="srgb")


def with_alpha(picture: pyvips.Image) -> pyvips.Image:
    return picture if picture.bands == 4 else picture.bandjoin(255)


def _shape(width: int, height: int, radius: int) -> pyvips.Image:
    """1 within a rounded rectangle, 0 outside of it, in between on its edge."""
    place = pyvips.Image.xyz(width, height) + 0.5
    across = (place[0] - width / 2).abs() - (width / 2 - radius)
    down = (place[1] - height / 2).abs() - (height / 2 - radius)
    across, down = (across > 0).ifthenelse(across, 0), (down > 0).ifthenelse(down, 0)
    inside = radius + 0.5 - (across**2 + down**2) ** 0.5
    return (inside > 1).ifthenelse(1, (inside < 0).ifthenelse(0, inside))
