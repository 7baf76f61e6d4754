"""A round of checks: all at once, each within a time limit. What breaks or hangs becomes a verdict, never a traceback."""

import logging
from collections.abc import Callable, Iterable, Mapping
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic

from django.db import DatabaseError, connections

from .verdict import Verdict, fail, line

log = logging.getLogger(__name__)

LIMIT_S = 8.0  # a database that is away is known after 3 s, a bucket takes four calls
HANGS = "It does not answer: find out whether it is frozen, overloaded or cut off."
BROKE = "A fault of ours: LOG_LEVEL=DEBUG manage.py doctor shows where; tell whoever keeps this code."

Check = Callable[[], Iterable[Verdict]]


def run(checks: Mapping[str, Check], *, limit_s: float = LIMIT_S) -> list[Verdict]:
    """Each check's verdicts, in the order of `checks`."""
    answers: SimpleQueue[tuple[str, list[Verdict]]] = SimpleQueue()
    for name, check in checks.items():
        # A daemon: one that hangs in a driver must not keep the command from its end.
        Thread(target=_answer, args=(answers, name, check), name=f"check {name}", daemon=True).start()
    found = _collected(answers, len(checks), ends_at=monotonic() + limit_s)
    return [verdict for name in checks for verdict in found.get(name) or [fail(name, f"no answer within {limit_s:g} s", HANGS)]]


def _answer(answers: SimpleQueue, name: str, check: Check) -> None:
    try:
        answers.put((name, list(check())))
    except DatabaseError as fault:
        answers.put(
            (name, [fail(name, line(fault.args[-1] if fault.args else fault), "The database did not answer this question: mend it first.")])
        )
    except Exception as fault:
        log.debug("check %s broke", name, exc_info=True)
        answers.put((name, [fail(name, f"the check itself broke: {type(fault).__name__}", BROKE)]))
    finally:
        connections.close_all()


def _collected(answers: SimpleQueue, count: int, *, ends_at: float) -> dict[str, list[Verdict]]:
    found: dict[str, list[Verdict]] = {}
    while len(found) < count:
        try:
            name, verdicts = answers.get(timeout=max(ends_at - monotonic(), 0.001))
        except Empty:
            break
        found[name] = verdicts
    return found
