"""paper that takes no notice of tokens and has no list, but calls back: what a call names is looked at, and may be another's."""

from datetime import timedelta

from providers.errors import OutcomeUnknown
from providers.outcomes import Accepted, Callback, Facts, Finished, Heard, Job

from . import Books, Paper


class Adapter(Paper):
    FACTS = Facts(
        kinds=frozenset({"image.generate"}),
        recovery=frozenset({"callback"}),
        calls_within=timedelta(seconds=300),
        first_poll=timedelta(seconds=20),
        pace=timedelta(seconds=120),
    )
    books = Books()

    async def find(self, job: Job) -> Accepted | Finished | None:
        await super().find(job)  # it may be out of reach
        if job.hint is None or job.hint["id"] not in self.books.sold.get(job.token, ()):
            raise OutcomeUnknown
        return Accepted(job.hint)

    @staticmethod
    def hear(callback: Callback) -> Heard:
        said = callback.json()
        return Heard(handle=said if said and "id" in said else None)
