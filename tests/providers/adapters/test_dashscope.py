"""DashScope's adapter: its words, by the tables of its pages; and its promises, against the simulator."""

import pytest

from providers import offers
from providers.adapters import dashscope
from providers.adapters.dashscope import FACTS
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
from tests.upstreams.dashscope import API, OLDER_PICTURES, PICTURES, VIDEOS, DashScope

from . import asking
from .asking import FRAME, LAST, PICTURE, fullest, job
from .conformance import Conformance


class TestVideos(Conformance):
    SIMULATOR, VENDOR, MODEL = DashScope, "dashscope", "wan/2.7-t2v"


class TestPictures(Conformance):
    SIMULATOR, VENDOR, MODEL = DashScope, "dashscope", "wan/2.7-image"


class TestOlderPictures(Conformance):
    SIMULATOR, VENDOR, MODEL = DashScope, "dashscope", "wan/2.5-image"


def asked(simulator, road, **credentials):
    return asking.asked("dashscope", simulator, road, **credentials)


@pytest.fixture
def upstream():
    with DashScope(manual=True) as simulator:
        yield simulator


def image(model: str, given: dict | None = None):
    return job(model, given, kind="image.generate")


class TestAnOrder:
    @pytest.mark.parametrize(
        ("ordered", "path", "body"),
        [
            (
                job("wan2.7-t2v", {"resolution": "1080p", "aspect_ratio": "9:16", "duration": 5.0, "seed": 7, "negative_prompt": "rain"}),
                VIDEOS,
                {
                    "model": "wan2.7-t2v",
                    "input": {"prompt": "a kite", "negative_prompt": "rain"},
                    "parameters": {"resolution": "1080P", "ratio": "9:16", "duration": 5, "seed": 7},
                },
            ),
            (
                job("wan2.7-i2v-2026-04-25", {"frame_images": [FRAME, LAST]}),
                VIDEOS,
                {
                    "model": "wan2.7-i2v-2026-04-25",
                    "input": {
                        "prompt": "a kite",
                        "media": [
                            {"type": "first_frame", "url": "https://a.example/1.png"},
                            {"type": "last_frame", "url": "https://a.example/2.png"},
                        ],
                    },
                    "parameters": {},
                },
            ),
            (
                job("wan2.7-r2v", {"input_references": [PICTURE, PICTURE]}),
                VIDEOS,
                {
                    "model": "wan2.7-r2v",
                    "input": {"prompt": "a kite", "media": 2 * [{"type": "reference_image", "url": "https://a.example/1.png"}]},
                    "parameters": {},
                },
            ),
            (
                image("wan2.7-image", {"images": [PICTURE], "n": 2, "size": "1280x720"}),
                PICTURES,
                {
                    "model": "wan2.7-image",
                    "input": {"messages": [{"role": "user", "content": [{"text": "a kite"}, {"image": "https://a.example/1.png"}]}]},
                    "parameters": {"n": 2, "size": "1280*720"},
                },
            ),
            (
                image("wan2.5-t2i-preview", {"negative_prompt": "rain", "n": 1}),
                OLDER_PICTURES,
                {"model": "wan2.5-t2i-preview", "input": {"prompt": "a kite", "negative_prompt": "rain"}, "parameters": {"n": 1}},
            ),
        ],
        ids=["text", "frames", "references", "pictures", "older pictures"],
    )
    def test_is_written_in_its_words(self, ordered, path, body):
        assert dashscope._order(ordered) == (path, body)

    @pytest.mark.parametrize(
        ("ordered", "field"),
        [
            (job("wan2.7-t2v", {"generate_audio": True}), "generate_audio"),
            (job("wan2.7-t2v", {"frame_images": [FRAME]}), "frame_images"),
            (job("wan2.7-t2v", {"n": 2}), "n"),
            (job("wan2.7-i2v"), "frame_images"),
            (job("wan2.7-i2v", {"frame_images": [LAST]}), "frame_images"),
            (job("wan2.7-i2v", {"frame_images": [FRAME, FRAME]}), "frame_images"),
            (job("wan2.7-i2v", {"frame_images": [FRAME | {"frame_type": "middle"}]}), "frame_images"),
            (job("wan2.7-i2v", {"frame_images": [FRAME], "aspect_ratio": "1:1"}), "aspect_ratio"),
            (job("wan2.7-r2v"), "input_references"),
            (image("wan2.7-image", {"mask": PICTURE}), "mask"),
            (image("wan2.7-image", {"negative_prompt": "rain"}), "negative_prompt"),
            (image("wan2.5-t2i-preview", {"images": [PICTURE]}), "images"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_of_what_it_cannot_do_is_refused_by_name_and_not_sent(self, upstream, ordered, field):
        with pytest.raises(Invalid) as refused:
            asked(upstream, lambda adapter: adapter.submit(ordered))
        assert (refused.value.field, upstream.connections) == (field, 0)

    def test_for_a_model_that_we_cannot_speak_to_is_not_sent(self, upstream):
        with pytest.raises(Retired, match="does not speak to qwen-image"):
            asked(upstream, lambda adapter: adapter.submit(image("qwen-image")))
        assert upstream.connections == 0

    @pytest.mark.parametrize("media", [True, False], ids=["all", "what it needs"])
    @pytest.mark.parametrize("model", offers.of("dashscope").models, ids=lambda model: model.name)
    def test_of_each_model_that_we_offer_is_taken_with_all_that_its_schema_has(self, upstream, model, media):
        ordered = fullest(model, media=media)
        assert isinstance(asked(upstream, lambda adapter: adapter.submit(ordered)), Accepted)

    def test_is_sent_to_a_host_that_was_entered_with_its_path(self, upstream):
        upstream_url = f"{upstream.url}{API}/"
        adapter = dashscope.Adapter(dashscope.Upstream("dashscope", upstream_url, {"api_key": "k"}))
        assert adapter._base == upstream.url + API


class TestItsCodes:
    """Each as its pages class it; `submit` where that differs."""

    @pytest.mark.parametrize(
        ("status", "code", "asking", "submit"),
        [
            (400, "InvalidParameter", Invalid, None),
            (400, "InvalidParameter.Size", Invalid, None),
            (413, "BadRequest.TooLarge", Invalid, None),
            (415, "BadRequest.InputDownloadFailed", Invalid, None),
            (415, "BadRequest.UnsupportedFileFormat", Invalid, None),
            (400, "InvalidURL", Invalid, None),
            (400, "InternalError.Algo", Invalid, None),
            (500, "InternalError.Algo", Unavailable, OutcomeUnknown),  # the class is of its HTTP 400 only
            (400, "DataInspectionFailed", Moderated, None),
            (400, "DataInspection", Moderated, None),
            (400, "CustomRoleBlocked", Moderated, None),
            (400, "FaqRuleBlocked", Moderated, None),
            (400, "Arrearage", QuotaExceeded, None),
            (429, "PrepaidBillOverdue", QuotaExceeded, None),
            (429, "PostpaidBillOverdue", QuotaExceeded, None),
            (429, "CommodityNotPurchased", QuotaExceeded, None),
            (403, "AllocationQuota.FreeTierOnly", QuotaExceeded, None),
            (403, "AccessDenied.Unpurchased", QuotaExceeded, None),
            (401, "InvalidApiKey", Unauthenticated, None),
            (403, "AccessDenied", Unauthenticated, None),
            (403, "Model.AccessDenied", Unauthenticated, None),
            (403, "Workspace.AccessDenied", Unauthenticated, None),
            (404, "WorkSpaceNotFound", Unauthenticated, None),
            (404, "ModelNotFound", Retired, None),
            (429, "Throttling", RateLimited, None),
            (429, "Throttling.RateQuota", RateLimited, None),
            (429, "Throttling.AllocationQuota", RateLimited, None),
            (429, "LimitRequests", RateLimited, None),
            (408, "RequestTimeOut", Unavailable, OutcomeUnknown),
            (500, "InternalError", Unavailable, OutcomeUnknown),
            (500, "InternalError.Timeout", Unavailable, OutcomeUnknown),
            (500, "SystemError", Unavailable, OutcomeUnknown),
            (500, "ModelServiceFailed", Unavailable, OutcomeUnknown),
            (503, "ModelUnavailable", Unavailable, None),
            (503, "ServiceUnavailable", Unavailable, None),
            (200, "Throttling", RateLimited, None),  # an error whatever the HTTP status
            (502, "", Unavailable, OutcomeUnknown),
            (400, "Mystery", Unavailable, OutcomeUnknown),
            (400, 7, Unavailable, OutcomeUnknown),
        ],
    )
    def test_mean(self, upstream, status, code, asking, submit):
        upstream.will(answer(status, code=code))
        upstream.will(answer(status, code=code), at="check")
        with pytest.raises(asking) as asked_about:
            asked(upstream, lambda adapter: adapter.check())
        with pytest.raises(submit or asking) as submitted:
            asked(upstream, lambda adapter: adapter.submit(job("wan2.7-t2v")))
        assert (type(asked_about.value), type(submitted.value)) == (asking, submit or asking)

    def test_of_haste_and_of_money_are_told_apart_by_the_message(self):
        code = "Throttling.AllocationQuota"
        assert dashscope._kind(code, "Free allocated quota exceeded.", dashscope.ERRORS) is QuotaExceeded
        assert dashscope._kind(code, "Allocated quota exceeded, please increase your quota limit.", dashscope.ERRORS) is RateLimited

    def test_that_are_the_clients_fault_are_told_in_its_text_and_others_are_not(self, upstream):
        upstream.will(answer(400, code="InvalidParameter"), answer(400, code="Arrearage"), answer(429, code="Throttling", retry_after=7))
        with pytest.raises(Invalid, match="as ordered"):
            asked(upstream, lambda adapter: adapter.submit(job("wan2.7-t2v")))
        with pytest.raises(QuotaExceeded, match=r"^Our quota at the upstream is used up. DashScope's code is Arrearage.$"):
            asked(upstream, lambda adapter: adapter.submit(job("wan2.7-t2v")))
        with pytest.raises(RateLimited) as busy:
            asked(upstream, lambda adapter: adapter.submit(job("wan2.7-t2v")))
        assert busy.value.retry_after == 7

    def test_without_a_key_nothing_is_sent(self, upstream):
        with pytest.raises(Unauthenticated, match="needs an api_key"):
            asked(upstream, lambda adapter: adapter.check(), key="x")
        assert upstream.connections == 0


URL = "https://d.example/1"
DONE = {"task_id": "1", "task_status": "SUCCEEDED"}


class TestAJobAsItIsShown:
    @pytest.mark.parametrize("status", ["PENDING", "RUNNING", "SUSPENDED", "DREAMING", ["x"], None])
    def test_that_is_not_over_runs(self, status):
        assert dashscope._polled({"task_id": "1", "task_status": status}, None) == Running()

    @pytest.mark.parametrize(
        ("shown", "outputs"),
        [
            ({"video_url": URL}, [URL]),
            ({"results": [{"url": URL}, {"code": "InternalError", "message": "x"}, 7]}, [URL]),
            (
                {"choices": [{"message": {"content": [{"image": URL}, {"text": "a"}]}}, {"message": {"content": [{"image": "b"}]}}]},
                [URL, "b"],
            ),
        ],
        ids=["a video", "a list", "messages"],
    )
    def test_that_went_well_names_its_results(self, shown, outputs):
        assert dashscope._polled(DONE | shown, None) == Finished(tuple(Found(url) for url in outputs))

    def test_tells_what_it_used(self):
        polled = dashscope._polled(DONE | {"video_url": URL}, {"duration": 5, "SR": 720, "size": "1280*720", "audio": True})
        assert polled == Finished((Found(URL),), usage={"duration": 5, "SR": 720})

    @pytest.mark.parametrize(
        ("shown", "error"),
        [
            ({"task_status": "FAILED", "code": "InternalError", "message": "it broke"}, GenerationFailed),
            ({"task_status": "FAILED", "code": "Throttling", "message": "x"}, GenerationFailed),
            ({"task_status": "FAILED"}, GenerationFailed),
            ({"task_status": "FAILED", "code": "DataInspectionFailed", "message": "x"}, Moderated),
            ({"task_status": "FAILED", "code": "InvalidParameter.DataInspection", "message": "x"}, Invalid),
            ({"task_status": "CANCELED"}, GenerationFailed),
            (DONE, NoOutput),
            (DONE | {"video_url": ""}, NoOutput),
            (DONE | {"results": []}, NoOutput),
            (DONE | {"results": [{"code": "DataInspectionFailed", "message": "x"}]}, Moderated),
            (DONE | {"choices": [{"message": None}, 7]}, NoOutput),
        ],
    )
    def test_that_gives_nothing_says_why(self, shown, error):
        failed = dashscope._polled(shown, None)
        assert isinstance(failed, Failed)
        assert type(failed.error) is error

    def test_that_is_another_or_not_there_is_no_news_of_ours(self, upstream):
        asked(upstream, lambda adapter: adapter.submit(job("wan2.7-t2v")))
        (id,) = upstream.jobs
        upstream.jobs["7"] = upstream.jobs[id]  # and says its own id
        with pytest.raises(Unavailable, match="another job"):
            asked(upstream, lambda adapter: adapter.poll(job("wan2.7-t2v", handle={"id": "7"})))
        with pytest.raises(NotFound):
            asked(upstream, lambda adapter: adapter.poll(job("wan2.7-t2v", handle={"id": "8"})))

    def test_is_stopped_while_it_waits_and_not_later(self, upstream):
        for _ in range(2):
            asked(upstream, lambda adapter: adapter.submit(job("wan2.7-t2v")))
        waiting, running = upstream.jobs.values()
        running.created_at, running.done_at = running.created_at - 50, running.created_at + 50
        said = [asked(upstream, lambda adapter, id=id: adapter.cancel(job("wan2.7-t2v", handle={"id": id}))) for id in upstream.jobs]
        assert (said, waiting.is_canceled, running.is_canceled) == ([True, False], True, False)


class TestALostSubmit:
    def test_is_not_looked_for_in_a_list_that_shows_nothing_of_ours(self, upstream):
        with pytest.raises(OutcomeUnknown):
            asked(upstream, lambda adapter: adapter.find(job("wan2.7-t2v")))
        assert (FACTS.recovery, upstream.connections) == (frozenset(), 0)

    def test_is_linked_by_its_id(self):
        adapter = dashscope.Adapter(dashscope.Upstream("dashscope", "", {}))
        assert adapter.handle_of("0385dc79-5ff8-4d82-bcb6-1") == {"id": "0385dc79-5ff8-4d82-bcb6-1"}
        for wrong in ("", "../tasks", "a b", "x" * 101):
            with pytest.raises(Invalid):
                adapter.handle_of(wrong)


class TestTheSimulatorIsStrict:
    def posted(self, upstream, path, body, **headers):
        headers = {"Authorization": f"Bearer {upstream.KEY}", "X-DashScope-Async": "enable"} | headers
        status, said = asking.posted("dashscope", upstream.url + API + path, body, headers=headers)
        return status, said.get("code", said.get("output"))

    @pytest.mark.parametrize(
        ("path", "body", "status", "code"),
        [
            (VIDEOS, {"model": "wan2.7-t2v", "input": {"prompt": "a"}, "n": 1}, 400, "InvalidParameter"),
            (VIDEOS, {"model": "wan2.7-t2v", "input": {}}, 400, "InvalidParameter"),
            (VIDEOS, {"model": "wan2.7-t2v"}, 400, "InvalidParameter"),
            (VIDEOS, {"model": "wan2.7-t2v", "input": {"prompt": "a" * 5001}}, 400, "InvalidParameter"),
            (VIDEOS, {"model": "wan2.7-t2v", "input": {"prompt": "a", "seed": 1}}, 400, "InvalidParameter"),
            (VIDEOS, {"model": "wan2.7-t2v", "input": {"prompt": "a"}, "parameters": {"resolution": "720p"}}, 400, "InvalidParameter"),
            (VIDEOS, {"model": "wan2.7-t2v", "input": {"prompt": "a"}, "parameters": {"duration": 16}}, 400, "InvalidParameter"),
            (VIDEOS, {"model": "wan2.7-t2v", "input": {"prompt": "a"}, "parameters": {"duration": "5"}}, 400, "InvalidParameter"),
            (VIDEOS, {"model": "wan2.7-i2v", "input": {"prompt": "a"}}, 400, "InvalidParameter"),
            (VIDEOS, {"model": "wan2.7-i2v", "input": {"media": [{"type": "still", "url": "https://a"}]}}, 400, "InvalidParameter"),
            (PICTURES, {"model": "wan2.7-image", "input": {"prompt": "a"}}, 400, "InvalidParameter"),
            (PICTURES, {"model": "wan2.7-image", "input": {"messages": [{"role": "user", "content": "a"}]}}, 400, "InvalidParameter"),
            (OLDER_PICTURES, {"model": "wan2.7-image", "input": {"prompt": "a"}}, 404, "ModelNotFound"),
            (VIDEOS, {"model": "wan1.0", "input": {"prompt": "a"}}, 404, "ModelNotFound"),
            ("/services/aigc/opera", {}, 404, "NotFound"),
        ],
    )
    def test_and_answers_in_its_codes(self, upstream, path, body, status, code):
        assert self.posted(upstream, path, body) == (status, code)
        assert upstream.bought == 0

    def test_and_wants_its_header_and_its_key(self, upstream):
        order = {"model": "wan2.7-t2v", "input": {"prompt": "a"}}
        assert self.posted(upstream, VIDEOS, order, **{"X-DashScope-Async": "no"}) == (403, "AccessDenied")
        assert self.posted(upstream, VIDEOS, order, Authorization="Bearer x") == (401, "InvalidApiKey")

    def test_and_takes_no_more_in_a_second_than_it_says(self):
        order = {"model": "wan2.7-t2v", "input": {"prompt": "a"}}
        with DashScope(submits_a_second=2) as upstream:
            answers = [self.posted(upstream, VIDEOS, order)[0] for _ in range(3)]
        assert answers == [200, 200, 429]
