"""Orders to a simulator: what it does once, instead of behaving.

A wire order says how one request is answered; a fate says how the job of the next submit ends; a call says how its upstream calls.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer with this status; nothing is accepted. `code` overrides the dialect's own for that status."""

    status: int
    retry_after: float | None = None
    code: int | str | None = None


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answer as the protocol does for this reason; nothing is accepted."""

    why: str


@dataclass(frozen=True, slots=True)
class Break:
    """Break the answer: `how` is before_answer, mid_json, midway, hang or garbage. A submit is accepted first, unless told otherwise."""

    how: str
    accepts: bool = True


@dataclass(frozen=True, slots=True)
class Overlook:
    """Find nothing, whatever there is."""


@dataclass(frozen=True, slots=True)
class Say:
    """Show the job with this status, whatever it is."""

    status: str


@dataclass(frozen=True, slots=True)
class Fate:
    """How a job ends: `error` (moderated, broken), how many outputs it `delivers`, and what its `result` URL does."""

    error: str = ""
    delivers: int | None = None
    result: str = ""  # gone, short, drip, rubbish; empty: serves the file


@dataclass(frozen=True, slots=True)
class AcceptThen:
    """Accept the submit, and obey these at the job's first polls, one a poll."""

    polls: tuple[Answer | Refuse | Break | Say, ...]


@dataclass(frozen=True, slots=True)
class Pace:
    """Read the request's body, or write the answer's, at so many bytes a second."""

    bytes_a_second: int


@dataclass(frozen=True, slots=True)
class WrongChecksum:
    """Do all that was asked, and name another checksum than that of the bytes."""


@dataclass(frozen=True, slots=True)
class Call:
    """How calls about the next job are made: how many `times` each, whether the first comes before the answer, and how late the last."""

    times: int = 1
    early: bool = False
    late_s: float = 0.0
    about: str = ""  # the job that they name instead


@dataclass(frozen=True, slots=True)
class Twice:
    """Accept once, and run it two times at once, as a platform may that delivers at least once."""


Wire = Answer | Refuse | Break | Overlook | Say | Pace | WrongChecksum
Order = Wire | Fate | AcceptThen | Call | Twice


def answer(status: int, *, retry_after: float | None = None, code: int | str | None = None) -> Order:
    return Answer(status, retry_after, code)


def refuse(why: str) -> Order:
    """In the protocol's own words: invalid, moderated, no_model, busy, no_money, unavailable or unauthenticated."""
    return Refuse(why)


def overlook() -> Order:
    """A look-up does not show yet what was taken."""
    return Overlook()


def cut_before_answer(*, accepts: bool = True) -> Order:
    """Reset the connection once the request has been read."""
    return Break("before_answer", accepts)


def cut_midway() -> Order:
    """Send half of the bytes that were asked for, then close the connection."""
    return Break("midway")


def cut_mid_json(*, accepts: bool = True) -> Order:
    """Send half of the answer, then reset the connection."""
    return Break("mid_json", accepts)


def hang(*, accepts: bool = True) -> Order:
    """Read the request and never answer."""
    return Break("hang", accepts)


def garbage(*, accepts: bool = True) -> Order:
    """Answer 200 with a page of HTML, as a proxy in the way would."""
    return Break("garbage", accepts)


def slow(bytes_a_second: int) -> Order:
    """Take or send the bytes at this rate."""
    return Pace(bytes_a_second)


def wrong_checksum() -> Order:
    """Do what was asked, and answer with a checksum that is not that of the bytes."""
    return WrongChecksum()


def twice() -> Order:
    """Run what is accepted two times at once."""
    return Twice()


def say(status: str) -> Order:
    return Say(status)


def fail(error: str = "broken") -> Order:
    """The job ends badly: "broken" or "moderated"."""
    return Fate(error=error)


def finish_without_output() -> Order:
    return Fate(delivers=0)


def deliver(count: int) -> Order:
    """The job ends well with `count` outputs, however many were asked for."""
    return Fate(delivers=count)


def result_gone() -> Order:
    """The result URL answers 404."""
    return Fate(result="gone")


def short_result() -> Order:
    """The result ends before the length it announced."""
    return Fate(result="short")


def rubbish_result() -> Order:
    """The result is a program that says it is a picture."""
    return Fate(result="rubbish")


def drip() -> Order:
    """The result comes a few bytes at a time and never ends by itself."""
    return Fate(result="drip")


def accept_then(*polls: Wire) -> Order:
    return AcceptThen(polls)


def call_twice() -> Order:
    return Call(times=2)


def call_before_answer() -> Order:
    return Call(early=True)


def call_late(seconds: float) -> Order:
    """The call about the job's end comes so many seconds after it."""
    return Call(late_s=seconds)


def call_about(job: str) -> Order:
    """Calls carry this job's token and name that one."""
    return Call(about=job)


def never_call() -> Order:
    return Call(times=0)
