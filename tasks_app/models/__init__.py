"""The tables of tasks_app."""

from .attempt import Attempt
from .audit import Audit
from .delivery import Delivery, WebhookEndpoint, WebhookSecret
from .event import TaskEvent
from .file import File
from .flag import Flag
from .hour import Hour, Stored
from .output import Output
from .process import Process
from .task import Task
from .upload import Upload

__all__ = [
    "Attempt",
    "Audit",
    "Delivery",
    "File",
    "Flag",
    "Hour",
    "Output",
    "Process",
    "Stored",
    "Task",
    "TaskEvent",
    "Upload",
    "WebhookEndpoint",
    "WebhookSecret",
]
