"""Luma's adapter: its words, by the tables of its pages; and its promises, against the simulator."""

from datetime import UTC, datetime, timedelta

import pytest

from providers import offers
from providers.adapters import Upstream, luma
from providers.adapters.luma import FACTS, Adapter
from providers.errors import (
    GenerationFailed,
    Invalid,
    Moderated,
    NoOutput,
    NotFound,
    OutcomeUnknown,
    QuotaExceeded,
    RateLimited,
    Retired,
    Unauthenticated,
    Unavailable,
)
from providers.outcomes import Accepted, Failed, Finished, Found, Running
from tests.upstreams import answer
from tests.upstreams.luma import Luma

from . import asking
from .asking import FRAME, LAST, PICTURE, fullest
from .conformance import Conformance

ONE, TWO = "https://a.example/1.png", "https://a.example/2.png"


class TestVideos(Conformance):
    SIMULATOR, VENDOR, MODEL = Luma, "luma", "luma/ray-3.2"
    # It judges when it draws, and tells no money then too; that it is away is told by no word that a proxy has not as well.
    NO_WORD_FOR = frozenset({"moderated", "no_money", "unavailable"})


class TestPictures(Conformance):
    SIMULATOR, VENDOR, MODEL = Luma, "luma", "luma/uni-1"
    NO_WORD_FOR = TestVideos.NO_WORD_FOR


def asked(simulator, road, **credentials):
    return asking.asked("luma", simulator, road, **credentials)


def job(given: dict | None = None, *, model: str = "ray-3.2", **more):
    return asking.job(model, {"aspect_ratio": "16:9", "duration": 5, "resolution": "540p"} | (given or {}), **more)


def image(given: dict | None = None, *, model: str = "uni-1"):
    return asking.job(model, {"aspect_ratio": "2:1"} | (given or {}), kind="image.generate")


@pytest.fixture
def upstream():
    with Luma(manual=True) as simulator:
        yield simulator


