"""Veo's adapter: its words, by the tables of Google's pages; and its promises, against the simulator."""

import base64
from functools import partial

import pytest

from providers import offers
from providers.adapters import Upstream, google_veo
from providers.adapters.google_veo import FACTS, Adapter
from providers.errors import GenerationFailed, Invalid, Moderated, NoOutput, OutcomeUnknown, Retired, Unavailable
from providers.outcomes import Accepted, Failed, Finished, Found, Running
from tests.upstreams import refuse
from tests.upstreams.google_veo import GoogleVeo
from tests.upstreams.jobs import png

from .asking import FRAME, LAST, PICTURE, fullest, on_disk, posted
from .asking import asked as asked_of
from .asking import job as any_job
from .conformance import Conformance

MODEL = "veo-3.1-generate-preview"
asked = partial(asked_of, "google_veo")
job = partial(any_job, MODEL)
PNG = {"mimeType": "image/png", "bytesBase64Encoded": base64.b64encode(png(1)).decode()}


class TestVideos(Conformance):
    SIMULATOR, VENDOR, MODEL = GoogleVeo, "google_veo", "google/veo-3.1"


@pytest.fixture
def upstream():
    with GoogleVeo(manual=True) as simulator:
        yield simulator


class TestAnOrder:
    @pytest.mark.parametrize(
        ("given", "instance", "parameters"),
        [
            ({}, {}, {}),
            (
                {"duration": 6.0, "resolution": "720p", "aspect_ratio": "9:16", "negative_prompt": "rain"},
                {},
                {"durationSeconds": 6, "resolution": "720p", "aspectRatio": "9:16", "negativePrompt": "rain"},
            ),
            ({"frame_images": [FRAME, LAST]}, {"image": PNG, "lastFrame": PNG}, {}),
            ({"input_references": [PICTURE]}, {"referenceImages": [{"image": PNG, "referenceType": "ASSET"}]}, {}),
        ],
        ids=["a text", "all", "frames", "references"],
    )
    def test_is_written_in_its_words_and_taken(self, upstream, tmp_path, given, instance, parameters):
        ordered = on_disk(job(given), tmp_path)
        assert google_veo._written(ordered) == {
            "instances": [{"prompt": "a kite", **instance}],
            "parameters": {"sampleCount": 1, **parameters},
        }
        assert isinstance(asked(upstream, lambda adapter: adapter.submit(ordered)), Accepted)

    @pytest.mark.parametrize(
        ("given", "field"),
        [
            ({"seed": 7}, "seed"),
            ({"generate_audio": True}, "generate_audio"),
            ({"n": 2}, "n"),
            ({"frame_images": [LAST]}, "frame_images"),
            ({"frame_images": [FRAME], "input_references": [PICTURE]}, "input_references"),
            ({"resolution": "1080p", "duration": 6}, "duration"),
            ({"input_references": [PICTURE], "duration": 4}, "duration"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_of_what_it_cannot_do_is_refused_by_name_and_not_sent(self, upstream, given, field):
        with pytest.raises(Invalid) as refused:
            asked(upstream, lambda adapter: adapter.submit(job(given)))
        assert (refused.value.field, upstream.connections) == (field, 0)

    @pytest.mark.parametrize("model", offers.of("google_veo").models, ids=lambda model: model.name)
    def test_of_each_model_that_we_offer_is_taken_with_all_that_its_schema_has(self, upstream, tmp_path, model):
        for ordered in (fullest(model, media=False), on_disk(fullest(model), tmp_path)):
            assert isinstance(asked(upstream, lambda adapter, ordered=ordered: adapter.submit(ordered)), Accepted)

    def test_at_google_itself_is_one_for_a_model_that_is_retired(self, upstream):
        upstream.will(refuse("no_model"))
        with pytest.raises(Retired):
            asked(upstream, lambda adapter: adapter.submit(job()))

    @pytest.mark.parametrize("name", ["", "operations/1", "models/veo/operations/../../x", "models/veo/operations/1?key=2"])
    def test_whose_answer_names_no_operation_has_an_unknown_outcome(self, upstream, name):
        upstream.write_taken = lambda job, now: {"name": name}
        with pytest.raises(OutcomeUnknown):
            asked(upstream, lambda adapter: adapter.submit(job()))


def done(**made) -> dict:
    return {"done": True, "response": {"generateVideoResponse": made}}


SAMPLE, URL = {"video": {"uri": "https://g.example/1"}}, "https://g.example/1"


class TestAnOperationAsItIsShown:
    @pytest.mark.parametrize("shown", [{}, {"done": False}, {"done": "true"}, {"metadata": {"state": "x"}}])
    def test_runs_until_it_says_that_it_is_done(self, shown):
        assert google_veo._polled(shown) == Running()

    def test_has_its_video(self):
        assert google_veo._polled(done(generatedSamples=[SAMPLE, 7, {}])) == Finished((Found(URL),))

    @pytest.mark.parametrize(
        ("shown", "error"),
        [
            ({"done": True, "error": {"code": 3, "message": "no such size"}}, Invalid),
            ({"done": True, "error": {"code": 3, "message": "blocked by our safety filters"}}, Moderated),
            ({"done": True, "error": {"code": 8, "message": "quota"}}, GenerationFailed),
            ({"done": True, "error": {"code": 13}}, GenerationFailed),
            ({"done": True, "error": {}}, GenerationFailed),
            (done(raiMediaFilteredCount=1, raiMediaFilteredReasons=["a face"]), Moderated),
            (done(generatedSamples=[], raiMediaFilteredCount=1), Moderated),
            (done(generatedSamples=[], raiMediaFilteredCount=0), NoOutput),
            (done(generatedSamples=None), NoOutput),
            ({"done": True, "response": {}}, NoOutput),
            ({"done": True}, NoOutput),
        ],
    )
    def test_that_gives_nothing_says_why(self, shown, error):
        outcome = google_veo._polled(shown)
        assert isinstance(outcome, Failed)
        assert type(outcome.error) is error

    def test_that_is_another_is_no_news_of_ours(self, upstream):
        asked(upstream, lambda adapter: adapter.submit(job()))
        upstream.jobs["7"] = next(iter(upstream.jobs.values()))  # and says its own name
        with pytest.raises(Unavailable, match="another operation"):
            asked(upstream, lambda adapter: adapter.poll(job(handle={"name": f"models/{MODEL}/operations/7"})))


class TestALostSubmit:
    def test_is_not_looked_for_where_there_is_nothing_to_look_at(self, upstream):
        with pytest.raises(OutcomeUnknown):
            asked(upstream, lambda adapter: adapter.find(job()))
        assert (FACTS.recovery, upstream.connections) == (frozenset(), 0)

    def test_is_linked_by_the_name_of_its_operation(self):
        adapter = Adapter(Upstream("google_veo", "", {}))
        assert adapter.handle_of("models/veo-3.1/operations/a_1-b") == {"name": "models/veo-3.1/operations/a_1-b"}
        for wrong in ("", "a1b2", "models/veo/operations/../files", "../models"):
            with pytest.raises(Invalid):
                adapter.handle_of(wrong)


class TestTheSimulatorIsStrict:
    @pytest.mark.parametrize(
        ("model", "body", "status"),
        [
            (MODEL, {}, 400),
            (MODEL, {"instances": [{"prompt": "a", "seed": 1}]}, 400),
            (MODEL, {"instances": [{"prompt": "a", "lastFrame": PNG}]}, 400),
            (MODEL, {"instances": [{"prompt": "a"}], "parameters": {"durationSeconds": "8"}}, 400),
            (MODEL, {"instances": [{"prompt": "a"}], "parameters": {"durationSeconds": 4, "resolution": "4k"}}, 400),
            (MODEL, {"instances": [{"prompt": "a"}], "parameters": {"generateAudio": True}}, 400),
            ("veo-2.0-generate-001", {"instances": [{"prompt": "a"}]}, 404),
        ],
    )
    def test_and_refuses_what_its_pages_did(self, upstream, model, body, status):
        url, headers = f"{upstream.url}/v1beta/models/{model}:predictLongRunning", {"x-goog-api-key": upstream.KEY}
        answered, said = posted("google", url, body, headers=headers)
        assert (answered, said["error"]["code"], upstream.bought) == (status, status, 0)
