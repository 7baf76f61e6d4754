"""What a strict upstream holds the fields of an order against."""

from collections.abc import Callable
from typing import Any

Rule = Callable[[Any], bool]


def text(most: int, *, least: int = 1) -> Rule:
    return lambda value: isinstance(value, str) and least <= len(value) <= most


def one_of(*values: Any) -> Rule:
    return lambda value: type(value) is type(values[0]) and value in values


def whole(least: int, most: int) -> Rule:
    return lambda value: type(value) is int and least <= value <= most


def truth(value: Any) -> bool:
    return type(value) is bool


def address(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(("https://", "http://"))


def anything(value: Any) -> bool:
    return True


def list_of(rule: Rule, least: int, most: int) -> Rule:
    return lambda value: isinstance(value, list) and least <= len(value) <= most and all(rule(one) for one in value)