class TestAnOrder:
    @pytest.mark.parametrize(
        ("ordered", "body"),
        [
            (
                job({"duration": 10.0}),
                {"type": "video", "model": "ray-3.2", "aspect_ratio": "16:9", "video": {"duration": "10s", "resolution": "540p"}},
            ),
            (
                job({"frame_images": [LAST, FRAME]}),
                {
                    "type": "video",
                    "model": "ray-3.2",
                    "aspect_ratio": "16:9",
                    "video": {"duration": "5s", "resolution": "540p", "start_frame": {"url": ONE}, "end_frame": {"url": TWO}},
                },
            ),
            (
                image({"images": [PICTURE], "output_format": "jpeg"}, model="uni-1-max"),
                {"type": "image", "model": "uni-1-max", "aspect_ratio": "2:1", "image_ref": [{"url": ONE}], "output_format": "jpeg"},
            ),
            (image({"images": []}), {"type": "image", "model": "uni-1", "aspect_ratio": "2:1"}),
        ],
        ids=["a text", "frames", "a picture", "no picture"],
    )
    def test_is_written_in_its_words_and_taken(self, upstream, ordered, body):
        assert luma._written(ordered) == {"prompt": "a kite"} | body
        assert isinstance(asked(upstream, lambda adapter: adapter.submit(ordered)), Accepted)

    @pytest.mark.parametrize(
        ("ordered", "field"),
        [
            (job({"seed": 7}), "seed"),
            (job({"negative_prompt": "rain"}), "negative_prompt"),
            (job({"generate_audio": True}), "generate_audio"),
            (job({"frame_images": [FRAME], "duration": 10}), "duration"),
            (job({"frame_images": [LAST]}), "frame_images"),
            (image({"n": 2}), "n"),
            (image({"seed": 7}), "seed"),
            (image({"duration": 5}), "duration"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_of_what_it_cannot_do_is_refused_by_name_and_not_sent(self, upstream, ordered, field):
        with pytest.raises(Invalid) as refused:
            asked(upstream, lambda adapter: adapter.submit(ordered))
        assert (refused.value.field, upstream.connections) == (field, 0)

    def test_for_a_model_that_we_cannot_speak_to_is_not_sent(self, upstream):
        with pytest.raises(Retired, match=r"does not speak to ray-2, only to ray-3\.2, uni-1"):
            asked(upstream, lambda adapter: adapter.submit(job(model="ray-2")))
        assert upstream.connections == 0

    @pytest.mark.parametrize("media", [True, False], ids=["all", "what it needs"])
    @pytest.mark.parametrize("model", offers.of("luma").models, ids=lambda model: model.name)
    def test_of_each_model_that_we_offer_is_taken_with_all_that_its_schema_has(self, upstream, model, media):
        ordered = fullest(model, media=media)
        if media and model.upstream_model == "ray-3.2":
            ordered = job({"frame_images": ordered.input["frame_images"], "duration": 5})  # the longest goes without frames
        assert isinstance(asked(upstream, lambda adapter: adapter.submit(ordered)), Accepted)

    def test_goes_to_the_same_place_however_its_base_is_written(self, upstream):
        for base in (upstream.url, f"{upstream.url}/v1", f"{upstream.url}/v1/"):
            assert Adapter(Upstream("luma", base, {}))._base == f"{upstream.url}/v1"
        assert Adapter(Upstream("luma", "", {}))._base == "https://agents.lumalabs.ai/v1"


class TestItsErrors:
    @pytest.mark.parametrize(
        ("status", "asking", "submit"),
        [
            (400, Invalid, None),
            (401, Unauthenticated, None),
            (402, QuotaExceeded, None),
            (403, Unauthenticated, None),
            (404, NotFound, Retired),
            (409, Unavailable, OutcomeUnknown),
            (422, Invalid, None),
            (429, RateLimited, None),
            (500, Unavailable, OutcomeUnknown),
            (502, Unavailable, OutcomeUnknown),
            (503, Unavailable, OutcomeUnknown),
        ],
    )
    def test_mean_by_their_status(self, upstream, status, asking, submit):
        upstream.will(answer(status))
        upstream.will(answer(status), at="check")
        with pytest.raises(asking) as asked_about:
            asked(upstream, lambda adapter: adapter.check())
        with pytest.raises(submit or asking) as submitted:
            asked(upstream, lambda adapter: adapter.submit(job()))
        assert (type(asked_about.value), type(submitted.value)) == (asking, submit or asking)

    @pytest.mark.parametrize(
        ("said", "message"),
        [
            ({"detail": "too wide"}, "too wide"),
            ({"error": "too wide"}, "too wide"),
            ({"message": "too wide"}, "too wide"),
            ({"detail": [{"loc": ["body", "video", "duration"], "msg": "is wrong"}]}, "video.duration: is wrong"),
            ({}, "The upstream does not take this input."),
            ([], "The upstream does not take this input."),
        ],
        ids=str,
    )
    def test_are_passed_on_however_they_are_written(self, upstream, said, message):
        upstream.write_refusal = lambda refusal: said
        upstream.will(answer(422))
        with pytest.raises(Invalid) as refused:
            asked(upstream, lambda adapter: adapter.submit(job()))
        assert refused.value.message == message

    def test_of_too_many_jobs_at_once_say_how_long_to_wait(self):
        with Luma(manual=True, at_once=1) as upstream:
            asked(upstream, lambda adapter: adapter.submit(job()))
            upstream.will(answer(429, retry_after=9))
            for waits in (9, None):
                with pytest.raises(RateLimited) as busy:
                    asked(upstream, lambda adapter: adapter.submit(job()))
                assert busy.value.retry_after == waits
            assert upstream.bought == 1


URL = "https://r.example/1"
NOW = datetime(2026, 6, 1, tzinfo=UTC)
FOUND = Found(URL, lives_until=NOW + timedelta(hours=1))


class TestAJobAsItIsShown:
    @pytest.mark.parametrize(
        ("shown", "outcome"),
        [
            ({"state": "queued"}, Running()),
            ({"state": "processing"}, Running()),
            ({"state": "dreaming"}, Running()),
            ({"state": "completed", "output": [{"type": "video", "url": URL}, {"url": 7}, 7]}, Finished((FOUND,))),
        ],
    )
    def test_means(self, shown, outcome):
        assert luma._polled(shown, now=NOW) == outcome

    @pytest.mark.parametrize(
        ("code", "error", "told"),
        [
            ("content_moderated", Moderated, True),
            ("image_too_large", Invalid, True),
            ("unsupported_format", Invalid, True),
            ("corrupt_input", Invalid, True),
            ("invalid_request", Invalid, True),
            ("output_not_found", NoOutput, True),
            ("generation_failed", GenerationFailed, False),
            ("budget_exhausted", GenerationFailed, False),
            ("rate_limited", GenerationFailed, False),
            ("from_tomorrow", GenerationFailed, False),
            (None, GenerationFailed, False),
        ],
    )
    def test_that_failed_says_why_and_nothing_of_our_account(self, code, error, told):
        outcome = luma._polled({"state": "failed", "failure_code": code, "failure_reason": "the budget of acme"}, now=NOW)
        assert isinstance(outcome, Failed)
        assert (type(outcome.error), "budget of acme" in outcome.error.message) == (error, told)

    @pytest.mark.parametrize("output", [[], None, "x", [{"type": "video"}]], ids=str)
    def test_that_is_completed_without_a_file_has_none(self, output):
        assert type(luma._polled({"state": "completed", "output": output}, now=NOW).error) is NoOutput

    def test_is_signed_anew_at_each_look(self, upstream):
        ordered = job(handle=asked(upstream, lambda adapter: adapter.submit(job())).handle)
        upstream.finish()
        first, second = (asked(upstream, lambda adapter: adapter.poll(ordered)).outputs[0] for _ in range(2))
        assert first.url != second.url
        assert second.lives_until > first.lives_until > datetime.now(UTC) + timedelta(minutes=59)

    def test_that_is_another_is_no_news_of_ours(self, upstream):
        asked(upstream, lambda adapter: adapter.submit(job()))
        upstream.jobs["7"] = next(iter(upstream.jobs.values()))  # and says its own id
        with pytest.raises(Unavailable, match="another job"):
            asked(upstream, lambda adapter: adapter.poll(job(handle={"id": "7"})))


class TestALostSubmit:
    def test_is_not_looked_for_where_there_is_nothing_to_look_at(self, upstream):
        with pytest.raises(OutcomeUnknown):
            asked(upstream, lambda adapter: adapter.find(job()))
        assert (FACTS.recovery, FACTS.cancel, upstream.connections) == (frozenset(), "unsupported", 0)

    def test_is_linked_by_its_id(self):
        adapter = Adapter(Upstream("luma", "", {}))
        assert adapter.handle_of("d2900000-5b0c") == {"id": "d2900000-5b0c"}
        for wrong in ("", "../files", "a b"):
            with pytest.raises(Invalid):
                adapter.handle_of(wrong)


class TestTheSimulatorIsStrict:
    def posted(self, upstream, body, key=Luma.KEY):
        return asking.posted("luma", f"{upstream.url}/v1/generations", body, headers={"Authorization": f"Bearer {key}"})[0]

    ORDER = {"type": "video", "model": "ray-3.2", "prompt": "a", "video": {"duration": "5s"}}

    @pytest.mark.parametrize(
        ("change", "status"),
        [
            ({"seed": 1}, 422),
            ({"type": "image"}, 422),
            ({"model": "ray-2"}, 404),
            ({"prompt": "a" * 6001}, 422),
            ({"aspect_ratio": "3:1"}, 422),
            ({"video": {"duration": 5}}, 422),
            ({"video": {"resolution": "4k"}}, 422),
            ({"video": {"start_frame": "https://a.example"}}, 422),
            ({"video": {"duration": "10s", "end_frame": {"url": ONE}}}, 422),
            ({"video": {"loop": True, "hdr": True}}, 422),
        ],
    )
    def test_and_refuses_what_its_pages_do(self, upstream, change, status):
        assert self.posted(upstream, self.ORDER | change) == status
        assert upstream.bought == 0

    def test_and_wants_its_key(self, upstream):
        assert [self.posted(upstream, self.ORDER, key=key) for key in ("x", Luma.KEY)] == [401, 201]
