"""The first page's numbers, each a link to the list behind it."""

from collections.abc import Iterator
from datetime import timedelta

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Account

from ..engine.reasons import reason
from ..figures import MOST, PARKED
from .pieces import lasted, size
from .reading import Reading

AUDIT_IS_OLD = timedelta(days=2)
LATE_S = 10  # a free worker takes a due row within 4 s


def told(user, reading: Reading) -> list[dict]:
    return [tile for permission, tiles in TILES.items() if user.has_perm(permission) for tile in tiles(reading)]


def _tasks(reading: Reading) -> Iterator[dict]:
    tasks = reverse("admin:tasks_app_task_changelist")
    for status, count in reading.now.tasks.items():
        if status != PARKED or count:
            yield _tile(_(status), _counted(count), f"{tasks}?status={'queued' if status == PARKED else status}")
    longest = max((lag.seconds for lag in reading.now.lags if lag.step != "notify"), default=0.0)
    yield _tile(_("oldest due task"), lasted(timedelta(seconds=longest)), f"{tasks}?status=open", is_alarming=_is_late(reading))


def _is_late(reading: Reading) -> bool:
    """As the doctor judges it, who knows which rows wait for a slot."""
    return any(one.check == "queue lag" and one.level != "ok" for one in reading.verdicts)


def _flags(reading: Reading) -> Iterator[dict]:
    """One for all, and one for each reason that there is."""
    counts, url = reading.now.flags, reverse("admin:tasks_app_flag_changelist")
    yield _tile(_("unknown outcomes and losses"), f"{sum(counts.values()):,}", url, is_alarming=bool(counts))
    for word, count in counts.items():
        yield _tile(_(reason(word).title), f"{count:,}", f"{url}?reason={word}", is_alarming=True)


def _providers(reading: Reading) -> Iterator[dict]:
    failing = sum(one.is_enabled and not one.is_healthy for one in reading.now.providers)
    url = f"{reverse('admin:providers_provider_changelist')}?is_healthy__exact=0&is_enabled__exact=1"
    yield _tile(_("providers failing"), f"{failing:,}", url, is_alarming=failing > 0)


def _audit(reading: Reading) -> Iterator[dict]:
    """What the newest audit found; "?" where it is too old to go by, as beat may not run."""
    last, audits = reading.now.audit, reverse("admin:tasks_app_audit_changelist")
    if last is None or timezone.now() - last.finished_at > AUDIT_IS_OLD:
        is_overdue = last is not None or Account.objects.filter(created_at__lt=timezone.now() - AUDIT_IS_OLD).exists()
        yield _tile(_("faults in the books"), "?", audits, is_alarming=is_overdue)
        return
    url = reverse("admin:tasks_app_audit_change", args=[last.id]) if last.faults else audits
    yield _tile(_("faults in the books"), f"{last.faults:,}", url, is_alarming=last.faults > 0)


def _stored(reading: Reading) -> Iterator[dict]:
    if stored := reading.past.stored:
        yield _tile(_("in storage"), size(stored.output_bytes + stored.file_bytes), reverse("admin:tasks_app_output_changelist"))


TILES = {
    "tasks_app.view_task": _tasks,
    "tasks_app.view_flag": _flags,
    "providers.view_provider": _providers,
    "tasks_app.view_audit": _audit,
    "tasks_app.view_output": _stored,
}


def _counted(count: int) -> str:
    return f"{count:,}+" if count >= MOST else f"{count:,}"


def _tile(title: str, count: str, url: str, *, is_alarming: bool = False) -> dict:
    return {"title": title, "count": count, "url": url, "is_alarming": is_alarming}
