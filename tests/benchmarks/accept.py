"""(a) POST /tasks from 100 clients at once, on one account and on 100."""

import json
from contextlib import ExitStack

from . import darkroom, duel, peer
from .ground import Ground
from .load import Load
from .processes import pss_mb
from .rows import Result, Row, compared

TITLE = "Accept: POST /tasks from 100 clients at once"
TEXT = """
Each request authenticates, validates the input, holds a credit and inserts the task in one durable transaction
(`innodb_flush_log_at_trx_commit=1`), and answers 201. On one account every request wants the same account row. No worker
runs; the accounts' cap on active tasks is lifted, because the peer has none. The peer checks that the prompt is a string, and
no more. PSS is that of the three workers, after the load.
"""
ACCOUNTS = 100
BODY = json.dumps({"model": darkroom.MODEL, "input": darkroom.INPUT})


def main(ground: Ground) -> Result:
    darkroom.model(ground, "plasma")
    keys = {"darkroom": [customer.key for customer in darkroom.customers(ACCOUNTS)]}
    darkroom.forget_tasks()
    with ExitStack() as stack:
        servers = {"darkroom": stack.enter_context(darkroom.web(ground))}
        if peer.is_there():
            servers["peer"] = stack.enter_context(peer.peer(ground, accounts=ACCOUNTS))
            keys["peer"] = servers["peer"].keys
        paths = {"darkroom": "/api/v1/tasks", "peer": "/api/tasks"}

        def fight(accounts: int) -> dict:
            return duel.fight(
                {
                    name: duel.Side(Load(server.url, "POST", [(key, paths[name]) for key in keys[name][:accounts]], BODY), server)
                    for name, server in servers.items()
                }
            )

        rows = duel.rows("one account", fight(1), at_least=2) + duel.rows(f"{ACCOUNTS} accounts", fight(ACCOUNTS), at_least=1)
        return Result(TITLE, TEXT, rows + memory(servers))


def memory(servers: dict) -> list[Row]:
    sizes = {name: pss_mb(server.workers) for name, server in servers.items()}
    return [compared("PSS of the three workers", sizes["darkroom"], sizes.get("peer"), unit="MB")]
