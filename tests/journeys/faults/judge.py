"""The books after a trouble: what Darkroom promised, held against its database, its files and what the upstreams say they sold.

A   at most one job is bought for a task, in all upstreams together; a retry is a task of its own
B   every task that was answered 201 is there and has come to its end: success, unless the upstream or the trouble stands in the way
C   balance = Σ ledger, held = 0, active = 0, one settlement for each task
D   no lease, lane or due time is left on a task that is over
E   each job bought has its attempt
F   events form an allowed path, with one end
G   each output has its file with the right hash, each file its output
H   one task for each idempotency key
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import pairwise

from tasks_app.engine.lifecycle import TERMINAL, TRANSITIONS
from tasks_app.ids import shown

from .load import Load
from .stage import Stage, wait_for

ENDS_WITHIN_S = 400.0  # a run that the cloud lost is waited for for two minutes before another is begun
# Where the upstream knows no token, a submit whose answer was lost cannot be asked about, and is never sent again.
WITHOUT_TOKEN = {f"fire/{name}" for name in ("grit", "either", "mute", "named", "sealed", "any", "near", "brief")}
UNKNOWN = "submission_outcome_unknown"
CLEAN_UP = "from tasks_app.workers import clean_up; clean_up()"
TASKS = """
    SELECT idempotency_key, LOWER(HEX(id)), model, status, IF(error_code = '', '-', error_code), lease_token, due_at IS NULL, lane = '',
           hold, COALESCE(captured, 0), account_id, JSON_VALUE(input, '$.prompt'),
           TIMESTAMPDIFF(MICROSECOND, created_at, COALESCE(finished_at, UTC_TIMESTAMP(6))) / 1e6
    FROM tasks_app_task WHERE idempotency_key LIKE '{fire}-%'
