"""Ark's adapter of videos: its words, by the tables of its pages; and its promises, against the simulator."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from providers import offers
from providers.adapters import volcengine
from providers.adapters.volcengine import FACTS, Adapter
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
from tests.upstreams.volcengine import TASKS, Volcengine

from .asking import FRAME, HOOK, LAST, fullest, job, posted
from .asking import asked as asked_of
from .conformance import Conformance

asked = partial(asked_of, "volcengine")
MODEL = "doubao-seedance-2-0-260128"
MARKS = {"safety_identifier": "task_1-1", "callback_url": HOOK}
TEXT = {"type": "text", "text": "a kite"}


class TestVideos(Conformance):
    SIMULATOR, VENDOR, MODEL = Volcengine, "volcengine", "seedance/2.0"


@pytest.fixture
def upstream():
    with Volcengine() as simulator:
        yield simulator


@pytest.fixture
def slow():
    with Volcengine(manual=True) as simulator:
        yield simulator


class TestAnOrder:
    @pytest.mark.parametrize(
        ("ordered", "body"),
        [
            (job(MODEL), {"model": MODEL, "content": [TEXT], **MARKS}),
            (
                job(MODEL, {"duration": 5.0, "resolution": "480p", "aspect_ratio": "9:16", "generate_audio": False, "seed": 7}),
                {
                    "model": MODEL,
                    "content": [TEXT],
                    "duration": 5,
                    "resolution": "480p",
                    "ratio": "9:16",
                    "generate_audio": False,
                    "seed": 7,
                    **MARKS,
                },
            ),
            (
                job(MODEL, {"frame_images": [FRAME, LAST]}, callback_url=""),
                {
                    "model": MODEL,
                    "content": [
                        TEXT,
                        {"type": "image_url", "image_url": {"url": "https://a.example/1.png"}, "role": "first_frame"},
                        {"type": "image_url", "image_url": {"url": "https://a.example/2.png"}, "role": "last_frame"},
                    ],
                    "safety_identifier": "task_1-1",
                },
            ),
        ],
        ids=["plain", "all", "frames"],
    )
    def test_is_written_in_its_words_and_taken(self, upstream, ordered, body):
        assert volcengine._written(ordered) == body
        assert isinstance(asked(upstream, lambda adapter: adapter.submit(ordered)), Accepted)
        assert upstream.received == {"task_1-1": 1}

    @pytest.mark.parametrize(
        ("given", "field"),
        [
            ({"negative_prompt": "rain"}, "negative_prompt"),
            ({"n": 2}, "n"),
            ({"input_references": []}, "input_references"),
            ({"frame_images": [LAST]}, "frame_images"),
            ({"frame_images": [FRAME, FRAME]}, "frame_images"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_of_what_it_cannot_do_is_refused_by_name_and_not_sent(self, upstream, given, field):
        with pytest.raises(Invalid) as refused:
            asked(upstream, lambda adapter: adapter.submit(job(MODEL, given)))
        assert (refused.value.field, upstream.connections) == (field, 0)

    @pytest.mark.parametrize("model", offers.of("volcengine").models, ids=lambda model: model.name)
    def test_of_each_model_that_we_offer_is_taken_with_all_that_its_schema_has(self, upstream, model):
        for ordered in (fullest(model, media=False), fullest(model)):
            assert isinstance(asked(upstream, lambda adapter, ordered=ordered: adapter.submit(ordered)), Accepted)

    def test_without_a_key_is_not_sent(self, upstream):
        with pytest.raises(Unauthenticated, match="needs an api_key"):
            asked(upstream, lambda adapter: adapter.submit(job(MODEL)), key="x")
        assert upstream.connections == 0


class TestItsCodes:
    """Each as its pages class it; `submit` where that differs."""

    @pytest.mark.parametrize(
        ("status", "code", "asking", "submit"),
        [
            (400, "MissingParameter", Invalid, None),
            (400, "InvalidParameter", Invalid, None),
            (400, "InvalidParameter.OversizeImage", Invalid, None),
            (400, "InvalidEndpoint.ClosedEndpoint", Retired, None),
            (400, "InputTextSensitiveContentDetected", Moderated, None),
            (400, "InputImageSensitiveContentDetected.PrivacyInformation", Moderated, None),
            (400, "OutputVideoSensitiveContentDetected.PolicyViolation", Moderated, None),
            (400, "InputTextRiskDetection", Moderated, None),
            (401, "AuthenticationError", Unauthenticated, None),
            (403, "AccessDenied", Unauthenticated, None),
            (400, "OperationDenied.ServiceNotOpen", QuotaExceeded, None),
            (400, "OperationDenied.ServiceOverdue", QuotaExceeded, None),
            (403, "AccountOverdueError", QuotaExceeded, None),
            (429, "QuotaExceeded", QuotaExceeded, None),
            (429, "SetLimitExceeded", QuotaExceeded, None),
            (404, "InvalidEndpointOrModel.NotFound", NotFound, Retired),
            (404, "InvalidEndpointOrModel.ModelIDAccessDisabled", NotFound, Retired),
            (404, "ModelNotOpen", NotFound, Retired),
            (404, "AnythingElse", NotFound, OutcomeUnknown),
            (429, "RateLimitExceeded.EndpointRPMExceeded", RateLimited, None),
            (429, "ModelAccountRpmRateLimitExceeded", RateLimited, None),
            (429, "ModelAccountTpmRateLimitExceeded", RateLimited, None),
            (429, "APIAccountRpmRateLimitExceeded", RateLimited, None),
            (429, "AccountRateLimitExceeded", RateLimited, None),
            (429, "RequestBurstTooFast", RateLimited, None),
            (429, "ServerOverloaded", RateLimited, None),
            (429, "InflightBatchsizeExceeded", RateLimited, None),
            (429, "ModelLoadingError", Unavailable, None),
            (500, "InternalServiceError", Unavailable, OutcomeUnknown),
            (503, "Unheard.Of", Unavailable, OutcomeUnknown),
        ],
    )
    def test_mean(self, upstream, status, code, asking, submit):
        upstream.will(answer(status, code=code))
        upstream.will(answer(status, code=code), at="check")
        with pytest.raises(asking) as asked_about:
            asked(upstream, lambda adapter: adapter.check())
        with pytest.raises(submit or asking) as submitted:
            asked(upstream, lambda adapter: adapter.submit(job(MODEL)))
        assert (type(asked_about.value), type(submitted.value)) == (asking, submit or asking)

    def test_that_are_the_clients_fault_are_told_in_its_text_and_others_are_not(self, upstream):
        upstream.will(answer(400, code="InvalidParameter"), answer(403, code="AccountOverdueError", retry_after=7))
        with pytest.raises(Invalid, match="as ordered"):
            asked(upstream, lambda adapter: adapter.submit(job(MODEL)))
        with pytest.raises(QuotaExceeded, match=r"^Our quota at the upstream is used up. Ark's code is AccountOverdueError.$") as poor:
            asked(upstream, lambda adapter: adapter.submit(job(MODEL)))
        assert poor.value.retry_after == 7


URL = "https://v.example/1"


class TestATaskAsItIsShown:
    @pytest.mark.parametrize(
        ("shown", "outcome"),
        [
            ({"status": "queued"}, Running()),
            ({"status": "running"}, Running()),
            ({"status": "dreaming"}, Running()),
            ({}, Running()),
            ({"status": "succeeded", "content": {"video_url": URL}}, Finished((Found(URL),))),
            (
                {"status": "succeeded", "content": {"video_url": URL}, "usage": {"total_tokens": 9, "tool_usage": {"web_search": 1}}},
                Finished((Found(URL),), usage={"total_tokens": 9.0}),
            ),
        ],
    )
    def test_means(self, shown, outcome):
        assert volcengine._polled(shown) == outcome

    @pytest.mark.parametrize(
        ("shown", "error"),
        [
            ({"status": "failed", "error": {"code": "OutputVideoSensitiveContentDetected", "message": "no"}}, Moderated),
            ({"status": "failed", "error": {"code": "InvalidParameter.X", "message": "no"}}, Invalid),
            ({"status": "failed", "error": {"code": "InternalServiceError", "message": "no"}}, GenerationFailed),
            ({"status": "failed", "error": {"code": "AccountOverdueError"}}, GenerationFailed),
            ({"status": "failed"}, GenerationFailed),
            ({"status": "cancelled", "error": None}, GenerationFailed),
            ({"status": "expired"}, GenerationFailed),
            ({"status": "succeeded"}, NoOutput),
            ({"status": "succeeded", "content": {"last_frame_url": URL}}, NoOutput),
        ],
    )
    def test_that_gives_nothing_says_why(self, shown, error):
        failed = volcengine._polled(shown)
        assert isinstance(failed, Failed)
        assert type(failed.error) is error


class TestALostTask:
    def lost(self, number=1, **more):
        return replace(job(MODEL, **{"sent_at": datetime.now(UTC)} | more), token=f"task_{number}-1")

    def handles(self, upstream, count):
        return [asked(upstream, lambda adapter, number=number: adapter.submit(self.lost(number))).handle for number in range(count)]

    def test_is_found_by_our_token_and_one_that_is_not_there_is_not(self, slow):
        handles = self.handles(slow, 3)
        assert asked(slow, lambda adapter: adapter.find(self.lost(1))).handle == handles[1]
        assert asked(slow, lambda adapter: adapter.find(self.lost(9))) is None

    def test_is_looked_for_on_every_page_back_to_its_time(self):
        with Volcengine(manual=True) as slow:
            self.handles(slow, 1)
            (template,) = slow.jobs.values()
            # 1,200 of somebody else's, made since: three pages.
            for number in range(2, 1202):
                other = replace(template, id=slow.new_id(number), token="")
                slow.jobs[other.id] = other
            assert asked(slow, lambda adapter: adapter.find(self.lost(0))).handle == {"id": template.id}
            assert slow.requests["find"] == 3
            later = self.lost(0, sent_at=datetime.now(UTC) + timedelta(hours=1))
            assert asked(slow, lambda adapter: adapter.find(later)) is None
            assert slow.requests["find"] == 4

    def test_is_not_given_up_where_the_list_changes_while_it_is_read(self):
        class Shrinking(Volcengine):
            def _find(self, about):
                return super()._find(about) | {"total": self.requests["find"]}

        with Shrinking(manual=True) as slow:
            self.handles(slow, 1)
            (template,) = slow.jobs.values()
            slow.jobs |= {slow.new_id(number): replace(template, id=slow.new_id(number)) for number in range(2, 600)}
            with pytest.raises(OutcomeUnknown, match="changed while it was read"):
                asked(slow, lambda adapter: adapter.find(self.lost(7)))


class TestStopping:
    def test_a_queued_task_stops_and_one_that_runs_goes_on(self, slow):
        waits, runs = (asked(slow, lambda adapter: adapter.submit(job(MODEL))) for _ in range(2))
        slow.jobs[runs.handle["id"]].is_begun = True
        assert [asked(slow, lambda adapter, it=it: adapter.cancel(job("", handle=it.handle))) for it in (waits, runs)] == [True, False]
        assert [one.is_canceled for one in slow.jobs.values()] == [True, False]

    def test_never_deletes_what_has_ended(self, upstream):
        handle = asked(upstream, lambda adapter: adapter.submit(job(MODEL))).handle
        assert asked(upstream, lambda adapter: adapter.cancel(job("", handle=handle))) is False
        assert (upstream.requests["cancel"], list(upstream.jobs)) == (0, [handle["id"]])


class TestACallback:
    def test_names_its_task(self):
        assert Adapter.hear(Callback({}, b'{"id": "cgt-1", "status": "running"}')) == Heard({"id": "cgt-1"})
        assert Adapter.hear(Callback({}, b'{"id": "cgt-1"}')) == Heard()


class TestAnIdFromTheConsole:
    def test_is_a_handle(self):
        assert Adapter.handle_of(None, "cgt-20260514183217-t8rzv") == {"id": "cgt-20260514183217-t8rzv"}
        with pytest.raises(Invalid, match="known by an id"):
            Adapter.handle_of(None, "20260514183217/x")


class TestTheSimulatorIsStrict:
    @pytest.mark.parametrize(
        ("body", "status", "code"),
        [
            ({"content": [TEXT]}, 400, "MissingParameter"),
            ({"model": MODEL}, 400, "MissingParameter"),
            ({"model": MODEL, "content": []}, 400, "InvalidParameter"),
            ({"model": MODEL, "content": [TEXT | {"url": "x"}]}, 400, "InvalidParameter"),
            ({"model": MODEL, "content": [TEXT], "size": "x"}, 400, "InvalidParameter"),
            ({"model": MODEL, "content": [TEXT], "duration": "5"}, 400, "InvalidParameter"),
            ({"model": MODEL, "content": [TEXT], "resolution": "1080p"}, 400, "InvalidParameter"),
            ({"model": MODEL, "content": [TEXT], "safety_identifier": "x" * 65}, 400, "InvalidParameter"),
            ({"model": "doubao-seedance-1-0-pro-250528", "content": [TEXT], "generate_audio": True}, 400, "InvalidParameter"),
            ({"model": "seedance", "content": [TEXT]}, 404, "InvalidEndpointOrModel.NotFound"),
        ],
    )
    def test_and_answers_in_arks_codes(self, upstream, body, status, code):
        headers = {"Authorization": f"Bearer {upstream.KEY}"}
        answered, said = posted("volcengine", upstream.url + TASKS, body, headers=headers)
        assert (answered, said["error"]["code"], upstream.bought) == (status, code, 0)

    def test_an_identifier_that_comes_twice_buys_twice(self, upstream):
        for _ in range(2):
            asked(upstream, lambda adapter: adapter.submit(job(MODEL)))
        assert (upstream.received, upstream.bought) == ({"task_1-1": 2}, 2)

    def test_one_call_tells_of_many_tasks(self, slow):
        ids = [asked(slow, lambda adapter: adapter.submit(job(MODEL))).handle["id"] for _ in range(3)]
        path = f"{TASKS}?page_size=500&filter.task_ids={ids[0]}&filter.task_ids={ids[2]}"
        said = asked(slow, lambda adapter: adapter._ark.ask("GET", path))
        assert ([shown["id"] for shown in said["items"]], said["total"]) == ([ids[0], ids[2]], 2)


class TestItsFacts:
    def test_promise_only_what_its_pages_do(self):
        assert FACTS.recovery == {"looks_up", "callback"}
        assert (FACTS.cancel, FACTS.batch) == ("free_while_queued", 100)
        assert FACTS.shows_within > FACTS.submit_timeout
