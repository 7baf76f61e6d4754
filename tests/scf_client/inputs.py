"""Inputs drawn from a schema: each option fits by itself, whether they go together is for the function to say."""

from typing import Any

from hypothesis import strategies as st

FEW = 4  # options at once: of many, two hardly ever agree


def of(schema: dict[str, Any], files: st.SearchStrategy, **instead: st.SearchStrategy) -> st.SearchStrategy[dict[str, Any]]:
    """An object with a few of its options; `files` stand for media, `instead` for options by name."""
    options = {name: instead[name] if name in instead else _value(node, files) for name, node in schema["properties"].items()}
    needed = {name: options.pop(name) for name in schema.get("required", ())}
    chosen = st.lists(st.sampled_from(sorted(options)), max_size=FEW, unique=True) if options else st.just([])
    return chosen.flatmap(lambda names: st.fixed_dictionaries({**needed, **{name: options[name] for name in names}}))


def whole(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema with what its options share written out in each of them."""
    return _written_out(schema, schema.get("$defs", {}))


def _written_out(node: Any, shared: dict[str, Any]) -> Any:
    if isinstance(node, list):
        return [_written_out(below, shared) for below in node]
    if not isinstance(node, dict):
        return node
    reference = node.get("$ref", "").removeprefix("#/$defs/")
    return _written_out(shared[reference], shared) if reference else {name: _written_out(below, shared) for name, below in node.items()}


def _value(node: dict[str, Any], files: st.SearchStrategy) -> st.SearchStrategy:
    if "enum" in node:
        return st.sampled_from(node["enum"])
    if node.get("format") == "media":
        return files
    return TYPES[node["type"]](node, files)


def _object(node: dict[str, Any], files: st.SearchStrategy) -> st.SearchStrategy:
    if "properties" in node:
        return of(node, files)
    return st.dictionaries(
        st.from_regex(node["propertyNames"]["pattern"], fullmatch=True), _value(node["additionalProperties"], files), max_size=3
    )


def _text(node: dict[str, Any], _: st.SearchStrategy) -> st.SearchStrategy:
    if "pattern" in node:
        return st.from_regex(node["pattern"], fullmatch=True)
    return st.text(min_size=node.get("minLength", 0), max_size=min(node["maxLength"], 60))


def _list(node: dict[str, Any], files: st.SearchStrategy) -> st.SearchStrategy:
    items, least, most = _value(node["items"], files), node.get("minItems", 0), min(node["maxItems"], 6)
    return st.lists(items, min_size=least, max_size=most, unique=node.get("uniqueItems", False))


TYPES = {
    "object": _object,
    "string": _text,
    "array": _list,
    "integer": lambda node, _: st.integers(node["minimum"], node["maximum"]),
    "number": lambda node, _: st.floats(node["minimum"], node["maximum"]),
    "boolean": lambda *_: st.booleans(),
}
