"""Server-sent events, as a browser's EventSource reads them (the HTML standard, 9.2)."""

from collections.abc import Sequence
from uuid import UUID

from .. import ids, render
from ..watch.beginning import Beginning
from ..watch.look import Sight
from ..watch.watcher import Told

HEARTBEAT = b":\n\n"  # a comment: proxies and clients see that the connection lives
RETRY_MS = 2000


def event(name: str, data: bytes, id: int | None = None) -> bytes:
    """Our JSON has no line breaks, so its data is one line."""
    number = b"" if id is None else b"id: %d\n" % id
    return b"event: %s\n%sdata: %s\n\n" % (name.encode(), number, data)


def retry(ms: int) -> bytes:
    """Where the stream ends here, come again after so long."""
    return b"retry: %d\n\n" % ms


def of_task(begun: Beginning) -> bytes:
    """How the stream of a task begins: with the task, or with what its client missed."""
    shown = [event("snapshot", task, begun.told_to) for task in begun.shown]
    missed = [_state(sight) for sight in begun.missed]
    return b"".join([retry(RETRY_MS), *shown, *missed])


def of_account(begun: Beginning, floor: int) -> bytes:
    """How the stream of an account begins: with its newest tasks, then what its client missed of others."""
    events = [("snapshot", b'{"object":"list","data":[%s]}' % b",".join(begun.shown))]
    events += [("state", _change(sight)) for sight in begun.missed]
    events += [("gap", b"{}")] if begun.has_gap else []
    return retry(RETRY_MS) + _together(events, floor)


def told(news: Told, *, of_account: bool) -> bytes:
    """What happened."""
    progress = b"".join(event("progress", _progress(id, share)) for id, share in news.progress.items())
    if of_account:
        return progress + _together([("state", _change(sight)) for sight in news.sights], news.floor)
    return progress + b"".join(_state(sight) for sight in news.sights)


def _together(events: Sequence[tuple[str, bytes]], floor: int | None) -> bytes:
    """Events of several tasks. Only who has them all has all up to `floor`: the last one carries it, and others no number."""
    last = len(events) - 1
    return b"".join(event(name, data, floor if place == last else None) for place, (name, data) in enumerate(events))


def _state(sight: Sight) -> bytes:
    return event("state", _change(sight), sight.change.id)


def _change(sight: Sight) -> bytes:
    return render.state(sight.change.status, sight.change.created_at, sight.task)


def _progress(task_id: UUID, share: float) -> bytes:
    return render.dumps({"task": ids.shown("task", task_id), "progress": share})
