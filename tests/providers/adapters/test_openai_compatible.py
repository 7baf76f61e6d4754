"""The adapter of all who speak OpenAI's protocol: its words, by the tables of their pages; and its promises, against the simulator."""

import asyncio
from functools import partial
from types import SimpleNamespace

import pytest

from providers import offers
from providers.adapters import Upstream, openai_compatible
from providers.adapters.openai_compatible import FACTS, Adapter
from providers.errors import (
    GenerationFailed,
    Invalid,
    Moderated,
    NoOutput,
    NotFound,
    NotSent,
    OutcomeUnknown,
    QuotaExceeded,
    RateLimited,
    Retired,
    Unauthenticated,
    Unavailable,
)
from providers.http import Part
from providers.outcomes import Accepted, Failed, Finished, Found, Running
from tests.upstreams import answer, fail, finish_without_output, refuse
from tests.upstreams.jobs import png
from tests.upstreams.openai_compatible import OpenAICompatible

from .asking import FRAME, LAST, PICTURE, fullest, on_disk, posted
from .asking import asked as asked_of
from .asking import job as any_job
from .conformance import Conformance

IMAGE, VIDEO = "darkroom/test-card-image", "darkroom/test-card-video"
asked = partial(asked_of, "openai_compatible")
job = partial(any_job, VIDEO)
image = partial(any_job, IMAGE, kind="image.generate")
URL = "https://c.example/v1/videos/video_1/content"


class ByUrl(OpenAICompatible):
    def __init__(self, **more):
        super().__init__(by_url=True, in_detail=True, **more)


class Later(OpenAICompatible):
    def __init__(self, **more):
        super().__init__(later=True, **more)


class TestVideos(Conformance):
    SIMULATOR, VENDOR, MODEL = OpenAICompatible, "openai_compatible", "openai-compatible/video"

    @pytest.mark.parametrize(("fate", "code"), [(fail("broken"), "generation_failed"), (fail("moderated"), "moderated")])
    def test_a_job_that_ends_badly_fails_for_that_reason_and_is_free(self, upstream, submits, ends, acme, fate, code):
        """A video that is completed has its content, or that is gone."""
        super().test_a_job_that_ends_badly_fails_for_that_reason_and_is_free(upstream, submits, ends, acme, fate, code)


class OfPictures(Conformance):
    VENDOR, MODEL, AT_ONCE = "openai_compatible", "openai-compatible/image", True

    @pytest.mark.parametrize(("fate", "code"), [(fail("moderated"), "moderated"), (finish_without_output(), "no_output")])
    def test_a_job_that_ends_badly_fails_for_that_reason_and_is_free(self, upstream, submits, ends, acme, fate, code):
        """A model that fails is a 500, as any other trouble is."""
        super().test_a_job_that_ends_badly_fails_for_that_reason_and_is_free(upstream, submits, ends, acme, fate, code)


class TestPicturesThatAreMadeLater(Conformance):
    SIMULATOR, VENDOR, MODEL, INLINE = Later, "openai_compatible", "openai-compatible/image", True

    def test_a_job_is_canceled_where_its_upstream_can(self, submits, ends, acme):
        """Of pictures nothing can be stopped: they are made, delivered and paid for."""
        task = submits()
        acme.cancels(task)
        assert ends(task) == ["succeeded"]
        assert acme.balance == 1000 - task.hold


class TestPictures(OfPictures):
    SIMULATOR, INLINE = OpenAICompatible, True


class TestPicturesThatAreLeftAtAnAddress(OfPictures):
    SIMULATOR = ByUrl
    NO_WORD_FOR = frozenset({"no_money", "moderated"})  # of which a `detail` has none

    @pytest.mark.parametrize(("fate", "code"), [(finish_without_output(), "no_output")])
    def test_a_job_that_ends_badly_fails_for_that_reason_and_is_free(self, upstream, submits, ends, acme, fate, code):
        super().test_a_job_that_ends_badly_fails_for_that_reason_and_is_free(upstream, submits, ends, acme, fate, code)


