"""Quarantine: a task whose worker dies three times is taken out, before it takes another one down.

A worker that dies loses the claims of all its open calls, so most rows that lost one are innocent. One that lost two is
therefore called for alone: no other such row is open in this process, and none pays for what it does.
"""

from datetime import datetime
from threading import Lock
from typing import TypeVar

from . import claims, decisions, lifecycle
from .claims import Claimed

T = TypeVar("T", bound=Claimed)

_lock = Lock()
_suspects: list[Claimed] = []  # the one that this process has taken, and may have open still


def cleared(claimed: list[T], *, now: datetime) -> list[T]:
    """Those of the rows just claimed for which a call may be made. The rest is failed, or given back."""
    verdicts = {one.id: decisions.after_lost_claims(one.snapshot) for one in claimed}
    lifecycle.advance([lifecycle.Step(one, move) for one in claimed if (move := verdicts[one.id])], now=now)
    suspects = [one for one in claimed if decisions.is_suspect(one.snapshot)]
    spared = _all_but_one(suspects) if suspects else []
    claims.give_back(spared, now=now)
    return [one for one in claimed if not verdicts[one.id] and one not in spared]


def _all_but_one(suspects: list[Claimed]) -> list[Claimed]:
    with _lock:  # the steps of a process look at the same time
        if claims.held(_suspects).exists():
            return suspects
        _suspects[:] = suspects[:1]
        return suspects[1:]
