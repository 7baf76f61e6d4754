"""The adapter protocol, and the registry that finds an adapter by its name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, ClassVar, Protocol, runtime_checkable

from ..outcomes import Accepted, Balance, Callback, Facts, Finished, Heard, Job, Polled

# Each module of this package is an adapter, so that a new one needs no entry in a list.
BUILT_IN = {module.name: f"{__name__}.{module.name}" for module in iter_modules(__path__)}


@dataclass(frozen=True, slots=True)
class Upstream:
    """A configured account at an upstream, as an adapter gets it; its repr shows no credentials."""

    name: str
    base_url: str
    credentials: Mapping[str, str] = field(repr=False)
    http: Any = field(repr=False, default=None)  # providers.exchange.Overheard: Http.request of the running event loop


class Adapter(Protocol):
    """One upstream's protocol. Methods raise providers.errors and nothing else; none of them retries."""

    FACTS: ClassVar[Facts]

    def __init__(self, upstream: Upstream) -> None: ...

    async def submit(self, job: Job) -> Accepted | Finished: ...

    async def poll(self, job: Job) -> Polled: ...

    async def cancel(self, job: Job) -> bool:
        """Whether the upstream stopped the job (False: too late, or it cannot)."""
        ...

    async def check(self) -> Balance | None:
        """Raise if the upstream cannot be used now; what is left there, where that is told. Costs nothing there."""
        ...

    async def find(self, job: Job) -> Accepted | Finished | None:
        """What became of a submit with this token whose answer was lost; None: surely nothing was bought."""
        ...

    @staticmethod
    def hear(callback: Callback) -> Heard:
        """What a callback says, all of it unproved. Asked of those whose FACTS say `callback`; reads, and calls nobody."""
        ...


@runtime_checkable
class Named(Protocol):
    """An adapter whose upstream's jobs are known by an id alone, as a person reads it in the vendor's console."""

    def handle_of(self, id: str) -> Mapping[str, Any]:
        """The handle of the job with this id; raises Invalid where that can be none."""
        ...


@runtime_checkable
class Keyed(Protocol):
    """An adapter whose upstream gives results only to who shows its key."""

    def headers_for(self, url: str) -> Mapping[str, str]:
        """What to show with the request for a result; nothing where its address is not the upstream's own."""
        ...


@runtime_checkable
class Batched(Protocol):
    """An adapter whose upstream tells of many jobs in one call, of as many as its FACTS say (`batch`, which is 1 for all others)."""

    async def poll_many(self, jobs: Sequence[Job]) -> Mapping[str, Polled]:
        """How these jobs stand, by their tokens, as far as one call tells; what it leaves out is asked for alone."""
        ...


def adapter_class(name: str, extra: Mapping[str, str] | None = None) -> type[Adapter]:
    """The class behind an adapter's name; raises LookupError that names what there is."""
    known = {**BUILT_IN, **(extra or {})}
    if name not in known:
        raise LookupError(f"there is no adapter {name!r}; there are {', '.join(sorted(known))}")
    return import_module(known[name]).Adapter
