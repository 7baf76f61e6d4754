"""The tables of tasks_app."""

from .attempt import Attempt
from .delivery import Delivery, WebhookEndpoint, WebhookSecret
from .event import TaskEvent
from .file import File
from .output import Output
from .task import Task

__all__ = ["Attempt", "Delivery", "File", "Output", "Task", "TaskEvent", "WebhookEndpoint", "WebhookSecret"]
