"""paper that honours a token for ever and cancels for free. Slow to begin with: its first poll is worth making after two minutes."""

from datetime import timedelta

from providers.outcomes import Facts

from . import Books, Paper


class Adapter(Paper):
    FACTS = Facts(
        kinds=frozenset({"image.generate"}),
        recovery=frozenset({"replays"}),
        cancel="free",
        first_poll=timedelta(seconds=120),
        pace=timedelta(seconds=120),
    )
    books = Books(replays=True)
