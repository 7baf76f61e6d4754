"""Where results and uploaded files are kept, behind four verbs: put, open, sign, delete.

    storage.put      an async stream → the whole of it, safe, under its key; or nothing
    storage.open     a key → its bytes, or a range of them
    storage.sign     a key → a link that needs no key of ours, where the store can make one
    storage.delete   a key → gone; gone before is fine

A key is a path of plain ASCII, as in `outputs/task_01jz…/0`. What it holds never changes.
`storage` is the store that STORAGE names; `here` is this machine's disk whichever that is, for what must be a file.
"""

import os
from functools import cache
from typing import TYPE_CHECKING, Any

from django.conf import settings

from .disk import Disk
from .errors import NoLink, StorageAway, TooLarge, Unreadable, Unwritable
from .store import Store, Stored

if TYPE_CHECKING:
    from .cos_wire import Bucket

__all__ = ["NoLink", "StorageAway", "Stored", "TooLarge", "Unreadable", "Unwritable", "chosen", "here", "storage"]


class Chosen:
    """The store that the settings name, asked anew at each verb, so that it follows them."""

    def __getattr__(self, verb: str) -> Any:
        return getattr(chosen(), verb)


def chosen() -> Store:
    if settings.STORAGE == "disk":
        return here
    from .cos_wire import Bucket  # here, because Tencent's SDK costs 190 ms and 22 MB

    place = (settings.COS_BUCKET, settings.COS_REGION)
    keys = (settings.COS_SECRET_ID, settings.COS_SECRET_KEY, settings.COS_TOKEN)
    # Connections and threads are not to be carried over a fork, so each process has a store of its own.
    more = {"endpoint": settings.COS_ENDPOINT, "domain": settings.COS_DOMAIN, "sts_endpoint": settings.STS_ENDPOINT}
    return _cos(Bucket(*place, *keys, **more), os.getpid())


@cache
def _cos(bucket: "Bucket", pid: int) -> Store:
    from .cos import Cos
    from .cos_wire import Wire

    return Cos(Wire(bucket), lambda: settings.STORAGE_DIR)


here = Disk(lambda: settings.STORAGE_DIR)
storage = Chosen()

if settings.STORAGE == "cos":
    from . import cos  # noqa: F401 - now, so that the web tier's workers share what their parent loads
