"""From a claimed row to what an adapter gets, and to the adapter itself. Both may read the database, so a call has them beforehand."""

from providers import directory
from providers.adapters import Adapter
from providers.outcomes import Facts, Job

from .claims import Claimed


def adapter(claimed: Claimed) -> Adapter:
    """The adapter of the row's provider, with the credentials that the task was submitted with."""
    return directory.adapter(claimed.row["provider_id"], claimed.row["credential_version"])


def facts(claimed: Claimed) -> Facts:
    return adapter(claimed).FACTS


def job(claimed: Claimed) -> Job:
    """The job as its adapter sees it, without its input: a handle is all that polls and cancels need."""
    row = claimed.row
    return Job(
        token=claimed.submit_token,
        kind=row["kind"],
        model=directory.route(row["route_id"]).upstream_model,
        input={},
        deadline_at=row["deadline_at"],
        handle=row["handle"],
    )
