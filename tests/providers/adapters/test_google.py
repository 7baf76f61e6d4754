"""Google's adapter of videos: its words, by the tables of its pages; and its promises, against the simulator."""

import base64
from functools import partial

import pytest

from providers import offers
from providers.adapters import Upstream, google
from providers.adapters.google import FACTS, Adapter
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
from providers.outcomes import Accepted, Callback, Failed, Finished, Found, Running
from tests.upstreams import answer, refuse
from tests.upstreams.google import Google
from tests.upstreams.jobs import png

from .asking import FRAME, HOOK, LAST, PICTURE, fullest, on_disk, posted
from .asking import asked as asked_of
from .asking import job as any_job
from .conformance import Conformance

MODEL = "gemini-omni-1.2-flash"
asked = partial(asked_of, "google")
job = partial(any_job, MODEL)
PNG = {"type": "image", "mime_type": "image/png", "data": base64.b64encode(png(1)).decode()}
TEXT = {"type": "text", "text": "a kite"}
URI = "https://generativelanguage.googleapis.com/v1beta/files/abc123"


class TestVideos(Conformance):
    SIMULATOR, VENDOR, MODEL = Google, "google", "google/omni-1.2-flash"


@pytest.fixture
def upstream():
    with Google(manual=True) as simulator:
        yield simulator


