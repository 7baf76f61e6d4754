"""OpenAI's adapter of pictures: its words, by the tables of its pages; and its promises, against the simulator."""

from functools import partial

import pytest

from providers import http, offers
from providers.adapters import openai
from providers.adapters.openai import FACTS, MOST_PIXELS
from providers.errors import (
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
from providers.outcomes import Finished, Found
from tests.upstreams import answer, cut_mid_json, deliver, fail, finish_without_output, refuse
from tests.upstreams.openai import OpenAI

from .asking import FRAME, PICTURE, fullest, posted
from .asking import asked as asked_of
from .asking import job as any_job
from .conformance import Conformance

MODEL = "gpt-image-2"
asked = partial(asked_of, "openai")
job = partial(any_job, MODEL, kind="image.generate")
ONE = {"image_url": "https://a.example/1.png"}


class TestPictures(Conformance):
    SIMULATOR, VENDOR, MODEL, AT_ONCE, INLINE = OpenAI, "openai", "openai/gpt-image-2", True, True

    @pytest.mark.parametrize(("fate", "code"), [(fail("moderated"), "moderated"), (finish_without_output(), "no_output")])
    def test_a_job_that_ends_badly_fails_for_that_reason_and_is_free(self, upstream, submits, ends, acme, fate, code):
        """A model that fails is a 500, as any other trouble is."""
        super().test_a_job_that_ends_badly_fails_for_that_reason_and_is_free(upstream, submits, ends, acme, fate, code)


@pytest.fixture
def upstream():
    with OpenAI() as simulator:
        yield simulator


class TestAnOrder:
    @pytest.mark.parametrize(
        ("ordered", "path", "body"),
        [
            (job(), "/images/generations", {"model": MODEL, "prompt": "a kite"}),
            (
                job({"n": 4, "size": "1536x1024", "quality": "high", "background": "opaque", "output_format": "webp"}),
                "/images/generations",
                {
                    "model": MODEL,
                    "prompt": "a kite",
                    "n": 4,
                    "size": "1536x1024",
                    "quality": "high",
                    "background": "opaque",
                    "output_format": "webp",
                },
            ),
            (
                job({"images": [PICTURE], "mask": PICTURE}),
                "/images/edits",
                {"model": MODEL, "prompt": "a kite", "images": [ONE], "mask": ONE},
            ),
        ],
        ids=["plain", "all", "an edit"],
    )
    def test_is_written_in_its_words_and_taken(self, upstream, ordered, path, body):
        assert openai._order(ordered) == (path, body)
        assert isinstance(asked(upstream, lambda adapter: adapter.submit(ordered)), Finished)

    @pytest.mark.parametrize(
        ("given", "field"),
        [
            ({"seed": 7}, "seed"),
            ({"aspect_ratio": "1:1"}, "aspect_ratio"),
            ({"negative_prompt": "rain"}, "negative_prompt"),
            ({"frame_images": [FRAME]}, "frame_images"),
            ({"mask": PICTURE}, "mask"),
            ({"size": "large"}, "size"),
            ({"size": "3840x2160", "n": 2}, "n"),
            ({"n": 6}, "n"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_of_what_it_cannot_do_is_refused_by_name_and_not_sent(self, upstream, given, field):
        with pytest.raises(Invalid) as refused:
            asked(upstream, lambda adapter: adapter.submit(job(given)))
        assert (refused.value.field, upstream.connections) == (field, 0)

    def test_without_a_key_is_not_sent(self, upstream):
        with pytest.raises(Unauthenticated, match="needs an api_key"):
            asked(upstream, lambda adapter: adapter.submit(job()), other="x")
        assert upstream.connections == 0

    @pytest.mark.parametrize("model", offers.of("openai").models, ids=lambda model: model.name)
    def test_of_each_model_that_we_offer_is_taken_with_all_that_its_schema_has(self, upstream, model):
        for ordered in (fullest(model, media=False), fullest(model)):
            finished = asked(upstream, lambda adapter, ordered=ordered: adapter.submit(ordered))
            assert len(finished.outputs) == ordered.input["n"]

    def test_is_never_for_more_than_we_read_of_one_answer(self):
        assert MOST_PIXELS * 3 * 4 / 3 < http.MAX_BYTES


class TestItsErrors:
    @pytest.mark.parametrize(
        ("status", "asking", "submit"),
        [
            (400, Invalid, None),
            (401, Unauthenticated, None),
            (403, Unauthenticated, None),
            (404, NotFound, Retired),
            (422, Invalid, None),
            (429, RateLimited, None),
            (500, Unavailable, OutcomeUnknown),
            (502, Unavailable, OutcomeUnknown),
            (503, Unavailable, None),
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
        ("status", "code", "error"),
        [
            (400, "image_generation_user_error/moderation_blocked", Moderated),
            (400, "invalid_request_error/content_policy_violation", Moderated),
            (429, "insufficient_quota/", QuotaExceeded),
            (429, "insufficient_quota/credit_balance_exhausted", QuotaExceeded),
            (429, "insufficient_quota/project_spend_limit_exceeded", QuotaExceeded),
            (429, "insufficient_quota/a_code_of_tomorrow", QuotaExceeded),
            (429, "requests/slow_down", RateLimited),
        ],
    )
    def test_mean_by_their_code_or_else_their_type_where_the_status_does_not_tell(self, upstream, status, code, error):
        upstream.will(answer(status, code=code))
        with pytest.raises(error) as refused:
            asked(upstream, lambda adapter: adapter.submit(job()))
        assert type(refused.value) is error

    def test_say_when_to_come_again(self, upstream):
        upstream.will(answer(429, retry_after=7))
        with pytest.raises(RateLimited) as busy:
            asked(upstream, lambda adapter: adapter.submit(job()))
        assert busy.value.retry_after == 7

    def test_are_passed_on_where_the_request_is_at_fault_and_told_by_their_code_where_our_account_is(self, upstream):
        upstream.will(refuse("invalid"), refuse("no_money"))
        with pytest.raises(Invalid, match=r"^as ordered$"):
            asked(upstream, lambda adapter: adapter.submit(job()))
        with pytest.raises(QuotaExceeded, match=r"^Our quota at the upstream is used up. OpenAI's code is credit_balance_exhausted.$"):
            asked(upstream, lambda adapter: adapter.submit(job()))

    def test_that_are_not_its_own_are_no_refusal(self, upstream):
        upstream.write_refusal = lambda refusal: {"message": "a gateway's own words"}
        upstream.will(answer(503))
        with pytest.raises(OutcomeUnknown):
            asked(upstream, lambda adapter: adapter.submit(job()))


class TestItsAnswer:
    def test_carries_the_pictures_and_what_they_took(self, upstream):
        upstream.will(deliver(2))
        finished = asked(upstream, lambda adapter: adapter.submit(job({"n": 3})))
        (made,) = upstream.jobs.values()
        assert finished.outputs == tuple(Found(content=made.file(position)[1], content_type="image/png") for position in range(2))
        assert finished.usage == {"total_tokens": 2200, "input_tokens": 20, "output_tokens": 2180}

    def test_without_a_picture_is_a_failure(self, upstream):
        upstream.will(finish_without_output())
        with pytest.raises(NoOutput):
            asked(upstream, lambda adapter: adapter.submit(job()))

    @pytest.mark.parametrize("data", [None, 7, {}, [7], [{}], [{"b64_json": None}], [{"b64_json": "?"}], [{"url": "https://a.example"}]])
    def test_that_carries_none_that_can_be_read_is_one_too(self, data):
        with pytest.raises(NoOutput):
            openai._finished({"data": data})

    def test_refuses_what_the_pictures_show(self, upstream):
        upstream.will(fail("moderated"))
        with pytest.raises(Moderated):
            asked(upstream, lambda adapter: adapter.submit(job()))

    def test_that_is_lost_is_lost_for_good(self, upstream):
        upstream.will(cut_mid_json())
        with pytest.raises(OutcomeUnknown):
            asked(upstream, lambda adapter: adapter.submit(job()))
        with pytest.raises(OutcomeUnknown):
            asked(upstream, lambda adapter: adapter.find(job()))

    def test_that_says_no_more_than_that_it_failed_leaves_open_what_was_bought(self, upstream):
        upstream.will(fail("broken"))
        with pytest.raises(OutcomeUnknown):
            asked(upstream, lambda adapter: adapter.submit(job()))

    def test_that_comes_when_the_pictures_are_made_is_waited_for(self):
        with OpenAI(seconds=0.3) as slow:
            assert len(asked(slow, lambda adapter: adapter.submit(job())).outputs) == 1
        assert FACTS.submit_timeout.total_seconds() > 2 * 60


class TestTheSimulatorIsStrict:
    @pytest.mark.parametrize(
        ("path", "change", "status", "field"),
        [
            ("generations", {"seed": 1}, 400, "seed"),
            ("generations", {"n": "1"}, 400, "n"),
            ("generations", {"n": 11}, 400, "n"),
            ("generations", {"size": "1000x1000"}, 400, "size"),
            ("generations", {"size": "3840x1024"}, 400, "size"),
            ("generations", {"quality": "max"}, 400, "quality"),
            ("generations", {"response_format": "url"}, 400, "response_format"),
            ("generations", {"background": "transparent", "output_format": "jpeg"}, 400, "background"),
            ("generations", {"images": [ONE]}, 400, "images"),
            ("generations", {"model": "dall-e-3"}, 404, "model"),
            ("edits", {}, 400, "images"),
            ("edits", {"images": [ONE | {"file_id": "file-1"}]}, 400, "images"),
            ("edits", {"images": [ONE], "mask": "https://a.example/1.png"}, 400, "mask"),
        ],
    )
    def test_and_answers_as_its_pages_say(self, upstream, path, change, status, field):
        body = {"model": MODEL, "prompt": "a kite"} | change
        answered, said = posted("openai", f"{upstream.url}/v1/images/{path}", body, headers={"Authorization": f"Bearer {upstream.KEY}"})
        assert (answered, said["error"]["param"], upstream.bought) == (status, field, 0)
        assert said["error"].keys() == {"message", "type", "param", "code"}
