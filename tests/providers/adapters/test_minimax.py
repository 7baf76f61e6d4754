"""MiniMax's adapter for version 1: its words, by the tables of its pages; and its promises, against the simulator."""

from urllib.parse import urlsplit

import pytest
from django.test import Client

from providers import offers
from providers.adapters import minimax
from providers.adapters.minimax import FACTS, Adapter
from providers.errors import (
    GenerationFailed,
    Invalid,
    Moderated,
    NotFound,
    OutcomeUnknown,
    QuotaExceeded,
    RateLimited,
    Unauthenticated,
    Unavailable,
)
from providers.outcomes import Accepted, Callback, Failed, Heard, Running
from tests.upstreams import Receiver, answer, fail, finish_without_output
from tests.upstreams.minimax import CHALLENGE, MiniMax
from tests.upstreams.receiver import reply

from . import asking
from .asking import FRAME, HOOK, LAST, fullest, job
from .conformance import Conformance

HAILUO, FAST, OLDER = "MiniMax-Hailuo-2.3", "MiniMax-Hailuo-2.3-Fast", "MiniMax-Hailuo-02"


class TestHailuo(Conformance):
    SIMULATOR, VENDOR, MODEL = MiniMax, "minimax", "minimax/hailuo-2.3"
    # A model that is gone is a wrong parameter to it; and each of its words for trouble leaves open whether the job was bought.
    NO_WORD_FOR = frozenset({"no_model", "unavailable"})

    def test_its_challenge_is_answered_at_the_address_of_a_job(self, upstream, submits):
        submits()
        (made,) = upstream.jobs.values()
        answered = Client().post(urlsplit(made.address).path, {"challenge": CHALLENGE}, content_type="application/json")
        assert (answered.status_code, answered.json()) == (200, {"challenge": CHALLENGE})


def asked(simulator, road, **credentials):
    return asking.asked("minimax", simulator, road, **credentials)


@pytest.fixture
def upstream():
    with MiniMax(manual=True) as simulator:
        yield simulator


