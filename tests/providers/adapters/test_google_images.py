"""Google's adapter of pictures: its words, by the tables of its pages; and its promises, against the simulator."""

import base64
from functools import partial

import pytest

from providers import offers
from providers.adapters import google_images
from providers.adapters.google_images import FACTS
from providers.errors import Invalid, Moderated, NoOutput, OutcomeUnknown, Refused
from providers.outcomes import Finished, Found
from tests.upstreams import cut_mid_json, fail, finish_without_output
from tests.upstreams.google_images import GoogleImages
from tests.upstreams.jobs import png

from .asking import FRAME, PICTURE, fullest, on_disk, posted
from .asking import asked as asked_of
from .asking import job as any_job
from .conformance import Conformance

MODEL = "gemini-3.1-flash-image"
asked = partial(asked_of, "google_images")
job = partial(any_job, MODEL, kind="image.generate")
PNG = {"inlineData": {"mimeType": "image/png", "data": base64.b64encode(png(1)).decode()}}


class TestPictures(Conformance):
    SIMULATOR, VENDOR, MODEL, AT_ONCE, INLINE = GoogleImages, "google_images", "google/gemini-3.1-flash-image", True, True

    @pytest.mark.parametrize(("fate", "code"), [(fail("moderated"), "moderated"), (finish_without_output(), "no_output")])
    def test_a_job_that_ends_badly_fails_for_that_reason_and_is_free(self, upstream, submits, ends, acme, fate, code):
        """A model that fails is a 500, as any other trouble is."""
        super().test_a_job_that_ends_badly_fails_for_that_reason_and_is_free(upstream, submits, ends, acme, fate, code)


@pytest.fixture
def upstream():
    with GoogleImages() as simulator:
        yield simulator


class TestAnOrder:
    @pytest.mark.parametrize(
        ("given", "parts", "how"),
        [
            ({}, [{"text": "a kite"}], {}),
            (
                {"aspect_ratio": "16:9", "resolution": "2k", "images": [PICTURE]},
                [{"text": "a kite"}, PNG],
                {"imageConfig": {"aspectRatio": "16:9", "imageSize": "2K"}},
            ),
        ],
        ids=["plain", "all"],
    )
    def test_is_written_in_its_words_and_taken(self, upstream, tmp_path, given, parts, how):
        ordered = on_disk(job(given), tmp_path)
        assert google_images._written(ordered) == {
            "contents": [{"role": "user", "parts": parts}],
            "generationConfig": {"responseModalities": ["IMAGE"], **how},
        }
        assert isinstance(asked(upstream, lambda adapter: adapter.submit(ordered)), Finished)

    @pytest.mark.parametrize(
        ("given", "field"),
        [
            ({"seed": 7}, "seed"),
            ({"n": 2}, "n"),
            ({"size": "1024x1024"}, "size"),
            ({"mask": PICTURE}, "mask"),
            ({"frame_images": [FRAME]}, "frame_images"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_of_what_it_cannot_do_is_refused_by_name_and_not_sent(self, upstream, given, field):
        with pytest.raises(Invalid) as refused:
            asked(upstream, lambda adapter: adapter.submit(job(given)))
        assert (refused.value.field, upstream.connections) == (field, 0)

    @pytest.mark.parametrize("model", offers.of("google_images").models, ids=lambda model: model.name)
    def test_of_each_model_that_we_offer_is_taken_with_all_that_its_schema_has(self, upstream, tmp_path, model):
        for ordered in (fullest(model, media=False), on_disk(fullest(model), tmp_path)):
            assert len(asked(upstream, lambda adapter, ordered=ordered: adapter.submit(ordered)).outputs) == 1


class TestItsAnswer:
    def test_carries_the_picture_and_what_it_took(self, upstream):
        finished = asked(upstream, lambda adapter: adapter.submit(job()))
        (made,) = upstream.jobs.values()
        assert finished.outputs == (Found(content=made.file(0)[1], content_type="image/png"),)
        assert finished.usage == {"promptTokenCount": 9, "candidatesTokenCount": 1120, "totalTokenCount": 1129}

    @pytest.mark.parametrize(
        ("said", "error"),
        [
            ({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}, Moderated),
            *(
                ({"candidates": [{"finishReason": reason}]}, Moderated)
                for reason in ("SAFETY", "IMAGE_SAFETY", "PROHIBITED_CONTENT", "IMAGE_PROHIBITED_CONTENT", "RECITATION")
            ),
            ({"candidates": [{"finishReason": "NO_IMAGE"}]}, NoOutput),
            ({"candidates": [{"finishReason": "A_REASON_OF_TOMORROW"}]}, NoOutput),
            ({"candidates": [7, {"content": {"parts": [7, {"inlineData": {"data": "?"}}]}}]}, NoOutput),
            ({"candidates": None}, NoOutput),
            ({}, NoOutput),
            ([], OutcomeUnknown),
        ],
    )
    def test_without_a_picture_says_why(self, said, error):
        with pytest.raises(error) as failed:
            google_images._finished(said)
        assert type(failed.value) is error

    def test_in_words_alone_is_passed_on_and_no_trouble_of_ours(self, upstream):
        upstream.says = "I cannot draw that. Would you like a landscape?"
        with pytest.raises(Refused, match=r"^I cannot draw that\. Would") as refused:
            asked(upstream, lambda adapter: adapter.submit(job()))
        assert not refused.value.retryable

    def test_that_is_lost_is_lost_for_good(self, upstream):
        upstream.will(cut_mid_json())
        with pytest.raises(OutcomeUnknown):
            asked(upstream, lambda adapter: adapter.submit(job()))
        with pytest.raises(OutcomeUnknown):
            asked(upstream, lambda adapter: adapter.find(job()))
        assert FACTS.recovery == set()


class TestTheSimulatorIsStrict:
    @pytest.mark.parametrize(
        ("model", "body", "status"),
        [
            (MODEL, {"contents": []}, 400),
            (MODEL, {"contents": [{"parts": [{"text": "a", **PNG}]}]}, 400),
            (MODEL, {"contents": [{"parts": [{"text": "a"}]}], "generationConfig": {"seed": 7}}, 400),
            (
                "gemini-3.1-flash-lite-image",
                {"contents": [{"parts": [{"text": "a"}]}], "generationConfig": {"imageConfig": {"imageSize": "2K"}}},
                400,
            ),
            ("imagen-4.0-generate-001", {"contents": [{"parts": [{"text": "a"}]}]}, 404),
        ],
    )
    def test_and_refuses_what_its_pages_do(self, upstream, model, body, status):
        url, headers = f"{upstream.url}/v1/models/{model}:generateContent", {"x-goog-api-key": upstream.KEY}
        answered, said = posted("google", url, body, headers=headers)
        assert (answered, said["error"]["code"], upstream.bought) == (status, status, 0)
