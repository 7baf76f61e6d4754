"""What is wrong with an input, in words: the field as clients write it (`clips[2].source`) and what would be right. No Django."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from itertools import islice
from typing import Any

from jsonschema_rs import ValidationError

from .schemas import written

MOST = 20  # complaints about one input; more help nobody
WHOLE = "input"  # the field's name where the input as a whole is wrong

ARTICLES = {"integer": "a whole number", "object": "an object", "array": "a list", "null": "null", "boolean": "true or false"}
NEEDS: dict[str, Callable[[Any], str]] = {
    "type": lambda kind: _types(kind.types),
    "enum": lambda kind: "must be one of " + ", ".join(map(str, kind.options)),
    "const": lambda kind: f"must be {kind.expected_value}",
    "minimum": lambda kind: f"must be {kind.limit} or more",
    "maximum": lambda kind: f"must be {kind.limit} or less",
    "exclusiveMinimum": lambda kind: f"must be more than {kind.limit}",
    "exclusiveMaximum": lambda kind: f"must be less than {kind.limit}",
    "multipleOf": lambda kind: f"must be a multiple of {kind.multiple_of}",
    "minLength": lambda kind: f"must have {_count(kind.limit, 'character')} or more",
    "maxLength": lambda kind: f"must have {_count(kind.limit, 'character')} or fewer",
    "minItems": lambda kind: f"must have {_count(kind.limit, 'item')} or more",
    "maxItems": lambda kind: f"must have {_count(kind.limit, 'item')} or fewer",
    "pattern": lambda kind: f"must match {kind.pattern}",
    "format": lambda kind: f"must be a valid {kind.format}",
    "uniqueItems": lambda kind: "must not hold the same item twice",
    "anyOf": lambda kind: "has none of the forms that are allowed here",
    "oneOf": lambda kind: "must have exactly one of the forms that are allowed here",
}

Complaint = tuple[str, str]  # field, message


def about(faults: Iterable[ValidationError], schema: Mapping[str, Any]) -> list[dict[str, str]]:
    """[{"field", "message"}] for the errors that jsonschema-rs found by `schema`, at most MOST."""
    complaints = (complaint for fault in faults for complaint in _about(fault, schema))
    return [{"field": field or WHOLE, "message": message} for field, message in islice(complaints, MOST)]


def _about(fault: ValidationError, schema: Mapping[str, Any]) -> Iterator[Complaint]:
    path = fault.instance_path
    match fault.kind.name:
        case "required":
            yield written([*path, fault.kind.property]), "is required"
        case "additionalProperties":
            known = list(_at(schema, fault.schema_path[:-1]).get("properties", ()))
            for name in fault.kind.unexpected:
                yield written([*path, name]), _unknown(name, known)
        case "anyOf" | "oneOf":
            yield from _about_forms(fault, schema)
        case "falseSchema":
            yield written(path), _excluded(fault.schema_path, schema)
        case "pattern":
            yield written(path), _form(fault, _at(schema, fault.schema_path[:-1]))
        case name:
            say = NEEDS.get(name, lambda kind: f'does not fit "{name}" of the schema')
            yield written(path), say(fault.kind) + _found(fault.instance)


def _about_forms(fault: ValidationError, schema: Mapping[str, Any]) -> Iterator[Complaint]:
    """Of several forms the client meant the one whose type fits, so what that one lacks is said."""
    needed = [
        branch.get("required") for branch in _at(schema, fault.schema_path) if isinstance(branch, dict) and branch.keys() == {"required"}
    ]
    depth = len(fault.instance_path)
    fitting = [branch for branch in fault.kind.context if not any(_is_about_type(inner, depth) for inner in branch)]
    if len(needed) == len(fault.kind.context):
        how_many = "exactly one" if fault.kind.name == "oneOf" else "at least one"
        yield written(fault.instance_path), f"needs {how_many} of " + ", ".join(" with ".join(names) for names in needed)
    elif len(fitting) == 1 and fitting[0]:
        for inner in fitting[0]:
            yield from _about(inner, schema)
    elif not fitting:
        kinds = [name for branch in fault.kind.context for inner in branch if _is_about_type(inner, depth) for name in inner.kind.types]
        yield written(fault.instance_path), _types(kinds) + _found(fault.instance)
    else:
        yield written(fault.instance_path), NEEDS[fault.kind.name](fault.kind) + _found(fault.instance)


def _types(names: Iterable[str]) -> str:
    ordered = sorted(dict.fromkeys(names), key=lambda name: name == "null")
    return "must be " + " or ".join(ARTICLES.get(name, f"a {name}") for name in ordered)


def _is_about_type(fault: ValidationError, depth: int) -> bool:
    return fault.kind.name == "type" and len(fault.instance_path) == depth


def _excluded(path: list[str | int], schema: Mapping[str, Any]) -> str:
    """A field that other fields rule out, which the schema says by `false` below dependentSchemas or then."""
    if "dependentSchemas" in path:
        return f"cannot be given together with {path[path.index('dependentSchemas') + 1]}"
    if "then" in path:
        condition = _at(schema, path[: path.index("then")]).get("if", {})
        names = condition.get("properties") or condition.get("not", {}).get("properties") or ()
        return f"cannot be given with {' and '.join(names)} as it is"
    return "cannot be given here"


def _form(fault: ValidationError, node: Mapping[str, Any]) -> str:
    """A pattern is for machines: an example and the field's description tell a person more."""
    examples = [*node.get("examples", ()), *filter(None, [node.get("default")])]
    if not examples:
        return NEEDS["pattern"](fault.kind) + _found(fault.instance)
    description = f" ({node['description'].rstrip('.')})" if "description" in node else ""
    return f"must have the form of {examples[0]}{description}" + _found(fault.instance)


def _found(value: Any) -> str:
    """What was there, where it is short enough to help."""
    if isinstance(value, str | int | float) and len(str(value)) <= 40:
        return f", not {value!r}" if isinstance(value, str) else f", not {str(value).lower()}"
    return ""


def _unknown(name: str, known: list[str]) -> str:
    if near := get_close_matches(name, known, n=1):
        return f"is not a field of this model; did you mean {near[0]}?"
    return "is not a field of this model" + (f"; there are {', '.join(known)}" if known else "")


def _at(schema: Any, path: list[str | int]) -> Any:
    for step in path:
        schema = schema[step]
    return schema


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
