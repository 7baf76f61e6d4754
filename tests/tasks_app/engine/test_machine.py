"""Any order of events around the engine: clients, workers that crash or freeze, upstreams that say anything and call at any time, time.

The rules are single beats (take, call, land), so that the beats of two workers on one task interleave in every way. After each,
machine/invariants.py is checked; at the end everything runs, and each task must come to its end in time.

    pytest tests/tasks_app/engine/test_machine.py --hypothesis-seed=7              the same dice again
    pytest tests/tasks_app/engine/test_machine.py --hypothesis-profile=long        for minutes, not for seconds
"""

from contextlib import ExitStack
from itertools import product
from pathlib import Path
from threading import Event

from django.db import connection
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from providers import offers
from tasks_app.engine import wake
from tasks_app.engine.accept import Order
from tests.upstreams import paper

from .machine.answers import ANSWERS, ENDINGS
from .machine.world import MODELS, PAPERS, STEPS, World, furnish

accounts = st.integers(0, 1)
workers = st.integers(0, 1)
picks = st.integers(0, 9)
inks = st.sampled_from([{}, *({"ink": ink} for ink in ("black", "red", "red", "gold"))])  # deaf, which alone has red, is soon full
NAMES = ["its own", "another's", "nothing"]  # what a callback may name
words = st.fixed_dictionaries({asked: st.sampled_from(list(answers)) for asked, answers in ANSWERS.items()})


