"""Whom we ask, as frozen snapshots that each process keeps for a few seconds, and one adapter per provider and credential version."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from . import credentials, registry
from .adapters import Adapter, Upstream
from .exchange import Overheard
from .http import Http
from .models import Provider, Route
from .snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class ProviderSnapshot:
    """A Provider; `max_jobs` None: no cap; `credential_version` is the one that new tasks use."""

    id: int
    name: str
    adapter: str
    base_url: str
    credential_version: int
    max_jobs: int | None
    is_enabled: bool
    is_healthy: bool


@dataclass(frozen=True, slots=True)
class RouteSnapshot:
    """A Route; `model` is the public name, `upstream_model` the provider's own.

    `max_jobs` None: no cap of its own; `cost` None: not known.
    """

    id: int
    model: str
    provider_id: int
    upstream_model: str
    priority: int
    weight: int
    max_jobs: int | None
    cost: float | None = None


@dataclass(frozen=True)
class _Rows:
    providers: Mapping[int, ProviderSnapshot]
    routes: Mapping[int, RouteSnapshot]
    usable: Mapping[str, list[RouteSnapshot]]  # by model: route, model and provider all enabled


def routes(model_name: str) -> list[RouteSnapshot]:
    """The routes that may take a new task of this model, by priority: all enabled; health and caps are not considered."""
    return list(_rows.get().usable.get(model_name, ()))


def route(id: int) -> RouteSnapshot:
    """A route, enabled or not: tasks in flight need it. Raises LookupError."""
    return _found(_rows.get().routes, "route", id)


def provider(id: int) -> ProviderSnapshot:
    """A provider, enabled or not: tasks in flight need it. Raises LookupError."""
    return _found(_rows.get().providers, "provider", id)


def providers() -> list[ProviderSnapshot]:
    """Every provider, enabled or not, by name."""
    return list(_rows.get().providers.values())


def adapter(provider_id: int, credential_version: int) -> Adapter:
    """The adapter for calls with one version of a provider's credentials, always the same one while the provider's row is.

    To be called where the database may be used; the adapter itself belongs on the event loop. Raises LookupError,
    credentials.Unreadable.
    """
    upstream = provider(provider_id)
    key = (provider_id, credential_version, upstream.adapter, upstream.base_url)
    if key not in _adapters:
        http = _https.setdefault(provider_id, Http(upstream.name))
        _adapters.setdefault(key, built(upstream, credential_version, http))
    return _adapters[key]


def built(upstream: ProviderSnapshot, credential_version: int, http: Http) -> Adapter:
    """A fresh adapter that calls through `http`; raises as `adapter` does."""
    secrets = credentials.open(upstream.id, credential_version)
    overheard = Overheard(http, secrets.values())
    return registry.adapter_class(upstream.adapter)(Upstream(upstream.name, upstream.base_url, secrets, overheard))


async def close() -> None:
    """Close every connection of this process's adapters; to be awaited on the loop that used them. They open anew when used again."""
    for http in list(_https.values()):
        await http.close()


def forget() -> None:
    """Read rows and credentials afresh on the next call in this process; connections stay open."""
    _rows.forget()
    _adapters.clear()


def _found(rows: Mapping, what: str, id: int):
    try:
        return rows[id]
    except KeyError:
        raise LookupError(f"there is no {what} {id}") from None


def _load(last: _Rows | None) -> _Rows:
    columns = ("id", "name", "adapter", "base_url", "credential_version", "max_jobs", "is_enabled", "is_healthy")
    by_id = {row[0]: ProviderSnapshot(*row) for row in Provider.objects.order_by("name").values_list(*columns)}
    every, usable = {}, defaultdict(list)
    shown = ("id", "model__name", "provider_id", "upstream_model", "priority", "weight", "max_jobs", "cost")
    columns = (*shown, "is_enabled", "model__is_enabled")
    for *facts, is_enabled, model_is_enabled in Route.objects.order_by("priority", "id").values_list(*columns):
        read = every[facts[0]] = RouteSnapshot(*facts)
        if is_enabled and model_is_enabled and read.provider_id in by_id and by_id[read.provider_id].is_enabled:
            usable[read.model].append(read)
    return _Rows(by_id, every, usable)


_rows: Snapshot[_Rows] = Snapshot(_load)
_adapters: dict[tuple, Adapter] = {}
_https: dict[int, Http] = {}
