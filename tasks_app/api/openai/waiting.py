"""What is left of a request once its task is made: to wait for the pictures, and to answer with them.

Web makes the task, and whatever happens afterwards, it is there. The wait needs nothing of the request but what is in `Rest`, so that
is what web hands on to the stream tier with the client's connection (config/handover.py), where a wait holds no thread. Where there is
no stream tier, or no room in it, the answer is that of the moment, which tells where to ask.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from uuid import UUID

import orjson

LONGEST_S = 55  # the proxy in front waits for 75, and the client for 600
OF_THE_MOMENT = ("Location", "openai-poll-after-ms")


@dataclass(frozen=True, slots=True)
class Rest:
    """For whose pictures to wait, and in which `form` they are wanted; `headers` say something of the request."""

    account_id: int
    task_id: UUID
    form: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def written(self, headers: Iterable[tuple[str, str]]) -> bytes:
        """As one line, with the headers of the answer of the moment."""
        return orjson.dumps(replace(self, headers={name: value for name, value in headers if name not in OF_THE_MOMENT}))


def read(line: bytes) -> Rest:
    """What `written` wrote."""
    given = orjson.loads(line)
    return Rest(**given | {"task_id": UUID(given["task_id"])})
