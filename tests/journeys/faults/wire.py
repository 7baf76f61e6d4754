"""What upstreams do, and what becomes of it on the way."""

from tests.upstreams import answer, cut_before_answer, cut_mid_json, garbage, hang

from .stage import wait_for
from .trouble import Scene, trouble


def orders(scene: Scene, *kinds, at: str, share: float, of: int) -> None:
    """Each of the next requests to that door meets one of these troubles, or, as often as the share leaves over, none."""
    for name in ("plasma", "grit"):
        for _ in range(of):
            if scene.dice.random() < share:
                scene.stage.upstreams[name].will(scene.dice.choice(kinds), at=at)


@trouble(short=True, tasks=60, over_s=5.0, loses_answers=True)
def the_wire_breaks_before_during_and_after_an_accept(scene: Scene) -> None:
    """plasma is asked again with the same token; grit never, and its customer gets the credits back."""
    cuts = (cut_before_answer(accepts=False), cut_mid_json(), cut_before_answer(), garbage(), hang(), hang(accepts=False))
    orders(scene, *cuts, at="submit", share=0.8, of=40)
    scene.load.join()


@trouble(tasks=60, over_s=5.0)
def polls_are_answered_with_anything_but_a_verdict(scene: Scene) -> None:
    """Cut, cut short, no JSON, 401, 403, 404, 429, 500, 200 with an error inside: no job that lives is given up for any of it."""
    statuses = [answer(status) for status in (401, 403, 404, 429, 500, 502, 503)]
    kinds = (*statuses, answer(200), answer(429, retry_after=2), cut_before_answer(), cut_mid_json(), garbage())
    orders(scene, *kinds, at="poll", share=1.0, of=80)
    scene.load.join()


@trouble(tasks=60, over_s=5.0)
def submits_are_refused_for_the_moment(scene: Scene) -> None:
    """429 with and without Retry-After, 401, 402, 503: nothing was bought, so each is sent again."""
    kinds = (answer(429), answer(429, retry_after=3), answer(401), answer(402), answer(503))
    orders(scene, *kinds, at="submit", share=1.0, of=60)
    scene.load.join()


@trouble(tasks=60, over_s=5.0)
def results_are_cut_and_refused(scene: Scene) -> None:
    """They are fetched again, and never generated again."""
    kinds = (answer(500), answer(503), answer(429), cut_before_answer(), hang())
    orders(scene, *kinds, at="result", share=1.0, of=60)
    scene.load.join()


@trouble(tasks=100, over_s=8.0)
def upstreams_are_out_of_reach(scene: Scene) -> None:
    """Connections are refused: surely nothing was sent, so all is sent later, and once."""
    for name in ("plasma", "grit"):
        scene.stage.upstreams[name].__exit__()
    scene.load.join()
    for name in ("plasma", "grit"):
        scene.stage.upstreams[name].__enter__()


@trouble(tasks=100, over_s=6.0, models=("fire/plasma",), accounts=("acme",))
def a_hundred_tasks_come_at_once(scene: Scene) -> None:
    """The calm that the next one is compared with."""


@trouble(
    tasks=400,
    over_s=6.0,
    models=("fire/mute", "fire/mute", "fire/mute", "fire/plasma"),
    accounts=("acme",),
    loses_answers=True,
    as_in="a hundred tasks come at once",
)
def an_upstream_never_answers_while_another_is_asked(scene: Scene) -> None:
    """The other's hundred tasks take their usual time."""
    mute = scene.stage.upstreams["mute"]
    mute.silent = True
    scene.load.join()
    others = "SELECT COUNT(*) FROM tasks_app_task WHERE model = 'fire/plasma' AND finished_at IS NULL"
    wait_for(lambda: scene.stage.sql(others) == [["0"]], within_s=120)
    mute.silent = False
