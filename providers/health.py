"""Asks each enabled provider whether it can be used now, at no cost there, and writes the answer to its row.

One failure may be a hiccup of the network: a provider is unhealthy from the third in a row on, and healthy again with one success. Where
an upstream tells what is left of our money there, that is kept, and for how many days it will do.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from . import breakers, directory, rates
from .adapters import Adapter
from .credentials import Unreadable
from .directory import ProviderSnapshot
from .errors import UpstreamError
from .http import Http
from .models import HealthChange, Provider
from .outcomes import Balance

log = logging.getLogger(__name__)

FAILURES = 3  # in a row
ENOUGH_DAYS = 3.0  # of what a day cost lately: a weekend, until somebody pays
NOTE_LENGTH = Provider._meta.get_field("health_note").max_length


@dataclass(frozen=True)
class _Check:
    """One provider to ask, over connections of its own: those of `directory.adapter` belong to the worker's event loop."""

    provider: ProviderSnapshot
    adapter: Adapter
    http: Http


@dataclass(frozen=True)
class _Found:
    """What is wrong, or an empty text; and what is left there, where that is told."""

    note: str = ""
    balance: Balance | None = None


def run_once(*, clock: Callable[[], datetime], timeout_s: float = 20.0) -> int:
    """Check every enabled provider, all at once, and write what was found; returns how many."""
    return len(_checked(Provider.objects.filter(is_enabled=True), clock, timeout_s))


def check_now(provider_id: int, *, clock: Callable[[], datetime], timeout_s: float = 20.0) -> str:
    """Check one provider, enabled or not, because an operator asks; what is wrong, or an empty text: then its breaker lets a probe go."""
    directory.forget()  # what the operator has just saved is what is checked
    found = _checked(Provider.objects.filter(id=provider_id), clock, timeout_s)[provider_id]
    if not found.note:
        breakers.retry_now(provider_id, now=clock())
    return found.note


def _checked(providers: Iterable[Provider], clock: Callable[[], datetime], timeout_s: float) -> dict[int, _Found]:
    rows = {row.pk: row for row in providers}
    checks, found = [], {}
    for provider in directory.providers():
        if provider.id not in rows:
            continue
        try:
            checks.append(_prepared(provider))
        except (LookupError, Unreadable) as fault:
            found[provider.id] = _Found(str(fault))
    found.update(asyncio.run(_ask_all(checks, timeout_s)))
    for id, one in found.items():
        _write(rows[id], one, now=clock())
    return found


def _prepared(provider: ProviderSnapshot) -> _Check:
    http = Http(provider.name, limit=2)
    return _Check(provider, directory.built(provider, provider.credential_version, http), http)


async def _ask_all(checks: list[_Check], timeout_s: float) -> dict[int, _Found]:
    found = await asyncio.gather(*(_ask(check, timeout_s) for check in checks))
    return {check.provider.id: one for check, one in zip(checks, found, strict=True)}


async def _ask(check: _Check, timeout_s: float) -> _Found:
    try:
        async with asyncio.timeout(timeout_s):
            return _Found(balance=await check.adapter.check())
    except UpstreamError as fault:
        return _Found(fault.message)
    except TimeoutError:
        return _Found(f"It gave no answer within {timeout_s:g} s.")
    except Exception as fault:  # a door: one adapter's bug must not keep the others unchecked
        log.exception("The check of provider %s failed", check.provider.name)
        return _Found(f"The check itself failed: {type(fault).__name__}.")
    finally:
        await check.http.close()


def _write(before: Provider, found: _Found, *, now: datetime) -> None:
    """Write the outcome of a check, unless another process has written one since the row was read."""
    failed = before.failed_checks + 1 if found.note else 0
    is_healthy = failed < FAILURES
    columns = {
        "is_healthy": is_healthy,
        "failed_checks": failed,
        "failing_since": (before.failing_since or now) if found.note else None,
        "health_note": found.note[:NOTE_LENGTH],
        "checked_at": now,
    } | _balance(before, found.balance, now)
    # Two checks at the same moment are one: both saw the same hiccup.
    if not Provider.objects.filter(pk=before.pk, checked_at=before.checked_at).update(**columns):
        return
    if is_healthy != before.is_healthy:
        _tell(before, "check", "healthy" if is_healthy else "failing", found.note, now)
    if "balance_days" in columns and is_low(columns["balance_days"]) != is_low(before.balance_days):
        state, note = "low" if is_low(columns["balance_days"]) else "enough", f"{columns['balance']:g} {columns['balance_unit']} are left."
        _tell(before, "balance", state, note, now)


def is_low(days: float | None) -> bool:
    """Whether what is left at an upstream will do for too few days."""
    return days is not None and days < ENOUGH_DAYS


def _balance(before: Provider, balance: Balance | None, now: datetime) -> dict:
    """Columns of what is left; none where this check does not tell, so that what was known last stays, with its time."""
    if balance is None:
        return {}
    spent = rates.spent_a_day(before.pk, now=now)
    days = balance.left / spent if spent else None
    return {"balance": balance.left, "balance_unit": balance.unit[:20], "balance_days": days, "balance_at": now}


def _tell(provider: Provider, what: str, state: str, note: str, now: datetime) -> None:
    HealthChange.objects.create(provider=provider, what=what, state=state, note=note[:NOTE_LENGTH], at=now)
    facts = {"event": "provider_health", "provider": provider.name, "what": what, "state": state}
    level = logging.WARNING if state in ("healthy", "enough") else logging.ERROR
    log.log(level, "provider %s: %s is %s: %s", provider.name, what, state, note, extra=facts)