class TestAnOrder:
    @pytest.mark.parametrize(
        ("given", "content", "task"),
        [
            ({}, [TEXT], "text_to_video"),
            ({"frame_images": [FRAME]}, [TEXT, PNG], "image_to_video"),
            ({"input_references": [PICTURE, PICTURE]}, [TEXT, PNG, PNG], "reference_to_video"),
        ],
        ids=["a text", "a frame", "references"],
    )
    def test_is_written_in_its_words_and_taken(self, upstream, tmp_path, given, content, task):
        ordered = on_disk(job({"duration": 8.0, "resolution": "720p", "aspect_ratio": "9:16"} | given), tmp_path)
        assert google._written(ordered) == {
            "model": MODEL,
            "input": content,
            "background": True,
            "store": True,
            "generation_config": {"video_config": {"task": task}},
            "response_format": {"type": "video", "delivery": "uri", "duration": "8s", "resolution": "720p", "aspect_ratio": "9:16"},
            "webhook_config": {"uris": [HOOK]},
        }
        assert isinstance(asked(upstream, lambda adapter: adapter.submit(ordered)), Accepted)

    def test_asks_for_no_call_where_there_is_no_address(self):
        assert "webhook_config" not in google._written(job(callback_url=""))

    @pytest.mark.parametrize(
        ("given", "field"),
        [
            ({"seed": 7}, "seed"),
            ({"negative_prompt": "rain"}, "negative_prompt"),
            ({"generate_audio": False}, "generate_audio"),
            ({"frame_images": [FRAME, LAST]}, "frame_images"),
            ({"frame_images": [FRAME], "input_references": [PICTURE]}, "input_references"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_of_what_it_cannot_do_is_refused_by_name_and_not_sent(self, upstream, given, field):
        with pytest.raises(Invalid) as refused:
            asked(upstream, lambda adapter: adapter.submit(job(given)))
        assert (refused.value.field, upstream.connections) == (field, 0)

    @pytest.mark.parametrize("model", offers.of("google").models, ids=lambda model: model.name)
    def test_of_each_model_that_we_offer_is_taken_with_all_that_its_schema_has(self, upstream, tmp_path, model):
        whole = on_disk(fullest(model), tmp_path)
        for pictures in ("frame_images", "input_references"):
            ordered = on_disk(any_job(model.upstream_model, {k: v for k, v in whole.input.items() if k != pictures}), tmp_path)
            assert isinstance(asked(upstream, lambda adapter, ordered=ordered: adapter.submit(ordered)), Accepted)


class TestItsErrors:
    @pytest.mark.parametrize(
        ("status", "asking", "submit"),
        [
            (400, Invalid, None),
            (401, Unauthenticated, None),
            (403, Unauthenticated, None),
            (404, NotFound, Retired),
            (429, RateLimited, None),
            (500, Unavailable, OutcomeUnknown),
            (503, Unavailable, None),
            (504, Unavailable, OutcomeUnknown),
        ],
    )
    def test_mean_by_their_word(self, upstream, status, asking, submit):
        upstream.will(answer(status))
        upstream.will(answer(status), at="check")
        with pytest.raises(asking) as asked_about:
            asked(upstream, lambda adapter: adapter.check())
        with pytest.raises(submit or asking) as submitted:
            asked(upstream, lambda adapter: adapter.submit(job()))
        assert (type(asked_about.value), type(submitted.value)) == (asking, submit or asking)

    @pytest.mark.parametrize(
        ("order", "error"),
        [
            (refuse("unauthenticated"), Unauthenticated),
            (refuse("moderated"), Moderated),
            (refuse("no_money"), QuotaExceeded),
            (refuse("busy"), RateLimited),
            (answer(400, code="FAILED_PRECONDITION"), Unauthenticated),
        ],
        ids=str,
    )
    def test_that_share_a_word_are_told_apart_by_their_details_and_their_text(self, upstream, order, error):
        upstream.will(order)
        with pytest.raises(error) as refused:
            asked(upstream, lambda adapter: adapter.submit(job()))
        assert type(refused.value) is error

    def test_say_in_their_details_when_to_come_again(self, upstream):
        upstream.will(refuse("busy"))
        with pytest.raises(RateLimited) as busy:
            asked(upstream, lambda adapter: adapter.submit(job()))
        assert busy.value.retry_after == 34

    def test_come_in_a_list_of_one_too(self, upstream):
        alone = upstream.write_refusal
        upstream.write_refusal = lambda refusal: [alone(refusal)]
        upstream.will(refuse("invalid"))
        with pytest.raises(Invalid, match="as ordered"):
            asked(upstream, lambda adapter: adapter.submit(job()))

    def test_that_are_not_its_own_are_no_refusal(self, upstream):
        upstream.write_refusal = lambda refusal: {"message": "a gateway's own words"}
        upstream.will(answer(503))
        with pytest.raises(OutcomeUnknown):
            asked(upstream, lambda adapter: adapter.submit(job()))


def output(*content) -> dict:
    return {"status": "completed", "steps": [{"type": "user_input"}, {"type": "model_output", "content": list(content)}], "usage": {}}


def failed(**more) -> dict:
    return {"status": "failed", "errors": [], "steps": []} | more


class TestAJobAsItIsShown:
    @pytest.mark.parametrize("status", ["queued", "in_progress", "requires_continuation", "idle", "dreaming", None])
    def test_runs(self, status):
        assert google._polled({"status": status}) == Running()

    @pytest.mark.parametrize(
        ("content", "found"),
        [
            ({"type": "video", "uri": URI}, Found(URI)),
            ({"type": "video", "mime_type": "video/webm", "data": "AAAA"}, Found(content=bytes(3), content_type="video/webm")),
            ({"type": "video", "data": "AAAA"}, Found(content=bytes(3), content_type="video/mp4")),
        ],
    )
    def test_has_its_video_at_an_address_or_in_itself(self, content, found):
        shown = output({"type": "text", "text": "here"}, content) | {"usage": {"total_output_tokens": 57920}}
        assert google._polled(shown) == Finished((found,), usage={"total_output_tokens": 57920})

    @pytest.mark.parametrize(
        ("shown", "error"),
        [
            (failed(errors=[{"code": "internal", "message": "it broke"}]), GenerationFailed),
            (failed(errors=[{"code": "https://e.example/safety", "message": "no"}]), Moderated),
            (failed(steps=[{"error": {"code": "x", "message": "blocked by our filters"}}]), Moderated),
            (failed(errors=None, steps=None), GenerationFailed),
            (failed(errors=[7], steps=[7]), GenerationFailed),
            *((failed(status=status), GenerationFailed) for status in ("cancelled", "incomplete", "budget_exceeded", "requires_action")),
            (output() | {"usage": {"total_output_tokens": 0}}, Moderated),
            (output({"type": "text", "text": "I cannot"}) | {"usage": {"total_output_tokens": 7}}, NoOutput),
            (output({"type": "video", "uri": ""}), NoOutput),
            (output({"type": "video", "data": "?"}), NoOutput),
            ({"status": "completed", "steps": None, "usage": None}, NoOutput),
        ],
    )
    def test_that_gives_nothing_says_why(self, shown, error):
        outcome = google._polled(shown)
        assert isinstance(outcome, Failed)
        assert type(outcome.error) is error

    def test_that_is_another_is_no_news_of_ours(self, upstream):
        asked(upstream, lambda adapter: adapter.submit(job()))
        upstream.jobs["7"] = next(iter(upstream.jobs.values()))  # and says its own id
        with pytest.raises(Unavailable, match="another interaction"):
            asked(upstream, lambda adapter: adapter.poll(job(handle={"id": "7"})))


class TestAVideoThatIsMade:
    @pytest.fixture
    def polled(self, upstream):
        accepted = asked(upstream, lambda adapter: adapter.submit(job()))
        upstream.finish()
        return lambda: asked(upstream, lambda adapter: adapter.poll(job(handle=accepted.handle)))

    def test_is_where_it_can_be_fetched(self, upstream, polled):
        assert polled().outputs == (Found(f"{upstream.url}/v1beta/files/00000001x0:download?alt=media"),)

    def test_is_not_fetched_until_its_file_is_active(self, upstream, polled):
        upstream.processes = 2
        assert [type(polled()) for _ in range(3)] == [Running, Running, Finished]

    def test_whose_file_failed_is_none(self, upstream, polled):
        upstream._file = lambda name: {"state": "FAILED"}
        assert isinstance(polled().error, NoOutput)

    def test_is_fetched_where_its_file_tells_no_state(self, upstream, polled):
        upstream.will(refuse("not_found"), at="file")
        assert isinstance(polled(), Finished)

    def test_waits_while_its_file_cannot_be_asked_about(self, upstream, polled):
        upstream.will(answer(503), at="file")
        with pytest.raises(Unavailable):
            polled()


class TestItsKey:
    def test_is_for_its_own_addresses(self):
        adapter = Adapter(Upstream("google", "", {"api_key": "AIza"}))
        assert adapter.headers_for(URI) == {"x-goog-api-key": "AIza"}
        for other in ("https://generativelanguage.googleapis.com.evil.example/v1", "https://storage.example/v", "http://127.0.0.1/"):
            assert adapter.headers_for(other) == {}

    def test_is_missed_before_anything_is_sent(self, upstream):
        with pytest.raises(Unauthenticated, match="needs an api_key"):
            asked(upstream, lambda adapter: adapter.submit(job()), other="x")
        assert upstream.connections == 0


class TestACancel:
    def test_stops_a_job_and_none_that_is_over(self, upstream):
        accepted = asked(upstream, lambda adapter: adapter.submit(job()))
        ask = partial(asked, upstream, lambda adapter: adapter.cancel(job(handle=accepted.handle)))
        assert (ask(), ask()) == (True, False)


class TestALostSubmit:
    def found(self, upstream, **more):
        return asked(upstream, lambda adapter: adapter.find(job(**more)))

    def test_is_found_by_what_a_call_named(self, upstream):
        accepted = asked(upstream, lambda adapter: adapter.submit(job()))
        assert self.found(upstream, hint=accepted.handle) == accepted

    def test_is_not_looked_for_before_a_call(self, upstream):
        with pytest.raises(OutcomeUnknown, match="not called"):
            self.found(upstream)
        assert upstream.connections == 0

    def test_is_not_taken_for_anothers_job(self, upstream):
        accepted = asked(upstream, lambda adapter: adapter.submit(job()))
        with pytest.raises(OutcomeUnknown, match="another attempt"):
            self.found(upstream, hint=accepted.handle, held=(accepted.handle,))
        upstream.jobs[accepted.handle["id"]].model = "gemini-omni-1.1-flash"
        with pytest.raises(OutcomeUnknown, match="another model"):
            self.found(upstream, hint=accepted.handle)

    @pytest.mark.parametrize(
        "body", [b'{"data": {"id": "v1_1"}}', b'{"type": "x", "data": {"id": "../files"}}', b'{"type": "x", "data": 7}']
    )
    def test_is_named_by_no_call_that_names_no_interaction(self, body):
        assert Adapter.hear(Callback({}, body)).handle is None

    def test_is_linked_by_its_id(self):
        adapter = Adapter(Upstream("google", "", {}))
        assert adapter.handle_of("v1_ChdRc2-xyYWVU") == {"id": "v1_ChdRc2-xyYWVU"}
        for wrong in ("", "../files", "a b"):
            with pytest.raises(Invalid):
                adapter.handle_of(wrong)


class TestTheSimulatorIsStrict:
    ORDER = {
        "model": MODEL,
        "input": [TEXT],
        "background": True,
        "store": True,
        "response_format": {"type": "video", "delivery": "uri", "duration": "8s"},
    }

    @pytest.mark.parametrize(
        ("change", "status"),
        [
            ({"seed": 7}, 400),
            ({"store": False}, 400),
            ({"input": "a kite"}, 400),
            ({"input": [TEXT, PNG]}, 400),
            ({"input": [TEXT, PNG | {"mime_type": "image/gif"}], "generation_config": {"video_config": {"task": "image_to_video"}}}, 400),
            ({"generation_config": {"video_config": {"task": "image_to_video"}}}, 400),
            ({"response_format": {"type": "video", "duration": "11s"}}, 400),
            ({"response_format": {"type": "video", "duration": 8}}, 400),
            ({"model": "gemini-omni-flash-preview"}, 404),
        ],
    )
    def test_and_refuses_what_its_pages_do(self, upstream, change, status):
        url, headers = f"{upstream.url}/v1/interactions", {"x-goog-api-key": upstream.KEY}
        answered, said = posted("google", url, self.ORDER | change, headers=headers)
        assert (answered, said["error"]["code"], upstream.bought) == (status, status, 0)

    def test_and_takes_the_order_that_these_are_made_from(self, upstream):
        url, headers = f"{upstream.url}/v1/interactions", {"x-goog-api-key": upstream.KEY}
        assert posted("google", url, self.ORDER, headers=headers)[0] == 200


class TestItsFacts:
    def test_promise_only_what_its_pages_do(self):
        assert (FACTS.recovery, FACTS.cancel) == ({"callback"}, "billed")
