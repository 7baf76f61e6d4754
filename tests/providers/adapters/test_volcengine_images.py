"""Ark's adapter of pictures: its words, by the tables of its pages; and its promises, against the simulator."""

from functools import partial

import pytest

from providers import offers
from providers.adapters import volcengine_images
from providers.adapters.volcengine_images import FACTS
from providers.errors import GenerationFailed, Invalid, Moderated, NoOutput, OutcomeUnknown
from providers.outcomes import Finished, Found
from tests.upstreams import cut_mid_json, deliver, fail, finish_without_output
from tests.upstreams.volcengine_images import IMAGES, VolcengineImages

from .asking import FRAME, PICTURE, fullest, posted
from .asking import asked as asked_of
from .asking import job as any_job
from .conformance import Conformance

asked = partial(asked_of, "volcengine_images")
job = partial(any_job, kind="image.generate")
MODEL, OLD = "doubao-seedream-5-0-260128", "doubao-seedream-4-0-250828"
ALWAYS = {"response_format": "url", "watermark": False}
ONE = {"sequential_image_generation": "disabled"}


class TestPictures(Conformance):
    SIMULATOR, VENDOR, MODEL, AT_ONCE = VolcengineImages, "volcengine_images", "seedream/5.0", True


@pytest.fixture
def upstream():
    with VolcengineImages() as simulator:
        yield simulator


class TestAnOrder:
    @pytest.mark.parametrize(
        ("ordered", "body"),
        [
            (job(MODEL), {"model": MODEL, "prompt": "a kite", **ONE, **ALWAYS}),
            (
                job(MODEL, {"n": 4, "resolution": "3k", "output_format": "png", "images": [PICTURE]}),
                {
                    "model": MODEL,
                    "prompt": "a kite",
                    "image": ["https://a.example/1.png"],
                    "size": "3K",
                    "output_format": "png",
                    "sequential_image_generation": "auto",
                    "sequential_image_generation_options": {"max_images": 4},
                    **ALWAYS,
                },
            ),
            (job(OLD, {"size": "2048x1024", "n": 1}), {"model": OLD, "prompt": "a kite", "size": "2048x1024", **ONE, **ALWAYS}),
        ],
        ids=["plain", "all", "pixels"],
    )
    def test_is_written_in_its_words_and_taken(self, upstream, ordered, body):
        assert volcengine_images._written(ordered) == body
        assert isinstance(asked(upstream, lambda adapter: adapter.submit(ordered)), Finished)

    @pytest.mark.parametrize(
        ("ordered", "field"),
        [
            (job(MODEL, {"seed": 7}), "seed"),
            (job(MODEL, {"aspect_ratio": "1:1"}), "aspect_ratio"),
            (job(MODEL, {"mask": PICTURE}), "mask"),
            (job(MODEL, {"negative_prompt": "rain"}), "negative_prompt"),
            (job(MODEL, {"frame_images": [FRAME]}), "frame_images"),
            (job(MODEL, {"size": "1x1", "resolution": "2k"}), "size"),
            (job(MODEL, {"n": 10, "images": [PICTURE] * 6}), "n"),
            (job(OLD, {"output_format": "png"}), "output_format"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_of_what_it_cannot_do_is_refused_by_name_and_not_sent(self, upstream, ordered, field):
        with pytest.raises(Invalid) as refused:
            asked(upstream, lambda adapter: adapter.submit(ordered))
        assert (refused.value.field, upstream.connections) == (field, 0)

    @pytest.mark.parametrize("model", offers.of("volcengine_images").models, ids=lambda model: model.name)
    def test_of_each_model_that_we_offer_is_taken_with_all_that_its_schema_has(self, upstream, model):
        for ordered in (fullest(model, media=False), fullest(model)):
            finished = asked(upstream, lambda adapter, ordered=ordered: adapter.submit(ordered))
            assert len(finished.outputs) == ordered.input["n"]


class TestPartsThatFail:
    def test_of_a_set_are_warnings_beside_what_was_made(self, upstream):
        upstream.will(deliver(2))
        finished = asked(upstream, lambda adapter: adapter.submit(job(MODEL, {"n": 3})))
        assert len(finished.outputs) == 2
        assert finished.warnings == ("A picture was not made: the model could not finish",)
        assert finished.usage == {"generated_images": 2, "output_tokens": 32768, "total_tokens": 32768}

    @pytest.mark.parametrize(
        ("order", "error"), [(fail("moderated"), Moderated), (fail("broken"), GenerationFailed), (finish_without_output(), NoOutput)]
    )
    def test_all_of_them_say_why(self, upstream, order, error):
        upstream.will(order)
        with pytest.raises(error) as failed:
            asked(upstream, lambda adapter: adapter.submit(job(MODEL, {"n": 2})))
        assert type(failed.value) is error

    def test_are_told_for_the_whole_where_there_is_no_part(self):
        with pytest.raises(Moderated):
            volcengine_images._finished({"data": [], "error": {"code": "OutputImageSensitiveContentDetected", "message": "no"}})
        assert volcengine_images._finished({"data": [7, {"url": "https://a.example/1"}, {"url": 7}]}).outputs == (
            Found("https://a.example/1"),
        )


class TestAnAnswerThatIsLost:
    def test_is_lost_for_good(self, upstream):
        upstream.will(cut_mid_json())
        with pytest.raises(OutcomeUnknown):
            asked(upstream, lambda adapter: adapter.submit(job(MODEL)))
        with pytest.raises(OutcomeUnknown):
            asked(upstream, lambda adapter: adapter.find(job(MODEL)))

    def test_that_comes_when_the_pictures_are_made_is_waited_for(self):
        with VolcengineImages(seconds=0.3) as slow:
            assert len(asked(slow, lambda adapter: adapter.submit(job(MODEL))).outputs) == 1


class TestTheSimulatorIsStrict:
    @pytest.mark.parametrize(
        ("body", "status", "code"),
        [
            ({"model": MODEL}, 400, "MissingParameter"),
            ({"model": MODEL, "prompt": "a", "n": 2}, 400, "InvalidParameter"),
            ({"model": MODEL, "prompt": "a", "size": "1K"}, 400, "InvalidParameter"),
            ({"model": OLD, "prompt": "a", "output_format": "png"}, 400, "InvalidParameter"),
            ({"model": "doubao-seedream-3-0", "prompt": "a"}, 404, "InvalidEndpointOrModel.NotFound"),
        ],
    )
    def test_and_answers_in_arks_codes(self, upstream, body, status, code):
        answered, said = posted("ark", upstream.url + IMAGES, body, headers={"Authorization": f"Bearer {upstream.KEY}"})
        assert (answered, said["error"]["code"], upstream.bought) == (status, code, 0)


class TestItsFacts:
    def test_promise_only_what_its_pages_do(self):
        assert FACTS.recovery == set()
        assert FACTS.submit_timeout.total_seconds() > 14 * 60
