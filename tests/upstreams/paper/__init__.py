"""paper: upstreams without a wire, in this very process, for tests that make thousands of calls.

Each keeps honest books and is told beforehand how to answer. They differ in what they promise:

    paper_honest   honours a token for ever, cancels for free
    paper_strict   refuses a token it has seen and finds its job, bills what it cancels
    paper_calls    takes no notice of tokens and cannot look anything up, but calls back
    paper_deaf     takes no notice of tokens, cannot look anything up, cannot cancel

Of the model that strict and deaf both serve the one writes in black alone, the other in red: what is brought along beside them says so.
"""

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, field
from typing import ClassVar

from providers.adapters import Upstream
from providers.errors import Interrupted, OutcomeUnknown, Refused, Repeated
from providers.outcomes import Accepted, Facts, Failed, Finished, Found, Job, Polled, Running


@dataclass
class Books:
    """What one upstream sold, by token, and how it is to answer: a value to return, an error to raise, or a function of (books, job)."""

    replays: bool = False  # a token it has seen gets its first job
    rejects: bool = False  # a token it has seen is refused
    lags: bool = False  # its list does not show yet what was sold
    sold: dict[str, list[str]] = field(default_factory=dict)
    stopped: set[str] = field(default_factory=set)
    to_submit: "Answer | Exception" = field(default_factory=lambda: accepts)
    to_find: Exception | None = None  # None: the truth
    to_poll: "Polled | Exception | Callable[[Books, Job], Polled]" = field(default_factory=Running)
    to_cancel: bool | Exception = True

    def sell(self, token: str) -> str:
        """A job under this token; its id."""
        if self.rejects and token in self.sold:
            raise Repeated
        jobs = self.sold.setdefault(token, [])
        if not (jobs and self.replays):
            jobs.append(f"{token}/{len(jobs)}")
        return jobs[0] if self.replays else jobs[-1]

    def first(self, token: str) -> Accepted | None:
        return Accepted({"id": self.sold[token][0]}) if token in self.sold and not self.lags else None

    def forget(self) -> None:
        self.sold.clear()
        self.stopped.clear()
        self.lags = False


Answer = Callable[[Books, Job], Accepted | Finished]


def accepts(books: Books, job: Job) -> Accepted:
    return Accepted({"id": books.sell(job.token)})


def accepts_unheard(books: Books, job: Job) -> Accepted:
    """The job is sold, and the answer is lost on its way."""
    books.sell(job.token)
    raise OutcomeUnknown


def finishes(books: Books, job: Job) -> Finished:
    books.sell(job.token)
    return Finished((Found(url="https://paper.example/0"),))


def finishes_inline(books: Books, job: Job) -> Finished:
    books.sell(job.token)
    return Finished((Found(content=b"paper"),))


def finishes_empty(books: Books, job: Job) -> Finished:
    books.sell(job.token)
    return Finished(())


def accepts_and_breaks_us(books: Books, job: Job) -> Accepted:
    """The job is sold, and our own code fails on the answer."""
    books.sell(job.token)
    raise RuntimeError("a fault of the adapter's, as told")


def cuts_off(books: Books, job: Job) -> Failed:
    """The job is over, and nothing is charged for it."""
    books.sold.pop(job.token, None)
    return Failed(Interrupted())


class Paper:
    """What the adapters share; FACTS say what this one keeps."""

    FACTS: ClassVar[Facts]
    books: ClassVar[Books]

    def __init__(self, upstream: Upstream) -> None:
        self.upstream = upstream

    async def submit(self, job: Job) -> Accepted | Finished:
        try:
            return _told(self.books.to_submit, self.books, job)
        except Refused:
            if self.books.replays and (known := self.books.first(job.token)):
                return known
            raise

    async def poll(self, job: Job) -> Polled:
        return _told(self.books.to_poll, self.books, job)

    async def cancel(self, job: Job) -> bool:
        if is_stopped := _told(self.books.to_cancel, self.books, job):
            self.books.stopped.add(job.handle["id"])
        return is_stopped

    async def check(self) -> None:
        return None

    async def find(self, job: Job) -> Accepted | Finished | None:
        return _told(self.books.to_find or self.books.first(job.token), self.books, job)


def _told(answer, books: Books, job: Job):
    if isinstance(answer, Exception):
        raise copy(answer)  # an error keeps where it was raised, and may be told a thousand times
    return answer(books, job) if callable(answer) else answer
