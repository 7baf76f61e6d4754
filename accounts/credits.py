"""What an account owns, has set aside and has at work: the only writer of `balance`, `held` and `active`.

Whole credits. Every function belongs inside the transaction that moves the task, so that both happen or neither.
What holds at each commit: `balance` is the sum of the account's ledger, `held` the sum of what its open tasks have
set aside, 0 ≤ held ≤ balance, and `active` the number of its open tasks that have a slot.

The account row is the hottest one: write other rows first, then the account in as few statements as possible, then
commit. Where several accounts are written in one transaction, it is in ascending order of id, so none waits in a circle.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Literal

from django.db import connection, transaction
from django.db.models import F, Sum
from django.db.models.functions import Coalesce

from .models import Account, LedgerEntry

Place = Literal["active", "parked"]
Kind = LedgerEntry.Kind

# By hand, for every task takes these: an UPDATE through the ORM costs 0.3 to 0.5 ms of CPU, one of these 0.05 ms.
FUNDED = "UPDATE accounts_account SET held = held + %(amount)s{} WHERE id = %(id)s AND is_enabled AND balance >= held + %(amount)s"
HOLD = FUNDED.format(", active = active + 1") + " AND active < max_active"
HOLD_PARKED = FUNDED.format("") + " AND active >= max_active"
HOLD_ALL = FUNDED.format(", active = active + %(slots)s") + " AND active + %(slots)s <= max_active"
HOLDING = """
    UPDATE accounts_account SET held = held + {amount}, active = active + {slots}
    WHERE id IN ({ids}) AND is_enabled AND balance >= held + {amount} AND active + {slots} <= max_active
"""
GIVE_SLOT_BACK = "UPDATE accounts_account SET active = active - 1 WHERE id = %(id)s"
TAKE_SLOT = "UPDATE accounts_account SET active = active + 1 WHERE id = %(id)s AND active < max_active"
SETTLE = """
    UPDATE accounts_account SET balance = balance - %(captured)s, held = held - %(held)s, active = active - %(slots)s WHERE id = %(id)s
"""


class InsufficientCredits(Exception):
    """A task needs `needed` credits and the account has only `free` that are not set aside."""

    def __init__(self, account: str, *, needed: int, free: int):
        super().__init__(f"{account} has {free} credits free and this task needs {needed}: grant more or lower the input.")
        self.needed = needed
        self.free = free


class AccountDisabled(Exception):
    """The account may read what it has but start nothing new."""

    def __init__(self, account: str):
        super().__init__(f"{account} is disabled and can start no tasks: ask the operator to enable it.")


@dataclass(frozen=True)
class Settlement:
    """The end of one task's hold: of `held` credits `captured` are spent and the rest is free again.

    `had_slot` says whether the task counted in `active`; `reference` is its public id, `model`
    what it was for.
    """

    account_id: int
    reference: str
    held: int
    captured: int
    had_slot: bool
    model: str = ""

    def __post_init__(self):
        if not 0 <= self.captured <= self.held:
            raise ValueError(f"{self.reference} holds {self.held} credits: it cannot capture {self.captured}.")


def hold(account_id: int, amount: int) -> Place:
    """Set `amount` aside for a new task; "active" where it got a slot, "parked" where the account is at its cap.

    Raises InsufficientCredits or AccountDisabled, having written nothing.
    """
    _refuse_negative(amount)
    if _update(HOLD, id=account_id, amount=amount):
        return "active"
    if _update(HOLD_PARKED, id=account_id, amount=amount):
        return "parked"
    # Refused; or a slot came free between the two statements. Under the row's lock it is one or the other.
    account = _lock(account_id)
    for place in _hold_locked(account, [amount]):
        return place
    raise InsufficientCredits(account.name, needed=amount, free=account.balance - account.held)


def hold_all(account_id: int, amounts: list[int]) -> bool:
    """Set aside all of `amounts`, each with a slot; False, with nothing written, where credits or slots do not suffice for all."""
    for amount in amounts:
        _refuse_negative(amount)
    return _update(HOLD_ALL, id=account_id, amount=sum(amounts), slots=len(amounts))


def holding(holds: Mapping[int, list[int]]) -> tuple[str, tuple, int]:
    """`hold_all` for several accounts: a statement, its values, and how many rows it writes where each account suffices for its own.

    Where it writes fewer, others' holds may be written all the same, and the transaction has to be rolled back.
    """
    for amount in chain.from_iterable(holds.values()):
        _refuse_negative(amount)
    amounts, slots = _by_id(holds, sum), _by_id(holds, len)
    return HOLDING.format(amount=amounts, slots=slots, ids=", ".join(f"{id:d}" for id in sorted(holds))), (), len(holds)


def hold_many(account_id: int, amounts: list[int]) -> list[Place]:
    """Set aside for each of `amounts` in order, until the credits do not suffice for the next: one place for each that got in.

    Raises AccountDisabled, having written nothing.
    """
    for amount in amounts:
        _refuse_negative(amount)
    return _hold_locked(_lock(account_id), amounts)


def settle(settlements: Iterable[Settlement], *, now: datetime) -> None:
    """End these holds: spend what each captured, free the rest, give back the slots."""
    settlements = list(settlements)
    with transaction.atomic(savepoint=False):
        LedgerEntry.objects.bulk_create(_capture(settled, now) for settled in settlements if settled.captured)
        for account_id, (captured, held, slots) in sorted(_sums(settlements).items()):
            if not _update(SETTLE, id=account_id, captured=captured, held=held, slots=slots):
                raise Account.DoesNotExist(f"There is no account {account_id}, but one of its tasks is to be settled.")


def take_slot(account_id: int) -> bool:
    """Count one more task at work, for one that was parked; False where the account is at its cap."""
    return _update(TAKE_SLOT, id=account_id)


def give_slot_back(account_id: int) -> None:
    """Undo `take_slot` where no task came to need the slot."""
    _update(GIVE_SLOT_BACK, id=account_id)


def grant(account_id: int, amount: int, *, by: str, note: str, now: datetime) -> None:
    """Add `amount` > 0 credits to the balance; `by` is who did it."""
    _refuse_unless(amount > 0, f"A grant is of 1 credit or more, not {amount}.")
    _book(LedgerEntry(account_id=account_id, kind=Kind.GRANT, amount=amount, by=by, note=note, created_at=now))


def refund(account_id: int, amount: int, *, reference: str, by: str, note: str = "", now: datetime) -> None:
    """Give back `amount` of what the task `reference` captured; once per task. Raises ValueError for more than that."""
    entry = LedgerEntry.objects.filter(account_id=account_id, reference=reference, kind=Kind.CAPTURE).first()
    captured = -entry.amount if entry else 0
    _refuse_unless(0 < amount <= captured, f"{reference} captured {captured} credits: {amount} of them cannot be refunded.")
    about = {"reference": reference, "model": entry.model}
    _book(LedgerEntry(account_id=account_id, kind=Kind.REFUND, amount=amount, by=by, note=note, created_at=now, **about))


def adjust(account_id: int, amount: int, *, by: str, note: str, now: datetime) -> None:
    """Correct the balance by `amount`, up or down. Raises ValueError where that would take what tasks have set aside."""
    _refuse_unless(amount != 0, "An adjustment by 0 credits changes nothing.")
    _book(LedgerEntry(account_id=account_id, kind=Kind.ADJUST, amount=amount, by=by, note=note, created_at=now))


def verify(account_id: int) -> list[str]:
    """What does not add up in this account, a sentence each; empty where all does."""
    # One statement, so one snapshot: a settlement between two would look like a fault.
    name, balance, booked = (
        Account.objects.filter(id=account_id)
        .annotate(booked=Coalesce(Sum("ledger__amount"), 0))
        .values_list("name", "balance", "booked")
        .get()
    )
    return [] if balance == booked else [f"{name} has a balance of {balance} credits, but its ledger sums to {booked}."]


def _update(statement: str, **values: int) -> bool:
    """Whether it matched the account."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.rowcount == 1


