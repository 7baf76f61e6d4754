"""What the current line of work is about: each log line carries the request's or the task's id, wherever it is written."""

from contextlib import contextmanager
from contextvars import ContextVar

request_id: ContextVar[str] = ContextVar("request_id", default="")
task_id: ContextVar[str] = ContextVar("task_id", default="")


@contextmanager
def about(variable: ContextVar[str], id: str):
    """Within the block, what is logged carries `id`: `with about(task_id, shown("task", task.id)):`."""
    token = variable.set(id)
    try:
        yield
    finally:
        variable.reset(token)
