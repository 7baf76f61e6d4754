"""The log: one line on stderr per event, JSON where asked, each with the run's token."""

import json
import logging
import sys
from contextvars import ContextVar
from datetime import UTC, datetime

token: ContextVar[str] = ContextVar("token", default="")


def begin(log_format: str, *, name: str) -> None:
    """Log to stderr from now on: `json` for machines, `text` for a terminal; `name` says which process speaks."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json(name) if log_format == "json" else logging.Formatter(f"%(asctime)s {name} %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.getLogger("pyvips").setLevel(logging.WARNING)  # it tells of each thread that ends


class _Json(logging.Formatter):
    def __init__(self, name: str):
        super().__init__()
        self._name = name

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "process": self._name,
            "message": record.getMessage(),
            "token": getattr(record, "token", "") or token.get(),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps({name: value for name, value in line.items() if value}, ensure_ascii=False)
