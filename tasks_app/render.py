"""A task and its outputs as JSON: what the API answers and what a webhook carries are the same."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import orjson
from django.conf import settings

from providers import catalogue

from .ids import shown
from .models import Output
from .rows import Row, instant

BASE = settings.PUBLIC_URL + "/api/v1"
PLACE = "/outputs/"
KEPT, GIVEN = f'"{PLACE}', f'"{BASE}{PLACE}'  # how an address begins in a row, and in an answer
# The row's own word for what a running task is at.
RUNNING = ("submitting", "running", "storing")
OPEN = ("queued", *RUNNING)
POLL_MS = (500, 10_000)


def task(row: Row, *, now: datetime, queue_position: int | None = None) -> dict:
    """The task object of the HTTP contract."""
    id, stage = shown("task", row.id), row.status if row.status in RUNNING else None
    is_open = stage is not None or row.status == "queued"
    return {
        "id": id,
        "object": "task",
        "kind": row.kind,
        "model": row.model,
        "status": "running" if stage else row.status,
        "stage": stage,
        "progress": row.progress,
        "queue_position": queue_position,
        "priority": row.priority,
        "input": row.input,
        "outputs": _outputs(row.outputs_shown),
        "warnings": row.warnings,
        "error": _error(row) if row.error_code else None,
        "cost": {"held": row.hold if is_open else 0, "captured": row.captured, "items": row.cost_items, "usage": row.used},
        "metadata": row.metadata,
        "end_user": row.end_user or None,
        "retry_of": shown("task", row.retry_of) if row.retry_of else None,
        "created_at": row.created_at,
        "started_at": row.started_at,
        "finished_at": row.finished_at,
        "expires_at": row.deadline_at,
        "poll_after_ms": poll_after_ms(now - datetime.fromisoformat(row.created_at), typical_seconds(row.model)) if is_open else None,
        "urls": _urls(f"{BASE}/tasks/{id}", is_open),
    }


def state(status: str, at: datetime, task: bytes) -> bytes:
    """A change to this status, as JSON; `task` is the task object as it stands now."""
    standing = {"status": "running", "stage": status} if status in RUNNING else {"status": status, "stage": None}
    return dumps({**standing, "at": instant(at), "task": orjson.Fragment(task)})


def outputs(them: Sequence[Output]) -> str:
    """These outputs as a row keeps them: JSON in which each address begins at PLACE, for ours may change."""
    return dumps([_output(output) for output in them]).decode()


def _outputs(kept: str) -> orjson.Fragment:
    return orjson.Fragment(kept.replace(KEPT, GIVEN) or "[]")


def _output(row: Output) -> dict:
    """The output object of the HTTP contract."""
    id = shown("output", row.id)
    url = f"{PLACE}{id}"
    return {
        "id": id,
        "object": "output",
        "type": row.type,
        "url": f"{url}/content",
        "content_type": row.content_type,
        "bytes": row.bytes,
        "width": row.width,
        "height": row.height,
        "duration": row.duration,
        "sha256": row.sha256,
        "thumbnail_url": f"{url}/thumbnail" if row.thumbnail_key else None,
    }


def dumps(data: Any) -> bytes:
    """`data` as JSON; instants end in Z, keys of any type become strings."""
    return orjson.dumps(data, option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS)


def poll_after_ms(age: timedelta, typical_s: float) -> int:
    """When to ask again: often when the end is near, seldom when it is far off or long overdue."""
    age_s = max(age.total_seconds(), 0)
    wait_s = (typical_s - age_s) / 3 if age_s < typical_s else (age_s - typical_s) / 10
    least, most = POLL_MS
    return round(min(max(wait_s * 1000, least), most))


def typical_seconds(model: str) -> float:
    """How long this model's tasks take; half a minute for one that is no longer offered."""
    try:
        return catalogue.get(model).typical_seconds
    except catalogue.UnknownModel:
        return 30


def _error(row: Row) -> dict[str, Any]:
    return {"code": row.error_code, "message": row.error_message, "field": row.error_field or None, "retryable": bool(row.retryable)}


def _urls(url: str, is_open: bool) -> dict[str, str]:
    return {"self": url, "cancel": f"{url}/cancel"} if is_open else {"self": url, "retry": f"{url}/retry"}
