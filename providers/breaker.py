"""Whether a provider is sent more: decided on paper, from what its calls came to. No Django, no clock, no dice.

    closed ──a rate of failures, or one that is final──► open ──retry_at──► half_open: one probe ──it went well──► closed
                                                          ▲                     │
                                                          └──────it failed──────┘  each time for twice as long, up to LONGEST

What a client caused (an input that the upstream, or our adapter, refuses) says nothing of the provider, and is not counted; nor
is what was sent before the breaker last changed. While all goes well nothing is counted at all: a breaker that saw no failure within WINDOW
stays equal to itself, and so costs its keeper no write.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from .errors import NotFound, NotTried, QuotaExceeded, Refused, Repeated, Retired, Unauthenticated, UpstreamError

State = Literal["closed", "open", "half_open"]

WINDOW = timedelta(minutes=2)  # from the first failure on
LEAST = 6  # failures: one task that tries again by itself comes to so many within half a minute
SHARE = 0.75  # of all answers within the window: one that fails half its calls still does half the work
PAUSE = timedelta(seconds=5)  # the first; doubled with each probe that fails
FINAL_PAUSE = timedelta(seconds=30)  # the first where only an operator can help
LONGEST = timedelta(minutes=1)  # a probe costs nothing where it fails, and all that wait for one lose no more than this when it is over
PATIENCE = timedelta(minutes=1)  # with a probe that is not heard of: then the next one goes
AT_ONCE = timedelta(seconds=1)  # the times of a look, and of the calls that it makes, differ by less
NOTE = 200  # characters of why it opened

FINAL = (Unauthenticated, QuotaExceeded)
UNTOLD = (NotTried, Refused, NotFound, Retired, Repeated)  # of a job, an input, a model or ourselves, not of the provider


@dataclass(frozen=True, slots=True)
class Breaker:
    """`opened`: times in a row; `retry_at`: when the next probe may go; `good` and `bad`: answers since `window_at`."""

    state: State = "closed"
    since: datetime | None = None
    reason: str = ""
    note: str = ""
    opened: int = 0
    retry_at: datetime | None = None
    window_at: datetime | None = None
    good: int = 0
    bad: int = 0


@dataclass(frozen=True, slots=True)
class Call:
    """A call that was answered, or not: an error, or None where it went well; `began_at` is when it left."""

    error: UpstreamError | None
    began_at: datetime


def is_untold(error: UpstreamError | None) -> bool:
    """Whether an answer says nothing of the provider's health."""
    return isinstance(error, UNTOLD)


def room(breaker: Breaker, now: datetime) -> int | None:
    """How many more submits may go there now: None as many as there are, 0 none, 1 a probe."""
    if breaker.state == "closed":
        return None
    return 1 if breaker.retry_at is None or now >= breaker.retry_at else 0


def after(breaker: Breaker, calls: Sequence[Call], now: datetime) -> Breaker:
    """The breaker as it is once these calls are known."""
    for call in calls:
        breaker = _after_one(breaker, call, now)
    return breaker


def probing(breaker: Breaker, now: datetime) -> Breaker:
    """One probe has been let through."""
    return replace(breaker, state="half_open", since=now, retry_at=now + PATIENCE)


def eager(breaker: Breaker, now: datetime) -> Breaker:
    """Somebody has mended what was wrong: the next probe goes at once, and a pause is short again."""
    return breaker if breaker.state == "closed" else replace(breaker, retry_at=now, opened=0)


def _after_one(breaker: Breaker, call: Call, now: datetime) -> Breaker:
    match breaker.state:
        case "closed":
            return _counted(breaker, call, now)
        case "open":
            is_news = call.error is None and breaker.since is not None and call.began_at > breaker.since
            return Breaker(since=now) if is_news else breaker
    return _probed(breaker, call, now)


def _probed(breaker: Breaker, call: Call, now: datetime) -> Breaker:
    if breaker.since and call.began_at < breaker.since - AT_ONCE:
        return breaker  # it left before the probe
    if is_untold(call.error):
        return replace(breaker, retry_at=now)  # a probe that told nothing makes way for the next one
    return _opened(breaker, call.error, now) if call.error else Breaker(since=now)


def _counted(breaker: Breaker, call: Call, now: datetime) -> Breaker:
    if is_untold(call.error):
        return breaker
    if isinstance(call.error, FINAL):
        return _opened(breaker, call.error, now)
    if breaker.window_at and now - breaker.window_at >= WINDOW:
        breaker = replace(breaker, window_at=None, good=0, bad=0)
    if call.error is None:
        return replace(breaker, good=breaker.good + 1) if breaker.bad else breaker
    breaker = replace(breaker, window_at=breaker.window_at or now, bad=breaker.bad + 1)
    is_enough = breaker.bad >= LEAST and breaker.bad >= SHARE * (breaker.good + breaker.bad)
    return _opened(breaker, call.error, now) if is_enough else breaker


def _opened(breaker: Breaker, error: UpstreamError, now: datetime) -> Breaker:
    first = FINAL_PAUSE if isinstance(error, FINAL) else PAUSE
    asked = timedelta(seconds=min(LONGEST.total_seconds(), error.retry_after or 0))
    pause = min(max(first * 2 ** min(breaker.opened, 10), asked), LONGEST)
    return Breaker("open", now, error.code, error.message[:NOTE], breaker.opened + 1, retry_at=now + pause)
