"""The client's parameters → the input of a model, as that model's schema has it.

`seconds`, `size`, `input_reference`, `image` and `mask` are OpenAI's words for what our models call otherwise. Any other parameter goes
to the model's field of its name, so that all a model can do is within reach (`extra_body` of the client). What a model has no field
for is refused by name, never passed over.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from providers import catalogue
from providers.schemas import resolved

from ...engine.accept import Problem
from . import errors, sizes

Fields = dict[str, Any]
NOT_FOR_THE_MODEL = ("model",)


@dataclass(frozen=True, slots=True)
class Given:
    """What a parameter's meaning may rest on: the fields that the model has, and all references by parameter."""

    model: str
    has: Mapping[str, Mapping[str, Any]]
    references: Mapping[str, list[str]]


@dataclass(slots=True)
class Written:
    """A model's input, and which parameter each of its fields came from."""

    input: Fields = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)

    def put(self, param: str, fields: Fields) -> None:
        for name, value in fields.items():
            if name in self.input:
                raise errors.wrong(param, f"{param} says what {self.sources[name]} says already.")
            self.input[name], self.sources[name] = value, param

    def said_of(self, refusal: Problem) -> Problem:
        """The refusal in the client's own words: `seconds must be 2 or more`, where the model has a duration."""
        errors = [{**one, "field": self._source(one["field"])} for one in refusal.errors]
        return Problem(refusal.status, refusal.code, refusal.detail, errors)

    def _source(self, path: str) -> str:
        head = path.partition("[")[0].partition(".")[0]
        source = self.sources.get(head, head)
        return path if source == head else source


Meaning = Callable[[Given, str, Any], Fields]  # (given, parameter, value) → fields of the input


def written(
    model: catalogue.Model, parameters: Mapping[str, Any], references: Mapping[str, list[str]], meanings: Mapping[str, Meaning]
) -> Written:
    """The model's input; raises Problem that names what is unknown, or cannot be said to this model."""
    properties = {name: resolved(node, model.schema) for name, node in model.schema["properties"].items()}
    given, found = Given(model.name, properties, references), Written()
    for param, value in (dict(parameters) | dict(references)).items():
        if param not in NOT_FOR_THE_MODEL:
            found.put(param, meanings.get(param, _as_it_is)(given, param, value))
    return found


def seconds(given: Given, param: str, value: Any) -> Fields:
    """The official client sends a text, "8"; a number is as good."""
    node = given.has.get("duration")
    if node is None:
        raise errors.unknown(param, f"How long its videos are is for {given.model} to say.")
    return {"duration": number(param, value)}


def number(param: str, value: Any) -> int | float:
    try:
        found = orjson.loads(value) if isinstance(value, str) else value
    except orjson.JSONDecodeError:
        found = None
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise errors.wrong(param, f"{param} must be a number.")
    return int(found) if found == int(found) else found


def video_size(given: Given, param: str, value: Any) -> Fields:
    """`1280x720` as the model says it: by a size, or by a resolution and a shape."""
    if "size" in given.has:
        return {"size": value}
    has_shape = "input_reference" in given.references  # a picture that a video begins with has its shape
    return sizes.split(given.has, param, value, model=given.model, has_shape=has_shape)


def count(given: Given, param: str, value: Any) -> Fields:
    """One picture is what a model makes that cannot be asked for a number."""
    found = number(param, value)
    return {} if found == 1 and "n" not in given.has else _as_it_is(given, param, found)


def image_size(given: Given, param: str, value: Any) -> Fields:
    if value == "auto":
        return {}
    if "size" in given.has:
        return {"size": value}
    shapes = [name for name in ("aspect_ratio", "resolution") if name in given.has]
    instead = f" Send {' and '.join(shapes)} instead." if shapes else ""
    raise errors.unknown(param, f"{given.model} does not take a size in pixels.{instead}")


def first_frame(given: Given, param: str, value: list[str]) -> Fields:
    """The picture that a video is to begin with; where a model takes none, one that it is to be like."""
    if len(value) != 1:
        raise errors.wrong(param, f"{param} must be one picture.")
    if "frame_images" in given.has:
        return {"frame_images": [{"image": value[0], "frame_type": "first_frame"}]}
    if "input_references" in given.has:
        return {"input_references": value}
    raise errors.unknown(param, f"{given.model} takes no picture.")


def images(given: Given, param: str, value: list[str]) -> Fields:
    if "images" not in given.has:
        raise errors.unknown(param, f"{given.model} takes no pictures.")
    return {"images": value}


def mask(given: Given, param: str, value: list[str]) -> Fields:
    if "mask" not in given.has:
        raise errors.unknown(param, f"{given.model} takes no mask.")
    if len(value) != 1:
        raise errors.wrong(param, f"{param} must be one picture.")
    return {"mask": value[0]}


def _as_it_is(given: Given, param: str, value: Any) -> Fields:
    node = given.has.get(param)
    if _is_left_to_the_model(node, value):
        return {}
    if node is None:
        raise errors.unknown(param, f"{given.model} takes {', '.join(given.has)}.")
    return {param: _typed(node, value)}


def _is_left_to_the_model(node: Mapping[str, Any] | None, value: Any) -> bool:
    """`auto`, where the model has no such word itself."""
    return value == "auto" and (node is None or value not in node.get("enum", [value]))


def _typed(node: Mapping[str, Any], value: Any) -> Any:
    """A form knows texts only, so one that stands where the model takes no text is read as JSON."""
    if isinstance(value, list):
        items = node.get("items", {})
        return [_typed(items, one) for one in value]
    if isinstance(value, dict):
        below = node.get("properties", {})
        return {name: _typed(below.get(name, {}), one) for name, one in value.items()}
    if not isinstance(value, str) or node.get("type") == "string" or value in node.get("enum", ()):
        return value
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        return value
