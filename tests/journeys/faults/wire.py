"""What upstreams do, and what becomes of it on the way."""

from collections.abc import Mapping

from tests.upstreams import answer, cut_before_answer, cut_mid_json, garbage, hang, result_gone, rubbish_result, say

from .furnish import DEADLINE_S
from .judge import Findings, Row
from .names import Names
from .sealed import TREATMENTS
from .stage import wait_for
from .trouble import NotHere, Scene, trouble


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
    """Cut, no JSON, 401, 403, 404, 429, 500, 200 with an error inside, states unknown and earlier: no job that lives is given up for it."""
    statuses = [answer(status) for status in (401, 403, 404, 429, 500, 502, 503)]
    states = [say(word) for word in ("pondering", "waiting", "pending")]
    kinds = (*statuses, *states, answer(200), answer(429, retry_after=2), cut_before_answer(), cut_mid_json(), garbage())
    orders(scene, *kinds, at="poll", share=1.0, of=80)
    scene.load.join()


@trouble(tasks=60, over_s=5.0)
def submits_are_refused_for_the_moment(scene: Scene) -> None:
    """429 with and without Retry-After, 401, 402, 503: nothing was bought, so each is sent again.

    One refusal of a key is enough to leave an upstream alone for half a minute; it mends itself while nobody asks it.
    """
    kinds = (answer(429), answer(429, retry_after=3), answer(401), answer(402), answer(503))
    orders(scene, *kinds, at="submit", share=1.0, of=60)
    scene.load.join()
    for name in ("plasma", "grit"):
        scene.stage.upstreams[name].behave()


@trouble(tasks=60, over_s=5.0)
def results_are_cut_and_refused(scene: Scene) -> None:
    """They are fetched again, and never generated again."""
    kinds = (answer(500), answer(503), answer(429), cut_before_answer(), hang())
    orders(scene, *kinds, at="result", share=1.0, of=60)
    scene.load.join()


@trouble(tasks=60, over_s=5.0, may_fail=frozenset({"result_lost"}))
def results_are_gone_or_no_media(scene: Scene) -> None:
    """What cannot be kept is told at once as lost, costs nothing, and is not generated again."""
    orders(scene, result_gone(), rubbish_result(), at="submit", share=0.4, of=40)
    scene.load.join()


@trouble(
    tasks=90, over_s=6.0, models=("fire/brief", "fire/plasma", "fire/plasma"), may_fail=frozenset({"expired"}), as_in="nothing happens"
)
def an_upstream_asks_for_a_days_patience(scene: Scene) -> None:
    """429 with Retry-After of a day: what nobody else makes expires by its deadline and costs nothing, all else is made elsewhere."""
    scene.stage.upstreams["grit"].will(answer(429, retry_after=86_400), times=200)
    scene.load.join()

    def in_time(found: Findings, rows: Mapping[str, Row]) -> None:
        found.wrong += [
            f"{row.key} took {row.took_s:.0f} s to expire" for row in rows.values() if row.took_s > DEADLINE_S.get(row.model, 60) + 10
        ]

    scene.afterwards.append(in_time)


@trouble(tasks=60, over_s=8.0, models=("fire/named", "fire/any", "fire/plasma"))
def names_do_not_resolve(scene: Scene) -> None:
    """No such name, or a name server that fails: surely nothing was sent, so each is tried later, or elsewhere, and bought once."""
    names = names_of(scene)
    while scene.load.goes_on:
        names.mood = scene.dice.choice(("fails", "denies"))
        scene.moment(0.5, 2.5)
        names.behave()
        scene.moment(0.1, 0.5)


@trouble(tasks=80, over_s=8.0, models=("fire/named", "fire/plasma"), as_in="nothing happens")
def a_name_server_is_silent(scene: Scene) -> None:
    """Nothing is sent to whom it names, and all is once it speaks; the others' tasks take their usual time."""
    names_of(scene).mood = "silent"
    scene.load.join()
    scene.moment(2.0, 5.0)


@trouble(short=True, tasks=60, over_s=6.0, models=("fire/sealed", "fire/any", "fire/plasma"))
def tls_cannot_be_agreed_on(scene: Scene) -> None:
    """Certificates expired, self-signed, another host's; handshakes cut, and hanging: nothing is sent, each is tried again or elsewhere."""
    sealed = scene.stage.sealed
    sealed.met.clear()
    sealed.treats = TREATMENTS
    scene.load.join()
    scene.wait_for("each was met", lambda: all(sealed.met[how] for how in TREATMENTS), within_s=30)
    sealed.treats = (*TREATMENTS, "good", "good")
    scene.moment(3.0, 5.0)


@trouble(tasks=24, over_s=2.0, models=("fire/near",), loses_answers=True)
def a_worker_is_frozen_past_its_lease_between_intent_and_send(scene: Scene) -> None:
    """Nobody can know whether it had sent, so its tasks fail and cost nothing; and, awake again, it sends nothing."""
    # Its claims end 26 s after they began, since it extends none within their first 8 s; its fetches would end 30 s after their last byte.
    freeze_before_send(scene, after_s=3.5, for_s=24.0)
    grit = scene.stage.upstreams["grit"]

    def unsent(found: Findings, rows: Mapping[str, Row]) -> None:
        unknown = [key for key, row in rows.items() if row.error == "submission_outcome_unknown"]
        found.wrong += [f"{key} was sent under an old claim" for key in unknown if grit.bought_by()[key]]
        if not unknown:
            found.wrong.append("no claim had ended, so nothing was tried")

    scene.afterwards.append(unsent)


@trouble(tasks=24, over_s=2.0, models=("fire/near",))
def a_worker_is_frozen_for_half_a_lease_between_intent_and_send(scene: Scene) -> None:
    """Too little of its claim is left for a paid call, so it sends nothing and queues its tasks again: each is bought once."""
    freeze_before_send(scene, after_s=0.1, for_s=17.0)
    sent_anew = "SELECT COUNT(DISTINCT task_id) FROM tasks_app_attempt WHERE outcome = 'not_sent'"
    before = int(scene.stage.sql(sent_anew)[0][0])
    scene.wait_for("it gave its tasks up unsent", lambda: int(scene.stage.sql(sent_anew)[0][0]) > before, within_s=20)


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


def names_of(scene: Scene) -> Names:
    if scene.stage.names is None:
        raise NotHere("no name server of ours may run here: it takes root, port 53 and the right to mount")
    return scene.stage.names


def freeze_before_send(scene: Scene, *, after_s: float, for_s: float) -> None:
    """One worker has written its intents and waits for its tasks' pictures; it is frozen, the pictures come, it is thawed."""
    album, (sender, other) = scene.stage.album, scene.stage.workers
    other.kill()
    album.is_open = False
    scene.load.join()
    scene.wait_for("all pictures are waited for", lambda: album.waiting == len(scene.load.posts), within_s=20)
    scene.moment(after_s, after_s + 0.5)
    sender.freeze()
    other.start()
    scene.moment(for_s, for_s + 1)
    album.is_open = True
    scene.moment(0.3, 0.6)
    sender.thaw()
