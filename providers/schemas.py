"""A model's input schema: JSON Schema 2020-12, one object that takes no unknown property. No Django.

`$ref` points to `#/$defs/name` only; a media reference is {"type": "string", "format": "media"}. What people read of a field is its `title`
and `description`, in Chinese `title_zh` and `description_zh`.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema_rs

DRAFT = "https://json-schema.org/draft/2020-12/schema"
REFERENCE = re.compile(r"#/\$defs/([A-Za-z0-9_.-]+)")
READ = ("title", "description")
DATA = ("default", "enum", "const", "examples")
TRANSLATED = tuple(f"{key}_zh" for key in READ)
NAMED = ("properties", "$defs")
FORMS = ("anyOf", "oneOf", "allOf")

Path = tuple[str | int, ...]

DEEPEST = 200  # levels of an input, and of defaults that hold defaults


def check(schema: Any) -> None:
    """Raise ValueError that names what is wrong with the schema and what would be right."""
    if not isinstance(schema, dict) or schema.get("type") != "object" or not isinstance(schema.get("properties"), dict):
        raise ValueError('the schema must describe an object: {"type": "object", "additionalProperties": false, "properties": {…}}')
    if schema.get("additionalProperties") is not False:
        raise ValueError('"additionalProperties" must be false, so that a misspelt field is refused and not passed over')
    if schema.get("$schema", DRAFT) != DRAFT:
        raise ValueError(f'"$schema" must be {DRAFT}')
    for path, node in _nodes(schema, ()):
        _check_reference(path, node)
    _check_against_draft(schema)
    for name, node in schema.get("$defs", {}).items():
        _check_ends(node, schema, (name,))
    for path, node in _nodes(schema, ()):
        _check_default(path, node, schema)
    _check_fills(schema)


def validator(schema: Mapping[str, Any]) -> jsonschema_rs.Validator:
    """The schema compiled; it never fetches anything."""
    return jsonschema_rs.Draft202012Validator(dict(schema), validate_formats=True, offline=True)


def filled(schema: Mapping[str, Any], value: Any) -> Any:
    """A deep copy of `value` with the defaults of `properties` and `items` set where they are absent, in the schema's order.

    Defaults below anyOf, oneOf and if are not set: which branch holds is not known before the input is validated.
    """
    return _filled(schema, value, schema)


def media_paths(schema: Mapping[str, Any], value: Any) -> Iterator[tuple[Path, str]]:
    """Each media reference in an input, once, as (JSON path, text); strings below any branch of anyOf and oneOf count."""
    return iter(dict(_media(schema, value, (), schema)).items())


def takes_media(schema: Mapping[str, Any]) -> bool:
    """Whether an input may hold a media reference anywhere."""
    return any(node.get("format") == "media" for _, node in _nodes(schema, ()))


def in_language(node: Any, suffix: str) -> Any:
    """The schema with what people read in one language: of the keys that end in `suffix` where there are any, and no other of these."""
    if isinstance(node, list):
        return [in_language(below, suffix) for below in node]
    if not isinstance(node, dict):
        return node
    told = {key: _in_language(key, below, suffix) for key, below in node.items() if key not in TRANSLATED}
    return told | {key: node[key + suffix] for key in READ if key + suffix in node}


def resolved(node: Mapping[str, Any] | bool, root: Mapping[str, Any]) -> Mapping[str, Any]:
    """A schema node with its `$ref`, if any, followed; what stands beside the `$ref` wins. `true` and `false` say nothing more."""
    if isinstance(node, bool):
        return {}
    if "$ref" not in node:
        return node
    beside = {key: value for key, value in node.items() if key != "$ref"}
    return {**resolved(_target(node, root), root), **beside}


def written(path: Path | list[str | int]) -> str:
    """A JSON path as people write it: ("clips", 2, "url") → clips[2].url"""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")


def _in_language(key: str, below: Any, suffix: str) -> Any:
    if key in DATA:
        return below
    if key in NAMED and isinstance(below, dict):  # these keys are names, be they what they may
        return {name: in_language(node, suffix) for name, node in below.items()}
    return in_language(below, suffix)


def _target(node: Mapping[str, Any], root: Mapping[str, Any]) -> Any:
    return root["$defs"][node["$ref"].removeprefix("#/$defs/")]


def _filled(node: Mapping[str, Any] | bool, value: Any, root: Mapping[str, Any], depth: int = 0) -> Any:
    if depth > DEEPEST:  # counted here, because the interpreter's own limit is not the same everywhere
        raise RecursionError("nested too deeply")
    if isinstance(value, dict):
        return _filled_object(resolved(node, root).get("properties", {}), value, root, depth + 1)
    if isinstance(value, list):
        items = resolved(node, root).get("items", {})
        return [_filled(items, item, root, depth + 1) for item in value]
    return value


def _filled_object(properties: Mapping[str, Any], value: dict, root: Mapping[str, Any], depth: int) -> dict:
    full = {}
    for name, node in properties.items():
        if name in value:
            full[name] = _filled(node, value[name], root, depth)
        elif "default" in (node := resolved(node, root)):
            full[name] = _filled(node, node["default"], root, depth)
    for name in value.keys() - properties.keys():
        full[name] = _filled({}, value[name], root, depth)
    return full


def _media(node: Mapping[str, Any] | bool, value: Any, path: Path, root: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    node = resolved(node, root)
    if isinstance(value, str) and node.get("format") == "media":
        yield path, value
    elif isinstance(value, dict):
        for name, below in node.get("properties", {}).items():
            if name in value:
                yield from _media(below, value[name], (*path, name), root)
    elif isinstance(value, list) and "items" in node:
        for number, item in enumerate(value):
            yield from _media(node["items"], item, (*path, number), root)
    for form in FORMS:
        for branch in node.get(form, ()):
            yield from _media(branch, value, path, root)


def _nodes(node: Any, path: Path) -> Iterator[tuple[Path, dict]]:
    """Every JSON object within a schema; a few are no schemas (`properties` itself), which no caller minds."""
    if isinstance(node, dict):
        yield path, node
        for name, below in node.items():
            if name not in DATA:
                yield from _nodes(below, (*path, name))
    elif isinstance(node, list):
        for number, below in enumerate(node):
            yield from _nodes(below, (*path, number))


def _check_reference(path: Path, node: dict) -> None:
    target = node.get("$ref")
    if isinstance(target, str) and not REFERENCE.fullmatch(target):
        raise ValueError(f'`{written(path)}`: "$ref" must be #/$defs/ and a name, not {target!r}')


def _check_against_draft(schema: dict) -> None:
    try:
        jsonschema_rs.meta.validate({**schema, "$schema": DRAFT})
        validator(schema)
    except jsonschema_rs.ValidationError as fault:
        where = f"`{written(fault.instance_path)}`: " if fault.instance_path else ""
        raise ValueError(f"{where}{fault.message}") from None


def _check_ends(node: Any, schema: dict, names: tuple[str, ...]) -> None:
    """A definition may hold itself further down (a tree does), yet must not be itself: following it would never end."""
    if isinstance(node, bool):
        return
    if "$ref" in node:
        name = node["$ref"].removeprefix("#/$defs/")
        if name in names:
            raise ValueError(f"`$defs.{name}` refers to itself without end")
        _check_ends(_target(node, schema), schema, (*names, name))
    for form in FORMS:
        for branch in node.get(form, ()):
            _check_ends(branch, schema, names)


def _check_default(path: Path, node: dict, schema: dict) -> None:
    is_property = len(path) >= 2 and path[-2] == "properties"
    if not is_property or "default" not in node:
        return
    full = _filled(node, node["default"], schema)
    for fault in validator({"$defs": schema.get("$defs", {}), **node}).iter_errors(full):
        raise ValueError(f"`{written(path)}`: its default does not fit: {fault.message}")


def _check_fills(schema: dict) -> None:
    try:
        filled(schema, {})
    except RecursionError:
        raise ValueError("the defaults hold one another without end") from None
