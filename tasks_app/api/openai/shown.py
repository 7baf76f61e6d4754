"""A task that makes a video, as the Video object of OpenAI's API."""

from datetime import datetime, timedelta
from typing import Any

import orjson
from django.conf import settings

from ...engine.lifecycle import TERMINAL
from ...ids import shown
from ...render import dumps, typical_seconds
from ...rows import Row
from ..view import PRIVATE
from . import sizes

STATUS = {"queued": "queued", "submitting": "in_progress", "running": "in_progress", "storing": "in_progress", "succeeded": "completed"}
# What the API's clients know by another word.
ERRORS = {"moderated": "moderation_blocked"}
WITHOUT_ERROR = {"canceled": "The task was canceled.", "expired": "The task was not done before its deadline."}
POLLS = 15  # that a typical task takes; the client reads its pace once, and keeps to it
POLL_MS = (500, 10_000)


def video(row: Row) -> dict:
    """The object, all its keys."""
    input, outputs = loaded(row.input), orjson.loads(row.outputs_shown or "[]")
    return {
        "id": shown("task", row.id),
        "object": "video",
        "model": row.model,
        "status": STATUS.get(row.status, "failed"),
        "progress": 100 if row.status == "succeeded" else min(int(row.progress * 100), 99),
        "created_at": unix(row.created_at),
        "completed_at": unix(row.finished_at),
        "expires_at": _expires_at(row),
        "prompt": input.get("prompt"),
        "seconds": _seconds(input, outputs),
        "size": _size(input, outputs),
        "remixed_from_video_id": _remixed_from(input),
        "error": error(row),
    }


def loaded(input: Any) -> dict:
    """A row's input, whether it came from the database or from the engine."""
    return orjson.loads(dumps(input))


def headers(row: Row) -> dict[str, str]:
    """What an answer with this task says besides; `create_and_poll` of the client is paced by it."""
    if is_over(row):
        return PRIVATE
    least, most = POLL_MS
    pace = min(max(typical_seconds(row.model) * 1000 / POLLS, least), most)
    return PRIVATE | {"openai-poll-after-ms": str(round(pace))}


def error(row: Row) -> dict[str, Any] | None:
    """Why the task did not succeed; None where it did, or may yet."""
    if row.status in STATUS:
        return None
    code = row.error_code or row.status
    message = row.error_message or WITHOUT_ERROR.get(row.status, "")
    return {"code": ERRORS.get(code, code), "message": message, "param": row.error_field or None}


def is_over(row: Row) -> bool:
    return row.status in TERMINAL


def unix(instant: str | None) -> int | None:
    return int(datetime.fromisoformat(instant).timestamp()) if instant else None


def _expires_at(row: Row) -> int | None:
    """When its bytes go with it."""
    if row.status != "succeeded" or not settings.TASK_KEEP_DAYS:
        return None
    return int((datetime.fromisoformat(row.finished_at) + timedelta(days=settings.TASK_KEEP_DAYS)).timestamp())


def _seconds(input: dict, outputs: list[dict]) -> str:
    """As asked for, else as it came out; empty while nobody knows."""
    asked = input.get("duration")
    made = next((output["duration"] for output in outputs if output["duration"]), None)
    return f"{asked or made:g}" if asked or made else ""


def _size(input: dict, outputs: list[dict]) -> str:
    """As it came out, else as asked for; empty while nobody knows."""
    for output in outputs:
        if output["width"] and output["height"]:
            return f"{output['width']}x{output['height']}"
    return input.get("size") or sizes.joined(input.get("resolution"), input.get("aspect_ratio"))


def _remixed_from(input: dict) -> str | None:
    source = input.get("video")
    return source.partition("/")[0] if isinstance(source, str) and source.startswith("task_") else None
