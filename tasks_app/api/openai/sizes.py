"""Sizes in pixels, as `1280x720`, and how models say the same: `720p` of the shape `16:9`."""

import re
from collections.abc import Mapping
from typing import Any

from . import errors

SIZE = re.compile(r"([1-9][0-9]{0,4})x([1-9][0-9]{0,4})")
LINES = re.compile(r"([1-9][0-9]{1,3})p")
RATIO = re.compile(r"([1-9][0-9]?):([1-9][0-9]?)")
# Sides are rounded to what encoders take: 854x480 is 16:9.
NEAR = 0.01


def split(has: Mapping[str, Mapping[str, Any]], param: str, value: Any, *, model: str, has_shape: bool) -> dict[str, str]:
    """A size as resolution and aspect_ratio of a model that `has` these; `has_shape`: it takes its shape from elsewhere."""
    match = SIZE.fullmatch(value) if isinstance(value, str) else None
    if not match:
        raise errors.wrong(param, f'{param} must be width x height in pixels, as in "1280x720".')
    width, height = int(match[1]), int(match[2])
    if "resolution" not in has:
        instead = " Send aspect_ratio instead." if "aspect_ratio" in has else ""
        raise errors.unknown(param, f"How large its videos are is for {model} to say.{instead}")
    found = {"resolution": _resolution(has["resolution"], param, min(width, height))}
    if "aspect_ratio" in has:
        found["aspect_ratio"] = _shape(has["aspect_ratio"], param, width / height)
    elif not has_shape:
        raise errors.unknown(param, f"{model} takes its shape from a picture: send input_reference too, or resolution instead.")
    return found


def joined(resolution: Any, shape: Any) -> str:
    """The size of this resolution and shape; empty where they do not tell."""
    lines, ratio = LINES.fullmatch(str(resolution)), RATIO.fullmatch(str(shape))
    if not lines or not ratio:
        return ""
    short, (wide, high) = int(lines[1]), (int(ratio[1]), int(ratio[2]))
    long = 2 * round(short * max(wide, high) / min(wide, high) / 2)
    return f"{long}x{short}" if wide > high else f"{short}x{long}"


def _resolution(node: Mapping[str, Any], param: str, short: int) -> str:
    known = [str(one) for one in node.get("enum", ())]
    if f"{short}p" not in known:
        raise errors.wrong(param, f"{param}: this model makes {', '.join(known)}, and the shorter side of this size is {short}.")
    return f"{short}p"


def _shape(node: Mapping[str, Any], param: str, asked: float) -> str:
    known = [str(one) for one in node.get("enum", ())]
    for shape in known:
        ratio = RATIO.fullmatch(shape)
        if ratio and abs(asked / (int(ratio[1]) / int(ratio[2])) - 1) < NEAR:
            return shape
    raise errors.wrong(param, f"{param}: this model makes the shapes {', '.join(known)}.")
