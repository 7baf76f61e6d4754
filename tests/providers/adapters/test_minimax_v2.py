"""MiniMax's adapter for version 2: its words, by the tables of its pages; and its promises, against the simulator."""

from datetime import UTC, datetime, timedelta

import pytest

from providers import offers
from providers.adapters import minimax_v2
from providers.adapters.minimax_v2 import FACTS, Adapter
from providers.errors import (
    GenerationFailed,
    Invalid,
    Moderated,
    NoOutput,
    NotFound,
    OutcomeUnknown,
    QuotaExceeded,
    RateLimited,
    Unauthenticated,
    Unavailable,
)
from providers.outcomes import Accepted, Callback, Failed, Finished, Found, Heard, Running
from tests.upstreams import answer
from tests.upstreams.minimax_v2 import MiniMaxV2

from . import asking
from .asking import FRAME, HOOK, LAST, PICTURE, fullest
from .conformance import Conformance

H3 = "MiniMax-H3"


class TestH3(Conformance):
    SIMULATOR, VENDOR, MODEL = MiniMaxV2, "minimax_v2", "minimax/h3"
    NO_WORD_FOR = frozenset({"no_model"})  # a model that is gone is a wrong parameter to it


def asked(simulator, road, **credentials):
    return asking.asked("minimax_v2", simulator, road, **credentials)


def job(given: dict | None = None, **more):
    return asking.job(H3, {"aspect_ratio": "16:9"} | (given or {}), **more)


@pytest.fixture
def upstream():
    with MiniMaxV2(manual=True) as simulator:
        yield simulator


TEXT = {"type": "text", "text": "a kite"}


def picture(role: str, number: int = 1) -> dict:
    return {"type": "image_url", "image_url": {"url": f"https://a.example/{number}.png"}, "role": role}


