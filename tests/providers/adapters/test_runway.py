"""Runway's adapter: its words, by the tables of its pages; and its promises, against the simulator."""

import pytest

from providers import offers
from providers.adapters import Upstream, runway
from providers.adapters.runway import FACTS, Adapter
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
from tests.upstreams import answer, refuse
from tests.upstreams.runway import VERSION, Runway

from . import asking
from .asking import FRAME, LAST, PICTURE, fullest
from .conformance import Conformance

ONE = "https://a.example/1.png"


class TestVideos(Conformance):
    SIMULATOR, VENDOR, MODEL = Runway, "runway", "runway/gen4.5"
    NO_WORD_FOR = frozenset({"moderated", "no_model"})  # it judges when it draws; a model that is gone is a wrong input to it


class TestPictures(Conformance):
    SIMULATOR, VENDOR, MODEL = Runway, "runway", "runway/gen4-image"
    NO_WORD_FOR = TestVideos.NO_WORD_FOR


def asked(simulator, road, **credentials):
    return asking.asked("runway", simulator, road, **credentials)


def job(given: dict | None = None, *, model: str = "gen4.5", **more):
    return asking.job(model, {"aspect_ratio": "16:9", "duration": 5} | (given or {}), **more)


def image(given: dict | None = None):
    return asking.job("gen4_image", {"size": "1024x1024"} | (given or {}), kind="image.generate")


@pytest.fixture
def upstream():
    with Runway(manual=True) as simulator:
        yield simulator


