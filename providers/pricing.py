"""Prices: small, safe expressions over a model's input, such as `2 * duration * (2 if resolution == "1080p" else 1)`.

An expression is checked against the input schema before it is compiled: each name is a property that always has a value, each
operation suits the types, and nothing can divide by 0. So it cannot fail on an input that the schema has let through, except
by its size. What is written is what Python means by it; there is no attribute, index, power or foreign call.
"""

import ast
import math
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from .schemas import resolved

MOST = 10**9  # whole credits, or outputs, that one task may come to

TYPES = {bool: "boolean", int: "number", float: "number", str: "string"}
SCHEMA_TYPES = {"integer": "number", "number": "number", "string": "string", "boolean": "boolean", "array": "list", "object": "list"}
ARITHMETIC = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod)
EQUALITY = (ast.Eq, ast.NotEq)
ORDER = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
ALLOWED = "numbers, texts, input fields, + - * / // %, comparisons, and, or, not, x if y else z, min, max, ceil and len"


def ceil(number: float) -> int:
    """Up to the next whole number, where 7.000000000000001 (0.07 * 100) is still 7."""
    return math.ceil(round(number, 6))


FUNCTIONS: dict[str, Callable] = {"min": min, "max": max, "ceil": ceil, "len": len}


class _Fault(Exception):
    """What is wrong with a node of an expression."""

    def __init__(self, node: ast.expr, message: str):
        super().__init__(message)
        self.node = node


def check(text: str, schema: Mapping[str, Any]) -> None:
    """Raise ValueError that says where the expression is wrong for inputs of `schema`, and what would be right."""
    parsed(text, schema)


def compiled(text: str, schema: Mapping[str, Any]) -> Callable[[Mapping[str, Any]], int]:
    """The expression as a function of a valid, filled input: whole, rounded up, never below 0.

    Raises ValueError as `check` does; the function raises ValueError where the result is above MOST.
    """
    code = compile(parsed(text, schema), "<price>", "eval")
    world = {"__builtins__": {}, **FUNCTIONS}

    def price(values: Mapping[str, Any]) -> int:
        try:
            return whole(eval(code, world, values))  # noqa: S307 - built from the few kinds of node that _type_of lets through
        except OverflowError:
            raise _too_much() from None

    return price


def whole(number: float) -> int:
    """In whole credits, rounded up, never below 0; raises ValueError above MOST, and for what is no number any more."""
    if not number <= MOST:  # "not a number" is above nothing
        raise _too_much()
    return max(ceil(max(number, -1.0)), 0)


def parsed(text: str, schema: Mapping[str, Any]) -> ast.Expression:
    """The expression as a tree of the few kinds of node that are allowed; raises ValueError as `check` does."""
    text = text.strip()
    try:
        tree = ast.parse(text, mode="eval")
    except SyntaxError as fault:
        at = _character(text, fault.lineno, (fault.offset or 1) - 1)
        raise ValueError(f"at character {at}: {text!r} cannot be read; an expression is made of {ALLOWED}") from None
    except (RecursionError, MemoryError, ValueError):
        raise ValueError(f"{text!r} cannot be read; an expression is made of {ALLOWED}") from None
    try:
        if _type_of(tree.body, schema) != "number":
            raise _Fault(tree.body, f"{text!r} is not a number")
    except _Fault as fault:
        # The parser counts the bytes of a line.
        line = text.splitlines()[fault.node.lineno - 1].encode()
        at = _character(text, fault.node.lineno, len(line[: fault.node.col_offset].decode()))
        raise ValueError(f"at character {at}: {fault}") from None
    return tree


def _too_much() -> ValueError:
    return ValueError(f"comes to more than {MOST:,}")


def _character(text: str, line: int | None, column: int) -> int:
    """Which character of the whole text it is, from 1."""
    return sum(map(len, text.splitlines(keepends=True)[: (line or 1) - 1])) + column + 1


