"""What a strict upstream holds the fields of an order against."""

from collections import deque
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


def picture(value: Any) -> bool:
    """A URL, or a picture as a data URI."""
    return address(value) or (isinstance(value, str) and value.startswith("data:image/"))


def list_of(rule: Rule, least: int, most: int) -> Rule:
    return lambda value: isinstance(value, list) and least <= len(value) <= most and all(rule(one) for one in value)


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
