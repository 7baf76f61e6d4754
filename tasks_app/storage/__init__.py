"""Where results, uploaded files and fetched inputs are kept, behind four verbs: put, open, sign, delete.

    storage.put      an async stream → the whole of it, safe, under its key; or nothing
    storage.open     a key → its bytes, or a range of them
    storage.sign     a key → a link that needs no key of ours, where the store can make one
    storage.delete   a key → gone; gone before is fine

A key is a path of plain ASCII, as in `outputs/task_01jz…/0`. What it holds never changes.
"""

from django.conf import settings

from .disk import Disk
from .errors import StorageAway, TooLarge, Unreadable, Unwritable
from .store import Store, Stored

__all__ = ["StorageAway", "Store", "Stored", "TooLarge", "Unreadable", "Unwritable", "storage"]

storage = Disk(lambda: settings.STORAGE_DIR)
