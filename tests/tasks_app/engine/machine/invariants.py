"""What holds whenever no transaction is open, told of the rows alone: the books, the paths, the claims."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from accounts.models import Account, LedgerEntry
from tasks_app.engine.claims import LEASE, submit_token
from tasks_app.engine.lanes import parking_lane, working, working_lane
from tasks_app.engine.lifecycle import TERMINAL, TRANSITIONS
from tasks_app.ids import shown
from tasks_app.models import Attempt, Task, TaskEvent

Row = dict[str, Any]

# All that the engine writes to a task, but what is large and never changes.
TASK = [field.attname for field in Task._meta.concrete_fields if field.attname not in ("input", "metadata", "cost_items", "request_hash")]
ATTEMPT = ["task_id", "token", "handle", "outcome", "is_orphan", "late_outcome"]


@dataclass
class Rows:
    """Every row of the engine as it is now; what belongs to a task by the task's id, in order."""

    tasks: list[Row] = field(default_factory=lambda: list(Task.objects.order_by("id").values(*TASK)))
    accounts: list[Row] = field(default_factory=lambda: list(Account.objects.values("id", "name", "balance", "held", "active")))
    ledger: list[Row] = field(default_factory=lambda: list(LedgerEntry.objects.values("account_id", "kind", "amount", "reference")))
    events: dict[Any, list[Row]] = field(default_factory=lambda: _by_task(TaskEvent, "task_id", "status"))
    attempts: dict[Any, list[Row]] = field(default_factory=lambda: _by_task(Attempt, *ATTEMPT))


def _by_task(table, *columns: str) -> dict:
    found = defaultdict(list)
    for row in table.objects.order_by("id").values(*columns):
        found[row["task_id"]].append(row)
    return found


def broken(rows: Rows, now: datetime) -> list[str]:
    """Each invariant that does not hold, a sentence each."""
    faults = [fault for account in rows.accounts for fault in _account(account, rows)]
    for task in rows.tasks:
        about = f"{task['model']}, task {shown('task', task['id'])}, {task['status']}"
        checks = (_path(task, rows), _settlement(task, rows), _place(task), _patience(task, now), _attempts(task, rows))
        faults += [f"{about}: {fault}" for check in checks for fault in check]
    return faults


def _account(account: Row, rows: Rows) -> Iterator[str]:
    tasks = [task for task in rows.tasks if task["account_id"] == account["id"] and task["status"] not in TERMINAL]
    should = {
        "balance": sum(entry["amount"] for entry in rows.ledger if entry["account_id"] == account["id"]),
        "held": sum(task["hold"] for task in tasks),
        "active": sum(task["lane"] != parking_lane(account["id"]) for task in tasks),
    }
    for name, value in should.items():
        if account[name] != value:
            yield f"{account['name']} has {name} {account[name]}, and its rows sum to {value}"
    if not 0 <= account["held"] <= account["balance"]:
        yield f"{account['name']} holds {account['held']} of {account['balance']} credits"


def _path(task: Row, rows: Rows) -> Iterator[str]:
    """Its events are a way through the table of transitions that ends where the row stands."""
    at = "queued"
    for status in (event["status"] for event in rows.events[task["id"]]):
        # What a person asked for is an event too, and keeps the status.
        if status != at and status not in TRANSITIONS.get(at, ()):
            yield f"its events go from {at} to {status}"
        at = status
    if at != task["status"]:
        yield f"its last event says {at}"


def _settlement(task: Row, rows: Rows) -> Iterator[str]:
    """Credits are captured once, at its end, and never more than it held."""
    captures = [-entry["amount"] for entry in rows.ledger if entry["reference"] == shown("task", task["id"]) and entry["kind"] == "capture"]
    if task["status"] not in TERMINAL:
        if captures or task["captured"] is not None or task["finished_at"]:
            yield "it is settled before its end"
        return
    if captures != ([task["captured"]] if task["captured"] else []) or not 0 <= task["captured"] <= task["hold"]:
        yield f"it captured {task['captured']} of {task['hold']}, and the ledger has {captures}"


def _place(task: Row) -> Iterator[str]:
    """Where it waits fits what it is."""
    parked = task["lane"] == parking_lane(task["account_id"])
    lanes = {parking_lane(task["account_id"]), working_lane(task["model"], task["priority"])} if task["status"] == "queued" else {""}
    if working(task["lane"]) not in lanes:
        yield f"it is in lane {task['lane']!r}"
    if (task["due_at"] is None) != (parked or task["status"] in TERMINAL):
        yield f"it is due at {task['due_at']}"
    if task["lease_token"] and task["status"] in TERMINAL | {"queued"}:
        yield "it is claimed, and there is nothing to work on"


def _patience(task: Row, now: datetime) -> Iterator[str]:
    """Until the upstream is done, it sleeps past its deadline no longer than a claim lasts."""
    latest = max(task["deadline_at"], now) + LEASE + timedelta(seconds=1)
    if task["status"] in ("queued", "submitting", "running") and task["due_at"] and task["due_at"] > latest:
        yield f"its deadline is {task['deadline_at']:%H:%M:%S}, and it sleeps until {task['due_at']:%H:%M:%S}"


def _attempts(task: Row, rows: Rows) -> Iterator[str]:
    """Each submission has its record, and what it is working on is what the last of them was given."""
    attempts = rows.attempts[task["id"]]
    if Counter(attempt["token"] for attempt in attempts) != Counter(
        submit_token(task["id"], number + 1) for number in range(task["attempts"])
    ):
        yield f"it was submitted {task['attempts']} times, and has the attempts {[attempt['token'] for attempt in attempts]}"
    if task["status"] in ("running", "storing") and task["handle"] and task["handle"] != attempts[-1]["handle"]:
        yield f"it follows {task['handle']}, and its last attempt was given {attempts[-1]['handle']}"
    if any(attempt["is_orphan"] for attempt in attempts) and not task["flagged"]:
        yield "it has an orphan, and no operator is told"
    for attempt in attempts:
        if attempt["handle"] and attempt["handle"]["id"].rpartition("/")[0] != attempt["token"]:
            yield f"its attempt {attempt['token']} was given {attempt['handle']}, which was sold for another"
        if attempt["late_outcome"] and attempt is attempts[-1] and task["status"] in ("running", "storing", "succeeded"):
            yield f"its own job is called {attempt['late_outcome']}, as if no task followed it"
        if (
            attempt["is_orphan"]
            and task["handle"] == attempt["handle"]
            and attempt["handle"]
            and task["status"] in ("running", "storing", "succeeded")
        ):
            yield f"its own job {attempt['handle']} is called an orphan"
