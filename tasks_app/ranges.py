"""The Range header (RFC 9110 §14): which bytes of a content are asked for. Pure."""

import re

SPEC = re.compile(r"([0-9]{0,18})-([0-9]{0,18})")


class Unsatisfiable(Exception):
    """No range of the header lies within the content."""


def first(header: str, size: int) -> tuple[int, int] | None:
    """(start, end) of the first range that lies within `size` bytes, end exclusive; None where the whole is to be sent.

    Of several ranges the first that can be had is sent, which RFC 9110 §15.3.7 allows: a 206 says what it holds. A header that
    cannot be read is passed over, as the RFC wants. Raises Unsatisfiable.
    """
    unit, _, specs = header.partition("=")
    found = [SPEC.fullmatch(spec.strip()) for spec in specs.split(",")]
    if unit.strip().lower() != "bytes" or not all(match and _makes_sense(*match.groups()) for match in found):
        return None
    for match in found:
        start, end = _bounds(*match.groups(), size)
        if start < end:
            return start, end
    raise Unsatisfiable


def _makes_sense(first: str, last: str) -> bool:
    return bool(first or last) and not (first and last and int(last) < int(first))


def _bounds(first: str, last: str, size: int) -> tuple[int, int]:
    if not first:
        return max(size - int(last), 0), size
    return int(first), min(int(last) + 1, size) if last else size
