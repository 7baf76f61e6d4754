"""From a claimed row to what an adapter gets, and to the adapter itself. Both may read the database, so a call has them beforehand."""

import logging
from collections.abc import Mapping
from typing import ClassVar

from providers import directory, hooks
from providers.adapters import Adapter, Keyed
from providers.errors import NotSent, Unavailable
from providers.outcomes import Facts, Job

from .claims import Claimed

log = logging.getLogger(__name__)


class Gone:
    """Stands in for an adapter that cannot be had: nothing is sent, and asking gives no verdict, so tasks wait for its return."""

    FACTS: ClassVar[Facts] = Facts(kinds=frozenset(), recovery=frozenset({"looks_up"}))

    async def submit(self, job: Job):
        raise NotSent("The provider cannot be used: its configuration is broken.")

    async def poll(self, job: Job):
        raise Unavailable("The provider cannot be asked: its configuration is broken.")

    cancel = find = poll


def adapter(claimed: Claimed) -> Adapter:
    """The adapter of the row's provider, with the credentials that the task was submitted with; Gone where it cannot be had."""
    try:
        return directory.adapter(claimed.row["provider_id"], claimed.row["credential_version"])
    except Exception:
        # A door to an operator's rows, keys and code: whichever is broken, tasks of other providers must go on.
        log.exception("provider %s cannot be used", claimed.row["provider_id"])
        return Gone()


def facts(claimed: Claimed) -> Facts:
    return adapter(claimed).FACTS


def headers_for(adapter: Adapter, url: str) -> Mapping[str, str]:
    """What this result must be fetched with: the provider's key, where it asks for one."""
    return adapter.headers_for(url) if isinstance(adapter, Keyed) else {}


def job(claimed: Claimed) -> Job:
    """The job as its adapter sees it, without its input: a handle is all that polls and cancels need."""
    row = claimed.row
    return Job(
        token=claimed.submit_token,
        kind=row["kind"],
        model=_upstream_model(row["route_id"]),
        input={},
        deadline_at=row["deadline_at"],
        handle=row["handle"],
    )


def callback_url(claimed: Claimed, facts: Facts) -> str:
    """Where the upstream may call about this attempt; empty where it cannot, or could not reach us."""
    return hooks.address(directory.provider(claimed.row["provider_id"]).name, claimed.submit_token) if facts.calls_back else ""


def _upstream_model(route_id: int) -> str:
    try:
        return directory.route(route_id).upstream_model
    except LookupError:  # deleted since; a job that is there already is asked about by its handle
        return ""
