"""What a strict upstream holds the fields of an order against."""

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

Rule = Callable[[Any], bool]
Rules = Mapping[str, "Rule | Rules"]  # of an object, by its fields


class Wrong(Exception):
    """`why` is unknown, missing or invalid; `name` is the field's path."""

    def __init__(self, why: str, name: str):
        super().__init__(f"{name} is {why}")
        self.why, self.name = why, name


def judge(given: Any, rules: Rules, *, needs: tuple[str, ...] = (), below: str = "") -> None:
    """Raises Wrong for the first field that is not as the rules say."""
    if not isinstance(given, dict):
        raise Wrong("invalid", below or "body")
    for name, value in given.items():
        rule, path = rules.get(name), f"{below}.{name}".removeprefix(".")
        if rule is None:
            raise Wrong("unknown", path)
        if isinstance(rule, Mapping):
            judge(value, rule, below=path)
        elif not rule(value):
            raise Wrong("invalid", path)
    for name in needs:
        if name not in given:
            raise Wrong("missing", f"{below}.{name}".removeprefix("."))


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


def picture(value: Any) -> bool:
    """A URL, or a picture as a data URI."""
    return address(value) or (isinstance(value, str) and value.startswith("data:image/"))


def list_of(rule: Rule, least: int, most: int) -> Rule:
    return lambda value: isinstance(value, list) and least <= len(value) <= most and all(rule(one) for one in value)


def number(least: float, most: float) -> Rule:
    return lambda value: type(value) in (int, float) and least <= value <= most


def shaped(rules: Rules, *, needs: tuple[str, ...] = ()) -> Rule:
    """An object as the rules say, within a list."""

    def takes(value: Any) -> bool:
        try:
            judge(value, rules, needs=needs)
        except Wrong:
            return False
        return True

    return takes


class Rate:
    """No more than `most` within so many seconds; None: any number."""

    def __init__(self, most: int | None, *, within_s: float):
        self.most, self.within_s = most, within_s
        self._taken_at: deque[float] = deque()

    def takes(self, now: float) -> bool:
        """Whether one more is taken now."""
        while self._taken_at and self._taken_at[0] < now - self.within_s:
            self._taken_at.popleft()
        if self.most is not None and len(self._taken_at) >= self.most:
            return False
        self._taken_at.append(now)
        return True
