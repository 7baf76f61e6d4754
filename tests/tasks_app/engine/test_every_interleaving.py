"""Two workers and one task, every beat in every order, a crash at any moment: all states there are, on paper.

The decisions are the engine's own. What the database does (claim, fence, record) is told here in a few lines, so that every state
can be visited; test_machine.py does it on a real database, by chance.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from providers.errors import GenerationFailed, Interrupted, Invalid, NotFound, NotSent, OutcomeUnknown, Unavailable
from providers.outcomes import Accepted, Facts, Failed, Finished, Found, Running
from tasks_app.engine import decisions
from tasks_app.engine.decisions import Move, Snapshot, Stopped, Stored, StoredOutput, Trace
from tasks_app.engine.lifecycle import TERMINAL, TRANSITIONS

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DEADLINE = NOW + timedelta(hours=1)
ATTEMPTS = 2  # a third would show nothing new
OUTCOMES = {
    "accepted": Accepted({"id": "x"}),
    "finished": Finished((Found("https://paper.example/0"),)),
    "not sent": NotSent(),
    "down": Unavailable(),
    "cut off": OutcomeUnknown(),
    "refused": Invalid(),
    "never bought": None,
    "runs": Running(),
    "failed": Failed(GenerationFailed()),
    "cut short": Failed(Interrupted()),
    "never seen": NotFound(),
    "stopped": Stopped(free=True),
    "kept": Stored((StoredOutput(type="image", content_type="image/png", bytes=1, sha256="", key="x"),)),
    "gone": Invalid(),
}
KINDS = frozenset({"image.generate"})
FACTS = {
    "honest": Facts(kinds=KINDS, recovery=frozenset({"replays"}), cancel="free"),
    "listed": Facts(kinds=KINDS, recovery=frozenset({"lists"})),
    "calls": Facts(kinds=KINDS, recovery=frozenset({"callback"})),
    "strict": Facts(kinds=KINDS, recovery=frozenset({"rejects"}), cancel="billed"),
    "deaf": Facts(kinds=KINDS),
}


@dataclass(frozen=True)
class Hand:
    """A claim as its worker holds it: the row as it was read, and what the call came to."""

    status: str
    attempt: int
    is_fresh: bool
    is_canceled: bool
    is_known: bool = False  # its accept was recorded by then
    is_hinted: bool = False  # its upstream had called by then
    outcome: str | None = None


@dataclass(frozen=True)
class State:
    """The row, what was recorded, called about and sold by attempt, and both workers' hands; `holder` is whose token the row carries."""

    status: str = "queued"
    holder: int | None = None
    attempt: int = 0
    lost: int = 0
    is_canceled: bool = False
    is_late: bool = False
    is_flagged: bool = False
    sold: tuple[int, ...] = ()
    recorded: frozenset[int] = frozenset()
    called: frozenset[int] = frozenset()
    hands: tuple[Hand | None, Hand | None] = (None, None)

    @property
    def now(self) -> datetime:
        return DEADLINE if self.is_late else NOW

    def snapshot(self, hand: Hand) -> Snapshot:
        return Snapshot(UUID(int=7), hand.status, 1, 0, self.lost, 1, 10, NOW, DEADLINE, None, hand.is_canceled)

    def with_hand(self, worker: int, hand: Hand | None) -> "State":
        return replace(self, hands=(hand, self.hands[1]) if worker == 0 else (self.hands[0], hand))


def after(state: State, facts: Facts) -> Iterator[State]:
    """Every state that can follow."""
    if state.status in TERMINAL:
        return
    if not state.is_late:
        yield replace(state, is_late=True)
    if state.status == "queued" and state.is_late:
        yield moved(state, Move("expired"))
    yield from canceled(state, facts)
    if facts.calls_back:
        yield from (replace(state, called=state.called | {attempt}) for attempt in set(state.sold) - state.called)
    for worker in (0, 1):
        if state.hands[worker] is None:
            yield from taken(state, worker)
        else:
            yield state.with_hand(worker, None)  # it dies; the row keeps its token
            yield from landed(state, worker, facts) if state.hands[worker].outcome else called(state, worker, facts)


def canceled(state: State, facts: Facts) -> Iterator[State]:
    if state.status == "queued":
        yield moved(state, Move("canceled"))
    elif not state.is_canceled and (state.status == "submitting" or (state.status == "running" and facts.cancel != "unsupported")):
        yield replace(state, is_canceled=True)


def taken(state: State, worker: int) -> Iterator[State]:
    """A claim, at any moment: of a row that is due, or of one whose lease ended because its holder died or sleeps."""
    if state.status == "queued" and not state.is_late and state.attempt < ATTEMPTS:
        hand = Hand("submitting", state.attempt + 1, True, state.is_canceled)
        yield replace(state, status="submitting", holder=worker, attempt=state.attempt + 1).with_hand(worker, hand)
    elif state.status in ("submitting", "running", "storing"):
        lost = state.lost + (state.holder is not None)
        hand = Hand(state.status, state.attempt, False, state.is_canceled, state.attempt in state.recorded, state.attempt in state.called)
        now = replace(state, holder=worker, lost=lost)
        out = decisions.after_lost_claims(now.snapshot(hand))
        yield moved(now, out) if out else now.with_hand(worker, hand)