def _type_of(node: ast.expr, schema: Mapping[str, Any]) -> str:
    """number, string, boolean or list; raises _Fault where the node, or what is below it, is not allowed."""
    match node:
        case ast.Constant(value=value) if type(value) in TYPES:
            return TYPES[type(value)]
        case ast.Name():
            return _type_of_field(node, schema)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return _all("boolean", [operand], schema)
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=operand):
            return _all("number", [operand], schema)
        case ast.BinOp(op=op, left=left, right=right) if isinstance(op, ARITHMETIC):
            _check_divisor(op, right)
            return _all("number", [left, right], schema)
        case ast.BoolOp(values=values):
            return _all("boolean", values, schema)
        case ast.IfExp(test=test, body=body, orelse=orelse):
            _all("boolean", [test], schema)
            return _all(_type_of(body, schema), [orelse], schema)
        case ast.Compare():
            return _type_of_comparison(node, schema)
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in FUNCTIONS:
            return _type_of_call(node, name, arguments, schema)
    raise _Fault(node, f"`{ast.unparse(node)}` is not allowed; an expression is made of {ALLOWED}")


def _all(wanted: str, nodes: list[ast.expr], schema: Mapping[str, Any]) -> str:
    for node in nodes:
        if (found := _type_of(node, schema)) != wanted:
            raise _Fault(node, f"`{ast.unparse(node)}` is a {found} where a {wanted} is needed")
    return wanted


def _check_divisor(op: ast.operator, divisor: ast.expr) -> None:
    is_division = isinstance(op, ast.Div | ast.FloorDiv | ast.Mod)
    if is_division and not (isinstance(divisor, ast.Constant) and divisor.value):
        raise _Fault(divisor, f"`{ast.unparse(divisor)}` may be 0: divide by a plain number only")


def _type_of_field(node: ast.Name, schema: Mapping[str, Any]) -> str:
    name, field = node.id, _field(node, schema)
    if name not in schema.get("required", ()) and "default" not in field:
        raise _Fault(node, f"`{name}` may be left out: give it a default in the schema or make it required")
    kind = field.get("type")
    if isinstance(kind, str) and kind in SCHEMA_TYPES:
        return SCHEMA_TYPES[kind]
    kinds = {TYPES.get(type(value), "") for value in field.get("enum", ())}
    if kind is None and len(kinds) == 1 and (only := kinds.pop()):
        return only
    raise _Fault(node, f"`{name}` has no single type in the schema, so it cannot be used here")


def _field(node: ast.Name, schema: Mapping[str, Any]) -> Mapping[str, Any]:
    properties = schema.get("properties", {})
    if node.id not in properties:
        raise _Fault(node, f"there is no input field `{node.id}`; there are {', '.join(properties) or 'none'}{_meant(node.id, properties)}")
    return resolved(properties[node.id], schema)


def _meant(name: str, known: Iterable[str]) -> str:
    close = get_close_matches(name, known, 1)
    return f". Did you mean `{close[0]}`?" if close else ""


def _type_of_comparison(node: ast.Compare, schema: Mapping[str, Any]) -> str:
    sides = [node.left, *node.comparators]
    kind = _type_of(node.left, schema)
    for op, left, right in zip(node.ops, sides, sides[1:], strict=False):
        if not isinstance(op, EQUALITY + ORDER if kind == "number" else EQUALITY) or kind == "list":
            raise _Fault(node, f"`{ast.unparse(node)}` compares what cannot be compared so")
        _all(kind, [right], schema)
        _check_is_possible(left, right, schema)
        _check_is_possible(right, left, schema)
    return "boolean"


def _check_is_possible(field: ast.expr, value: ast.expr, schema: Mapping[str, Any]) -> None:
    """A comparison with a text that the field's enum lacks is a slip of the pen, and would price every task wrongly."""
    if isinstance(field, ast.Name) and isinstance(value, ast.Constant) and isinstance(value.value, str):
        allowed = _field(field, schema).get("enum")
        if allowed is not None and value.value not in allowed:
            raise _Fault(value, f"`{field.id}` is never {value.value!r}; it is one of {', '.join(map(str, allowed))}")


def _type_of_call(node: ast.Call, name: str, arguments: list[ast.expr], schema: Mapping[str, Any]) -> str:
    if name in schema.get("properties", {}):
        raise _Fault(node, f"`{name}` is an input field of this model, so the function of that name cannot be used")
    if name in ("min", "max"):
        if len(arguments) < 2:
            raise _Fault(node, f"`{name}` takes two numbers or more")
        return _all("number", arguments, schema)
    if len(arguments) != 1:
        raise _Fault(node, f"`{name}` takes one argument")
    if name == "ceil":
        return _all("number", arguments, schema)
    if _type_of(arguments[0], schema) not in ("list", "string"):
        raise _Fault(arguments[0], f"`{ast.unparse(arguments[0])}` has no length")
    return "number"
