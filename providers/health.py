"""Asks each enabled provider whether it can be used now, at no cost there, and writes the answer to its row.

One failure may be a hiccup of the network: a provider is unhealthy from the third in a row on, and healthy again with one success.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from . import directory
from .adapters import Adapter
from .credentials import Unreadable
from .directory import ProviderSnapshot
from .errors import UpstreamError
from .http import Http
from .models import HealthChange, Provider

log = logging.getLogger(__name__)

FAILURES = 3  # in a row
NOTE_LENGTH = Provider._meta.get_field("health_note").max_length


@dataclass(frozen=True)
class _Check:
    """One provider to ask, over connections of its own: those of `directory.adapter` belong to the worker's event loop."""

    provider: ProviderSnapshot
    adapter: Adapter
    http: Http


def run_once(*, clock: Callable[[], datetime], timeout_s: float = 20.0) -> int:
    """Check every enabled provider, all at once, and write what was found; returns how many."""
    rows = {row.pk: row for row in Provider.objects.filter(is_enabled=True)}
    checks, notes = [], {}
    for provider in directory.providers():
        if provider.id not in rows:
            continue
        try:
            checks.append(_prepared(provider))
        except (LookupError, Unreadable) as fault:
            notes[provider.id] = str(fault)
    notes.update(asyncio.run(_ask_all(checks, timeout_s)))
    for id, note in notes.items():
        _write(rows[id], note, now=clock())
    return len(notes)


def _prepared(provider: ProviderSnapshot) -> _Check:
    http = Http(provider.name, limit=2)
    return _Check(provider, directory.built(provider, provider.credential_version, http), http)


async def _ask_all(checks: list[_Check], timeout_s: float) -> dict[int, str]:
    notes = await asyncio.gather(*(_ask(check, timeout_s) for check in checks))
    return {check.provider.id: note for check, note in zip(checks, notes, strict=True)}


async def _ask(check: _Check, timeout_s: float) -> str:
    """What is wrong with the provider, or an empty text."""
    try:
        async with asyncio.timeout(timeout_s):
            await check.adapter.check()
    except UpstreamError as fault:
        return fault.message
    except TimeoutError:
        return f"It gave no answer within {timeout_s:g} s."
    except Exception as fault:  # a door: one adapter's bug must not keep the others unchecked
        log.exception("The check of provider %s failed", check.provider.name)
        return f"The check itself failed: {type(fault).__name__}."
    finally:
        await check.http.close()
    return ""


def _write(before: Provider, note: str, *, now: datetime) -> None:
    """Write the outcome of a check (`note` "": all is well), unless another process has written one since the row was read."""
    failed = before.failed_checks + 1 if note else 0
    is_healthy = failed < FAILURES
    # Two checks at the same moment are one: both saw the same hiccup.
    won = Provider.objects.filter(pk=before.pk, checked_at=before.checked_at).update(
        is_healthy=is_healthy,
        failed_checks=failed,
        failing_since=(before.failing_since or now) if note else None,
        health_note=note[:NOTE_LENGTH],
        checked_at=now,
    )
    if won and is_healthy != before.is_healthy:
        state = "healthy" if is_healthy else "failing"
        HealthChange.objects.create(provider=before, what="check", state=state, note=note[:NOTE_LENGTH], at=now)
        log.warning("Provider %s is %s", before.name, "healthy again" if is_healthy else f"unhealthy: {note}")
