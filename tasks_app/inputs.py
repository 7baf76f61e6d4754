"""From the references in an input (file_…, task_…/0, https URLs) to what an adapter gets.

named    before a batch is checked: what lies behind those of our own in all of its inputs, in two queries at most
check    at accept: may this account use each of them?
in_use   at clean-up: what open tasks name
plan     before a submit: what lies behind those of our own, in two queries at most
gather   during a submit, without the database: the input with a Media in each reference's place
"""

import asyncio
import pathlib
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, OuterRef

from providers.catalogue import InvalidInput, Model
from providers.errors import Invalid, NotAccepted, NotTried
from providers.outcomes import Media
from providers.schemas import Path, media_paths, written

from . import egress, ids
from .models import File, Output, Task
from .storage import StorageAway, here, links, media, storage

AT_ONCE = 4  # fetches of one task
LARGEST = 1 << 50  # what is ours was held against a limit when it came
# One text for what is missing and for what is another account's, so that nobody learns which ids exist.
MISSING = "is no file of this account and no output of a task of it that succeeded, or its keep time is over"


@dataclass(frozen=True, slots=True)
class Own:
    """What a reference to our own storage leads to; `kind` is file or output."""

    kind: str
    id: UUID
    key: str
    content_type: str


@dataclass(frozen=True, slots=True)
class InUse:
    """What some inputs name: files, and tasks whose outputs."""

    files: set[UUID]
    tasks: set[UUID]


# How an adapter gets what is ours, and what a client named by URL; each has a key of its own to go by.
Fetch = tuple[Callable[[Own, str], Awaitable[Media]], Callable[[str, str], Awaitable[Media]]]
Known = Mapping[str, Own | None]  # reference → what it leads to; None: nothing that this account may use
NOTHING: Known = MappingProxyType({})


def named(account_id: int, inputs: Iterable[Mapping[str, Any]], *, now: datetime) -> Known:
    """What this account has behind each text of these inputs that reads like a reference of our own, None where it has nothing.

    The inputs need not be valid: where a reference may stand is for `check` to say. What is past its keep time is nothing.
    """
    references = {text for text in _texts(inputs) if ids.parse("file", text) or _place(text)}
    return dict.fromkeys(references) | _found(account_id, references, now)


def check(account_id: int, model: Model, input: Mapping[str, Any], known: Known = NOTHING, *, now: datetime) -> None:
    """Raise InvalidInput that names each reference which this account may not use; no URL is asked yet.

    What is `known` is not looked up again. What is past its keep time may not be used, though it may still be there: else a task could
    be accepted for a file that is just being deleted (cleanup.py).
    """
    places = list(media_paths(model.schema, input))
    own = _found(account_id, {reference for _, reference in places} - known.keys(), now)
    faults = [(written(path), _fault(reference)) for path, reference in places if not (known.get(reference) or own.get(reference))]
    if errors := [{"field": field, "message": fault} for field, fault in faults if fault]:
        raise InvalidInput(errors)


def plan(account_id: int, schema: Mapping[str, Any], input: Mapping[str, Any]) -> dict[str, Own]:
    """What lies behind each reference to our own storage; one that is gone since the task was accepted is left out."""
    return _found(account_id, {reference for _, reference in media_paths(schema, input)})


async def gather(
    task_id: UUID, schema: Mapping[str, Any], input: Mapping[str, Any], plan: Mapping[str, Own], *, local: bool, bucket: bool = False
) -> dict[str, Any]:
    """The input with Media objects in it; raises Invalid that names the field, or NotTried where trying again may help.

    `local`: the adapter reads files on this machine, so what lies elsewhere, in our bucket too, is fetched first, once for a task: a
    second try finds it. `bucket`: it reads from our bucket, so what clients name by URL is put there, likewise.
    """
    places = list(media_paths(schema, input))
    first = {reference: written(path) for path, reference in reversed(places)}
    fetch = (_near, _fetched) if local else (_there, _put) if bucket else None
    got = await _gathered(f"inputs/{ids.shown('task', task_id)}", first, plan, fetch)
    return _replaced(input, (), {path: got[reference] for path, reference in places})


def forget(task_id: UUID) -> None:
    """Delete what `gather` fetched or copied for a task that is over."""
    here.delete_below(f"inputs/{ids.shown('task', task_id)}")


