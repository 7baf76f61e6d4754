"""The cloud that our functions run in, as it may be at its worst. Only where there is one: FAULTS_IN=cloud."""

from contextlib import suppress

from tests.upstreams import answer, cut_before_answer, fail, twice

from .stage import FUNCTION
from .trouble import Scene, trouble

# A run that nobody was told of, one never begun though accepted, one delivered twice, no room (told in both ways), the cloud's own fault.
STUMBLES = (cut_before_answer(), cut_before_answer(accepts=False), fail("lost"), twice(), fail("432"), answer(429), answer(500))
SHARE = 0.5  # of the next invocations stumble


@trouble(models=(FUNCTION,), tasks=60, over_s=8.0)
def the_cloud_loses_runs_begins_them_twice_and_has_no_room(scene: Scene) -> None:
    """Each task is drawn, and its result is stored once; what was accepted and never begun is begun anew."""
    scf = scene.stage.sky.scf
    scf.will(*(scene.dice.choice(STUMBLES) for _ in range(60) if scene.dice.random() < SHARE), at="Invoke")
    count_runs(scene)
    scene.load.join()


@trouble(models=(FUNCTION,), tasks=60, over_s=10.0)
def functions_are_killed_in_mid_run(scene: Scene) -> None:
    """A run that died is begun anew, and its task succeeds; the others do not notice."""
    scf = scene.stage.sky.scf
    killed = 0

    def kill() -> None:
        nonlocal killed
        for id in [id for id, one in list(scf.executions.items()) if one.state == "RUNNING"][:2]:
            with suppress(AssertionError):  # it ended meanwhile
                scf.kill(id)
                killed += 1

    count_runs(scene)
    scene.while_clients_post(kill, every_s=(0.3, 0.9), most=20)
    scene.notes.append(f"{killed} runs were killed")


def count_runs(scene: Scene) -> None:
    """Tell in the end how many began from now on."""
    executions = scene.stage.sky.scf.executions
    before = len(executions)
    scene.afterwards.append(lambda found, rows: found.notes.append(f"{len(executions) - before} runs for {len(rows)} tasks"))