def called(state: State, worker: int, facts: Facts) -> Iterator[State]:
    hand = state.hands[worker]
    step = {"submitting": to_submit, "running": to_poll, "storing": to_store}[hand.status]
    for outcome, is_sold in step(state, worker, hand, facts):
        sold = (*state.sold, hand.attempt) if is_sold else state.sold
        yield replace(state, sold=sold).with_hand(worker, replace(hand, outcome=outcome))


def to_submit(state: State, worker: int, hand: Hand, facts: Facts) -> Iterator[tuple[str, bool]]:
    """What engine/submit.py's call may come to, and whether it buys."""
    is_new = hand.attempt not in state.sold
    if hand.is_known:
        yield "accepted", False
    elif not hand.is_fresh and not facts.can_ask_again:
        yield "cut off", False
        if hand.is_hinted:
            yield from (("down", False), ("accepted", False))
    elif not is_new and not hand.is_fresh and "replays" not in facts.recovery:
        yield from ((outcome, False) for outcome in ("down", "cut off", "accepted"))  # a list may lag behind, and be cut off
    elif hand.is_fresh or facts.recovery & {"replays", "rejects"}:
        yield from ((outcome, False) for outcome in ("not sent", "down", "cut off"))
        if state.holder == worker:  # else it slept past its lease, and so past the time in which it may send
            yield from ((outcome, is_new) for outcome in ("accepted", "finished", "cut off"))
            yield from [("refused", False)] if is_new else []
    else:
        yield from ((outcome, False) for outcome in ("down", "cut off", "never bought"))


def to_poll(state: State, worker: int, hand: Hand, facts: Facts) -> Iterator[tuple[str, bool]]:
    yield from ((outcome, False) for outcome in ("runs", "finished", "failed", "never seen", "down"))
    if "replays" in facts.recovery:  # of the others none would say so
        yield "cut short", False
    if decisions.stop_wanted(state.snapshot(hand), facts, state.now):
        yield "stopped", False


def to_store(state: State, worker: int, hand: Hand, facts: Facts) -> Iterator[tuple[str, bool]]:
    yield from ((outcome, False) for outcome in ("kept", "down", "gone"))


def landed(state: State, worker: int, facts: Facts) -> Iterator[State]:
    """The record is written without the fence, the row only under it."""
    hand = state.hands[worker]
    outcome = OUTCOMES[hand.outcome]
    state = state.with_hand(worker, None)
    if hand.status == "submitting":
        outcome = outcome if hand.is_fresh else decisions.heard_again(outcome, facts, trace_of(state, hand), state.now)
        if isinstance(outcome, Accepted):
            state = replace(state, recorded=state.recorded | {hand.attempt})
        elif facts.calls_back or not hand.is_fresh:
            outcome = decisions.weighed(outcome, trace_of(state, hand))
    if (state.holder, state.status, state.attempt) != (worker, hand.status, hand.attempt):
        yield state
        return
    match hand.status:
        case "submitting":
            decision = decisions.after_submit(state.snapshot(hand), outcome, facts, state.now, trace=trace_of(state, hand))
        case "running":
            decision = decisions.after_poll(state.snapshot(hand), outcome, facts, state.now)
            if hand.outcome == "cut short":  # its upstream says that nothing is charged for it
                state = replace(state, sold=tuple(attempt for attempt in state.sold if attempt != hand.attempt))
        case _:
            decision = decisions.after_store(state.snapshot(hand), outcome, DEADLINE, state.now)
    if not isinstance(decision, Move):
        yield replace(state, holder=None, lost=0)
    elif decision.status == "queued" and state.is_canceled:
        yield moved(state, Move("canceled"))
    else:
        yield moved(state, decision)


def trace_of(state: State, hand: Hand) -> Trace:
    accepted = OUTCOMES["accepted"] if hand.attempt in state.recorded else None
    return Trace(NOW, accepted, called=hand.attempt in state.called, hint={"id": "x"} if hand.is_hinted else None)


def moved(state: State, move: Move) -> State:
    assert move.status in TRANSITIONS[state.status], f"{state.status} → {move.status}"
    return replace(state, status=move.status, holder=None, lost=0, is_flagged=state.is_flagged or move.flag)


def one_of_twins(state: State) -> State:
    """The workers are alike: a state and its mirror image count as one."""
    mirrored = replace(state, hands=state.hands[::-1], holder=None if state.holder is None else 1 - state.holder)
    return min(state, mirrored, key=lambda twin: (twin.holder or 0, repr(twin.hands)))


@pytest.fixture(scope="module", params=FACTS)
def states(request) -> dict[State, set[State]]:
    """Every state that can be reached, and what may follow it."""
    facts, found, left = FACTS[request.param], {}, [State()]
    while left:
        if (state := left.pop()) not in found:
            found[state] = {one_of_twins(following) for following in after(state, facts)}
            left += found[state]
    return found


def test_no_task_is_bought_twice(states):
    assert [state for state in states if len(state.sold) > 1] == []


def test_every_state_has_a_way_to_an_end(states):
    before = {state: set() for state in states}
    for state, following in states.items():
        for one in following:
            before[one].add(state)
    reached = left = {state for state in states if state.status in TERMINAL}
    while left:
        left = {earlier for state in left for earlier in before[state]} - reached
        reached = reached | left
    assert states.keys() - reached == set()
