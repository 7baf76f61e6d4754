"""Writing a picture; apart from reading one, because the test card draws with SVG, which is shut out where files are read."""

from pathlib import Path

import pyvips

from .errors import FunctionError, is_about_memory

EXTENSIONS = {"png": "png", "jpeg": "jpg", "webp": "webp"}


def picture(image: pyvips.Image, folder: Path, stem: str, *, output_format: str, quality: int = 85) -> tuple[str, str]:
    """Write `image` into `folder` as png, jpeg or webp; returns the file's name and its content type."""
    options = {"png": {"compression": 6}, "jpeg": {"Q": quality}, "webp": {"Q": quality}}[output_format]
    name = f"{stem}.{EXTENSIONS[output_format]}"
    try:
        getattr(image, f"{output_format}save")(str(folder / name), keep="none", **options)
    except pyvips.Error as fault:
        if is_about_memory(str(fault)):
            raise MemoryError from None
        raise FunctionError("The picture could not be written.") from fault
    return name, f"image/{output_format}"
