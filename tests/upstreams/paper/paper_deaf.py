"""paper that takes no notice of tokens, cannot look anything up and cannot cancel."""

from datetime import timedelta

from providers.outcomes import Facts

from . import Books, Paper


class Adapter(Paper):
    FACTS = Facts(kinds=frozenset({"image.generate"}), first_poll=timedelta(seconds=10), pace=timedelta(seconds=120))
    books = Books()
