"""A bucket that stumbles while results are stored in it."""

from tests.upstreams import Cos, answer, cut_before_answer, wrong_checksum

from .deaths import DEADLY, at_work
from .judge import still_open
from .stage import Stage
from .trouble import Scene, trouble

PUTS, SHARE = 150, 0.6  # so many of the next ones may stumble, and how many of them do
STUMBLES = (answer(500), answer(503), cut_before_answer(), cut_before_answer(accepts=False), wrong_checksum())


def keep_in_a_bucket(scene: Scene) -> None:
    """Web and workers start anew, and keep their files there; unless they have done so all the while."""
    if scene.stage.sky:
        scene.bucket = scene.stage.sky.cos
        return
    scene.bucket = Cos().__enter__()
    serve(scene.stage, scene.bucket.variables)


@trouble(first=keep_in_a_bucket, tasks=80, over_s=8.0, **DEADLY)
def the_bucket_stumbles_while_results_are_stored(scene: Scene) -> None:
    """5xx, cuts before and after it took the bytes, out of reach for seconds, a worker killed: each result is stored, and once."""
    stage, cos = scene.stage, scene.bucket
    try:
        before = cos.requests["put"]
        cos.will(*(scene.dice.choice(STUMBLES) for _ in range(PUTS) if scene.dice.random() < SHARE), at="put")
        scene.wait_for("results are stored", lambda: cos.requests["put"] >= before + 10, within_s=60)
        cos.stop()
        scene.moment(2.0, 5.0)
        cos.__enter__()
        scene.kill(at_work(scene))
        scene.load.join()
        scene.wait_for("all tasks are over", lambda: not still_open(stage), within_s=120)
        strays = stage.manage("storage", "strays", "--delete", **cos.variables).splitlines()[-1]
        scene.notes.append(f"{cos.requests['put'] - before} puts; {strays.rstrip('.')}")
    finally:
        if not stage.sky:
            serve(stage, {})
            move_to_disk(cos, stage)


def move_to_disk(cos: Cos, stage: Stage) -> None:
    """All that the bucket has, what is nobody's too: there the books look for it."""
    cos.stop()
    for key, object in cos.objects.items():
        path = stage.storage / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(object.read())


def serve(stage: Stage, variables: dict[str, str]) -> None:
    """Web and workers start anew, with these variables besides the stage's."""
    for server in (stage.web, *stage.workers):
        server.stop()
        server.environment = stage.environment | variables
        server.start()
