"""What happens to worker hosts that are cut off."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tests.journeys.faults.deaths import DEADLY, PAST_A_LEASE_S
from tests.journeys.faults.judge import Findings, Row
from tests.journeys.faults.stage import Stage, Worker
from tests.journeys.faults.trouble import Scene, Trouble

from .lan import Host

ESTABLISHED = "01"  # as /proc/net/tcp has it
DONE = "SELECT COUNT(*) FROM tasks_app_task WHERE finished_at IS NOT NULL"
AT_WORK = "SELECT COUNT(*) FROM tasks_app_task WHERE lease_token <> 0"


def a_host_is_cut_off_past_its_leases_and_returned(scene: Scene) -> None:
    """Its tasks are done by the other host; returned, it may write nothing under its old leases, and takes its share again."""
    left, right = _hosts(scene)
    at_left, at_right = scene.stage.workers
    at_right.stop()  # so that it is the left one which has the leases that the cut takes along
    scene.wait_for("tasks are at work", lambda: int(scene.stage.sql(AT_WORK)[0][0]) >= 4, within_s=30)
    with cut_off(scene, left.cut_the_wire, left.mend_the_wire):
        at_right.start()
        scene.moment(PAST_A_LEASE_S, PAST_A_LEASE_S + 2)
        # Else a worker would wait for an answer that was lost in the cut, for hours after its return.
        scene.wait_for("it has given its connections up", lambda: not speaks_to(at_left, scene.stage.mariadb.port), within_s=5)
        others_go_on(scene)
    scene.afterwards.append(partial(leases_were_cut_off, scene))
    # What is done in this one is done by the host that was away.
    with cut_off(scene, right.drop_its_packets, right.let_its_packets_through):
        scene.moment(5, 7)
        others_go_on(scene)
    scene.load.join()


def its_packets_are_dropped_again_and_again(scene: Scene) -> None:
    """For less than a lease: on its return a host goes on with what it has, and knows what became of its calls."""
    hosts, number = _hosts(scene), 0

    def drop() -> None:
        nonlocal number
        host, number = hosts[number % 2], number + 1
        with cut_off(scene, host.drop_its_packets, host.let_its_packets_through):
            scene.moment(1.0, 8.0)

    scene.while_clients_post(drop, every_s=(0.5, 2.0), most=6)


@contextmanager
def cut_off(scene: Scene, cut: Callable[[], None], mend: Callable[[], None]) -> Iterator[None]:
    cut()
    scene.watch.killed()
    try:
        yield
    finally:
        mend()


def others_go_on(scene: Scene) -> None:
    before = _done(scene.stage)
    scene.wait_for("the other host does ten tasks more", lambda: _done(scene.stage) >= before + 10, within_s=60)


def speaks_to(worker: Worker, port: int) -> bool:
    """Whether a process of this worker's host has a connection to this port that its kernel holds for whole."""
    lines = [line.split() for line in Path(f"/proc/{worker.pid}/net/tcp").read_text().splitlines()[1:]]
    return any(int(line[2].rpartition(":")[2], 16) == port and line[3] == ESTABLISHED for line in lines)


def leases_were_cut_off(scene: Scene, found: Findings, rows: Mapping[str, Row]) -> None:
    """Else this was no cut: a lease that nobody extends lives on for 20 to 30 s."""
    if not any(moved >= 15 for moved in scene.watch.moved_s):
        found.wrong.append(f"no lease was left behind by the host that was cut off: they moved after {scene.watch.moved_s}")


# Its answers are lost in the cut, so a submit to an upstream without tokens may be given up; the leases it had live on until they end.
_cut = partial(Trouble, group="hosts", models=("fire/plasma", "fire/plasma", "fire/grit"), **DEADLY)
CUTS = (
    _cut(a_host_is_cut_off_past_its_leases_and_returned, tasks=240, over_s=75.0, moves_within_s=36.0),
    _cut(its_packets_are_dropped_again_and_again, tasks=100, over_s=30.0),
)


def _hosts(scene: Scene) -> list[Host]:
    return [worker.place for worker in scene.stage.workers]


def _done(stage: Stage) -> int:
    return int(stage.sql(DONE)[0][0])
