"""What a call to a client's server led to: pure functions of (delivery, outcome, now). No Django, no clock, no dice."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import UUID

RETRIES = tuple(timedelta(seconds=seconds) for seconds in (10, 30, 120, 600, 3600, 21_600, 86_400))
TRIES = len(RETRIES) + 1
JITTER = 0.1  # either way, so that what failed together does not come back together
LONGEST_WAIT = timedelta(hours=24)  # that a Retry-After may ask for
DEAF_FOR = timedelta(days=5)  # of nothing but failures, after which an endpoint is disabled

Reason = Literal[
    "redirected",  # answered 3xx: none is followed
    "gone",  # answered 410
    "refused",  # answered any other status that is not 2xx
    "no_answer",  # connected, then silence or a cut
    "unreachable",  # no such name, no connection, no TLS
    "not_allowed",  # the URL leads to an address that is not public
    "endpoint_disabled",
    "endpoint_deleted",
    "fault",  # ours
]
FINAL = {"gone", "endpoint_deleted"}  # trying again cannot help


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The part of a delivery that verdicts rest on, and of its endpoint, where it has one; `tries` counts the one just made."""

    id: UUID
    tries: int
    is_enabled: bool = True
    failing_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """The server answered; `location` of a redirect, `retry_after` in seconds where it named a time."""

    status: int
    body: str = ""
    location: str = ""
    retry_after: float | None = None
    took_ms: int = 0


@dataclass(frozen=True, slots=True)
class Unanswered:
    """No answer came; the message is a sentence for the client."""

    reason: Reason
    message: str
    took_ms: int = 0


Outcome = Answered | Unanswered


@dataclass(frozen=True, slots=True)
class Verdict:
    """The delivery's next status, and when it is due if that is pending; `disable` says why its endpoint is to be disabled."""

    status: Literal["pending", "delivered", "failed"]
    due_at: datetime | None = None
    reason: Reason | Literal[""] = ""
    message: str = ""
    disable: str = ""


def after_call(delivery: Snapshot, outcome: Outcome, now: datetime) -> Verdict:
    """Only a 2xx is success. What failed is tried again by the schedule, unless that cannot help."""
    if isinstance(outcome, Answered) and 200 <= outcome.status < 300:
        return Verdict("delivered")
    reason, message = _why(outcome)
    if reason in FINAL or delivery.tries >= TRIES or not delivery.is_enabled:
        return Verdict("failed", None, reason, message, _disable(delivery, reason, message, now))
    due_at = now + _wait(delivery, outcome)
    return Verdict("pending", due_at, reason, message, _disable(delivery, reason, message, now))


def jitter(id: UUID, salt: int) -> float:
    """A factor within JITTER of 1, the same for the same delivery and salt."""
    return 1 + JITTER * (((id.int & 0xFFFF) * 2654435761 + salt * 40503) % 4097 / 2048 - 1)


def _why(outcome: Outcome) -> tuple[Reason, str]:
    match outcome:
        case Unanswered(reason, message):
            return reason, message
        case Answered(410):
            return "gone", "It answered 410: it does not want to be told any more."
        case Answered(status, location=location) if 300 <= status < 400:
            return "redirected", f"It answered {status} with a redirect to {location[:150] or 'nowhere'}, and redirects are not followed."
    return "refused", f"It answered {outcome.status}, and only 2xx counts as delivered."


def _wait(delivery: Snapshot, outcome: Outcome) -> timedelta:
    """By the schedule; longer where the server named a time."""
    wait = RETRIES[delivery.tries - 1] * jitter(delivery.id, delivery.tries)
    asked = outcome.retry_after if isinstance(outcome, Answered) else None
    return max(wait, min(timedelta(seconds=asked), LONGEST_WAIT)) if asked else wait


def _disable(delivery: Snapshot, reason: Reason, message: str, now: datetime) -> str:
    """Why the endpoint is to be disabled; empty where it is not, or is already."""
    if not delivery.is_enabled or reason == "fault":
        return ""
    if reason == "gone":
        return message
    since = delivery.failing_since
    if since is None or now - since < DEAF_FOR:
        return ""
    return f"Every delivery since {since.astimezone(UTC):%Y-%m-%d %H:%M} UTC failed. The last one: {message}"