def _texts(inputs: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Every text within these inputs. By a list, not by recursion: a client may nest them as deep as it likes."""
    left: list[Any] = list(inputs)
    while left:
        value = left.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, Mapping):
            left += value.values()
        elif isinstance(value, list):
            left += value


def in_use(inputs: Iterable[Mapping[str, Any]]) -> InUse:
    """The files, and the tasks whose outputs, that these inputs name; of many inputs it keeps no more than that."""
    found = InUse(set(), set())
    for text in (text for input in inputs for text in _texts([input])):
        if id := ids.parse("file", text):
            found.files.add(id)
        elif place := _place(text):
            found.tasks.add(place[0])
    return found


def _found(account_id: int, references: Iterable[str], now: datetime | None = None) -> dict[str, Own]:
    """`now`: only what is within its keep time."""
    files = {reference: id for reference in references if (id := ids.parse("file", reference))}
    outputs = {reference: place for reference in references if (place := _place(reference))}
    return _files(account_id, files, now) | _outputs(account_id, outputs, now)


def _place(reference: str) -> tuple[UUID, int] | None:
    """The task and position that `task_…/0` names."""
    task, _, position = reference.partition("/")
    id = ids.parse("task", task)
    return (id, int(position)) if id and re.fullmatch("[0-9]{1,4}", position) else None


def _files(account_id: int, wanted: Mapping[str, UUID], now: datetime | None) -> dict[str, Own]:
    if not wanted:
        return {}
    rows = File.objects.filter(account_id=account_id, id__in=wanted.values())
    if now and settings.FILE_KEEP_DAYS:
        rows = rows.filter(created_at__gt=now - timedelta(days=settings.FILE_KEEP_DAYS))
    found = {id: Own("file", id, key, content_type) for id, key, content_type in rows.values_list("id", "key", "content_type")}
    return {reference: found[id] for reference, id in wanted.items() if id in found}


def _outputs(account_id: int, wanted: Mapping[str, tuple[UUID, int]], now: datetime | None) -> dict[str, Own]:
    if not wanted:
        return {}
    succeeded = Task.objects.filter(id=OuterRef("task_id"), status=Task.Status.SUCCEEDED)
    if now and settings.TASK_KEEP_DAYS:
        succeeded = succeeded.exclude(finished_at__lte=now - timedelta(days=settings.TASK_KEEP_DAYS))
    rows = Output.objects.filter(Exists(succeeded), account_id=account_id, task_id__in={task for task, _ in wanted.values()})
    columns = rows.values_list("task_id", "position", "id", "key", "content_type")
    found = {(task, position): Own("output", *rest) for task, position, *rest in columns}
    return {reference: found[place] for reference, place in wanted.items() if place in found}


def _fault(reference: str) -> str | None:
    """What is wrong with a reference that is none of this account's own; None for a URL that may be fetched."""
    if ids.parse("file", reference) or _place(reference):
        return MISSING
    if "://" not in reference:
        return "must be file_…, task_…/0 or an https URL"
    try:
        egress.check(reference)
    except Invalid as fault:
        return fault.message
    return None


async def _gathered(folder: str, first: Mapping[str, str], plan: Mapping[str, Own], fetch: Fetch | None) -> dict[str, Media]:
    """The Media of each reference; `first` says in which field each stands first."""
    gate = asyncio.Semaphore(AT_ONCE)
    try:
        async with asyncio.TaskGroup() as group:
            tasks = {
                reference: group.create_task(_media(reference, field, f"{folder}/{number}", plan, fetch, gate))
                for number, (reference, field) in enumerate(first.items())
            }
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return {reference: task.result() for reference, task in tasks.items()}


async def _media(reference: str, field: str, key: str, plan: Mapping[str, Own], fetch: Fetch | None, gate: asyncio.Semaphore) -> Media:
    own = plan.get(reference)
    if own is None and (fault := _fault(reference)):
        raise Invalid(fault, field=field)
    if fetch is None:
        return Media(links.signed_url(own.kind, own.id), own.content_type) if own else Media(reference)
    async with gate:
        try:
            ours, theirs = fetch
            return await (ours(own, key) if own else theirs(reference, key))
        except Invalid as refused:
            raise Invalid(refused.message, field=field) from refused
        except (NotAccepted, StorageAway) as passing:
            raise NotTried(f"{field} could not be fetched: {passing}", field=field) from passing


async def _near(own: Own, key: str) -> Media:
    """A file of ours where it lies on this machine; one that lies in a bucket is copied to `key` of this machine's disk."""
    path = storage.path(own.key)
    if path is None:
        path = here.path(key)
        if here.size(key) is None:
            await _copied(own, key)
    return Media(links.signed_url(own.kind, own.id), own.content_type, str(path))


async def _copied(own: Own, key: str) -> None:
    try:
        await here.put(key, storage.stream(own.key), content_type=own.content_type, limit=LARGEST)
    except FileNotFoundError:
        raise Invalid(MISSING) from None


async def _fetched(url: str, key: str) -> Media:
    """The file behind a URL, on this machine's disk; a put is whole or not there, so what is there needs no second fetch."""
    limit = settings.UPLOAD_LIMIT_MB * 1_000_000
    if here.size(key) is None:
        async with egress.fetch(url, limit=limit) as (content_type, chunks):
            await here.put(key, chunks, content_type=content_type, limit=limit)
    path = here.path(key)
    return Media(url, await _recognised(path), str(path))


async def _there(own: Own, key: str) -> Media:
    """A file of ours where it lies in our bucket."""
    return Media(links.signed_url(own.kind, own.id), own.content_type, key=own.key)


async def _put(url: str, key: str) -> Media:
    """The file behind a URL, in our bucket under `key`; looked at before it gets there."""
    limit = settings.UPLOAD_LIMIT_MB * 1_000_000
    if not await storage.has(key):
        async with storage.draft() as draft:
            async with egress.fetch(url, limit=limit) as (_, chunks):
                await draft.fill(chunks, limit=limit)
            await storage.keep(draft, key, content_type=await _recognised(draft.path))
    return Media(url, key=key)


async def _recognised(path: pathlib.Path) -> str:
    try:
        return await asyncio.to_thread(media.content_type, path)
    except media.NotMedia as fault:
        raise Invalid(f"the file at the URL cannot be used: {fault}") from fault


def _replaced(value: Any, path: Path, places: Mapping[Path, Media]) -> Any:
    """A copy of `value` with each Media in its place."""
    if path in places:
        return places[path]
    if isinstance(value, Mapping):
        return {name: _replaced(below, (*path, name), places) for name, below in value.items()}
    if isinstance(value, list):
        return [_replaced(below, (*path, number), places) for number, below in enumerate(value)]
    return value