class Machine(RuleBasedStateMachine):
    """No draw depends on what the database holds, so that a run can be played again although ids and tokens are random."""

    def __init__(self):
        super().__init__()
        self.world = World()
        self.ending = None
        self.stack = ExitStack()
        self.stack.enter_context(connection.execute_wrapper(self.world.notes_writes))

    @initialize(
        caps=st.tuples(st.integers(1, 3), st.integers(0, 3)), slots=st.sampled_from([None, 1, 2]), ending=st.sampled_from(list(ENDINGS))
    )
    def begins(self, caps, slots, ending):
        self.ending = ending
        for cap, amount in zip(caps, (1000, 12), strict=True):
            self.world.opens_account(amount=amount, max_active=cap)
        for name, max_jobs in (("honest", None), ("strict", slots), ("calls", slots), ("deaf", 1)):
            self.world.sets_provider(name, max_jobs)
        for account, model in product((0, 1), MODELS):
            self.world.orders_one(account, Order(model, {"n": 1}, expires_in=400))

    @rule(
        account=accounts,
        model=st.sampled_from(list(MODELS)),
        length=st.integers(1, 3),
        n=st.integers(1, 2),
        ink=inks,
        priority=st.sampled_from(["normal", "low"]),
        expires_in=st.sampled_from([30, 400, 1500]),
        key=st.sampled_from([None, None, "k", "l"]),
        body=st.sampled_from([b"a", b"b"]),
    )
    def client_orders(self, account, key, body, length, model, n, ink, **more):
        order = Order(model, {"n": n} | ink, idempotency_key=key, request_hash=body, **more)
        if length == 1:
            self.world.orders_one(account, order)
        else:
            self.world.orders_many(account, length * [order])

    @rule(pick=picks)
    def client_cancels(self, pick):
        self.with_a_task(pick, self.world.cancels)

    @rule(what=st.sampled_from(["deletes", "retries"]), pick=picks)
    def client_is_done(self, what, pick):
        self.with_a_task(pick, getattr(self.world, what))

    @rule(pick=picks)
    def person_reads(self, pick):
        self.with_a_task(pick, self.world.reads)

    @rule()
    def person_stops_what_was_read(self):
        self.world.stops()

    @rule(pick=picks, names=st.sampled_from(NAMES))
    def upstream_calls(self, pick, names):
        self.world.calls_back(pick, names)

    @rule(worker=workers, account=accounts, words=words, names=st.sampled_from(NAMES), minutes=st.sampled_from([None, None, 0, 1, 6]))
    def answer_is_lost_and_upstream_calls(self, worker, account, words, names, minutes):
        """As seldom by chance: a call is the only one to tell of the job, before (None) or so long after its submit was given up."""
        worker = self.world.workers[worker]
        worker.is_frozen = False
        self.world.orders_one(account, Order("paper/calls", {"n": 1}, expires_in=400))
        self.world.upstreams_say(words | {"to_submit": "accepts unheard"})
        self.world.takes(worker, "submit", 10)
        self.world.calls_for_all(worker)
        if minutes is None:
            self.world.calls_back(-1, names)
        self.world.finishes(worker)
        if minutes is not None:
            self.world.moves(minutes=minutes)
            self.world.calls_back(-1, names)
        self.world.upstreams_say(words)
        self.world.works(worker, "submit")

    @rule(worker=workers, words=words, length=st.integers(1, 3), max_active=st.integers(1, 4))
    def a_full_provider_has_the_oldest_tasks(self, worker, words, length, max_active):
        """As seldom by chance: the first tasks of a lane can go to deaf alone, which is full, and one behind them to another."""
        worker = self.world.workers[worker]
        worker.is_frozen = False
        self.world.upstreams_say(words)
        self.world.works(worker, "submit")
        self.world.sets_provider("deaf", 0)
        self.world.sets_provider("strict", None)
        self.world.caps_account(0, 99)
        for ink in [*["red"] * length, "black"]:
            self.world.orders_one(0, Order("paper/both", {"n": 1, "ink": ink}, expires_in=400))
        self.world.takes(worker, "submit", 1)
        self.world.caps_account(0, max_active)

    @rule(words=words)
    def jobs_without_a_task_are_asked_about(self, words):
        self.world.asks_late(words)

    @rule(account=accounts, max_active=st.integers(0, 4))
    def operator_caps_account(self, account, max_active):
        self.world.caps_account(account, max_active)

    @rule(
        name=st.sampled_from(list(PAPERS)),
        max_jobs=st.sampled_from([None, None, 0, 1, 2]),
        how=st.sampled_from(["on", "on", "off", "broken"]),
    )
    def operator_sets_provider(self, name, max_jobs, how):
        self.world.sets_provider(name, max_jobs, is_enabled=how != "off")
        if how == "broken":
            self.world.breaks_provider(name)

    @rule(what=st.sampled_from(["grants", "expires", "poisons"]), pick=picks)
    def something_else(self, what, pick):
        if what == "grants":
            self.world.grants(pick % 2, 1 + pick)
        elif what == "expires":
            self.world.expires()
        else:
            self.with_a_task(pick, self.world.poison.add)

    def with_a_task(self, pick, verb):
        if self.world.tasks:
            verb(self.world.tasks[pick % len(self.world.tasks)])

    @rule(seconds=st.sampled_from([0.5, 8, 14, 31, None]))
    def time_passes(self, seconds):
        self.world.passes(seconds)

    @rule(worker=workers, words=words)
    def worker_works(self, worker, words):
        """What is due, from take to land: the beats in their usual order."""
        self.world.upstreams_say(words)
        self.world.takes_what_is_due(self.world.workers[worker], 10)
        self.world.finishes(self.world.workers[worker])

    @rule(worker=workers, words=words)
    def worker_waits_and_works(self, worker, words):
        self.world.passes(None)
        self.worker_works(worker, words)

    @rule(worker=workers, room=st.sampled_from([1, 10]))
    def worker_takes(self, worker, room):
        self.world.takes_what_is_due(self.world.workers[worker], room)

    @rule(worker=workers, words=words, words_meanwhile=words, minutes=st.sampled_from([0.5, 1, 10]))
    def answer_comes_late(self, worker, words, words_meanwhile, minutes):
        """Single beats come to this by chance, but seldom: what a worker heard before it slept lands after another took over."""
        mine, other = self.world.workers[worker], self.world.workers[1 - worker]
        self.world.passes(None)
        self.world.upstreams_say(words)
        self.world.takes_what_is_due(mine, 10)
        self.world.calls_for_all(mine)
        self.world.moves(minutes=minutes)
        self.world.upstreams_say(words_meanwhile)
        self.world.takes_what_is_due(other, 10)
        self.world.finishes(other)
        self.world.finishes(mine)

    @rule(worker=workers, pick=picks, words=words)
    def worker_calls(self, worker, pick, words):
        self.world.upstreams_say(words)
        worker = self.world.workers[worker]
        waiting = [call for call in worker.open if not call.is_made]
        self.world.calls(worker, waiting[pick % len(waiting)] if waiting else None)

    @rule(worker=workers, how_many=st.integers(1, 4))
    def worker_lands(self, worker, how_many):
        worker = self.world.workers[worker]
        self.world.lands(worker, [call for call in worker.open if call.is_made][:how_many])

    @rule(worker=workers, mishap=st.sampled_from(["crash", "freeze", "stop", 1, 1, 10]))
    def something_goes_wrong(self, worker, mishap):
        """A number: the machine sleeps for so many minutes, and its workers wake with old claims in their hands."""
        worker = self.world.workers[worker]
        if mishap == "crash":
            worker.crash()
        elif mishap == "freeze":
            worker.is_frozen = True
        elif mishap == "stop":
            self.world.leaves(worker)
        else:
            self.world.moves(minutes=mishap)

    @rule(worker=workers)
    def worker_wakes(self, worker):
        self.world.workers[worker].is_frozen = False

    @invariant()
    def all_holds(self):
        self.world.holds()

    def teardown(self):
        with self.stack:
            if self.ending:
                self.world.ends(self.ending)


def test_whatever_happens_every_task_ends_once_and_the_books_are_right(transactional_db, settings, tmp_path, monkeypatch):
    for step in STEPS:  # this very process runs them all, and every wake-up is lost
        monkeypatch.setitem(wake.here, step, Event())
    settings.ADAPTERS = [module.__name__ for module in PAPERS.values()]
    monkeypatch.setattr(offers, "FOLDER", Path(paper.__file__).parent)
    settings.STORAGE_DIR = tmp_path
    settings.HOOKS_URL = "https://hooks.example"
    furnish()
    run_state_machine_as_test(Machine, settings=PROFILE)


PROFILE = settings(
    max_examples=settings.default.max_examples * 3 // 10,
    stateful_step_count=80,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    report_multiple_bugs=False,  # shrinking one takes minutes
)
