"""The world around the engine: clients, an operator, workers in single beats, upstreams on paper, and a clock moved by hand.

Every verb calls what the product calls. What the world remembers beside the database (who was promised what, what was sold)
is what the checks hold the database against.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from math import inf
from typing import Any
from uuid import UUID

import orjson

from accounts import credits
from accounts.models import Account, LedgerEntry
from providers import breakers
from providers.models import Breaker, Provider, PublicModel, Route
from providers.outcomes import Accepted, Callback
from tasks_app import audit, cleanup
from tasks_app.engine import accept, callback, cancel, claims, expiry, late, lifecycle, loop, poll, pump, store, submit
from tasks_app.engine.claims import LEASE, Claimed
from tasks_app.engine.decisions import Move
from tasks_app.ids import parse, shown
from tasks_app.models import Attempt, Output, Task, TaskEvent
from tests.cast import HandClock, forget_rows
from tests.upstreams.paper import Books, paper_calls, paper_deaf, paper_honest, paper_strict

from .answers import ANSWERS, ENDINGS
from .invariants import Rows, broken

STEPS = {"submit": submit, "poll": poll, "store": store}
PAPERS = {"honest": paper_honest, "strict": paper_strict, "calls": paper_calls, "deaf": paper_deaf}
# Each model's providers, best first.
MODELS = {"paper/honest": ["honest"], "paper/calls": ["calls"], "paper/deaf": ["deaf"], "paper/both": ["strict", "deaf"]}
BY_USAGE = {"paper/both": {"price": "2 * n + tokens", "usage": {"tokens": "2 * n"}}}
INKS = {"strict": "black", "deaf": "red"}  # all that these can write in
SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"n": {"type": "integer", "default": 1}, "ink": {"enum": [*INKS.values(), "gold"]}},
}
TABLES = (Task, Attempt, TaskEvent, Output, LedgerEntry, Account, Breaker)


def furnish() -> None:
    """The providers and models that every world has."""
    providers = {name: Provider.objects.create(name=name, adapter=f"paper_{name}") for name in PAPERS}
    for name, places in MODELS.items():
        columns = {"price": "3 * n", "outputs": "n"} | BY_USAGE.get(name, {})
        model = PublicModel.objects.create(name=name, kind="image.generate", title=name, input_schema=SCHEMA, **columns)
        for priority, place in enumerate(places):
            Route.objects.create(model=model, provider=providers[place], upstream_model=name, priority=priority)
    forget_rows()


@dataclass
class Call:
    """A claimed row in a worker's hands, and what its call came to, once it was made."""

    step: str
    claimed: Claimed
    outcome: Any = None
    is_made: bool = False


@dataclass
class Worker:
    """What a process has in memory. Frozen, it extends no claim and does nothing until it wakes."""

    open: list[Call] = field(default_factory=list)
    is_frozen: bool = False

    def crash(self) -> None:
        self.open.clear()
        self.is_frozen = False