class TestAnOrder:
    @pytest.mark.parametrize(
        ("ordered", "body"),
        [
            (
                job({"duration": 4.0, "resolution": "2k"}),
                {"model": H3, "content": [TEXT], "ratio": "16:9", "duration": 4, "resolution": "2K", "callback_url": HOOK},
            ),
            (
                job({"frame_images": [FRAME, LAST]}, callback_url=""),
                {"model": H3, "content": [TEXT, picture("first_frame"), picture("last_frame", 2)], "ratio": "16:9"},
            ),
            (
                job({"input_references": [PICTURE, PICTURE]}, callback_url=""),
                {"model": H3, "content": [TEXT, picture("reference_image"), picture("reference_image")], "ratio": "16:9"},
            ),
        ],
        ids=["a text", "frames", "references"],
    )
    def test_is_written_in_its_words_and_taken(self, upstream, ordered, body):
        assert minimax_v2._written(ordered) == body
        assert isinstance(asked(upstream, lambda adapter: adapter.submit(ordered)), Accepted)

    @pytest.mark.parametrize(
        ("ordered", "field"),
        [
            (job({"seed": 7}), "seed"),
            (job({"negative_prompt": "rain"}), "negative_prompt"),
            (job({"generate_audio": True}), "generate_audio"),
            (job({"frame_images": [LAST]}), "frame_images"),
            (job({"frame_images": [FRAME], "input_references": [PICTURE]}), "input_references"),
            (asking.job(H3), "aspect_ratio"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_of_what_it_cannot_do_is_refused_by_name_and_not_sent(self, upstream, ordered, field):
        with pytest.raises(Invalid) as refused:
            asked(upstream, lambda adapter: adapter.submit(ordered))
        assert (refused.value.field, upstream.connections) == (field, 0)

    @pytest.mark.parametrize("left_out", ["frame_images", "input_references"])
    @pytest.mark.parametrize("model", offers.of("minimax_v2").models, ids=lambda model: model.name)
    def test_of_each_model_that_we_offer_is_taken_with_all_that_its_schema_has(self, upstream, model, left_out):
        given = {name: value for name, value in fullest(model).input.items() if name != left_out}
        assert isinstance(asked(upstream, lambda adapter: adapter.submit(job(given))), Accepted)


class TestItsErrors:
    """Each as its pages class it; `submit` where that differs."""

    @pytest.mark.parametrize(
        ("status", "type_", "asking", "submit"),
        [
            (400, "bad_request_error", NotFound, Invalid),
            (401, "authorized_error", Unauthenticated, None),
            (402, "insufficient_balance_error", QuotaExceeded, None),
            (422, "unprocessable_entity_error", Moderated, None),
            (429, "rate_limit_error", RateLimited, None),
            (500, "server_error", Unavailable, OutcomeUnknown),
            (529, "overloaded_error", Unavailable, None),
            (200, "rate_limit_error", RateLimited, None),  # an error whatever the HTTP status
            (502, "mystery", Unavailable, OutcomeUnknown),
            (502, 7, Unavailable, OutcomeUnknown),
        ],
    )
    def test_mean(self, upstream, status, type_, asking, submit):
        handle = asked(upstream, lambda adapter: adapter.submit(job())).handle
        upstream.will(answer(status, code=type_))
        upstream.will(answer(status, code=type_), at="poll")
        with pytest.raises(asking) as asked_about:
            asked(upstream, lambda adapter: adapter.poll(job(handle=handle)))
        with pytest.raises(submit or asking) as submitted:
            asked(upstream, lambda adapter: adapter.submit(job()))
        assert (type(asked_about.value), type(submitted.value)) == (asking, submit or asking)


URL = "https://m.example/1"


class TestAJobAsItIsShown:
    @pytest.mark.parametrize(
        ("shown", "outcome"),
        [
            ({"status": "queued"}, Running()),
            ({"status": "running"}, Running()),
            ({"status": "dreaming"}, Running()),
            ({}, Running()),
            ({"status": "succeeded", "content": {"url": URL}}, Finished((Found(URL),))),
        ],
    )
    def test_means(self, shown, outcome):
        assert minimax_v2._polled(shown) == outcome

    @pytest.mark.parametrize(
        ("shown", "error"),
        [
            ({"status": "failed", "error": {"code": "1027", "message": "x"}}, Moderated),
            ({"status": "failed", "error": {"code": "x", "message": "sensitive (1026)"}}, Moderated),
            ({"status": "failed", "error": {"code": 1000, "message": "10261 frames"}}, GenerationFailed),
            ({"status": "failed", "error": "x"}, GenerationFailed),
            ({"status": "cancelled"}, GenerationFailed),
            ({"status": "succeeded"}, NoOutput),
            ({"status": "succeeded", "content": {"url": None}}, NoOutput),
        ],
    )
    def test_that_gives_nothing_says_why(self, shown, error):
        failed = minimax_v2._polled(shown)
        assert isinstance(failed, Failed)
        assert type(failed.error) is error

    def test_that_is_another_is_no_news_of_ours(self, upstream):
        asked(upstream, lambda adapter: adapter.submit(job()))
        upstream.jobs["7"] = next(iter(upstream.jobs.values()))  # and says its own id
        with pytest.raises(Unavailable, match="another job"):
            asked(upstream, lambda adapter: adapter.poll(job(handle={"id": "7"})))


class TestACancel:
    def canceled(self, upstream) -> bool:
        handle = {"id": next(iter(upstream.jobs))}
        return asked(upstream, lambda adapter: adapter.cancel(job(handle=handle)))

    def test_stops_a_job_that_waits_and_no_other(self, upstream):
        asked(upstream, lambda adapter: adapter.submit(job()))
        (made,) = upstream.jobs.values()
        made.created_at, made.done_at = made.created_at - 50, made.created_at + 50
        assert not self.canceled(upstream)
        made.created_at += 50
        assert self.canceled(upstream)
        assert made.is_canceled

    def test_of_a_job_that_is_over_leaves_its_result_alone(self, upstream):
        asked(upstream, lambda adapter: adapter.submit(job()))
        upstream.finish()
        assert not self.canceled(upstream)
        assert (upstream.bought, upstream.requests["cancel"]) == (1, 0)

    def test_that_comes_a_moment_too_late_is_none(self, upstream):
        asked(upstream, lambda adapter: adapter.submit(job()))
        upstream.will(answer(400), at="cancel")
        assert not self.canceled(upstream)


class TestACall:
    def test_is_answered_before_there_is_a_job_and_names_it_then(self):
        hear = Adapter.hear
        assert hear(Callback({}, b'{"challenge": "x"}')).is_handshake
        assert hear(Callback({}, b'{"task": {"id": "7", "status": "queued"}}')) == Heard({"id": "7"})
        assert hear(Callback({}, b'{"task": {"id": "../7"}}')) == Heard()

    @pytest.mark.parametrize(
        ("change", "is_ours"),
        [
            ({}, True),
            ({"model": "MiniMax-H3-Max"}, False),
            ({"created_at": None}, False),
            ({"ahead_s": 3600}, False),
            ({"ahead_s": -3600}, False),
        ],
        ids=str,
    )
    def test_is_believed_about_a_job_of_our_model_and_time(self, upstream, change, is_ours):
        sent_at = datetime(2026, 6, 1, tzinfo=UTC)
        change = dict(change)
        made_at = sent_at + timedelta(seconds=change.pop("ahead_s", 1))
        shown = {"id": "7", "model": H3, "created_at": int(made_at.timestamp())} | change
        assert minimax_v2._may_be_ours(shown, job(sent_at=sent_at)) is is_ours

    def test_says_which_job_a_lost_submit_made(self, upstream):
        asked(upstream, lambda adapter: adapter.submit(job()))
        hint, sent_at = {"id": next(iter(upstream.jobs))}, datetime.now(UTC)
        assert asked(upstream, lambda adapter: adapter.find(job(hint=hint, sent_at=sent_at))) == Accepted(hint)
        with pytest.raises(OutcomeUnknown, match="another attempt"):
            asked(upstream, lambda adapter: adapter.find(job(hint=hint, sent_at=sent_at, held=(hint,))))
        with pytest.raises(OutcomeUnknown, match="not called"):
            asked(upstream, lambda adapter: adapter.find(job()))


class TestTheSimulatorIsStrict:
    def posted(self, upstream, body, key=MiniMaxV2.KEY):
        return asking.posted("minimax_v2", f"{upstream.url}/v2/video_generation", body, headers={"Authorization": f"Bearer {key}"})

    @pytest.mark.parametrize(
        "change",
        [
            {"seed": 1},
            {"model": "MiniMax-Hailuo-2.3"},
            {"content": "a kite"},
            {"content": []},
            {"content": [TEXT, TEXT]},
            {"content": [{"type": "text", "text": "a" * 7001}]},
            {"content": [TEXT, picture("middle_frame")]},
            {"content": [TEXT, picture("first_frame"), picture("first_frame")]},
            {"content": [TEXT, *10 * [picture("reference_image")]]},
            {"resolution": "768p"},
            {"resolution": "480P"},
            {"duration": 3},
            {"duration": "5"},
            {"ratio": "adaptive"},
        ],
    )
    def test_and_answers_in_its_words(self, upstream, change):
        status, said = self.posted(upstream, {"model": H3, "content": [TEXT], "ratio": "16:9"} | change)
        assert (status, said["error"]["type"], upstream.bought) == (400, "bad_request_error", 0)

    def test_and_wants_its_key(self, upstream):
        assert self.posted(upstream, {"model": H3}, key="x")[0] == 401

    def test_and_has_no_more_jobs_open_than_it_says(self):
        with MiniMaxV2(manual=True, parallel=1) as upstream:
            order = {"model": H3, "content": [TEXT], "ratio": "16:9"}
            assert [self.posted(upstream, order)[0] for _ in range(2)] == [200, 429]
            upstream.finish()
            assert self.posted(upstream, order)[0] == 200


class TestItsFacts:
    def test_promise_only_what_its_pages_do(self):
        assert (FACTS.recovery, FACTS.cancel) == ({"callback"}, "free_while_queued")
