"""A vendor's words for how a job stands. New ones come unannounced: one that no table has means that the job runs, and is told once."""

import logging
from collections.abc import Mapping

from .outcomes import Failed, Finished, Running

log = logging.getLogger(__name__)

Meaning = type[Running | Finished | Failed]

MOST_TOLD = 100  # a vendor that makes up words fills no log
_told: set[tuple[str, str]] = set()


def meaning(word: object, table: Mapping[str, Meaning], *, of: str) -> Meaning:
    """What this status of the vendor `of` means by its table."""
    text = str(word)[:50]
    if text not in table and (of, text) not in _told and len(_told) < MOST_TOLD:
        _told.add((of, text))
        log.warning("%s: no table has the status %r, so its jobs count as running", of, text)
    return table.get(text, Running)
