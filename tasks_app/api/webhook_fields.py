"""The fields of a body that say where webhooks go and what they tell: alike for a task and for an endpoint."""

from collections.abc import Iterator
from typing import Any

from providers.errors import Invalid

from .. import egress
from ..webhooks.events import EVENTS

LONGEST_URL = 2048
Faults = Iterator[tuple[str, str]]  # (what follows the field's name, message), as in orders.py


def url(value: Any) -> Faults:
    """Where we may send: what we may fetch as an input. The name is looked up at each delivery, not now."""
    if not isinstance(value, str) or len(value) > LONGEST_URL:
        yield "", f"must be an https URL of at most {LONGEST_URL} characters"
        return
    try:
        egress.check(value)
    except Invalid as fault:
        yield "", f"cannot be used: {fault.message}"


def event_names(value: Any) -> Faults:
    if not isinstance(value, list) or not value or any(name not in EVENTS for name in value) or len(set(value)) < len(value):
        yield "", f"must be a list of one or more of {', '.join(EVENTS)}, each once"
