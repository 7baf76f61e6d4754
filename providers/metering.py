"""Prices that rest on what the upstream will say it used, such as `5 + 0.002 * tokens` where `tokens` may come to `4000 * n`.

A model declares each usage that its price names, with a bound: the most that it can come to, an expression over the input. At
accept all that is known is worked out, and what is left are the Terms of the task: an expression over usage alone. The hold is the
most that they can come to while each usage lies between 0 and its bound, whether or not the price rises with it. At the end the
same terms are worked out with what the upstream told, cut at the bounds; so what is captured can never be above the hold.
"""

import ast
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from keyword import iskeyword
from math import isfinite
from typing import Any

from . import pricing, reach
from .reach import Range

LONGEST_NAME = 40
MOST_NAMES = 20
LARGEST = 10**15  # what a usage is taken for at most: beyond it, floating point counts no single units any more
NUMBER = {"type": "number", "default": 0}


@dataclass(frozen=True, slots=True)
class Terms:
    """By what a task is priced at its end: an expression over usage alone, and the most that each usage counts."""

    price: str
    up_to: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Bill:
    """What a task costs by its usage; `doubts` tell the operator what of the usage could not be taken as it was told."""

    credits: int
    doubts: tuple[str, ...] = ()


def check(usage: Any, schema: Mapping[str, Any]) -> None:
    """Raise ValueError that says what is wrong with the usage that a model of this schema declares: {name: bound}."""
    if not isinstance(usage, Mapping) or len(usage) > MOST_NAMES:
        raise ValueError(f'it must be an object of at most {MOST_NAMES} names and bounds, as in {{"tokens": "4000 * n"}}')
    for name, bound in usage.items():
        if not _is_name(name):
            raise ValueError(
                f"`{name}` is no name for a usage: letters, digits and _, at most {LONGEST_NAME}, and no word of Python or function"
            )
        if name in schema.get("properties", {}):
            raise ValueError(f"`{name}` is an input field of this model: a price could not tell the one from the other")
        if not isinstance(bound, str):
            raise ValueError(f'the bound of `{name}` must be a text, as in {{"{name}": "4000"}}')
        try:
            pricing.check(bound, schema)
        except ValueError as fault:
            raise ValueError(f"the bound of `{name}`: {fault}") from None


def check_price(price: str, usage: Any, schema: Mapping[str, Any]) -> None:
    """Raise ValueError as pricing.check does, for a price over this schema's input and this usage."""
    pricing.check(price, widened(schema, usage if isinstance(usage, Mapping) else {}))


def widened(schema: Mapping[str, Any], usage: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of what a price may name: the input's fields and the usage."""
    return {**schema, "properties": {**schema.get("properties", {}), **dict.fromkeys(usage, NUMBER)}}


def compiled(price: str, usage: Mapping[str, str], schema: Mapping[str, Any]) -> Callable[[Mapping[str, Any]], tuple[int, Terms]]:
    """From a valid, filled input to the hold and the terms; raises ValueError as `check` does.

    The function raises ValueError where the most is above what a task may cost.
    """
    tree = pricing.parsed(price, widened(schema, usage)).body
    bounds = {name: pricing.parsed(bound, schema).body for name, bound in usage.items()}

    def agreed(values: Mapping[str, Any]) -> tuple[int, Terms]:
        names = reach.known(values)
        try:
            up_to = {name: _bound(name, reach.of(bound, names)) for name, bound in bounds.items()}
            names |= {name: Range(0, most) for name, most in up_to.items()}
            left, found = reach.folded(tree, names), reach.of(tree, names)
            assert isinstance(found, Range)
            named = {node.id for node in ast.walk(left) if isinstance(node, ast.Name)}
            terms = Terms(ast.unparse(left), {name: most for name, most in up_to.items() if name in named})
            return pricing.whole(found.high), terms
        except OverflowError:
            raise ValueError(f"comes to more than {pricing.MOST:,}") from None

    return agreed


def among(items: Iterable[Mapping[str, Any]]) -> Terms | None:
    """The terms among a task's cost items; None where its price is fixed."""
    return next((Terms(item["price"], item["up_to"]) for item in items if "price" in item), None)


def bill(terms: Terms, told: Mapping[str, Any]) -> Bill:
    """What the terms come to with the usage that the upstream told. Where it told none, or nonsense, the bound counts."""
    counted, doubts = {}, []
    for name, most in terms.up_to.items():
        counted[name], doubt = _counted(name, told.get(name), most)
        doubts += [doubt] if doubt else []
    try:
        return Bill(_worked_out(terms, reach.known(counted)), tuple(doubts))
    except (ValueError, OverflowError) as fault:  # written by another version of us: the task must settle all the same
        return Bill(pricing.MOST, (f"{terms.price!r} cannot be worked out, so all that is held counts: {fault}",))


def readable(told: Mapping[str, Any]) -> dict[str, float]:
    """What of an adapter's usage a row can keep: plain numbers under short names."""
    kept = {name: value for name, value in told.items() if isinstance(name, str) and len(name) <= LONGEST_NAME and _is_number(value)}
    return dict(list(kept.items())[:MOST_NAMES])


def _is_name(text: str) -> bool:
    is_plain = text.isascii() and text.isidentifier() and not iskeyword(text)
    return is_plain and len(text) <= LONGEST_NAME and text not in pricing.FUNCTIONS


def _bound(name: str, found: reach.Reach) -> float:
    assert isinstance(found, Range)
    if not found.high <= LARGEST:
        raise ValueError(f"lets `{name}` come to more than {LARGEST:,}")
    return max(found.high, 0)


def _worked_out(terms: Terms, names: Mapping[str, reach.Reach]) -> int:
    # Checked once more: what a row holds is worked out only if it is one of our expressions.
    found = reach.of(pricing.parsed(terms.price, widened({}, terms.up_to)).body, names)
    assert isinstance(found, Range)
    return pricing.whole(found.high)


def _counted(name: str, told: Any, most: float) -> tuple[float, str]:
    """What counts, and what the operator is to know of it."""
    if told is None:
        return most, f"`{name}` was not told, so its bound of {most:,} counts."
    if not _is_number(told) or told < 0:
        return most, f"`{name}` was told as {str(told)[:40]!r}, so its bound of {most:,} counts."
    if told > most:
        return most, f"`{name}` was told as {told:,}, and no more than its bound of {most:,} counts."
    return told, ""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST and isfinite(value)
