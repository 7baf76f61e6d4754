"""Processes killed, told to end, frozen."""

import itertools
import os
import signal
import time

from tasks_app.engine.claims import LEASE

from .stage import Stage, Worker, administrator, ports_of
from .trouble import Scene, trouble
from .watch import MOVES_WITHIN_S

PAST_A_LEASE_S = LEASE.total_seconds() + 3
LONG = {"tasks": 120, "over_s": 16.0}
PROCESSES = "information_schema.processlist"
# A worker that dies takes answers along, and a task whose workers die three times in a row is taken out.
DEADLY = {"may_fail": frozenset({"quarantined"}), "loses_answers": True}


@trouble()
def nothing_happens(scene: Scene) -> None:
    """The calm that the others are compared with."""


@trouble(tasks=100, over_s=14.0, short=True, **DEADLY)
def everything_is_killed_in_turn_while_a_worker_is_frozen_past_its_lease(scene: Scene) -> None:
    """Nothing is lost, nothing is bought twice; what the frozen worker held is done by the other, and once awake it writes nothing."""
    stage = scene.stage
    frozen, other = stage.workers
    scene.moment(1.0, 2.0)
    frozen.freeze()
    scene.watch.killed()
    wakes_at = time.monotonic() + PAST_A_LEASE_S
    victims = [other, stage.beat, stage.redis, stage.web, stage.mariadb]
    scene.dice.shuffle(victims)
    for victim in victims:
        scene.moment(0.3, 1.2)
        scene.kill(victim)
    time.sleep(max(0.0, wakes_at - time.monotonic()))
    frozen.thaw()


@trouble(**LONG, **DEADLY, moves_within_s=MOVES_WITHIN_S)
def workers_are_killed_again_and_again(scene: Scene) -> None:
    """A dead worker's tasks move again within 30 s; each is bought once."""
    scene.while_clients_post(lambda: scene.kill(at_work(scene)), every_s=(1.0, 4.0))


@trouble(**LONG)
def web_is_killed_again_and_again(scene: Scene) -> None:
    """Whoever was answered 201 has a task; whoever was not posts again, and has one too, not two."""
    scene.while_clients_post(lambda: scene.kill(scene.stage.web), every_s=(0.5, 3.0))


@trouble(**LONG)
def one_of_webs_processes_is_killed_again_and_again(scene: Scene) -> None:
    """The others answer, and its place is filled."""
    web = scene.stage.web
    scene.while_clients_post(lambda: os.kill(scene.dice.choice(web.children() or [web.pid]), signal.SIGKILL), every_s=(0.3, 1.5), most=20)


@trouble(**LONG)
def beat_is_killed_and_stays_away(scene: Scene) -> None:
    """Nobody notices: workers tick by themselves."""
    scene.moment(0.5, 1.5)
    scene.stage.beat.kill()
    scene.load.join()


@trouble(**LONG)
def redis_is_killed_again_and_again(scene: Scene) -> None:
    """Nothing lost, nothing doubled: it holds wake-ups and caches only."""
    scene.while_clients_post(lambda: scene.kill(scene.stage.redis), every_s=(0.3, 2.0))


@trouble(**LONG)
def mariadb_is_killed_again_and_again(scene: Scene) -> None:
    """Every 201 is there after its recovery; no outcome of a paid call is forgotten meanwhile."""
    scene.while_clients_post(lambda: scene.kill(scene.stage.mariadb), every_s=(1.0, 4.0))


@trouble(**LONG, **DEADLY)
def all_that_runs_is_killed_at_random(scene: Scene) -> None:
    """The sum of all the others."""
    scene.while_clients_post(lambda: scene.kill(scene.dice.choice(scene.stage.servers)), every_s=(0.3, 2.5))


@trouble(**LONG, moves_within_s=20.0)
def workers_are_told_to_end_with_calls_open(scene: Scene) -> None:
    """They finish what is open or give it back: no outcome is unknown, nothing waits for the end of its lease."""

    def end_one() -> None:
        worker = at_work(scene)
        worker.stop()
        scene.watch.killed()
        worker.start()

    for upstream in scene.stage.upstreams.values():
        upstream.travel_s = (0.5, 2.0)
    scene.while_clients_post(end_one, every_s=(1.0, 3.0))


