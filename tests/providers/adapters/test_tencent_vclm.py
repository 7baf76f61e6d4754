"""The adapter of Tencent's video creation: its words, by the tables of its pages; and its promises, against the simulator."""

from datetime import UTC, datetime
from functools import partial

import pytest

from providers import dialect, offers
from providers.adapters import tencent_vclm
from providers.adapters.tencent_vclm import FACTS, Adapter
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
from providers.outcomes import Accepted, Callback, Failed, Finished, Found, Heard, Running
from tests.upstreams import answer
from tests.upstreams.tencent_vclm import TencentVclm

from .asking import FRAME, HOOK, LAST, PICTURE, fullest, job
from .asking import asked as asked_of
from .conformance import Conformance

asked = partial(asked_of, "tencent_vclm")
KLING, VIDU = "kling/v3.0", "vidu/viduq3-pro"
URL = "https://v.example/1"


class TestKlingsVideos(Conformance):
    SIMULATOR, VENDOR, MODEL = TencentVclm, "tencent_vclm", "vclm/kling-3.0"


class TestVidusVideos(Conformance):
    SIMULATOR, VENDOR, MODEL = TencentVclm, "tencent_vclm", "vclm/vidu-q3-pro"


@pytest.fixture
def upstream():
    with TencentVclm() as simulator:
        yield simulator


@pytest.fixture
def slow():
    with TencentVclm(manual=True) as simulator:
        yield simulator


def marks(name: str, mark: str) -> dict:
    return {mark: "task_1-1", "CallbackUrl": f"{HOOK}?of={name}"}


