"""The tables of tasks_app."""

from .attempt import Attempt
from .event import TaskEvent
from .file import File
from .output import Output
from .task import Task

__all__ = ["Attempt", "File", "Output", "Task", "TaskEvent"]
