"""Examples of image.stitch."""

from typing import Any

from .example import Example, Gallery, schema

FUNCTION = "image_stitch"
PICTURES = [f"file_{number}" for number in range(1, 10)]


def _of(name: str, options: str, says: str, *, images: list[str] | int = 4, **more: Any) -> Example:
    chosen = PICTURES[:images] if isinstance(images, int) else images
    return Example(name, tuple(options.split()), says, {"images": chosen, **more})


SHAPES = ["file_tall", "file_wide"]

LAYOUTS = (
    _of("row", "layout", "side by side, in reading order.", images=3, layout="row"),
    _of("column", "layout", "one below the other.", images=2, layout="column"),
    _of("grid", "layout", "as square as can be; the last row may have room.", images=5, layout="grid"),
    _of("columns", "columns", "a grid with a number of columns.", images=6, columns=3),
    _of("long", "layout width", "all of one width, each in its own shape.", images=[*SHAPES, "file_1"], layout="long", width=480),
)
ROOM = (
    _of("gap", "gap background", "room between neighbours, in the background's colour.", gap=24, background="#204060"),
    _of("padding", "padding", "room around the whole.", gap=16, padding=48, background="#f2efe9"),
    _of("corners", "corner_radius", "each picture with rounded corners.", gap=24, padding=24, corner_radius=60),
    _of("transparent", "background", "nothing behind them.", gap=24, corner_radius=60, background="transparent", output_format="webp"),
    _of("blur", "background", "the first picture, blurred, behind all.", gap=32, padding=64, corner_radius=30, background="blur"),
    _of(
        "blur-behind-each",
        "background fit",
        "a cell's rest is its own picture, blurred.",
        images=SHAPES,
        cell="480x480",
        fit="contain",
        background="blur",
    ),
)
FITS = (
    _of("cover", "fit cell", "each cell is filled, what hangs over is cropped.", images=SHAPES, cell="400x400"),
    _of("contain", "fit size", "all of a picture is shown.", images=SHAPES, size="800x400", fit="contain"),
    _of("own-size", "fit", "each keeps its own size.", images=SHAPES, layout="row", fit="none"),
    _of("gravity", "gravity", "the top is kept where a picture is cropped.", images=SHAPES, cell="400x300", gravity="top"),
    _of("attention", "gravity", "what draws the eye is kept.", images=SHAPES, cell="240x400", gravity="attention"),
)
WORDS = (
    _of("captions", "captions.texts", "a text on each picture.", captions={"texts": ["Dawn", "黄昏", "Noon at the lake", "夜里的城市"]}),
    _of(
        "captions-below",
        "captions.position captions.size captions.colour captions.align",
        "in a band below each picture, letters 40 pixels high, from the left.",
        images=2,
        gap=16,
        padding=16,
        captions={"texts": ["Before", "After 之后"], "position": "below", "size": 40, "colour": "#203040", "align": "left"},
    ),
    _of(
        "captions-top",
        "captions.position captions.background",
        "on top, on a colour of its own.",
        images=2,
        captions={"texts": ["第一幕", "第二幕"], "position": "top", "background": "#c81e3cd0"},
    ),
    _of(
        "watermark",
        "watermark.text watermark.position",
        "a text in a corner.",
        watermark={"text": "© 暗房 Darkroom", "position": "top-left"},
    ),
    _of(
        "watermark-tiled",
        "watermark.position watermark.opacity watermark.colour",
        "all over, hardly to be seen.",
        watermark={"text": "SAMPLE 样张", "position": "tiled", "opacity": 0.3, "colour": "#ffe08a"},
    ),
    _of(
        "watermark-picture",
        "watermark.image watermark.size watermark.margin",
        "a picture, an eighth of the width, near the corner.",
        watermark={"image": "file_logo", "size": 12.5, "margin": 40, "opacity": 0.9},
    ),
)
FILES = (
    _of("quality", "output_format quality", "a WebP of low quality.", images=1, output_format="webp", quality=10),
    _of("max-bytes", "output_format max_bytes", "an AVIF of at most 12 KB.", images=2, output_format="avif", max_bytes=12_000),
)
COLLAGES = tuple(
    _of(name, "layout template", f"a collage of {name[-1]}.", images=int(name[-1]), layout="collage", template=name, size="720x720", gap=8)
    for name in schema(FUNCTION)["properties"]["template"]["enum"]
)

GALLERY = Gallery(
    "image.stitch",
    "Pictures in, one picture out: `darkroom/image-stitch`.",
    (*LAYOUTS, *ROOM, *FITS, *WORDS, *FILES, *COLLAGES),
)
