"""Tasks that arrive together: one writes for all, and each gets its own answer."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event, Thread

import pytest
from django.db import OperationalError, connection

from accounts.models import Account
from tasks_app import ids
from tasks_app.engine import accept, company, queue
from tasks_app.engine.company import Line
from tasks_app.models import Task
from tests.cast import START

MODEL = "darkroom/plasma-image"


class Gate:
    """What a line acts by: notes each company, and holds the first one up until it is opened."""

    def __init__(self):
        self.companies, self.entered, self.open = [], Event(), Event()

    def act(self, items):
        self.companies.append(list(items))
        self.entered.set()
        assert self.open.wait(10)
        if "bad" in items:
            raise ValueError("one of them is bad")
        return [item.upper() for item in items]


class Member(Thread):
    """Joins a line in a thread of its own."""

    def __init__(self, line, item):
        super().__init__()
        self.line, self.item, self.answer, self.fault = line, item, None, None
        self.start()

    def run(self):
        try:
            self.answer = self.line.join(self.item)
        except ValueError as fault:
            self.fault = fault


@pytest.fixture
def gate():
    return Gate()


@pytest.fixture
def line(gate):
    return Line(gate.act)


def line_up(line, gate, *items):
    """The first item is being acted on while the others line up behind it; then the gate opens, and all come through."""
    members = [Member(line, items[0])]
    assert gate.entered.wait(10)
    for place, item in enumerate(items[1:], 1):
        members.append(Member(line, item))
        while len(line._places) < place:
            """It is on its way."""
    gate.open.set()
    for member in members:
        member.join(10)
    return members


class TestALine:
    def test_one_that_comes_alone_is_acted_on_at_once(self, line, gate):
        gate.open.set()
        assert line.join("a") == "A"
        assert gate.companies == [["a"]]

    def test_those_that_come_meanwhile_are_acted_on_together(self, line, gate):
        members = line_up(line, gate, "a", "b", "c", "d")
        assert [member.answer for member in members] == ["A", "B", "C", "D"]
        assert gate.companies == [["a"], ["b", "c", "d"]]

    def test_a_fault_is_everybodys_in_that_company_and_nobody_elses(self, line, gate):
        members = line_up(line, gate, "a", "bad", "c")
        assert [str(member.fault) for member in members] == ["None", "one of them is bad", "one of them is bad"]
        assert line.join("e") == "E"

    def test_a_long_day_leaves_nobody_waiting(self):
        line = Line(lambda items: [item * 2 for item in items])
        answers = {}

        def joins(first):
            for number in range(first, first + 500):
                answers[number] = line.join(number)

        threads = [Thread(target=joins, args=(500 * place,)) for place in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert answers == {number: number * 2 for number in range(4000)}


@pytest.fixture
def task(db, acme):
    def make(account_id=acme.id, *, hold=3, key=None):
        return queue.row(
            id=ids.new(),
            account_id=account_id,
            kind="image.generate",
            model=MODEL,
            lane=MODEL,
            priority="normal",
            input={},
            metadata={},
            end_user="",
            retry_of=None,
            webhook_url=None,
            webhook_events=None,
            idempotency_key=key,
            request_hash=b"",
            cost_items=[],
            hold=hold,
            budget_key=None,
            expected_outputs=1,
            due_at=START,
            deadline_at=START,
            created_at=START,
            updated_at=START,
        )

    return make


def written() -> set:
    return set(Task.objects.values_list("id", flat=True))


class TestACompany:
    def test_is_written_with_the_holds_and_slots_of_all(self, task, acme, bolt):
        tasks = [task(), task(bolt.id), task()]
        assert company.write(tasks) == [True, True, True]
        assert written() == {each.id for each in tasks}
        assert (acme.held, acme.active, bolt.held, bolt.active) == (6, 2, 3, 1)

    def test_costs_one_statement_for_its_rows_and_one_for_their_accounts(self, task, bolt, django_assert_num_queries):
        tasks = [task(), task(bolt.id), task(), task()]
        with django_assert_num_queries(2 + 2):  # with the savepoint around them
            company.write(tasks)

    def test_who_cannot_pay_leaves_no_row_and_the_others_theirs(self, task, zero, acme):
        tasks = [task(), task(zero.id)]
        assert company.write(tasks) == [True, False]
        assert written() == {tasks[0].id}
        assert (acme.held, zero.held, zero.active) == (3, 0, 0)

    def test_wakes_the_workers_once_and_only_for_what_is_written(self, task, zero, bolt, django_capture_on_commit_callbacks):
        with django_capture_on_commit_callbacks() as woken:
            company.write([task(), task(zero.id), task(bolt.id)])
        assert len(woken) == 1

    def test_who_is_at_the_cap_goes_alone(self, task, acme):
        Account.objects.filter(id=acme.id).update(max_active=1)
        assert company.write([task(), task()]) == [False, False]
        assert (written(), acme.held, acme.active) == (set(), 0, 0)

    def test_falls_apart_over_a_key_that_is_taken(self, task, acme):
        assert company.write([task(key="a")]) == [True]
        assert company.write([task(key="b"), task(key="a")]) == [False, False]
        assert (acme.held, acme.active) == (3, 1)

    def test_is_not_tried_again_where_it_may_have_been_committed(self, task):
        with connection.execute_wrapper(lost_at("UPDATE accounts_account")), pytest.raises(OperationalError):
            company.write([task()])

    def test_falls_apart_over_a_deadlock(self, task, acme):
        with connection.execute_wrapper(lost_at("UPDATE accounts_account", code=1213)):
            assert company.write([task(), task()]) == [False, False]
        assert written() == set()


def lost_at(beginning: str, *, code: int = 2013):
    """The database fails at statements that begin so."""

    def execute(ask, sql, *rest):
        if sql.strip().startswith(beginning):
            raise OperationalError(code, "so it is")
        return ask(sql, *rest)

    return execute


def test_within_a_transaction_of_the_callers_nobody_joins(task):
    assert company.join(task()) is False
    assert written() == set()


@pytest.mark.usefixtures("many_writers")
class TestFortyAtOnce:
    """accept.one in as many threads: acme and a member who can pay for ten tasks of three credits, by turns."""

    @pytest.fixture
    def outcomes(self, acme, member, plasma):
        ten = member("ten", credits=10 * 3)
        start = Barrier(40)

        def orders(number):
            who = (acme, ten)[number % 2]
            order = who.order(MODEL, idempotency_key="twins" if number in (0, 2) else None)
            start.wait(10)
            try:
                accepted = accept.one(who.id, order, now=START)
                return who.account.name, accepted.task.id, accepted.replayed
            except accept.Problem as problem:
                return who.account.name, problem.code, None
            finally:
                connection.close()

        with ThreadPoolExecutor(40) as pool:
            return list(pool.map(orders, range(40))), ten

    def test_each_gets_its_own_answer_and_the_books_close(self, outcomes, acme):
        answers, ten = outcomes
        made = {id for _, id, replayed in answers if replayed is False}
        assert made == written()
        assert Counter(name for name, _, replayed in answers if replayed is False) == {"acme": 19, "ten": 10}
        assert Counter(code for name, code, replayed in answers if replayed is None) == {"insufficient_credits": 10}
        assert [replayed for _, _, replayed in answers].count(True) == 1
        assert (acme.held, acme.active, ten.held, ten.active) == (57, 19, 30, 10)
