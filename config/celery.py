"""The Celery application: its queues, its settings, and the schedule that a fresh install gets.

The task rows are the queue and the truth; what travels here are wake-ups that carry no data. Losing one costs a tick
of a worker, sending one twice costs a look at an index. Every setting below follows from that.
"""

import os
from typing import NamedTuple

from celery import Celery
from celery.signals import setup_logging
from kombu import Queue

from . import broker
from .env import env
from .retire import Retirement

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


class Duty(NamedTuple):
    """A worker function of tasks_app/workers.py, the queue it waits in, and how often beat wakes it (seconds)."""

    function: str
    queue: str
    every_s: int

    @property
    def task(self) -> str:
        return f"tasks_app.workers.{self.function}"


# What a fresh install gets; `manage.py install_schedule` never overwrites what an operator changed in the admin.
SCHEDULE = {
    "submit": Duty("submit_due", "submit", 5),  # back-offs that ended, slots that came free, lost wake-ups
    "poll": Duty("poll_due", "poll", 2),  # running jobs fall due by their own pace
    "store": Duty("store_due", "store", 5),  # stores to try again, lost wake-ups
    "notify": Duty("notify_due", "notify", 5),  # deliveries to try again, lost wake-ups
    "recover": Duty("recover_asked", "store", 10),  # what an operator asks an upstream for once more; an operator waits, no client
    "check providers": Duty("check_providers", "upkeep", 60),  # a provider that is down shows within a minute, unpaid
    "ask late": Duty("ask_late", "upkeep", 60),  # a late result is the operator's loss, and known within a minute of its callback
    "expire waiting": Duty("expire_waiting", "upkeep", 15),  # submit does so too; this gives credits back while nobody submits
    "sum up hours": Duty("sum_up_hours", "upkeep", 60),  # the admin's first page is a minute behind, at the cost of one statement or two
    "audit the books": Duty("audit_books", "upkeep", 86_400),  # a fault must not grow for longer than a day
    "clean up": Duty("clean_up", "upkeep", 3600),  # what grows old does so by days; hourly keeps each round small
}

# A publisher must never stall a request: a refused Redis costs it 0.01 s, where Celery's defaults cost 6.0 s.
PUBLISH = {"max_retries": 0, "socket_connect_timeout": 0.2, "socket_timeout": 0.5, "visibility_timeout": 3600}
# A consumer waits on purpose, and finds a dead peer by its own checks. Visibility is alike on both: the sweeper of
# either applies its own time-out to the other's messages.
CONSUME = {
    "max_retries": None,
    "socket_connect_timeout": 2,
    "socket_timeout": 10,
    "socket_keepalive": True,
    "health_check_interval": 10,
    "visibility_timeout": 3600,
}


class Darkroom(Celery):
    """Celery, but connections that consume have patience where those that publish have none."""

    def connection_for_read(self, url=None, **options):
        if env["REDIS_URL"]:
            options.setdefault("transport_options", CONSUME)
        return super().connection_for_read(url, **options)


def broker_settings(redis_url: str) -> dict:
    """Redis where there is one, else files (config/broker.py)."""
    if redis_url:
        return {"broker_url": redis_url, "broker_transport_options": PUBLISH}
    return {
        "broker_url": "filesystem://localhost",
        "broker_transport": "config.broker:Transport",
        "broker_transport_options": broker.options(env["BROKER_DIR"]),
    }


app = Darkroom("darkroom")
app.steps["worker"].add(Retirement)
app.set_default()  # for every thread: without it, one of gunicorn's would publish to a broker of Celery's own choosing
app.conf.update(
    **broker_settings(env["REDIS_URL"]),
    imports=["tasks_app.workers"],
    # One queue for each step, so that no step can starve another.
    task_queues=[Queue(name) for name in dict.fromkeys(duty.queue for duty in SCHEDULE.values())],
    task_routes={duty.task: {"queue": duty.queue} for duty in SCHEDULE.values()},
    task_default_queue="upkeep",
    # The row is the result: no result backend to depend on or to leak.
    task_ignore_result=True,
    # A wake-up may be lost. Late acknowledgement would bring duplicates after the visibility time-out, and poison loops.
    task_acks_late=False,
    task_reject_on_worker_lost=False,
    # Never stall a request: no retry, and half a second for a pooled connection.
    task_publish_retry=False,
    broker_pool_acquire_timeout=0.5,
    # Redis may come up last, and stay away for as long as it likes.
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    # No wake-up waits behind a long pump in the same process.
    worker_prefetch_multiplier=1,
    worker_disable_prefetch=bool(env["REDIS_URL"]),
    # Time lives in `due_at`, never in a worker's memory; this is the guard.
    worker_eta_task_limit=100,
    # Remote control and task events each were a reconnect bug once, and nobody listens.
    worker_enable_remote_control=False,
    worker_send_task_events=False,
    task_send_sent_event=False,
    # On TERM: stop claiming, finish or give back what is open, then end.
    worker_soft_shutdown_timeout=20,
    # Cutting a call in mid-submit manufactures unknown outcomes.
    worker_cancel_long_running_tasks_on_connection_loss=False,
    worker_redirect_stdouts=False,
    # Daylight saving never reaches a schedule; JSON never reaches code.
    enable_utc=True,
    timezone="UTC",
    accept_content=["json"],
    task_serializer="json",
    # An operator changes a period in the admin, and beat takes it up within seconds.
    beat_scheduler="config.beat:Scheduler",
    beat_max_loop_interval=5,
    # Beat would add an entry of its own to clear a result backend that is not there.
    result_expires=None,
)


@setup_logging.connect
def leave_logging(**_) -> None:
    """Log lines are ours (config/logging.py); with a receiver here, Celery sets up none of its own, and no level either."""