"""


@dataclass(frozen=True)
class Row:
    key: str
    id: str
    model: str
    status: str
    error: str
    lease: int
    is_at_rest: bool
    is_in_no_lane: bool
    hold: int
    captured: int
    account: str
    prompt: str  # by which the upstreams know it: its key, or that of the task that it repeats
    took_s: float

    @property
    def shown(self) -> str:
        return shown("task", bytes.fromhex(self.id))


@dataclass
class Findings:
    """`wrong`: a sentence each. `given_up`: by error code, tasks that came to a bad end for a reason that is no fault here.

    `notes`: what else was counted, for the page.
    """

    tasks: int = 0
    succeeded: int = 0
    lost: int = 0
    doubled: int = 0
    leaked: int = 0
    given_up: Counter = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    took_s: list[float] = field(default_factory=list)
    plasma_p95_s: float = 0.0
    ratio: float | None = None  # of that to the same in a calmer fire
    added_s: float = 0.0  # that, less the same in a calmer fire
    told_p99_s: float = 0.0  # from an event to its arrival at a receiver that behaves
    notes: list[str] = field(default_factory=list)
    drained_s: float | None = None


def judge(stage: Stage, load: Load, fire: str, *, may_fail: frozenset[str], loses_answers: bool, forgets: bool) -> Findings:
    """Wait for the end of every task of this fire, then read all books."""
    found = Findings(wrong=list(load.wrong))
    found.drained_s = wait_for(lambda: not still_open(stage), within_s=ENDS_WITHIN_S, every_s=0.25)
    rows = {row.key: row for row in read(stage, fire)}
    found.tasks, found.took_s = len(rows), sorted(row.took_s for row in rows.values())
    plasmas = sorted(row.took_s for row in rows.values() if row.model == "fire/plasma")
    found.plasma_p95_s = plasmas[int(len(plasmas) * 0.95)] if plasmas else 0.0
    if forgets:
        _forget(found, stage, load, rows)
    _every_task_is_there(found, load, rows)
    _every_task_has_ended_well(found, rows, may_fail, loses_answers)
    _nothing_is_bought_twice(found, stage, rows)
    _money_adds_up(found, stage, rows)
    _paths_are_allowed(found, stage, rows)
    _files_and_rows_agree(found, stage, rows)
    return found


def still_open(stage: Stage) -> int:
    ended = ", ".join(f"'{status}'" for status in sorted(TERMINAL))
    return int(stage.sql(f"SELECT COUNT(*) FROM tasks_app_task WHERE status NOT IN ({ended})")[0][0])


def read(stage: Stage, fire: str) -> list[Row]:
    kinds = (str, str, str, str, str, int, _yes, _yes, int, int, str, str, float)
    return [Row(*(kind(value) for kind, value in zip(kinds, line, strict=True))) for line in stage.sql(TASKS.format(fire=fire))]


def _yes(value: str) -> bool:
    return value == "1"


def _forget(found: Findings, stage: Stage, load: Load, rows: dict[str, Row]) -> None:
    """What went with a database that was put back to a backup is looked for nowhere: tasks, and attempts at those given up since."""
    gone = {key: id for key, id in load.ids.items() if key not in rows}
    for key in gone:
        del load.ids[key]
    tasks = {*gone.values(), *(row.shown for row in rows.values() if row.error == UNKNOWN)}
    tokens = {job.token for job in list(stage.upstreams["plasma"].jobs.values())}
    stage.forgotten |= {token for token in tokens if token.rpartition("-")[0] in tasks}
    found.notes.append(f"{len(gone)} tasks went with the database")


def _every_task_is_there(found: Findings, load: Load, rows: dict[str, Row]) -> None:
    for key, id in load.ids.items():
        if key not in rows or rows[key].shown != id:
            found.lost += 1
            found.wrong.append(f"{key} was accepted as {id} and is not there")
    for key in rows.keys() - load.ids.keys():
        found.wrong.append(f"{key} is there, and no client knows it")


def _every_task_has_ended_well(found: Findings, rows: dict[str, Row], may_fail: frozenset[str], loses_answers: bool) -> None:
    for row in rows.values():
        if row.status == "succeeded":
            found.succeeded += 1
        elif row.status not in TERMINAL:
            found.lost += 1
            found.wrong.append(f"{row.key} is still {row.status}")
        elif {row.error, row.status} & may_fail or (loses_answers and row.error == UNKNOWN and row.model in WITHOUT_TOKEN):
            found.given_up[row.error if row.error != "-" else row.status] += 1
        else:
            found.wrong.append(f"{row.key} for {row.model} ended as {row.status}: {row.error}")
        if row.status in TERMINAL and (row.lease or not row.is_at_rest or not row.is_in_no_lane):
            found.leaked += 1
            found.wrong.append(f"{row.key} is over, and a lease, lane or due time is left on it")


def _nothing_is_bought_twice(found: Findings, stage: Stage, rows: dict[str, Row]) -> None:
    bought: Counter[str] = Counter()
    for upstream in stage.upstreams.values():
        bought += upstream.bought_by()
    asked = Counter(row.prompt for row in rows.values())
    sold = Counter(job.token.rpartition("-")[0] for job in list(stage.upstreams["plasma"].jobs.values()))
    drawn = stage.drawn()  # a second run of a function is harmless, and nobody's purchase
    for key, row in rows.items():
        if bought[row.prompt] > asked[row.prompt] or sold[row.shown] > 1:
            found.doubled += 1
            found.wrong.append(f"{key} was bought {max(bought[row.prompt], sold[row.shown])} times")
        if row.status == "succeeded" and not bought[row.prompt] and row.shown not in drawn:
            found.wrong.append(f"{key} succeeded, and nobody sold it")
    attempted = {token for (token,) in stage.sql("SELECT token FROM tasks_app_attempt")}
    for job in list(stage.upstreams["plasma"].jobs.values()):
        if job.token not in attempted | stage.forgotten:
            found.wrong.append(f"plasma sold job {job.id} to {job.token}, an attempt that is not recorded")


def _money_adds_up(found: Findings, stage: Stage, rows: dict[str, Row]) -> None:
    accounts = """
        SELECT a.name, a.balance, (SELECT SUM(amount) FROM accounts_ledgerentry WHERE account_id = a.id), a.held, a.active
        FROM accounts_account a
    """
    for name, balance, booked, held, active in stage.sql(accounts):
        if balance != booked:
            found.wrong.append(f"{name} has {balance} credits, and its ledger sums to {booked}")
        if (held, active) != ("0", "0"):
            found.leaked += 1
            found.wrong.append(f"{name} has {held} credits held and {active} tasks at work, and all are over")
    booked = defaultdict(list)
    for reference, amount in stage.sql("SELECT reference, amount FROM accounts_ledgerentry WHERE kind = 'capture'"):
        booked[reference].append(-int(amount))
    for row in rows.values():
        due = [row.hold] if row.status == "succeeded" else []
        if booked[row.shown] != due or row.captured != sum(due):
            found.wrong.append(f"{row.key} {row.status}, its captures are {booked[row.shown]} and its row says {row.captured}")


def _paths_are_allowed(found: Findings, stage: Stage, rows: dict[str, Row]) -> None:
    paths: dict[str, list[str]] = defaultdict(lambda: ["queued"])
    # What somebody asked for is an event too, and no move.
    moves = "NOT JSON_CONTAINS_PATH(detail, 'one', '$.asked', '$.retried_as', '$.retry_of', '$.refunded')"
    for id, status in stage.sql(f"SELECT LOWER(HEX(task_id)), status FROM tasks_app_taskevent WHERE {moves} ORDER BY task_id, id"):
        paths[id].append(status)
    for row in rows.values():
        path = paths[row.id]
        is_allowed = all(after in TRANSITIONS.get(before, ()) for before, after in pairwise(path))
        if not is_allowed or path[-1] != row.status:
            found.wrong.append(f"{row.key} is {row.status}, and went {' → '.join(path)}")


def _files_and_rows_agree(found: Findings, stage: Stage, rows: dict[str, Row]) -> None:
    outputs = stage.sql("SELECT LOWER(HEX(task_id)), `key`, thumbnail_key, bytes, sha256 FROM tasks_app_output")
    having = {id for id, *_ in outputs}
    for row in rows.values():
        if (row.status == "succeeded") != (row.id in having):
            found.wrong.append(f"{row.key} is {row.status}, and {'has' if row.id in having else 'lacks'} an output")
    known, lying = set(), stage.files()
    for _, key, thumbnail_key, length, digest in outputs:
        known |= {key, thumbnail_key}
        if (str(len(lying.get(key, b""))), sha256(lying.get(key, b"")).hexdigest()) != (length, digest):
            found.wrong.append(f"{key} is not there, or not what its row says")
    if any(key.startswith("inputs/") for key in lying):
        stage.manage("shell", "-c", CLEAN_UP)
        lying = stage.files()
    flagged = {shown("task", bytes.fromhex(id)) for (id,) in stage.sql("SELECT HEX(id) FROM tasks_app_task WHERE flagged")}
    for key in sorted(key for key in lying.keys() - known if key.split("/")[1] not in flagged):  # what those have waits for the operator
        found.leaked += 1
        found.wrong.append(f"{key} is a file of no output")
