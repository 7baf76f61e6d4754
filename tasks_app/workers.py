"""What Celery runs. No function takes an argument; running one twice, or not at all, is harmless."""

from celery import shared_task

from providers import health

from . import audit, cleanup, hours, ticks  # noqa: F401 - a worker ticks from its start on
from .engine import expiry, late, notify, poll, recover, store, submit
from .engine.clock import database_clock


@shared_task(ignore_result=True)
def submit_due() -> None:
    submit.run(clock=database_clock)


@shared_task(ignore_result=True)
def poll_due() -> None:
    poll.run(clock=database_clock)


@shared_task(ignore_result=True)
def store_due() -> None:
    store.run(clock=database_clock)


@shared_task(ignore_result=True)
def notify_due() -> None:
    notify.run(clock=database_clock)


@shared_task(ignore_result=True)
def recover_asked() -> None:
    recover.run(clock=database_clock)


@shared_task(ignore_result=True)
def check_providers() -> None:
    health.run_once(clock=database_clock)


@shared_task(ignore_result=True)
def expire_waiting() -> None:
    expiry.run_once(clock=database_clock)


@shared_task(ignore_result=True)
def ask_late() -> None:
    late.run_once(clock=database_clock)


@shared_task(ignore_result=True)
def clean_up() -> None:
    cleanup.run_once(clock=database_clock)


@shared_task(ignore_result=True)
def audit_books() -> None:
    audit.run_once(clock=database_clock)


@shared_task(ignore_result=True)
def sum_up_hours() -> None:
    hours.run_once(clock=database_clock)
