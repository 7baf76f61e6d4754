"""Log lines: one JSON object each for production, readable ones for a terminal; each says which request or task it is about."""

import logging
from datetime import UTC, datetime
from typing import Any

import orjson

from tasks_app import context

# What every LogRecord carries; the rest of its attributes came by `extra=` and belongs in the line.
STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "request_id", "task_id"}


class AboutFilter(logging.Filter):
    """Writes the ids of the current request and task onto each record."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = context.request_id.get()
        record.task_id = context.task_id.get()
        return True


class JsonFormatter(logging.Formatter):
    """{"time", "level", "logger", "message", request_id?, task_id?, what came by extra, error?} on one line."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **_about(record),
            **_extra(record),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str).decode()


class TextFormatter(logging.Formatter):
    """`12:30:01 INFO accounts: message  request_id=… status=200`, with the traceback below where there is one."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s", "%H:%M:%S")

    def formatMessage(self, record: logging.LogRecord) -> str:
        facts = " ".join(f"{name}={value}" for name, value in {**_about(record), **_extra(record)}.items())
        return super().formatMessage(record) + (f"  {facts}" if facts else "")


FORMATTERS = {"json": JsonFormatter, "text": TextFormatter}


def configured(form: str, level: str) -> dict:
    """Django's LOGGING for LOG_FORMAT `form` ("json" or "text") and LOG_LEVEL `level`."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"about": {"()": AboutFilter}},
        "formatters": {"line": {"()": FORMATTERS[form]}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "filters": ["about"], "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # Django would mail its errors and write each one twice.
            "django": {"handlers": [], "level": "INFO", "propagate": True},
            # A 4xx is the client's doing and stands in the access line.
            "django.request": {"level": "ERROR", "propagate": True},
            # Tencent's SDK logs each request, each refusal with a traceback, and at DEBUG the key that signs; we log what fails.
            "qcloud_cos": {"level": "CRITICAL"},
            "tencentcloud_sdk_common": {"level": "CRITICAL"},
            # It says each step of a sign-in; what failed is a warning.
            "axes": {"level": "WARNING"},
            # Beat says each wake-up it sends, the worker each one it runs: one line every second, all day long.
            "celery.beat": {"level": "WARNING"},
            "celery.worker.strategy": {"level": "WARNING"},
            "celery.app.trace": {"level": "WARNING"},
        },
    }


def _about(record: logging.LogRecord) -> dict[str, str]:
    pairs = (("request_id", getattr(record, "request_id", "")), ("task_id", getattr(record, "task_id", "")))
    return {name: value for name, value in pairs if value}


def _extra(record: logging.LogRecord) -> dict[str, Any]:
    return {name: value for name, value in vars(record).items() if name not in STANDARD}
