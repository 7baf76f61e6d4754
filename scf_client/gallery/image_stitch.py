"""Examples of image.stitch."""

from typing import Any

from .example import Example, Gallery

PICTURES = [f"file_{number}" for number in range(1, 10)]


def _of(name: str, options: str, says: str, *, images: list[str] | int = 4, **more: Any) -> Example:
    chosen = PICTURES[:images] if isinstance(images, int) else images
    return Example(name, tuple(options.split()), says, {"images": chosen, **more})


GALLERY = Gallery(
    "image.stitch",
    "Pictures in, one picture out: `darkroom/image-stitch`.",
    (
        _of("row", "layout", "side by side, in reading order.", images=3, layout="row"),
        _of("column", "layout", "one below the other.", images=2, layout="column"),
        _of("grid", "layout", "as square as can be; the last row may have room.", images=5, layout="grid"),
        _of("columns", "columns", "a grid with a number of columns.", images=6, columns=3),
        _of("gap", "gap background", "room between neighbours, in the background's colour.", gap=24, background="#204060"),
        _of("cover", "fit cell", "each cell is filled, what hangs over is cropped.", images=["file_tall", "file_wide"], cell="400x400"),
        _of("contain", "fit size", "all of a picture is shown.", images=["file_tall", "file_wide"], size="800x400", fit="contain"),
        _of("formats", "output_format quality", "a photograph as a WebP of few bytes.", images=1, output_format="webp", quality=10),
        _of("own-size", "fit", "each keeps its own size.", images=["file_tall", "file_wide"], layout="row", fit="none"),
    ),
)