def _lock(account_id: int) -> Account:
    account = Account.objects.select_for_update().get(id=account_id)
    if not account.is_enabled:
        raise AccountDisabled(account.name)
    return account


def _hold_locked(account: Account, amounts: list[int]) -> list[Place]:
    places = _places(amounts, free=account.balance - account.held, room=account.max_active - account.active)
    if places:
        held = sum(amounts[: len(places)])
        Account.objects.filter(id=account.id).update(held=F("held") + held, active=F("active") + places.count("active"))
    return places


def _places(amounts: list[int], *, free: int, room: int) -> list[Place]:
    places: list[Place] = []
    for amount in amounts:
        if amount > free:
            break
        free -= amount
        places.append("active" if len(places) < room else "parked")
    return places


def _capture(settled: Settlement, now: datetime) -> LedgerEntry:
    return LedgerEntry(
        account_id=settled.account_id,
        kind=Kind.CAPTURE,
        amount=-settled.captured,
        reference=settled.reference,
        model=settled.model,
        created_at=now,
    )


def _by_id(holds: Mapping[int, list[int]], of: Callable[[list[int]], int]) -> str:
    """SQL for what an account's row gets of its amounts."""
    return f"CASE id {' '.join(f'WHEN {id:d} THEN {of(amounts):d}' for id, amounts in holds.items())} END"


def _sums(settlements: list[Settlement]) -> dict[int, list[int]]:
    """account id → credits captured, credits held, slots."""
    sums: dict[int, list[int]] = defaultdict(lambda: [0, 0, 0])
    for settled in settlements:
        total = sums[settled.account_id]
        total[0] += settled.captured
        total[1] += settled.held
        total[2] += settled.had_slot
    return sums


def _book(entry: LedgerEntry) -> None:
    """Write a ledger entry and move the balance by it, or neither."""
    with transaction.atomic(savepoint=False):
        entry.save(force_insert=True)
        free = Account.objects.filter(id=entry.account_id, balance__gte=F("held") - entry.amount)
        if not free.update(balance=F("balance") + entry.amount):
            account = Account.objects.get(id=entry.account_id)
            raise ValueError(f"{account.name} has {account.balance - account.held} credits free: {-entry.amount} cannot be taken.")


def _refuse_negative(amount: int) -> None:
    _refuse_unless(amount >= 0, f"A hold is of 0 credits or more, not {amount}.")


def _refuse_unless(holds: bool, message: str) -> None:
    if not holds:
        raise ValueError(message)
