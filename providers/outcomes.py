"""What goes into an adapter and what comes out: frozen data, no Django."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

import orjson

from .errors import UpstreamError

CLOCKS_APART = timedelta(minutes=5)  # ours and an upstream's, at most


@dataclass(frozen=True, slots=True)
class Media:
    """An input file: `url` to fetch it from, `path` where it lies on this machine, `key` where in our bucket (None: it does not)."""

    url: str
    content_type: str = ""
    path: str | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """One attempt at a task, as an adapter sees it. In `input`, every media reference has become a Media."""

    token: str  # ours, one per attempt, the same when a lost attempt is asked about again; [A-Za-z0-9_-], ≤ 64
    kind: str
    model: str  # the upstream's own name
    input: Mapping[str, Any]
    deadline_at: datetime
    handle: Mapping[str, Any] | None = None  # what submit's Accepted carried; None before
    # For `find`, whose `input` is as the client wrote it. A job is ours where it shows our token or the address that it came with, or
    # where it alone has our text and time and is held by no other attempt. Where two may be ours, none is.
    sent_at: datetime | None = None  # the submit left at this time, or up to the adapter's submit_timeout later
    held: tuple[Mapping[str, Any], ...] = ()  # handles that other attempts were given around this time
    hint: Mapping[str, Any] | None = None  # the handle that a callback named, which may be anybody's
    callback_url: str = field(default="", repr=False)  # for the upstream to call, where its FACTS say `callback`; it holds a secret


@dataclass(frozen=True, slots=True)
class Found:
    """One result as the upstream offers it: a URL to fetch (https, or file: below the functions' folder) or the bytes."""

    url: str = ""
    content: bytes | None = None
    content_type: str = ""
    lives_until: datetime | None = None

    def as_json(self) -> dict[str, Any]:
        """As a row keeps it: without the bytes."""
        return {"url": self.url, "content_type": self.content_type, "lives_until": self.lives_until and self.lives_until.isoformat()}


@dataclass(frozen=True, slots=True)
class Accepted:
    """The upstream took the job; `handle` is all that is needed to ask about it again (JSON)."""

    handle: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Running:
    """Not finished; `progress` from 0 to 1 where the upstream tells."""

    progress: float | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    """Generation ended well. `cost` is what the upstream says it charged, in its own currency."""

    outputs: tuple[Found, ...]
    warnings: tuple[str, ...] = ()
    usage: Mapping[str, float] = field(default_factory=dict)
    cost: float | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """The upstream's own verdict that the job will give nothing."""

    error: UpstreamError


@dataclass(frozen=True, slots=True)
class Balance:
    """What is left of our money there, in the upstream's own `unit`: that of Finished.cost, so that days can be told."""

    left: float
    unit: str


@dataclass(frozen=True, slots=True)
class Callback:
    """What came to a job's callback address. Anybody may have sent it: nothing in it is true because it is said there."""

    query: Mapping[str, str]
    body: bytes = field(repr=False)  # empty where it was too long

    def json(self) -> Any:
        """The body read as JSON; None where it is none."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return None


@dataclass(frozen=True, slots=True)
class Heard:
    """What an adapter reads in a callback: the handle of the job that it names, and the JSON that the upstream wants as an answer."""

    handle: Mapping[str, Any] | None = None
    answer: Mapping[str, Any] | None = None

    @property
    def is_handshake(self) -> bool:
        """Whether it wants an answer and names no job: it may come before there is one. Any other means that there is."""
        return self.answer is not None and self.handle is None


Submitted = Accepted | Finished
Polled = Running | Finished | Failed

# How a submit can be settled whose answer was lost, strongest first. An upstream that offers none of these is never sent it again.
#   replays    the same token again is answered with the first job
#   rejects    the same token again is refused as seen (errors.Repeated), and `find` finds the job
#   looks_up   `find` asks for the job by our token
#   lists      `find` reads a list of jobs, and knows ours by what it echoes of it
#   callback   the upstream calls an address that carries our token, and `hear` reads which job it names
Recovery = Literal["replays", "rejects", "looks_up", "lists", "callback"]
FINDS: frozenset[Recovery] = frozenset({"rejects", "looks_up", "lists"})


@dataclass(frozen=True, slots=True)
class Facts:
    """What an adapter declares about its upstream."""

    kinds: frozenset[str]
    recovery: frozenset[Recovery] = frozenset()  # all that hold; the engine takes the strongest
    cancel: Literal["free", "free_while_queued", "billed", "unsupported"] = "unsupported"
    first_poll: timedelta = timedelta(seconds=5)
    pace: timedelta = timedelta(seconds=5)  # between polls
    submit_timeout: timedelta = timedelta(seconds=60)
    shows_within: timedelta = timedelta(0)  # after a submit left; until then, that `find` knows no job proves nothing
    calls_within: timedelta = timedelta(hours=1)  # after a submit, for the first callback
    results_live: timedelta = timedelta(hours=1)
    batch: int = 1  # jobs that the upstream tells of in one call
    local_media: bool = False  # reads inputs by path, so https inputs are fetched to our disk first
    bucket_media: bool = False  # reads inputs by key from our bucket, so https inputs are put there first

    @property
    def calls_back(self) -> bool:
        """Whether the upstream tells of a job at an address that carries our token."""
        return "callback" in self.recovery

    @property
    def knows_by_likeness(self) -> bool:
        """Whether `find` may take a job for ours that does not show our token."""
        return bool(self.recovery & {"lists", "callback"}) and not self.recovery & {"replays", "rejects", "looks_up"}

    @property
    def can_find(self) -> bool:
        """Whether `find` can tell at any time what became of a lost submit."""
        return bool(self.recovery & FINDS)

    @property
    def can_ask_again(self) -> bool:
        """Whether a submit without a readable answer may be asked about without buying twice."""
        return "replays" in self.recovery or self.can_find
