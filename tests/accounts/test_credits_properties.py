"""Any order of operations, beside a model of what should come of it."""

from dataclasses import dataclass, field
from itertools import count

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts import credits
from accounts.models import Account

from .conftest import NOON, books

amounts = st.integers(0, 40)
numbers = count()

OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("hold"), amounts),
        st.tuples(st.just("hold_many"), st.lists(amounts, max_size=4)),
        st.tuples(st.just("settle"), st.lists(st.tuples(st.integers(0, 9), st.floats(0, 1)), max_size=4)),
        st.tuples(st.just("release_parked"), st.none()),
        st.tuples(st.just("grant"), st.integers(1, 60)),
        st.tuples(st.just("adjust"), st.integers(-80, 80).filter(bool)),
        st.tuples(st.just("refund"), st.floats(0, 1)),
    ),
    max_size=25,
)


@dataclass
class Open:
    reference: str
    held: int
    has_slot: bool


@dataclass
class Model:
    """One account in plain Python, and each operation done there and here."""

    account: Account
    balance: int = 0
    open: list[Open] = field(default_factory=list)
    captured: dict[str, int] = field(default_factory=dict)

    @property
    def held(self):
        return sum(task.held for task in self.open)

    @property
    def active(self):
        return sum(task.has_slot for task in self.open)

    @property
    def place(self):
        return "active" if self.active < self.account.max_active else "parked"

    def begin(self, amount, place):
        assert place == self.place
        self.open.append(Open(f"task_{next(numbers)}", amount, place == "active"))

    def hold(self, amount):
        if amount <= self.balance - self.held:
            self.begin(amount, credits.hold(self.account.id, amount))
        else:
            with pytest.raises(credits.InsufficientCredits), transaction.atomic():
                credits.hold(self.account.id, amount)

    def hold_many(self, amounts):
        places = credits.hold_many(self.account.id, amounts)
        for amount, place in zip(amounts, places, strict=False):
            self.begin(amount, place)
        assert len(places) == len(amounts) or amounts[len(places)] > self.balance - self.held

    def settle(self, picks):
        batch = []
        for pick, share in picks:
            if self.open:
                task = self.open.pop(pick % len(self.open))
                captured = self.captured[task.reference] = int(task.held * share)
                self.balance -= captured
                batch.append(credits.Settlement(self.account.id, task.reference, task.held, captured, task.has_slot))
        credits.settle(batch, now=NOON)

    def release_parked(self, _):
        parked = [task for task in self.open if not task.has_slot]
        if parked:
            assert credits.take_slot(self.account.id) == (self.place == "active")
            parked[0].has_slot = self.place == "active"

    def grant(self, amount):
        credits.grant(self.account.id, amount, by="olga", note="", now=NOON)
        self.balance += amount

    def adjust(self, amount):
        if self.balance + amount >= self.held:
            credits.adjust(self.account.id, amount, by="olga", note="", now=NOON)
            self.balance += amount
        else:
            with pytest.raises(ValueError, match="cannot be taken"), transaction.atomic():
                credits.adjust(self.account.id, amount, by="olga", note="", now=NOON)

    def refund(self, share):
        reference = next((name for name, captured in self.captured.items() if captured), None)
        if reference:
            amount = max(1, int(self.captured.pop(reference) * share))
            credits.refund(self.account.id, amount, reference=reference, by="olga", now=NOON)
            self.balance += amount


class TestAnyOrderOfOperations:
    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(operations=OPERATIONS, max_active=st.integers(0, 4))
    def test_keeps_the_books(self, db, operations, max_active):
        model = Model(Account.objects.create(name=f"acme {next(numbers)}", max_active=max_active))
        for name, argument in operations:
            getattr(model, name)(argument)
            assert books(model.account) == (model.balance, model.held, model.active)
            assert credits.verify(model.account.id) == []
            assert 0 <= model.held <= model.balance