class TestAnOrder:
    @pytest.mark.parametrize(
        ("ordered", "body"),
        [
            (job(HAILUO), {"model": HAILUO, "prompt": "a kite", "callback_url": HOOK}),
            (
                job(HAILUO, {"duration": 6.0, "resolution": "1080p"}, callback_url=""),
                {"model": HAILUO, "prompt": "a kite", "duration": 6, "resolution": "1080P"},
            ),
            (
                job(OLDER, {"frame_images": [LAST, FRAME]}, callback_url=""),
                {
                    "model": OLDER,
                    "prompt": "a kite",
                    "first_frame_image": "https://a.example/1.png",
                    "last_frame_image": "https://a.example/2.png",
                },
            ),
        ],
        ids=["a text", "without a call", "frames"],
    )
    def test_is_written_in_its_words_and_taken(self, upstream, ordered, body):
        assert minimax._written(ordered) == body
        assert isinstance(asked(upstream, lambda adapter: adapter.submit(ordered)), Accepted)

    @pytest.mark.parametrize(
        ("ordered", "field"),
        [
            (job(HAILUO, {"seed": 7}), "seed"),
            (job(HAILUO, {"aspect_ratio": "1:1"}), "aspect_ratio"),
            (job(HAILUO, {"generate_audio": True}), "generate_audio"),
            (job(HAILUO, {"duration": 10, "resolution": "1080p"}), "duration"),
            (job(HAILUO, {"frame_images": [FRAME, LAST]}), "frame_images"),
            (job(OLDER, {"frame_images": [LAST]}), "frame_images"),
            (job(FAST), "frame_images"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_of_what_it_cannot_do_is_refused_by_name_and_not_sent(self, upstream, ordered, field):
        with pytest.raises(Invalid) as refused:
            asked(upstream, lambda adapter: adapter.submit(ordered))
        assert (refused.value.field, upstream.connections) == (field, 0)

    @pytest.mark.parametrize("media", [True, False], ids=["all", "what it needs"])
    @pytest.mark.parametrize("model", offers.of("minimax").models, ids=lambda model: model.name)
    def test_of_each_model_that_we_offer_is_taken_with_all_that_its_schema_has(self, upstream, model, media):
        ordered = fullest(model, media=media)
        ordered = job(ordered.model, {**ordered.input, "duration": 6})
        assert isinstance(asked(upstream, lambda adapter: adapter.submit(ordered)), Accepted)


class TestItsCodes:
    """Each as its pages class it; `submit` where that differs."""

    @pytest.mark.parametrize(
        ("code", "asking", "submit"),
        [
            (2013, NotFound, Invalid),
            (1042, Invalid, None),
            (1026, Moderated, None),
            (1027, Moderated, None),
            (1004, Unauthenticated, None),
            (2049, Unauthenticated, None),
            (1008, QuotaExceeded, None),
            (2056, QuotaExceeded, None),
            (1002, RateLimited, None),
            (1039, RateLimited, None),
            (2045, RateLimited, None),
            (1041, RateLimited, None),
            (1000, Unavailable, OutcomeUnknown),
            (1001, Unavailable, OutcomeUnknown),
            (1013, Unavailable, OutcomeUnknown),
            (1024, Unavailable, OutcomeUnknown),
            (1033, Unavailable, OutcomeUnknown),
            (9999, Unavailable, OutcomeUnknown),
            ("1002", Unavailable, OutcomeUnknown),
        ],
    )
    def test_mean(self, upstream, code, asking, submit):
        handle = asked(upstream, lambda adapter: adapter.submit(job(HAILUO))).handle
        upstream.will(answer(200, code=code))
        upstream.will(answer(200, code=code), at="poll")
        with pytest.raises(asking) as asked_about:
            asked(upstream, lambda adapter: adapter.poll(job(HAILUO, handle=handle)))
        with pytest.raises(submit or asking) as submitted:
            asked(upstream, lambda adapter: adapter.submit(job(HAILUO)))
        assert (type(asked_about.value), type(submitted.value)) == (asking, submit or asking)

    def test_of_a_gateway_leave_open_what_was_bought(self, upstream):
        upstream.will(answer(502, code="?"), answer(500, code=0))
        for _ in range(2):
            with pytest.raises(OutcomeUnknown):
                asked(upstream, lambda adapter: adapter.submit(job(HAILUO)))

    def test_that_are_the_clients_fault_are_told_in_its_text_and_others_are_not(self, upstream):
        upstream.will(answer(200, code=2013), answer(200, code=1008))
        with pytest.raises(Invalid, match="as ordered"):
            asked(upstream, lambda adapter: adapter.submit(job(HAILUO)))
        with pytest.raises(QuotaExceeded, match=r"^Our quota at the upstream is used up. MiniMax's code is 1008.$"):
            asked(upstream, lambda adapter: adapter.submit(job(HAILUO)))


class TestAJob:
    def polled(self, upstream, *orders):
        upstream.will(*orders)
        handle = asked(upstream, lambda adapter: adapter.submit(job(HAILUO))).handle
        upstream.finish()
        return asked(upstream, lambda adapter: adapter.poll(job(HAILUO, handle=handle)))

    def test_that_is_done_is_fetched_by_the_address_of_its_file(self, upstream):
        outcome = self.polled(upstream)
        assert [found.url for found in outcome.outputs] == [f"{upstream.url}/results/{next(iter(upstream.jobs))}/0"]

    def test_whose_file_cannot_be_asked_about_now_is_no_loss(self, upstream):
        upstream.will(answer(200, code=1000), answer(200, code=1002), answer(200, code=0), at="file")
        handle = asked(upstream, lambda adapter: adapter.submit(job(HAILUO))).handle
        upstream.finish()
        for error in (Unavailable, RateLimited, Unavailable):
            with pytest.raises(error):
                asked(upstream, lambda adapter: adapter.poll(job(HAILUO, handle=handle)))

    @pytest.mark.parametrize(
        ("order", "error"), [(fail(), GenerationFailed), (fail("moderated"), Moderated), (finish_without_output(), minimax.NoOutput)]
    )
    def test_that_gives_nothing_says_why(self, upstream, order, error):
        outcome = self.polled(upstream, order)
        assert isinstance(outcome, Failed)
        assert type(outcome.error) is error

    @pytest.mark.parametrize("word", ["Preparing", "Queueing", "Processing", "Dreaming"])
    def test_in_any_other_state_runs(self, upstream, word):
        handle = asked(upstream, lambda adapter: adapter.submit(job(HAILUO))).handle
        upstream.write_job = lambda job, now: upstream.write_status(MiniMax.write_job(upstream, job, now), word)
        assert asked(upstream, lambda adapter: adapter.poll(job(HAILUO, handle=handle))) == Running()

    def test_that_is_another_is_no_news_of_ours(self, upstream):
        asked(upstream, lambda adapter: adapter.submit(job(HAILUO)))
        upstream.jobs["7"] = next(iter(upstream.jobs.values()))  # and says its own id
        for _ in ("running", "failed"):
            with pytest.raises((Unavailable, NotFound)):
                asked(upstream, lambda adapter: adapter.poll(job(HAILUO, handle={"id": "7"})))
            upstream.finish()


class TestACall:
    def test_is_answered_before_there_is_a_job_and_names_it_then(self):
        hear = Adapter.hear
        assert hear(Callback({}, b'{"challenge": "x"}')) == Heard(answer={"challenge": "x"})
        assert hear(Callback({}, b'{"challenge": "x"}')).is_handshake
        assert hear(Callback({}, b'{"task_id": "7", "status": "processing", "base_resp": {}}')) == Heard({"id": "7"})
        assert hear(Callback({}, b'{"task_id": "../7", "status": "processing"}')) == Heard()

    def test_says_which_job_a_lost_submit_made(self, upstream):
        asked(upstream, lambda adapter: adapter.submit(job(HAILUO)))
        hint = {"id": next(iter(upstream.jobs))}
        assert asked(upstream, lambda adapter: adapter.find(job(HAILUO, hint=hint))) == Accepted(hint)

    def test_about_the_job_of_another_or_about_none_is_not_believed(self, upstream):
        asked(upstream, lambda adapter: adapter.submit(job(HAILUO)))
        hint = {"id": next(iter(upstream.jobs))}
        with pytest.raises(OutcomeUnknown, match="another attempt"):
            asked(upstream, lambda adapter: adapter.find(job(HAILUO, hint=hint, held=(hint,))))
        with pytest.raises(OutcomeUnknown, match="not called"):
            asked(upstream, lambda adapter: adapter.find(job(HAILUO)))
        with pytest.raises(NotFound):
            asked(upstream, lambda adapter: adapter.find(job(HAILUO, hint={"id": "7"})))


class TestTheSimulatorIsStrict:
    def posted(self, upstream, body, key=MiniMax.KEY):
        return asking.posted("minimax", f"{upstream.url}/v1/video_generation", body, headers={"Authorization": f"Bearer {key}"})

    @pytest.mark.parametrize(
        "body",
        [
            {"model": HAILUO},
            {"model": HAILUO, "prompt": "a" * 2001},
            {"model": HAILUO, "prompt": "a", "seed": 1},
            {"model": HAILUO, "prompt": "a", "duration": 7},
            {"model": HAILUO, "prompt": "a", "duration": "6"},
            {"model": HAILUO, "prompt": "a", "resolution": "768p"},
            {"model": HAILUO, "prompt": "a", "duration": 10, "resolution": "1080P"},
            {"model": HAILUO, "prompt": "a", "resolution": "512P"},
            {"model": HAILUO, "prompt": "a", "first_frame_image": "a.png"},
            {"model": HAILUO, "first_frame_image": "https://a", "last_frame_image": "https://a"},
            {"model": OLDER, "prompt": "a", "last_frame_image": "https://a"},
            {"model": FAST, "prompt": "a"},
            {"model": "MiniMax-H3", "prompt": "a"},
        ],
    )
    def test_and_answers_in_its_codes(self, upstream, body):
        status, said = self.posted(upstream, body)
        assert (status, said["base_resp"]["status_code"], upstream.bought) == (200, 2013, 0)

    def test_and_wants_its_key(self, upstream):
        assert self.posted(upstream, {"model": HAILUO, "prompt": "a"}, key="x")[1]["base_resp"]["status_code"] == 1004

    def test_and_takes_no_more_in_a_minute_than_it_says(self):
        with MiniMax(a_minute=1) as upstream:
            codes = [self.posted(upstream, {"model": HAILUO, "prompt": "a"})[1]["base_resp"]["status_code"] for _ in range(2)]
        assert codes == [0, 1002]

    @pytest.mark.parametrize(("said", "code"), [(f'{{"challenge": "{CHALLENGE}"}}', 0), ('{"challenge": "another"}', 2013), ("", 2013)])
    def test_and_knocks_before_it_takes_a_job_that_is_to_be_called_about(self, said, code):
        with MiniMax(insists=True, manual=True) as upstream, Receiver() as receiver:
            receiver.will(reply(200, said))
            _, taken = self.posted(upstream, {"model": HAILUO, "prompt": "a", "callback_url": receiver.url})
            assert (taken["base_resp"]["status_code"], receiver.got[0].json) == (code, {"challenge": CHALLENGE})


class TestItsFacts:
    def test_promise_only_what_its_pages_do(self):
        assert (FACTS.recovery, FACTS.cancel) == ({"callback"}, "unsupported")
