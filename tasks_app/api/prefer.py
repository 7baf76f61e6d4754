"""`Prefer: wait=N` (RFC 7240): the client would rather have its answer once the task is over, if that takes no longer than N seconds.

Only the stream tier can wait (tier.py). A preference may be left alone, and elsewhere it is: the answer is that of the moment.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from .answer import Answer

MOST_S = 60
WAIT = re.compile(r'(?:^|,)\s*wait\s*=\s*"?(\d{1,9})"?\s*(?:[,;]|$)', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Wait:
    """How long a client would wait for the end of a task; `answer()` is what it then gets, None where the task is gone."""

    account_id: int
    task_id: UUID
    seconds: int
    answer: Callable[[], Answer | None]


def seconds(header: str) -> int:
    """What a Prefer header asks for, at most MOST_S; 0 where it asks for no waiting."""
    found = WAIT.search(header)
    return min(int(found[1]), MOST_S) if found else 0


def or_later(request: Any, answer: Answer, task_id: UUID, later: Callable[[], Answer | None]) -> Answer:
    """`answer`; and with it, where the client would wait, what makes a better one."""
    if (header := request.META.get("HTTP_PREFER")) and (wanted := seconds(header)):
        answer.waits = Wait(request.user.account_id, task_id, wanted, later)
    return answer
