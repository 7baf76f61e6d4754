"""Where files lie: the store does what it promises, and each disk that we write to has room."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from ..storage import chosen, trial
from .verdict import Verdict, by_limits, fail, line, ok, warn

MB = 1_000_000
SLOW_MS = 3000.0


def storage() -> Iterator[Verdict]:
    """A small object put, read, signed and deleted."""
    steps = list(trial.run(chosen()))
    if failed := sorted((step for step in steps if step.fault), key=lambda step: step.is_minor):
        judge = warn if failed[0].is_minor else fail
        yield judge("storage", f"{failed[0].what}: {line(failed[0].fault)}", "manage.py storage check tries each step by itself.")
        return
    took = sum(step.ms for step in steps)
    figure = f"{settings.STORAGE}: put, read and deleted in {took:.0f} ms"
    remedy = "Look at the way to the bucket, or at the disk's load."
    yield by_limits("storage", took, figure, remedy, warn_above=SLOW_MS, fail_above=4 * SLOW_MS)


def disk() -> Iterator[Verdict]:
    """Each file system that we write to. With a bucket as well: what is on its way lies here first."""
    seen = set()
    for folder in map(_existing, _folders()):
        if (device := os.stat(folder).st_dev) not in seen:
            seen.add(device)
            yield _room(folder)


def _folders() -> Iterator[Path]:
    yield settings.STORAGE_DIR
    if not settings.REDIS_URL:
        yield settings.BROKER_DIR
    if settings.FUNCTIONS == "local":
        yield settings.FUNCTIONS_DIR
    if "sqlite" in settings.DATABASES["default"]["ENGINE"] and "memory" not in str(settings.DATABASES["default"]["NAME"]):
        yield Path(settings.DATABASES["default"]["NAME"]).parent


def _existing(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.exists())


def _room(folder: Path) -> Verdict:
    total, _, free = shutil.disk_usage(folder)
    inodes = os.statvfs(folder)
    result = settings.RESULT_LIMIT_MB * MB
    figure = f"{free / MB:,.0f} MB of {total / MB:,.0f} MB free at {folder}"
    remedy = "manage.py cleanup removes what is past its time; lower TASK_KEEP_DAYS, or give it a larger disk."
    if free < result:
        return fail("disk", f"{figure}, less than one result may take", remedy)
    if free < max(total / 10, 2 * result):
        return warn("disk", figure, remedy)
    if inodes.f_files and inodes.f_favail < inodes.f_files / 20:
        return warn("disk", f"{inodes.f_favail:,} of {inodes.f_files:,} inodes free at {folder}", remedy)
    return ok("disk", figure)