class World:
    def __init__(self) -> None:
        for table in TABLES:
            table.objects.all()._raw_delete("default")
        forget_rows()
        for books in self.books():
            books.forget()
        self.clock = HandClock()
        self.accounts: list[int] = []
        self.providers: dict[str, tuple[int | None, bool]] = {}  # cap, and whether it is enabled
        self.broken: set[str] = set()  # providers whose adapter cannot be had
        self.workers = [Worker(), Worker()]
        self.tasks: list[UUID] = []
        self.orders: dict[UUID, tuple[int, accept.Order]] = {}
        self.keys: dict[tuple[int, str], tuple[UUID, bytes]] = {}
        self.screen: list[Claimed] = []  # rows that a person has read
        self.stopped: dict[UUID, int] = {}  # tasks whose cancel was promised → their attempts until then
        self.poison: set[UUID] = set()  # tasks that take down each worker that calls for them
        self.given: dict[str, Any] = {}  # submit token → the handle that a worker landed
        self.ended: dict[UUID, dict] = {}
        self.is_written = True

    @staticmethod
    def books() -> list[Books]:
        return [module.Adapter.books for module in PAPERS.values()]

    # Clients

    def orders_one(self, account: int, order: accept.Order) -> None:
        self.clock.move(milliseconds=1)
        try:
            answer = accept.one(self.accounts[account], order, now=self.clock())
        except accept.Problem as problem:
            answer = problem
        self.notes(self.accounts[account], order, answer)

    def orders_many(self, account: int, orders: list[accept.Order]) -> None:
        self.clock.move(milliseconds=1)
        answers = accept.many(self.accounts[account], orders, now=self.clock())
        for order, answer in zip(orders, answers, strict=True):
            self.notes(self.accounts[account], order, answer)

    def notes(self, account_id: int, order: accept.Order, answer: accept.Accepted | accept.Problem) -> None:
        """One task for each key, the same answer for the same body, and a refusal only for what deserves it."""
        known = self.keys.get((account_id, order.idempotency_key)) if order.idempotency_key else None
        if isinstance(answer, accept.Problem):
            is_reused = known is not None and known[1] != order.request_hash
            assert answer.code == ("idempotency_key_reused" if is_reused else "insufficient_credits")
        elif known:
            assert (answer.replayed, answer.task.id, order.request_hash) == (True, *known)
        else:
            assert not answer.replayed
            self.tasks.append(answer.task.id)
            self.orders[answer.task.id] = (self.accounts.index(account_id), order)
            if order.idempotency_key:
                self.keys[account_id, order.idempotency_key] = (answer.task.id, order.request_hash)

    def cancels(self, task: UUID) -> None:
        attempts = Task.objects.get(id=task).attempts
        if refusal(cancel.request, task, self.owner(task), by="ann", now=self.clock()) is None:
            self.stopped.setdefault(task, attempts)

    def retries(self, task: UUID) -> None:
        if task in self.ended:
            account, order = self.orders[task]
            self.orders_one(account, replace(order, retry_of=task, idempotency_key=None))

    def deletes(self, task: UUID) -> None:
        is_over = task in self.ended
        assert refusal(cleanup.remove, task, self.owner(task)) == (None if is_over else "not_deletable")
        if is_over:
            del self.ended[task]
            self.tasks.remove(task)
            self.keys = {key: kept for key, kept in self.keys.items() if kept[0] != task}
            self.given = {token: handle for token, handle in self.given.items() if not token.startswith(shown("task", task))}

    def reads(self, task: UUID) -> None:
        """A person has the row on the screen; `stops` is what engine/cancel.py does with it, but the row may change meanwhile."""
        row = claims.read(task)
        if row and row.row["status"] == "queued":
            self.screen.append(row)

    def stops(self) -> None:
        if self.screen:
            lifecycle.advance([lifecycle.Step(self.screen.pop(0), Move("canceled"), by="ann")], now=self.clock())

    def owner(self, task: UUID) -> int:
        return self.accounts[self.orders[task][0]]

    # Upstreams that call

    def calls_back(self, pick: int, names: str) -> None:
        """A call about a job that was sold, while its submit is open, after its task's end, for the second time: whenever this is drawn."""
        sold = list(paper_calls.Adapter.books.sold.items())
        if not sold:
            return
        token, (job, *_) = sold[pick % len(sold)]
        named = {"its own": job, "another's": sold[(pick + 1) % len(sold)][1][0]}.get(names)
        task, _, number = token.rpartition("-")
        before = Task.objects.filter(id=parse("task", task)).values().first()
        heard = callback.came(token, Callback({}, orjson.dumps({"id": named} if named else {})), now=self.clock())
        assert (heard is None) == (before is None)
        if before:
            self.was_called(before, int(number))

    def was_called(self, before: dict, attempt: int) -> None:
        """The row is due at once, or its holder is told; nothing else changes, and nothing at all where it does not follow that job."""
        after = Task.objects.values().get(id=before["id"])
        if before["status"] not in lifecycle.OPEN or before["attempts"] != attempt:
            assert after == before
        elif before["lease_token"]:
            assert after == before | {"called": True}
        else:
            assert after == before | {"due_at": after["due_at"]}
            assert after["due_at"] <= min(before["due_at"], self.clock() + lifecycle.APART)

    def asks_late(self, words: dict[str, str]) -> None:
        """Whatever is heard of jobs without a task, no task changes by it but in its flag, no event is told and no credits move."""
        self.upstreams_say(words)
        before = Rows()
        late.run_once(clock=self.clock)
        after = Rows()
        tasks = [[row | {"flagged": None} for row in rows.tasks] for rows in (before, after)]
        assert tasks[0] == tasks[1]
        assert (after.accounts, after.ledger, after.events) == (before.accounts, before.ledger, before.events)

    # The operator

    def opens_account(self, *, amount: int, max_active: int) -> None:
        self.accounts.append(Account.objects.create(name=f"account {len(self.accounts)}", max_active=max_active).id)
        self.grants(len(self.accounts) - 1, amount)

    def grants(self, account: int, amount: int) -> None:
        credits.grant(self.accounts[account], amount, by="olga", note="", now=self.clock())

    def caps_account(self, account: int, max_active: int) -> None:
        Account.objects.filter(id=self.accounts[account]).update(max_active=max_active)

    def sets_provider(self, name: str, max_jobs: int | None, is_enabled: bool = True) -> None:
        self.providers[name] = (max_jobs, is_enabled)
        self.broken.discard(name)
        Provider.objects.filter(name=name).update(max_jobs=max_jobs, is_enabled=is_enabled, adapter=f"paper_{name}")
        forget_rows()

    def breaks_provider(self, name: str) -> None:
        """Its adapter cannot be had, until it is set again."""
        self.broken.add(name)
        Provider.objects.filter(name=name).update(adapter="nowhere")
        forget_rows()

    def expires(self) -> None:
        expiry.run_once(clock=self.clock)

    # Time

    def passes(self, seconds: float | None) -> None:
        """So many seconds, or at most a minute until a row is due. Workers that are not frozen extend their claims as pumps do."""
        if seconds is None:
            due = self.next_due()
            seconds = min((due - self.clock()).total_seconds(), 60) if due else 0
        while seconds > 0:
            beat = min(seconds, LEASE.total_seconds() / 3)
            self.moves(seconds=beat)
            seconds -= beat
            for worker in self.workers:
                if worker.open and not worker.is_frozen:
                    claims.extend([call.claimed for call in worker.open], now=self.clock())

    def moves(self, **delta) -> None:
        """The clock on the wall, and with it the age of each claim."""
        before = self.clock()
        self.clock.move(**delta)
        age = (self.clock() - before).total_seconds()
        for worker in self.workers:
            for call in worker.open:
                call.claimed = replace(call.claimed, taken=call.claimed.taken - age)

    def next_due(self) -> datetime | None:
        open_tasks = list(Task.objects.filter(finished_at=None).values_list("due_at", "deadline_at"))
        probes = Breaker.objects.exclude(state="closed").values_list("retry_at") if open_tasks else ()
        return min((at for row in [*open_tasks, *probes] for at in row if at and at > self.clock()), default=None)

    # Workers, beat by beat

    def upstreams_say(self, words: dict[str, str]) -> None:
        self.answers = {asked: ANSWERS[asked][word] for asked, word in words.items()}
        for books in self.books():
            for asked in ("to_submit", "to_find", "to_poll", "to_cancel"):
                setattr(books, asked, self.answers[asked])

    def takes_what_is_due(self, worker: Worker, room: int) -> None:
        """From the first step that has something, the end of the road first."""
        for step in reversed(STEPS):
            if worker.is_frozen or self.takes(worker, step, room):
                return

    def takes(self, worker: Worker, step: str, room: int) -> int:
        before = self.open_jobs() if step == "submit" else Counter()
        taken = STEPS[step].take(room, self.clock)
        worker.open += [Call(step, claimed) for claimed in taken]
        if step == "submit":
            self.kept_caps(before)
            if len(taken) < room:
                self.left_nothing_behind()
        return len(taken)

    def calls_for_all(self, worker: Worker) -> None:
        for _ in range(len(worker.open)):
            self.calls(worker, next((call for call in worker.open if not call.is_made), None))

    def calls(self, worker: Worker, call: Call | None) -> None:
        if worker.is_frozen or call is None:
            return
        if call.claimed.id in self.poison:
            worker.crash()
            return
        if call.step == "store":
            call.outcome = self.answers["to_store"]
        else:
            call.outcome = loop.start(pump.outcome_of(STEPS[call.step].call, call.claimed)).result(10)
        call.is_made = True

    def lands(self, worker: Worker, calls: list[Call]) -> None:
        if worker.is_frozen or not calls:
            return
        worker.open = [call for call in worker.open if call not in calls]
        before = {row["id"]: row for row in Task.objects.filter(id__in=[call.claimed.id for call in calls]).values()}
        for step, module in STEPS.items():
            if arrived := [(call.claimed, call.outcome) for call in calls if call.step == step]:
                module.land(arrived, self.clock)
        mine = {call.claimed.id for call in calls if call.claimed.token == before.get(call.claimed.id, {}).get("lease_token")}
        for id in before.keys() - mine:
            now = Task.objects.values().get(id=id)
            assert unmarked(before[id]) == unmarked(now), "written under an old token"
        called = Task.objects.filter(id__in=[id for id in mine if before[id]["called"]], status__in=lifecycle.OPEN)
        assert all(due_at <= self.clock() + lifecycle.APART for due_at in called.values_list("due_at", flat=True)), "its call is forgotten"
        landed = [call for call in calls if call.claimed.id in before and isinstance(call.outcome, Accepted)]
        self.given |= {call.claimed.submit_token: call.outcome.handle for call in landed if call.claimed.is_fresh or is_taken(call)}

    def works(self, worker: Worker, step: str) -> int:
        """All that is due for a step, from take to land; returns how many outcomes landed."""
        self.takes(worker, step, 10)
        return self.finishes(worker)

    def finishes(self, worker: Worker) -> int:
        """All that a worker has in its hands is called for and landed."""
        self.calls_for_all(worker)
        made = [call for call in worker.open if call.is_made]
        self.lands(worker, made)
        return len(made)

    def leaves(self, worker: Worker) -> None:
        """Asked to stop, a worker gives back what may be asked again."""
        if not worker.is_frozen:
            claims.give_back([call.claimed for call in worker.open if STEPS[call.step].pump.repeatable], now=self.clock())
            worker.crash()

    # What must hold

    def open_jobs(self) -> Counter:
        return Counter(Task.objects.filter(status__in=lifecycle.OPEN).values_list("provider__name", flat=True))

    def free_at(self, name: str, jobs: int) -> float:
        max_jobs, is_enabled = self.providers[name]
        return (inf if max_jobs is None else max_jobs) - jobs if is_enabled else -1

    def kept_caps(self, before: Counter) -> None:
        for name, jobs in self.open_jobs().items():
            assert jobs <= before[name] or self.free_at(name, jobs) >= 0, f"{jobs} jobs at {name}"

    def left_nothing_behind(self) -> None:
        """A look with room to spare leaves no task that could begin: neither parked below its account's cap, nor due beside a free slot."""
        open_jobs, now = self.open_jobs(), self.clock()
        waiting = Task.objects.filter(status="queued").values_list(
            "model", "input", "due_at", "deadline_at", "account__active", "account__max_active"
        )
        for model, input, due_at, deadline_at, active, max_active in waiting:
            if due_at is None:
                assert active >= max_active, f"parked, and {active} of {max_active} are at work"
            elif due_at <= now < deadline_at:
                free = [name for name in self.able(model, input) if self.free_at(name, open_jobs[name]) > 0 and self.lets_in(name)]
                assert not free, f"due, and left beside a free slot of {free}"

    def able(self, model: str, input: dict) -> list[str]:
        """Those that can do it as far as is known; all that there are, where none can."""
        there = [name for name in MODELS[model] if self.providers[name][1]]
        is_plain = model != "paper/both" or "ink" not in input
        return [name for name in there if is_plain or name in self.broken or input["ink"] == INKS[name]] or there

    def lets_in(self, name: str) -> bool:
        return breakers.room(Provider.objects.get(name=name).id, self.clock()) != 0

    def holds(self) -> None:
        """What holds after each beat; looked at where something was written."""
        if not self.is_written:
            return
        self.is_written = False
        rows = Rows()
        faults = broken(rows, self.clock())
        assert not faults, "\n".join(faults)
        self.nothing_was_bought_twice(rows)
        self.nothing_sold_is_forgotten(rows)
        for task in rows.tasks:
            if task["finished_at"]:
                assert self.ended.setdefault(task["id"], unmarked(task)) == unmarked(task), "written after its end"
            assert task["attempts"] <= self.stopped.get(task["id"], task["attempts"]), "submitted again after its cancel was promised"

    def nothing_was_bought_twice(self, rows: Rows) -> None:
        sold = [(token, job) for books in self.books() for token, jobs in books.sold.items() for job in jobs]
        bought = [token.rpartition("-")[0] for token, _ in sold]
        assert len(bought) == len(set(bought)), f"bought twice: {sorted(sold)}"
        attempts = {attempt["token"]: attempt for of_task in rows.attempts.values() for attempt in of_task}
        there = {shown("task", task["id"]) for task in rows.tasks}
        assert {token for token, _ in sold if token.rpartition("-")[0] in there} <= attempts.keys(), "bought without a record"
        for token, handle in self.given.items():
            assert attempts[token]["handle"] == handle, "an upstream's id is lost"

    def nothing_sold_is_forgotten(self, rows: Rows) -> None:
        """A job that was sold brings its task to success, or somebody knows why not: the upstream, the client, or the operator."""
        sold = {token.rpartition("-")[0]: job for books in self.books() for token, jobs in books.sold.items() for job in jobs}
        stopped = {job for books in self.books() for job in books.stopped}
        for task in rows.tasks:
            if (job := sold.get(shown("task", task["id"]))) and task["finished_at"]:
                known = task["flagged"]
                verdict = task["error_code"] in ("generation_failed", "no_output") or task["status"] in ("succeeded", "expired")
                assert known or verdict or job in stopped, f"{job} was sold, and {task['status']} ({task['error_code']}) says nothing of it"

    def notes_writes(self, execute: Callable, sql: str, *rest):
        """For connection.execute_wrapper."""
        self.is_written |= not sql.startswith("SELECT")
        return execute(sql, *rest)

    # The end

    def ends(self, ending: str) -> None:
        """Let everything run, all workers but one dead: each task comes to its end in time, and nothing is left over."""
        for worker in self.workers:
            worker.crash()
        for name in PAPERS:
            self.sets_provider(name, 2)
        began = self.clock()
        self.upstreams_say(ENDINGS[ending])
        self.runs_dry()
        # Each poisonous task has three workers to take down, and whoever lost two workers waits for the others like it.
        patience = timedelta(seconds=60) + LEASE * (1 + (4 * len(self.poison) + len(self.tasks) if self.poison else 0))
        events = Rows().events
        for task in Task.objects.values("id", "status", "finished_at", "deadline_at"):
            was_made = any(event["status"] == "storing" for event in events[task["id"]])  # then it may take as long as the result lives
            late = task["finished_at"] - max(task["deadline_at"], began)
            assert late <= (timedelta(minutes=70) if was_made else patience), f"{task['status']} {late} after its deadline"
        assert not Task.objects.exclude(lease_token=0).exists()
        assert set(Account.objects.values_list("held", "active")) == {(0, 0)}
        assert audit.look(since=UUID(int=0)).findings == []

    def runs_dry(self, *, rounds: int = 300) -> None:
        left = Task.objects.filter(finished_at=None)
        for _ in range(rounds):
            landed = sum(self.works(self.workers[0], step) for step in STEPS)
            if not left.exists():
                return self.holds()
            if not landed:
                # A row may have been given back for the sake of another that was quarantined in this very round.
                spared = left.filter(lease_token=0, due_at=self.clock()).exists()
                due = self.next_due() or (self.clock() if spared else None)
                assert due, f"nothing will ever be due, and not all is over: {told(left)}"
                self.clock.now = max(due, self.clock() + timedelta(seconds=10))  # rows that are due at almost the same time share a round
        raise AssertionError(f"no end: {told(left)}")


def is_taken(call: Call) -> bool:
    """Whether a job that was found is held for ours: it is not while a twin of its submit may be answered yet, and is asked about again."""
    return Attempt.objects.filter(token=call.claimed.submit_token, handle__isnull=False).exists()


def refusal(work: Callable, *given, **more) -> str | None:
    try:
        work(*given, **more)
    except accept.Problem as problem:
        return problem.code
    return None


def told(tasks) -> list[dict]:
    return list(tasks.values("model", "status", "lane", "due_at", "deadline_at", "tries", "lost_claims"))


def unmarked(task: dict) -> dict:
    """A task but for its mark: a late accept flags it, whoever has it, and whether or not it is over."""
    return task | {"flagged": None}