@trouble(**LONG)
def web_is_told_to_end_with_requests_open(scene: Scene) -> None:
    """Requests that have begun are answered."""
    scene.while_clients_post(lambda: scene.stage.web.restart(), every_s=(1.0, 3.0))


@trouble(tasks=80, over_s=6.0, **DEADLY)
def a_worker_is_frozen_past_its_lease_with_submits_on_the_way(scene: Scene) -> None:
    """The other one asks what became of them; the frozen one, awake again, may write nothing and sends nothing."""
    worker, plasma = scene.stage.workers[0], scene.stage.upstreams["plasma"]
    enough = plasma.bought + scene.dice.randint(5, 20)
    scene.wait_for("some jobs are bought", lambda: plasma.bought >= enough, within_s=20)
    worker.freeze()
    scene.watch.killed()
    scene.moment(PAST_A_LEASE_S, PAST_A_LEASE_S + 3)
    worker.thaw()


@trouble(tasks=80, over_s=6.0, **DEADLY)
def both_workers_are_frozen_past_their_leases(scene: Scene) -> None:
    """Awake at once, they take their own rows anew, and each other's."""
    scene.moment(1.5, 4.0)
    for worker in scene.stage.workers:
        worker.freeze()
    scene.moment(PAST_A_LEASE_S, PAST_A_LEASE_S + 3)
    for worker in scene.stage.workers:
        worker.thaw()


@trouble(tasks=120, over_s=15.0, **DEADLY)
def a_worker_is_frozen_in_mid_transaction(scene: Scene) -> None:
    """What it had locked is free again within 15 s, and the other worker goes on."""
    stage, frozen = scene.stage, []
    scene.moment(1.0, 3.0)
    with administrator(stage) as cursor:
        # It has to wait for a lock, is frozen, and gets the lock.
        cursor.execute("BEGIN")
        cursor.execute("SELECT id FROM accounts_account ORDER BY id FOR UPDATE")
        scene.wait_for("a worker waits for a lock", lambda: frozen.extend(waiting(stage)) or frozen != [], within_s=20)
        frozen[0].freeze()
        scene.watch.killed()
        cursor.execute("ROLLBACK")
    scene.wait_for("no lock is left", lambda: not set(lockers(stage)) & ports_of(frozen[0].pid), within_s=15)
    done = "SELECT COUNT(*) FROM tasks_app_task WHERE finished_at IS NOT NULL"
    before = int(stage.sql(done)[0][0])
    scene.wait_for("the other worker goes on", lambda: int(stage.sql(done)[0][0]) >= before + 10, within_s=30)
    frozen[0].thaw()


def at_work(scene: Scene) -> Worker:
    """One of the workers that have begun, once there are claims; to be ended in mid-work."""
    begun: list[Worker] = []

    def is_there() -> bool:
        begun[:] = scene.stage.begun()
        return begun != [] and scene.stage.sql("SELECT COUNT(*) FROM tasks_app_task WHERE lease_token <> 0") != [["0"]]

    scene.wait_for("a worker is at work", is_there, within_s=60)
    return scene.dice.choice(begun)


def waiting(stage: Stage) -> list[Worker]:
    ports = set(lockers(stage, "trx_state = 'LOCK WAIT'"))
    return [worker for worker in stage.workers if ports & ports_of(worker.pid)]


def lockers(stage: Stage, which: str = "trx_rows_locked > 0") -> list[str]:
    """The client ports of the transactions that hold, or wait for, locks."""
    ids = f"SELECT trx_mysql_thread_id FROM information_schema.innodb_trx WHERE {which}"
    ports = stage.sql(f"SELECT SUBSTRING_INDEX(host, ':', -1) FROM {PROCESSES} WHERE id IN ({ids})")
    return list(itertools.chain(*ports))
