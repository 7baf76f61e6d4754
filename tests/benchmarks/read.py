"""(b) GET one task, and a list of 20."""

from contextlib import ExitStack

from . import darkroom, duel, peer
from .ground import Ground
from .load import Load
from .rows import Result

TITLE = "Read: GET /tasks/{id} and GET /tasks from 100 clients at once"
TEXT = """
100 accounts with 50 finished tasks each. Darkroom's answer has cost, times, links and the outputs with their sizes and hashes;
the peer's is its row.
"""
ACCOUNTS, EACH = 100, 50


def main(ground: Ground) -> Result:
    darkroom.model(ground, "plasma")
    owners = darkroom.customers(ACCOUNTS)
    one = {"darkroom": darkroom.finished_tasks(owners, each=EACH)}
    listed = {"darkroom": [(owner.key, "/api/v1/tasks?limit=20") for owner in owners]}
    with ExitStack() as stack:
        servers = {"darkroom": stack.enter_context(darkroom.web(ground))}
        if peer.is_there():
            servers["peer"] = stack.enter_context(peer.peer(ground, accounts=ACCOUNTS))
            one["peer"] = servers["peer"].finished_tasks(each=EACH)
            listed["peer"] = [(key, "/api/tasks") for key in servers["peer"].keys]

        def fight(requests: dict) -> dict:
            return duel.fight({name: duel.Side(Load(server.url, "GET", requests[name]), server) for name, server in servers.items()})

        rows = duel.rows("one task", fight(one), at_least=0.8) + duel.rows("a list of 20", fight(listed), at_least=0.8)
        return Result(TITLE, TEXT, rows)