@pytest.fixture
def upstream():
    with OpenAICompatible(manual=True) as simulator:
        yield simulator


@pytest.fixture
def drawing():
    with OpenAICompatible() as simulator:
        yield simulator


class TestAnOrder:
    def test_of_a_picture_is_written_in_its_words_and_taken(self, drawing):
        ordered = image({"n": 2, "size": "1024x1024", "seed": 7.0, "negative_prompt": "rain"})
        body = {"model": IMAGE, "prompt": "a kite", "n": 2, "size": "1024x1024", "seed": 7, "negative_prompt": "rain"}
        assert openai_compatible._picture(ordered) == body
        assert len(asked(drawing, lambda adapter: adapter.submit(ordered)).outputs) == 2

    def test_of_a_video_is_a_form_and_taken(self, upstream, tmp_path):
        ordered = on_disk(job({"duration": 8.0, "size": "1280x720", "seed": 7.0, "frame_images": [FRAME]}), tmp_path)
        assert openai_compatible._video(ordered) == [
            Part("model", VIDEO),
            Part("prompt", "a kite"),
            Part("seconds", "8"),
            Part("size", "1280x720"),
            Part("seed", "7"),
            Part("input_reference", png(1), "frame.png", "image/png"),
        ]
        assert isinstance(asked(upstream, lambda adapter: adapter.submit(ordered)), Accepted)

    @pytest.mark.parametrize(
        ("ordered", "field"),
        [
            (job({"resolution": "720p"}), "resolution"),
            (job({"aspect_ratio": "16:9"}), "aspect_ratio"),
            (job({"generate_audio": True}), "generate_audio"),
            (job({"n": 2}), "n"),
            (job({"frame_images": [FRAME, LAST]}), "frame_images"),
            (image({"images": [PICTURE]}), "images"),
            (image({"mask": PICTURE}), "mask"),
            (image({"aspect_ratio": "1:1"}), "aspect_ratio"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_of_what_it_cannot_do_is_refused_by_name_and_not_sent(self, upstream, ordered, field):
        with pytest.raises(Invalid) as refused:
            asked(upstream, lambda adapter: adapter.submit(ordered))
        assert (refused.value.field, upstream.connections) == (field, 0)

    @pytest.mark.parametrize("model", offers.of("openai_compatible").models, ids=lambda model: model.name)
    def test_of_each_model_that_we_offer_is_taken_with_all_that_its_schema_has(self, drawing, tmp_path, model):
        for ordered in (fullest(model, media=False), on_disk(fullest(model), tmp_path)):
            asked(drawing, lambda adapter, ordered=ordered: adapter.submit(ordered))
        assert drawing.bought == 2

    @pytest.mark.parametrize("at", ["", "/", "/v1", "/v1/"])
    def test_goes_to_where_the_operator_says_that_the_server_is(self, upstream, at):
        there = SimpleNamespace(url=upstream.url + at, credentials=upstream.credentials)
        assert isinstance(asked(there, lambda adapter: adapter.submit(job())), Accepted)

    def test_to_nowhere_is_not_sent(self):
        adapter = Adapter(Upstream("openai_compatible", "", {}))
        with pytest.raises(NotSent, match="needs a base URL"):
            asyncio.run(adapter.check())

    @pytest.mark.parametrize("id", ["", None, 7, "a b", "a/../b"])
    def test_whose_answer_names_no_video_has_an_unknown_outcome(self, upstream, id):
        upstream.write_taken = lambda job, now: {"id": id, "status": "queued"}
        with pytest.raises(OutcomeUnknown):
            asked(upstream, lambda adapter: adapter.submit(job()))


class TestItsErrors:
    @pytest.mark.parametrize("in_detail", [False, True], ids=["as OpenAI tells them", "as FastAPI does"])
    @pytest.mark.parametrize(
        ("status", "asking", "submit"),
        [
            (400, Invalid, None),
            (401, Unauthenticated, None),
            (403, Unauthenticated, None),
            (404, NotFound, Retired),
            (409, Unavailable, OutcomeUnknown),
            (422, Invalid, None),
            (429, RateLimited, None),
            (500, Unavailable, OutcomeUnknown),
            (502, Unavailable, OutcomeUnknown),
            (503, Unavailable, None),
        ],
    )
    def test_mean_by_their_status(self, upstream, status, asking, submit, in_detail):
        upstream.in_detail = in_detail
        upstream.will(answer(status))
        upstream.will(answer(status), at="check")
        with pytest.raises(asking) as asked_about:
            asked(upstream, lambda adapter: adapter.check())
        with pytest.raises(submit or asking) as submitted:
            asked(upstream, lambda adapter: adapter.submit(job()))
        assert (type(asked_about.value), type(submitted.value)) == (asking, submit or asking)

    @pytest.mark.parametrize(
        ("why", "error", "text"),
        [
            ("moderated", Moderated, "^as ordered$"),
            ("invalid", Invalid, "^as ordered$"),
            ("no_money", QuotaExceeded, "The server's code is credit_balance_exhausted"),
        ],
    )
    def test_mean_by_their_code_where_there_is_one(self, upstream, why, error, text):
        upstream.will(refuse(why))
        with pytest.raises(error, match=text):
            asked(upstream, lambda adapter: adapter.submit(job()))

    @pytest.mark.parametrize(
        ("said", "message"),
        [
            ({"error": {"message": "no such size"}}, "no such size"),
            ({"error": "no such size"}, "no such size"),
            ({"detail": "no such size"}, "no such size"),
            ({"detail": [{"loc": ["body", "size"], "msg": "not a size"}, 7]}, "size: not a size"),
            ({"detail": {"message": "no such size"}}, "no such size"),
        ],
    )
    def test_are_told_in_many_shapes(self, said, message):
        assert openai_compatible._complaint(said)["message"] == message

    @pytest.mark.parametrize("said", [None, [], 7, {}, {"message": "a proxy's"}, {"error": 7}, {"detail": [7]}, {"detail": None}])
    def test_that_are_in_nobodys_words_leave_open_what_was_bought(self, upstream, said):
        assert openai_compatible._complaint(said) is None
        upstream.write_refusal = lambda refusal: said
        upstream.will(answer(503))
        with pytest.raises(OutcomeUnknown):
            asked(upstream, lambda adapter: adapter.submit(job()))


class TestPicturesAsTheyAreTold:
    @pytest.mark.parametrize(
        ("data", "outputs"),
        [
            ([{"b64_json": "AAAA", "url": None}], [Found(content=bytes(3), content_type="image/png")]),
            ([{"url": "https://c.example/1.png"}], [Found("https://c.example/1.png")]),
            ([{"b64_json": "AAAA"}, 7, {"url": 7}, {}], [Found(content=bytes(3), content_type="image/png")]),
        ],
    )
    def test_are_in_the_answer_or_at_an_address(self, data, outputs):
        assert openai_compatible._drawn({"data": data}).outputs == tuple(outputs)

    @pytest.mark.parametrize("data", [None, 7, [], [{}], [{"url": "file:///etc/passwd"}], [{"url": "/1.png"}], [{"b64_json": "?"}]])
    def test_are_missing(self, data):
        with pytest.raises(NoOutput):
            openai_compatible._drawn({"data": data})


class TestPicturesThatComeLater:
    @pytest.fixture
    def later(self):
        with Later(manual=True) as simulator:
            yield simulator

    def test_are_asked_for_where_the_server_says_and_at_no_other_host(self, later):
        accepted = asked(later, lambda adapter: adapter.submit(image()))
        assert accepted == Accepted({"pictures": "/images/video_00000001?response_format=b64_json"})
        poll = partial(asked, later, lambda adapter: adapter.poll(image(handle=accepted.handle)))
        assert poll() == Running()
        later.finish()
        assert len(poll().outputs) == 1

    @pytest.mark.parametrize(
        "url", [None, 7, "", "https://d.example/v1/videos/task_1", "https://d.example/v1/images/../models", "/v1/images/a b"]
    )
    def test_and_nobody_says_where_have_an_unknown_outcome(self, later, url):
        later.write_taken = lambda job, now: {"data": None, "url": url}
        with pytest.raises(OutcomeUnknown, match="does not say where"):
            asked(later, lambda adapter: adapter.submit(image()))

    @pytest.mark.parametrize(
        ("order", "error"),
        [
            (refuse("moderated"), Moderated),
            (refuse("invalid"), Invalid),
            (answer(500, code="server_error/generation_failed"), GenerationFailed),
            (answer(500, code="server_error/expired"), GenerationFailed),
            (answer(500, code="server_error/no_output"), NoOutput),
        ],
        ids=str,
    )
    def test_and_could_not_be_made_are_told_by_an_error(self, later, order, error):
        later.will(order, at="poll")
        accepted = asked(later, lambda adapter: adapter.submit(image()))
        outcome = asked(later, lambda adapter: adapter.poll(image(handle=accepted.handle)))
        assert type(outcome.error) is error

    @pytest.mark.parametrize(("status", "error"), [(401, Unauthenticated), (404, NotFound), (429, RateLimited), (500, Unavailable)])
    def test_and_cannot_be_asked_for_now_are_asked_for_again(self, later, status, error):
        later.will(answer(status), at="poll")
        accepted = asked(later, lambda adapter: adapter.submit(image()))
        with pytest.raises(error):
            asked(later, lambda adapter: adapter.poll(image(handle=accepted.handle)))

    def test_cannot_be_stopped(self, later):
        accepted = asked(later, lambda adapter: adapter.submit(image()))
        assert asked(later, lambda adapter: adapter.cancel(image(handle=accepted.handle))) is False

    def test_that_another_darkroom_could_not_make_at_once_were_not_bought(self, drawing):
        drawing.will(answer(500, code="server_error/generation_failed"))
        with pytest.raises(GenerationFailed):
            asked(drawing, lambda adapter: adapter.submit(image()))


class TestAVideoAsItIsShown:
    @pytest.mark.parametrize(
        ("shown", "outcome"),
        [
            ({"status": "queued", "progress": 0}, Running(0.0)),
            ({"status": "in_progress", "progress": 42}, Running(0.42)),
            ({"status": "in_progress", "progress": 420}, Running(1.0)),
            ({"status": "processing"}, Running()),
            ({"status": "pending", "progress": "soon"}, Running()),
            ({"status": "dreaming", "progress": None}, Running()),
            ({"status": "completed"}, Finished((Found(URL),))),
            ({"status": "completed", "usage": {"duration_seconds": 4}}, Finished((Found(URL),), usage={"duration_seconds": 4})),
        ],
    )
    def test_means(self, shown, outcome):
        assert openai_compatible._polled(shown, URL) == outcome

    @pytest.mark.parametrize(
        ("shown", "error"),
        [
            ({"status": "failed", "error": {"code": "moderation_blocked", "message": "no"}}, Moderated),
            ({"status": "failed", "error": {"code": "content_policy_violation", "message": "no"}}, Moderated),
            ({"status": "failed", "error": {"code": "server_error", "message": "no"}}, GenerationFailed),
            ({"status": "failed", "error": {"code": None, "message": None}}, GenerationFailed),
            ({"status": "failed", "error": "out of memory"}, GenerationFailed),
            ({"status": "failed", "error": None}, GenerationFailed),
            ({"status": "failed"}, GenerationFailed),
            ({"status": "cancelled"}, GenerationFailed),
            ({"status": "expired"}, GenerationFailed),
        ],
    )
    def test_that_gives_nothing_says_why(self, shown, error):
        outcome = openai_compatible._polled(shown, URL)
        assert isinstance(outcome, Failed)
        assert type(outcome.error) is error

    def test_that_is_another_is_no_news_of_ours(self, upstream):
        asked(upstream, lambda adapter: adapter.submit(job()))
        upstream.jobs["7"] = next(iter(upstream.jobs.values()))  # and says its own id
        with pytest.raises(Unavailable, match="another video"):
            asked(upstream, lambda adapter: adapter.poll(job(handle={"id": "7"})))


class TestItsKey:
    def test_is_for_its_own_addresses(self):
        adapter = Adapter(Upstream("c", "https://c.example/api/v1", {"api_key": "sk"}))
        for own in ("https://c.example/api/v1/videos/1/content", "https://c.example/api/pictures/1.png"):
            assert adapter.headers_for(own) == {"Authorization": "Bearer sk"}
        for other in ("https://c.example.evil.example/api/v1", "https://c.example/apiary", "http://c.example/api/v1"):
            assert adapter.headers_for(other) == {}

    def test_may_be_none(self):
        assert Adapter(Upstream("c", "http://10.0.0.5:8000", {})).headers_for("http://10.0.0.5:8000/v1/videos/1/content") == {}


class TestACancel:
    def canceled(self, upstream) -> bool:
        accepted = asked(upstream, lambda adapter: adapter.submit(job()))
        return asked(upstream, lambda adapter: adapter.cancel(job(handle=accepted.handle)))

    def test_stops_a_job_where_the_server_does(self, upstream):
        assert self.canceled(upstream)
        assert [made.is_canceled for made in upstream.jobs.values()] == [True]

    def test_lets_it_go_on_where_the_server_refuses(self, upstream):
        upstream.stops = False
        assert not self.canceled(upstream)

    @pytest.mark.parametrize("status", [404, 405, 409])
    def test_lets_it_go_on_where_the_server_has_no_such_thing(self, upstream, status):
        upstream.will(answer(status), at="cancel")
        assert not self.canceled(upstream)

    @pytest.mark.parametrize(("status", "error"), [(401, Unauthenticated), (429, RateLimited), (500, Unavailable)])
    def test_is_tried_again_where_it_was_not_answered(self, upstream, status, error):
        upstream.will(answer(status), at="cancel")
        with pytest.raises(error):
            self.canceled(upstream)

    def test_of_a_job_that_is_over_leaves_its_result_alone(self):
        with OpenAICompatible() as done:
            assert not self.canceled(done)
            assert done.requests["cancel"] == 0


class TestALostSubmit:
    def test_is_not_looked_for_where_there_may_be_nothing_to_look_at(self, upstream):
        with pytest.raises(OutcomeUnknown):
            asked(upstream, lambda adapter: adapter.find(job()))
        assert (FACTS.recovery, upstream.connections) == (frozenset(), 0)

    def test_is_linked_by_its_id(self):
        adapter = Adapter(Upstream("c", "", {}))
        assert adapter.handle_of("video_bGl0ZWxsbTo==") == {"id": "video_bGl0ZWxsbTo=="}
        for wrong in ("", "../models", "a b"):
            with pytest.raises(Invalid):
                adapter.handle_of(wrong)


class TestTheSimulatorIsStrict:
    @pytest.mark.parametrize(
        ("path", "change", "status", "field"),
        [
            ("images/generations", {"response_format": "url"}, 400, "response_format"),
            ("images/generations", {"n": "2"}, 400, "n"),
            ("images/generations", {"model": "dall-e-3"}, 404, "model"),
            ("videos", {"seconds": 4}, 400, "seconds"),
            ("videos", {"seconds": "5"}, 400, "seconds"),
            ("videos", {"size": "720p"}, 400, "size"),
            ("videos", {"input_reference": "https://a.example/1.png"}, 400, "input_reference"),
            ("videos", {"duration": "4"}, 400, "duration"),
        ],
    )
    def test_and_answers_as_those_pages_say(self, upstream, path, change, status, field):
        body = {"model": VIDEO, "prompt": "a kite"} | change
        answered, said = posted("c", f"{upstream.url}/v1/{path}", body, headers={"Authorization": f"Bearer {upstream.KEY}"})
        assert (answered, said["error"]["param"], upstream.bought) == (status, field, 0)
