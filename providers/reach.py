"""What an expression can come to while some of its numbers are known only to lie between two bounds.

A number is a Range of what it can be; a text, a boolean or a list is a tuple of all that it can be. What is known for sure is a
range of one number, or a tuple of one, and comes to exactly what Python makes of it. A range may reach further than the numbers
do (`x - x` is not seen to be 0) and never less far: each operation here rises, or falls, all the way between its bounds, and so
does the rounding of floating point.
"""

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from .pricing import ceil


@dataclass(frozen=True, slots=True)
class Range:
    """Every number from `low` to `high`, both included."""

    low: float
    high: float


Reach = Range | tuple[Any, ...]
YES, NO, EITHER = (True,), (False,), (True, False)


def known(values: Mapping[str, Any]) -> dict[str, Reach]:
    """An input's values, each as the one thing that it is."""
    return {name: _exactly(value) for name, value in values.items()}


def of(node: ast.expr, names: Mapping[str, Reach]) -> Reach:
    """What a node of an expression that pricing.parsed let through can come to; raises OverflowError."""
    match node:
        case ast.Constant(value=value):
            return _exactly(value)
        case ast.Name(id=name):
            return names[name]
        case ast.UnaryOp(op=op, operand=operand):
            return _unary(op, of(operand, names))
        case ast.BinOp(op=op, left=left, right=right):
            return ARITHMETIC[type(op)](_range(left, names), _range(right, names))
        case ast.BoolOp(op=op, values=values):
            return _together([of(value, names) for value in values], all if isinstance(op, ast.And) else any)
        case ast.IfExp(test=test, body=body, orelse=orelse):
            outcomes: Any = of(test, names)
            return _either([of(branch, names) for branch, taken in ((body, True), (orelse, False)) if taken in outcomes])
        case ast.Compare(left=left, ops=ops, comparators=comparators):
            sides = [of(side, names) for side in (left, *comparators)]
            return _together([_compared(op, *pair) for op, *pair in zip(ops, sides, sides[1:], strict=False)], all)
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return CALLS[name]([of(argument, names) for argument in arguments])
    raise AssertionError(f"{ast.dump(node)} is in no expression")


def folded(node: ast.expr, names: Mapping[str, Reach]) -> ast.expr:
    """The same expression, but what is known for sure is replaced by what it comes to, and branches never taken are left out."""
    found = of(node, names)
    if isinstance(found, Range) and found.low == found.high:
        return ast.Constant(found.high)
    if isinstance(found, tuple) and len(found) == 1 and not isinstance(found[0], list | dict):
        return ast.Constant(found[0])
    if isinstance(node, ast.IfExp) and (outcomes := of(node.test, names)) in (YES, NO):
        return folded(node.body if outcomes == YES else node.orelse, names)
    parts = {name: _folded_part(part, names) for name, part in ast.iter_fields(node)}
    return type(node)(**parts)


def _folded_part(part: Any, names: Mapping[str, Reach]) -> Any:
    if isinstance(part, list):
        return [_folded_part(one, names) for one in part]
    is_function = isinstance(part, ast.Name) and part.id not in names
    return folded(part, names) if isinstance(part, ast.expr) and not is_function else part


def _exactly(value: Any) -> Reach:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return Range(value, value) if is_number else (value,)


def _range(node: ast.expr, names: Mapping[str, Reach]) -> Range:
    found = of(node, names)
    assert isinstance(found, Range)
    return found


def _unary(op: ast.unaryop, found: Any) -> Reach:
    if isinstance(op, ast.Not):
        return tuple(not value for value in found)
    return Range(-found.high, -found.low) if isinstance(op, ast.USub) else found


def _multiplied(left: Range, right: Range) -> Range:
    corners = [one * other for one in (left.low, left.high) for other in (right.low, right.high)]
    return Range(min(corners), max(corners))


def _remainder(left: Range, right: Range) -> Range:
    divisor = right.high  # a plain number above 0, as is every divisor
    if left.low // divisor == left.high // divisor:
        return Range(left.low % divisor, left.high % divisor)
    return Range(0, divisor)


def _together(found: list[Any], rule: Callable) -> tuple[bool, ...]:
    """What `all` or `any` of several conditions can come to."""
    can_be = {rule(values) for values in product(*found)}
    return EITHER if len(can_be) > 1 else YES if True in can_be else NO


def _either(found: list[Any]) -> Reach:
    if isinstance(found[0], Range):
        return Range(min(one.low for one in found), max(one.high for one in found))
    values: list[Any] = []
    for value in (value for one in found for value in one):
        if value not in values:
            values.append(value)
    return tuple(values)


def _compared(op: ast.cmpop, left: Any, right: Any) -> tuple[bool, ...]:
    if isinstance(left, Range):
        return ORDER[type(op)](left, right)
    is_equal = isinstance(op, ast.Eq)
    return _together([tuple({(one == other) is is_equal for one, other in product(left, right)})], all)


def _below(left: Range, right: Range) -> tuple[bool, ...]:
    return YES if left.high < right.low else NO if left.low >= right.high else EITHER


def _equal(left: Range, right: Range) -> tuple[bool, ...]:
    if left.high < right.low or right.high < left.low:
        return NO
    return YES if left.low == left.high == right.low == right.high else EITHER


def _opposite(found: tuple[bool, ...]) -> tuple[bool, ...]:
    return tuple(not value for value in found)


ARITHMETIC: dict[type, Callable[[Range, Range], Range]] = {
    ast.Add: lambda left, right: Range(left.low + right.low, left.high + right.high),
    ast.Sub: lambda left, right: Range(left.low - right.high, left.high - right.low),
    ast.Mult: _multiplied,
    ast.Div: lambda left, right: Range(left.low / right.high, left.high / right.high),
    ast.FloorDiv: lambda left, right: Range(left.low // right.high, left.high // right.high),
    ast.Mod: _remainder,
}
ORDER: dict[type, Callable[[Range, Range], tuple[bool, ...]]] = {
    ast.Lt: _below,
    ast.GtE: lambda left, right: _opposite(_below(left, right)),
    ast.Gt: lambda left, right: _below(right, left),
    ast.LtE: lambda left, right: _opposite(_below(right, left)),
    ast.Eq: _equal,
    ast.NotEq: lambda left, right: _opposite(_equal(left, right)),
}
CALLS: dict[str, Callable[[list[Any]], Range]] = {
    "min": lambda found: Range(min(one.low for one in found), min(one.high for one in found)),
    "max": lambda found: Range(max(one.low for one in found), max(one.high for one in found)),
    "ceil": lambda found: Range(ceil(found[0].low), ceil(found[0].high)),
    "len": lambda found: Range(min(map(len, found[0])), max(map(len, found[0]))),
}