class TestAnOrder:
    @pytest.mark.parametrize(
        ("ordered", "path", "body"),
        [
            (
                job({"duration": 5.0, "aspect_ratio": "9:16", "seed": 7}),
                "/v1/text_to_video",
                {"model": "gen4.5", "promptText": "a kite", "duration": 5, "ratio": "720:1280", "seed": 7},
            ),
            (
                job({"frame_images": [FRAME], "aspect_ratio": "21:9"}, model="gen4_turbo"),
                "/v1/image_to_video",
                {"model": "gen4_turbo", "promptImage": ONE, "promptText": "a kite", "duration": 5, "ratio": "1584:672"},
            ),
            (
                image({"images": [PICTURE], "size": "1920x1080"}),
                "/v1/text_to_image",
                {"model": "gen4_image", "promptText": "a kite", "ratio": "1920:1080", "referenceImages": [{"uri": ONE}]},
            ),
        ],
        ids=["a text", "a frame", "a picture"],
    )
    def test_is_written_in_its_words_and_taken(self, upstream, ordered, path, body):
        assert runway._order(ordered) == (path, body)
        assert isinstance(asked(upstream, lambda adapter: adapter.submit(ordered)), Accepted)

    @pytest.mark.parametrize(
        ("ordered", "field"),
        [
            (job({"negative_prompt": "rain"}), "negative_prompt"),
            (job({"generate_audio": True}), "generate_audio"),
            (job({"aspect_ratio": "1:1"}), "aspect_ratio"),
            (job({"frame_images": [FRAME], "aspect_ratio": "5:4"}), "aspect_ratio"),
            (job({"frame_images": [FRAME, LAST]}), "frame_images"),
            (job(model="gen4_turbo"), "frame_images"),
            (job({"prompt": "🪁" * 501}), "prompt"),
            (image({"n": 2}), "n"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_of_what_it_cannot_do_is_refused_by_name_and_not_sent(self, upstream, ordered, field):
        with pytest.raises(Invalid) as refused:
            asked(upstream, lambda adapter: adapter.submit(ordered))
        assert (refused.value.field, upstream.connections) == (field, 0)

    def test_for_a_model_that_we_cannot_speak_to_is_not_sent(self, upstream):
        with pytest.raises(Retired, match="does not speak to wan3"):
            asked(upstream, lambda adapter: adapter.submit(job(model="wan3")))
        assert upstream.connections == 0

    @pytest.mark.parametrize("model", offers.of("runway").models, ids=lambda model: model.name)
    def test_of_each_model_that_we_offer_is_taken_with_all_that_its_schema_has(self, upstream, model):
        ordered = fullest(model)
        assert isinstance(asked(upstream, lambda adapter: adapter.submit(ordered)), Accepted)

    def test_of_a_text_alone_is_taken_too(self, upstream):
        for ordered in (job(), image()):
            assert isinstance(asked(upstream, lambda adapter, ordered=ordered: adapter.submit(ordered)), Accepted)


class TestItsErrors:
    @pytest.mark.parametrize(
        ("status", "asking", "submit"),
        [
            (400, Invalid, None),
            (401, Unauthenticated, None),
            (404, NotFound, Retired),
            (429, RateLimited, None),
            (500, Unavailable, OutcomeUnknown),
            (502, Unavailable, None),
            (503, Unavailable, None),
            (504, Unavailable, OutcomeUnknown),
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

    def test_of_money_are_told_from_those_of_an_input_by_their_text(self, upstream):
        upstream.will(refuse("no_money"), refuse("invalid"))
        with pytest.raises(QuotaExceeded, match=r"^Our quota at the upstream is used up. Runway's code is 400.$"):
            asked(upstream, lambda adapter: adapter.submit(job()))
        with pytest.raises(Invalid, match="Validation of body failed"):
            asked(upstream, lambda adapter: adapter.submit(job()))

    def test_that_are_not_its_own_are_no_refusal(self, upstream):
        upstream.write_refusal = lambda refusal: {"message": "a gateway's own words"}
        upstream.will(answer(503))
        with pytest.raises(OutcomeUnknown):
            asked(upstream, lambda adapter: adapter.submit(job()))

    def test_are_joined_by_credits_that_are_used_up(self, upstream):
        upstream.credits_left = 0
        with pytest.raises(QuotaExceeded, match="no credits left"):
            asked(upstream, lambda adapter: adapter.check())


URL = "https://r.example/1"


class TestAJobAsItIsShown:
    @pytest.mark.parametrize(
        ("shown", "outcome"),
        [
            ({"status": "PENDING"}, Running()),
            ({"status": "THROTTLED"}, Running()),
            ({"status": "RUNNING", "progress": 0.42}, Running(0.42)),
            ({"status": "RUNNING", "progress": 42}, Running(1.0)),
            ({"status": "DREAMING"}, Running()),
            ({"status": "SUCCEEDED", "output": [URL, 7], "cost": {"credits": 60}}, Finished((Found(URL),), cost=60)),
            ({"status": "SUCCEEDED", "output": [URL]}, Finished((Found(URL),))),
        ],
    )
    def test_means(self, shown, outcome):
        assert runway._polled(shown) == outcome

    @pytest.mark.parametrize(
        ("shown", "error"),
        [
            ({"status": "FAILED", "failureCode": "SAFETY.INPUT.TEXT"}, Moderated),
            ({"status": "FAILED", "failureCode": "SAFETY.OUTPUT.VIDEO"}, Moderated),
            ({"status": "FAILED", "failureCode": "INPUT_PREPROCESSING.SAFETY.TEXT"}, Moderated),
            ({"status": "FAILED", "failureCode": "ASSET.INVALID"}, Invalid),
            ({"status": "FAILED", "failureCode": "INTERNAL.BAD_OUTPUT.CODE01"}, GenerationFailed),
            ({"status": "FAILED", "failureCode": "INPUT_PREPROCESSING.INTERNAL"}, GenerationFailed),
            ({"status": "FAILED", "failureCode": "THIRD_PARTY.UNAVAILABLE"}, GenerationFailed),
            ({"status": "FAILED", "failureCode": None}, GenerationFailed),
            ({"status": "CANCELLED"}, GenerationFailed),
            ({"status": "SUCCEEDED", "output": []}, NoOutput),
            ({"status": "SUCCEEDED", "output": None}, NoOutput),
        ],
    )
    def test_that_gives_nothing_says_why(self, shown, error):
        failed = runway._polled(shown)
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


class TestALostSubmit:
    def test_is_not_looked_for_where_there_is_nothing_to_look_at(self, upstream):
        with pytest.raises(OutcomeUnknown):
            asked(upstream, lambda adapter: adapter.find(job()))
        assert (FACTS.recovery, upstream.connections) == (frozenset(), 0)

    def test_is_linked_by_its_id(self):
        adapter = Adapter(Upstream("runway", "", {}))
        assert adapter.handle_of("7d1e4c3a-5b0c") == {"id": "7d1e4c3a-5b0c"}
        for wrong in ("", "../organization", "a b"):
            with pytest.raises(Invalid):
                adapter.handle_of(wrong)


class TestTheSimulatorIsStrict:
    def posted(self, upstream, path, body, **headers):
        headers = {"Authorization": f"Bearer {upstream.KEY}", "X-Runway-Version": VERSION} | headers
        return asking.posted("runway", upstream.url + path, body, headers=headers)[0]

    ORDER = {"model": "gen4.5", "promptText": "a", "ratio": "1280:720", "duration": 5}

    @pytest.mark.parametrize(
        ("path", "change"),
        [
            ("/v1/text_to_video", {"n": 1}),
            ("/v1/text_to_video", {"model": "gen4_turbo"}),
            ("/v1/text_to_video", {"ratio": "960:960"}),
            ("/v1/text_to_video", {"duration": 11}),
            ("/v1/text_to_video", {"duration": "5"}),
            ("/v1/text_to_video", {"promptText": "🪁" * 501}),
            ("/v1/image_to_video", {}),
            ("/v1/image_to_video", {"promptImage": "a.png"}),
            ("/v1/text_to_image", {"model": "gen4_image"}),
            ("/v1/text_to_image", {"model": "gen4_image_turbo", "ratio": "1024:1024"}),
        ],
    )
    def test_and_refuses_what_its_pages_do(self, upstream, path, change):
        assert self.posted(upstream, path, self.ORDER | change) == 400
        assert upstream.bought == 0

    def test_and_wants_its_key_and_its_version(self, upstream):
        assert self.posted(upstream, "/v1/text_to_video", self.ORDER, Authorization="Bearer x") == 401
        assert self.posted(upstream, "/v1/text_to_video", self.ORDER, **{"X-Runway-Version": "2020-01-01"}) == 400
        assert self.posted(upstream, "/v1/text_to_video", self.ORDER) == 200

    def test_and_holds_back_what_is_beyond_what_runs_at_once(self):
        with Runway(manual=True, at_once=1) as upstream:
            handles = [asked(upstream, lambda adapter: adapter.submit(job())).handle for _ in range(2)]
            states = [upstream.write_job(upstream.jobs[handle["id"]], 0)["status"] for handle in handles]
        assert states == ["PENDING", "THROTTLED"]