class TestAnOrder:
    @pytest.mark.parametrize(
        ("ordered", "name", "body"),
        [
            (
                job(KLING, {"duration": 7.0, "aspect_ratio": "1:1", "generate_audio": True, "negative_prompt": "rain"}),
                "TextToVideoJob",
                {
                    "Model": "v3.0",
                    "Prompt": "a kite",
                    "NegativePrompt": "rain",
                    "Duration": "7",
                    "AspectRatio": "1:1",
                    "Sound": "on",
                    **marks("TextToVideoJob", "ExternalTaskId"),
                },
            ),
            (
                job("kling/v2.5", {"mode": "pro", "frame_images": [LAST, FRAME]}, callback_url=""),
                "ImageToVideoJob",
                {
                    "Model": "v2.5",
                    "Prompt": "a kite",
                    "Mode": "pro",
                    "Image": {"Url": "https://a.example/1.png"},
                    "ImageTail": {"Url": "https://a.example/2.png"},
                    "ExternalTaskId": "task_1-1",
                },
            ),
            (
                job(VIDU, {"duration": 16, "resolution": "540p", "aspect_ratio": "3:4", "generate_audio": False}),
                "TextToVideoViduJob",
                {
                    "Model": "viduq3-pro",
                    "Prompt": "a kite",
                    "Duration": 16,
                    "Resolution": "540p",
                    "AspectRatio": "3:4",
                    "Audio": False,
                    **marks("TextToVideoViduJob", "Payload"),
                },
            ),
            (
                job(VIDU, {"frame_images": [LAST, FRAME]}),
                "ImageToVideoViduJob",
                {
                    "Model": "viduq3-pro",
                    "Prompt": "a kite",
                    "Images": ["https://a.example/1.png", "https://a.example/2.png"],
                    **marks("ImageToVideoViduJob", "Payload"),
                },
            ),
            (
                job("vidu/viduq2", {"input_references": [PICTURE]}),
                "ReferenceToVideoViduJob",
                {
                    "Model": "viduq2",
                    "Prompt": "a kite",
                    "Images": ["https://a.example/1.png"],
                    **marks("ReferenceToVideoViduJob", "Payload"),
                },
            ),
        ],
        ids=["kling", "kling, frames", "vidu", "vidu, frames", "vidu, references"],
    )
    def test_is_written_in_its_words_and_taken(self, upstream, ordered, name, body):
        way = tencent_vclm._way(ordered)
        assert (way.name, tencent_vclm._written(ordered, way)) == (name, body)
        assert asked(upstream, lambda adapter: adapter.submit(ordered)).handle == {"of": name, "id": "1387262242600000001"}

    @pytest.mark.parametrize(
        ("ordered", "field"),
        [
            (job(KLING, {"seed": 7}), "seed"),
            (job(KLING, {"resolution": "720p"}), "resolution"),
            (job(KLING, {"input_references": [PICTURE]}), "input_references"),
            (job(KLING, {"frame_images": [FRAME], "aspect_ratio": "1:1"}), "aspect_ratio"),
            (job(KLING, {"frame_images": [LAST]}), "frame_images"),
            (job(VIDU, {"negative_prompt": "rain"}), "negative_prompt"),
            (job(VIDU, {"mode": "pro"}), "mode"),
            (job(VIDU, {"frame_images": [FRAME], "input_references": [PICTURE]}), "input_references"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_of_what_it_cannot_do_is_refused_by_name_and_not_sent(self, upstream, ordered, field):
        with pytest.raises(Invalid) as refused:
            asked(upstream, lambda adapter: adapter.submit(ordered))
        assert (refused.value.field, upstream.connections) == (field, 0)

    @pytest.mark.parametrize("model", ["hunyuan/1.5", "kling", "v3.0"])
    def test_for_a_model_that_it_has_not_is_retired_and_not_sent(self, upstream, model):
        with pytest.raises(Retired):
            asked(upstream, lambda adapter: adapter.submit(job(model)))
        assert upstream.connections == 0

    @pytest.mark.parametrize("model", offers.of("tencent_vclm").models, ids=lambda model: model.name)
    def test_of_each_model_that_we_offer_is_taken_with_all_that_its_schema_has(self, upstream, model):
        full = fullest(model)
        if "frame_images" in full.input:
            full = job(full.model, dialect.without(full.input, "aspect_ratio"))
        for ordered in (fullest(model, media=False), full):
            assert isinstance(asked(upstream, lambda adapter, ordered=ordered: adapter.submit(ordered)), Accepted)


class TestItsCodes:
    """Each as its pages class it; `submit` where that differs. A check takes what is the question's own fault for health."""

    @pytest.mark.parametrize(
        ("code", "asking", "submit"),
        [
            ("AuthFailure.SignatureFailure", Unauthenticated, None),
            ("UnauthorizedOperation", Unauthenticated, None),
            ("InvalidParameter.VideoUrlInvalid", None, Invalid),
            ("InvalidParameterValue.InvalidImageSize", None, Invalid),
            ("InvalidParameterValue.NoFaceInPhoto", None, Invalid),
            ("InvalidParameterValue.InvalidModel", Retired, None),
            ("MissingParameter", None, Invalid),
            ("FailedOperation.ImageDownloadError", None, Invalid),
            ("FailedOperation.ImageRadioExcceed", None, Invalid),
            ("FailedOperation.TemplateNotDetectBody", None, Invalid),
            ("FailedOperation.ModerationFailed", None, Moderated),
            ("FailedOperation.ModerationAudioFailed", None, Moderated),
            ("ResourceInsufficient", QuotaExceeded, None),
            ("ResourcesSoldOut.ChargeStatusException", QuotaExceeded, None),
            ("ResourceUnavailable.NotExist", QuotaExceeded, None),
            ("ResourceUnavailable.IsOpening", QuotaExceeded, None),
            ("ResourceUnavailable.StopUsing", Retired, None),
            ("ActionOffline", Retired, None),
            ("RequestLimitExceeded", RateLimited, None),
            ("RequestLimitExceeded.JobNumExceed", RateLimited, None),
            ("InternalError", Unavailable, OutcomeUnknown),
            ("FailedOperation.DriverFailed", Unavailable, OutcomeUnknown),
            ("FailedOperation.RequestTimeout", Unavailable, OutcomeUnknown),
            ("FailedOperation.ServerError", Unavailable, OutcomeUnknown),
            ("FailedOperation.JobNotExist", None, NotFound),
            ("Unheard.Of", Unavailable, OutcomeUnknown),
        ],
    )
    def test_mean(self, upstream, code, asking, submit):
        upstream.will(answer(200, code=code))
        upstream.will(answer(200, code=code), at="check")
        if asking:
            with pytest.raises(asking) as asked_about:
                asked(upstream, lambda adapter: adapter.check())
            assert type(asked_about.value) is asking
        else:
            asked(upstream, lambda adapter: adapter.check())
        with pytest.raises(submit or asking) as submitted:
            asked(upstream, lambda adapter: adapter.submit(job(KLING)))
        assert type(submitted.value) is (submit or asking)

    def test_of_a_full_contract_is_busy(self):
        with TencentVclm(manual=True, parallel=1) as full:
            asked(full, lambda adapter: adapter.submit(job(KLING)))
            with pytest.raises(RateLimited, match="JobNumExceed"):
                asked(full, lambda adapter: adapter.submit(job(KLING)))


class TestAJobAsItIsShown:
    @pytest.mark.parametrize(
        ("shown", "outcome"),
        [
            ({"Status": "WAIT"}, Running()),
            ({"Status": "RUN"}, Running()),
            ({"Status": "STOP"}, Running()),
            ({"Status": "DONE", "ResultVideoUrl": URL}, Finished((Found(URL),))),
            ({"Status": "DONE", "ResultVideoUrl": URL, "FinalUnitDeduction": "1.5"}, Finished((Found(URL),), cost=1.5)),
            ({"Status": "DONE", "ResultVideoUrl": URL, "Credits": 20}, Finished((Found(URL),), cost=20.0)),
        ],
    )
    def test_means(self, shown, outcome):
        assert tencent_vclm._polled(shown) == outcome

    @pytest.mark.parametrize(
        ("shown", "error"),
        [
            ({"Status": "FAIL", "ErrorCode": "FailedOperation.ModerationFailed"}, Moderated),
            ({"Status": "FAIL", "ErrorCode": "FailedOperation.ImageDecodeFailed"}, Invalid),
            ({"Status": "FAIL", "ErrorCode": "InvalidParameterValue.UrlIllegal"}, Invalid),
            ({"Status": "FAIL", "ErrorCode": "FailedOperation.DriverFailed"}, GenerationFailed),
            ({"Status": "FAIL", "ErrorCode": "ResourceInsufficient"}, GenerationFailed),
            ({"Status": "FAIL"}, GenerationFailed),
            ({"Status": "DONE"}, NoOutput),
            ({"Status": "DONE", "ResultVideoUrl": ""}, NoOutput),
        ],
    )
    def test_that_gives_nothing_says_why(self, shown, error):
        failed = tencent_vclm._polled(shown)
        assert isinstance(failed, Failed)
        assert type(failed.error) is error

    def test_is_known_to_its_own_describe_only(self, slow):
        handle = asked(slow, lambda adapter: adapter.submit(job(KLING))).handle
        assert asked(slow, lambda adapter: adapter.poll(job("", handle=handle))) == Running()
        with pytest.raises(NotFound):
            asked(slow, lambda adapter: adapter.poll(job("", handle=handle | {"of": "ImageToVideoJob"})))


class TestACall:
    def test_names_its_job_and_its_address_the_describe(self):
        heard = Heard({"of": "TextToVideoJob", "id": "7"})
        query = {"of": "TextToVideoJob"}
        assert Adapter.hear(Callback(query, b'{"JobId": "7", "Status": "RUN"}')) == heard
        assert Adapter.hear(Callback(query, b'{"Response": {"JobId": "7"}}')) == heard
        for query in ({}, {"of": "HumanActorJob"}, {"of": "../x"}):
            assert Adapter.hear(Callback(query, b'{"JobId": "7"}')) == Heard()

    @pytest.mark.parametrize("model", [KLING, VIDU])
    def test_is_believed_where_the_job_shows_our_token(self, slow, model):
        mine = asked(slow, lambda adapter: adapter.submit(job(model))).handle
        lost = job(model, sent_at=datetime.now(UTC), hint=mine)
        assert asked(slow, lambda adapter: adapter.find(lost)) == Accepted(mine)

    def test_about_somebody_elses_job_is_not(self, slow):
        others = asked(slow, lambda adapter: adapter.submit(job(KLING))).handle
        slow.orders[others["id"]]["body"]["ExternalTaskId"] = "task_2-1"
        with pytest.raises(OutcomeUnknown, match="does not show our token"):
            asked(slow, lambda adapter: adapter.find(job(KLING, hint=others)))

    def test_nor_where_the_token_is_not_shown_at_all(self):
        with TencentVclm(manual=True, echoes=False) as silent:
            mine = asked(silent, lambda adapter: adapter.submit(job(KLING))).handle
            with pytest.raises(OutcomeUnknown):
                asked(silent, lambda adapter: adapter.find(job(KLING, hint=mine)))

    def test_that_has_not_come_leaves_it_open(self, upstream):
        with pytest.raises(OutcomeUnknown, match="not called yet"):
            asked(upstream, lambda adapter: adapter.find(job(KLING)))


class TestTheSimulatorIsStrict:
    @pytest.mark.parametrize(
        ("ordered", "changes", "code"),
        [
            (job(KLING), {"Seed": 7}, "UnknownParameter"),
            (job(KLING), {"Prompt": "a" * 2501}, "InvalidParameterValue"),
            (job(KLING), {"Duration": 5}, "InvalidParameterValue"),
            (job("kling/v2.6"), {"Duration": "7"}, "InvalidParameterValue"),
            (job("kling/v9"), {}, "InvalidParameterValue.InvalidModel"),
            (job(VIDU), {"Duration": 17}, "InvalidParameterValue"),
            (job("vidu/viduq2"), {"Audio": True}, "InvalidParameterValue"),
            (job("vidu/viduq2"), {"Duration": 11}, "InvalidParameterValue"),
            (job("vidu/viduq2", {"frame_images": [FRAME]}), {}, "InvalidParameterValue.InvalidModel"),
            (job(VIDU, {"frame_images": [FRAME]}), {"Images": []}, "InvalidParameterValue"),
        ],
    )
    def test_and_answers_in_tencents_codes(self, upstream, ordered, changes, code):
        way = tencent_vclm._way(ordered)
        body = tencent_vclm._written(ordered, way) | changes
        with pytest.raises(Retired if "Model" in code else Invalid) as refused:
            asked(upstream, lambda adapter: adapter._vclm.ask(f"Submit{way.name}", body, paid=True))
        assert code.partition(".")[2] in refused.value.message
        assert upstream.bought == 0

    @pytest.mark.parametrize(
        ("header", "value"), [("X-TC-Region", "eu-frankfurt"), ("X-TC-Version", "2020-01-01"), ("X-TC-Action", "Submit")]
    )
    def test_about_headers_too(self, upstream, header, value):
        async def go(adapter):
            vclm = adapter._vclm
            headers = vclm._headers("DescribeTextToVideoJob", now := int(datetime.now(UTC).timestamp())) | {header: value}
            headers["Authorization"] = vclm._authorization(b'{"JobId":"1"}', now)
            return await vclm._http.request("POST", f"{vclm._url}/", headers=headers, data=b'{"JobId":"1"}', timeout=5)

        code = asked(upstream, go).json()["Response"]["Error"]["Code"]
        assert code == {"X-TC-Region": "UnsupportedRegion", "X-TC-Version": "NoSuchVersion", "X-TC-Action": "InvalidAction"}[header]


class TestItsFacts:
    def test_promise_only_what_its_pages_do(self):
        assert (FACTS.recovery, FACTS.cancel, FACTS.batch) == ({"callback"}, "unsupported", 1)
