"""An event's input against the kind's schema: what the schema refuses, the function refuses, whoever called it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema_rs

from .errors import Invalid


class Schema:
    """A schema file; media are references to clients, and {"path"} objects by the time they come here."""

    def __init__(self, path: Path):
        self._schema = json.loads(path.read_text(encoding="utf-8"))
        # A message never quotes the value: it may be a path on our disk, or a megabyte.
        self._validator = jsonschema_rs.Draft202012Validator(self._schema, offline=True, mask="This value")

    def checked(self, given: Any) -> dict[str, Any]:
        """The input with its defaults filled in; raises Invalid that names the first field at fault."""
        _check_text(given)
        full = _filled(self._schema, given, self._schema)
        for fault in self._validator.iter_errors(_without_media(full)):
            raise Invalid(fault.message, field=written(fault.instance_path) or None)
        return full


def written(path: list[str | int]) -> str:
    """A JSON path as people write it: ["clips", 2, "source"] → clips[2].source"""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")


def is_media(value: Any) -> bool:
    return isinstance(value, Mapping) and isinstance(value.get("path"), str)


def _check_text(given: Any) -> None:
    try:
        json.dumps(given, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise Invalid("The input holds half of a surrogate pair, which is no character.") from None


def _filled(node: Mapping[str, Any], value: Any, root: Mapping[str, Any]) -> Any:
    node = root["$defs"][node["$ref"].removeprefix("#/$defs/")] if "$ref" in node else node
    if is_media(value) or not isinstance(value, dict | list):
        return value
    if isinstance(value, list):
        return [_filled(node.get("items", {}), item, root) for item in value]
    properties = node.get("properties", {})
    defaults = {name: below["default"] for name, below in properties.items() if "default" in below}
    return {**defaults, **{name: _filled(properties.get(name, {}), item, root) for name, item in value.items()}}


def _without_media(value: Any) -> Any:
    if is_media(value):
        return value["path"]
    if isinstance(value, dict):
        return {name: _without_media(item) for name, item in value.items()}
    return [_without_media(item) for item in value] if isinstance(value, list) else value
