"""paper that refuses a token it has seen and finds its job, and bills what it cancels."""

from datetime import timedelta

from providers.outcomes import Facts

from . import Books, Paper


class Adapter(Paper):
    FACTS = Facts(
        kinds=frozenset({"image.generate"}),
        recovery=frozenset({"rejects"}),
        cancel="billed",
        first_poll=timedelta(seconds=20),
        pace=timedelta(seconds=120),
    )
    books = Books(rejects=True)
