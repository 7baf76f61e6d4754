"""Writing a picture; apart from reading one, because the test card draws with SVG, which is shut out where files are read."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyvips

from .errors import FunctionError, is_about_memory

EXTENSIONS = {"png": "png", "jpeg": "jpg", "webp": "webp", "avif": "avif"}
# Three times as long as a WebP; the default of 4 takes ten times as long again, for files that are 1 to 10 % smaller.
AVIF_EFFORT = 2


def picture(image: pyvips.Image, folder: Path, stem: str, *, output_format: str, quality: int = 85) -> tuple[str, str]:
    """Write `image` into `folder` as png, jpeg, webp or avif; returns the file's name and its content type."""
    name, content_type = named(stem, output_format)
    with _told():
        _saver(image, output_format)(str(folder / name), **_options(output_format, quality))
    return name, content_type


def encoded(image: pyvips.Image, *, output_format: str, quality: int) -> bytes:
    """The bytes of such a file."""
    with _told():
        return _saver(image, output_format, "_buffer")(**_options(output_format, quality))


def named(stem: str, output_format: str) -> tuple[str, str]:
    """The name of a file in that format, and its content type."""
    return f"{stem}.{EXTENSIONS[output_format]}", f"image/{output_format}"


def _saver(image: pyvips.Image, output_format: str, where: str = "") -> Callable[..., Any]:
    return getattr(image, f"{'heif' if output_format == 'avif' else output_format}save{where}")


def _options(output_format: str, quality: int) -> dict[str, Any]:
    own: dict[str, dict[str, Any]] = {"png": {"compression": 6}, "avif": {"Q": quality, "effort": AVIF_EFFORT, "compression": "av1"}}
    return {"keep": "none", **own.get(output_format, {"Q": quality})}


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except pyvips.Error as fault:
        if is_about_memory(str(fault)):
            raise MemoryError from None
        raise FunctionError("The picture could not be written.") from fault
