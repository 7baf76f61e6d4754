"""Kling's adapter: its words, by the tables of its pages; and its promises, against the simulator."""

import asyncio
import time
from datetime import UTC, datetime

import jwt
import pytest

from providers import offers
from providers.adapters import Upstream, kling
from providers.adapters.kling import FACTS, Adapter
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
from providers.http import Http
from providers.outcomes import Accepted, Callback, Failed, Finished, Found, Heard, Job, Media, Running
from tests.upstreams import answer
from tests.upstreams.kling import Kling

from .conformance import Conformance

VECTOR = (
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJBS0VYQU1QTEUiLCJleHAiOjE3NjcyMjc0MDAsIm5iZiI6MTc2NzIyNTU5NX0"
    ".HeGX4XMjyTjmTpah9QmV-_McZALXBt-rNws1ebh65qs"
)
FRAME = {"image": Media("https://a.example/1.png"), "frame_type": "first_frame"}
LAST = {"image": Media("https://a.example/2.png"), "frame_type": "last_frame"}
MARKS = {"external_task_id": "task_1-1", "callback_url": "https://d.example/hooks/x"}


class TestTheNewApi(Conformance):
    SIMULATOR, VENDOR, MODEL = Kling, "kling", "kling/3.0"
    SECRETS = ("api_key",)


class TestTheOldApi(Conformance):
    SIMULATOR, VENDOR, MODEL = Kling, "kling", "kling/2.5-turbo"
    SECRETS = ("access_key", "secret_key")
    ALONE = True


class TestPictures(Conformance):
    SIMULATOR, VENDOR, MODEL = Kling, "kling", "kling/image-3.0"
    SECRETS = ("access_key", "secret_key")
    ALONE = True


def job(model: str = "kling-3.0", given: dict | None = None, *, kind: str = "video.generate", **more) -> Job:
    more = {"callback_url": "https://d.example/hooks/x"} | more
    return Job("task_1-1", kind, model, {"prompt": "a kite"} | (given or {}), datetime(2026, 6, 1, tzinfo=UTC), **more)


def asked(simulator: Kling, road, **credentials: str):
    """What `road(adapter)` gives, over HTTP; with the API key unless others are named."""

    async def go():
        http = Http("kling")
        try:
            return await road(Adapter(Upstream("kling", simulator.url, credentials or {"api_key": simulator.KEY}, http)))
        finally:
            await http.close()

    return asyncio.run(go())


@pytest.fixture
def upstream():
    with Kling() as simulator:
        yield simulator


class TestTheToken:
    def test_is_that_of_the_pages(self):
        assert kling.jwt("AKEXAMPLE", "SKEXAMPLE", 1767225600.7) == VECTOR

    def test_is_read_by_others(self):
        claims = jwt.decode(kling.jwt("A", "S", time.time()), "S", algorithms=["HS256"])
        assert (claims["iss"], claims["exp"] - claims["nbf"]) == ("A", 1805)

    @pytest.mark.parametrize(
        ("access", "secret", "ahead_s", "code"),
        [("other", None, 0, 1002), (None, "another", 0, 1002), (None, None, -3600, 1004), (None, None, 3600, 1003)],
        ids=["access key", "secret key", "a slow clock", "a fast clock"],
    )
    def test_that_is_wrong_opens_nothing(self, upstream, access, secret, ahead_s, code):
        now = time.time() + ahead_s
        token = kling.jwt(access or upstream.ACCESS_KEY, secret or upstream.SECRET_KEY, now)
        with pytest.raises(Unauthenticated, match=f"code is {code}"):
            asked(upstream, lambda adapter: adapter.check(), api_key=token)

    def test_opens_the_old_api_only(self, upstream):
        keys = {"access_key": upstream.ACCESS_KEY, "secret_key": upstream.SECRET_KEY}
        assert isinstance(asked(upstream, lambda adapter: adapter.submit(job("kling-v2-6")), **keys), Accepted)
        with pytest.raises(Unauthenticated, match="needs an api_key"):
            asked(upstream, lambda adapter: adapter.submit(job("kling-3.0")), **keys)
        token = kling.jwt(upstream.ACCESS_KEY, upstream.SECRET_KEY, time.time())
        with pytest.raises(Unauthenticated, match="code is 1002"):
            asked(upstream, lambda adapter: adapter.submit(job("kling-3.0")), api_key=token)

    @pytest.mark.parametrize("keys", [{"key": "x"}, {"access_key": "x"}, {"secret_key": "x"}], ids=str)
    def test_is_not_made_of_half_the_keys(self, upstream, keys):
        with pytest.raises(Unauthenticated, match="an api_key, or an access_key and a secret_key"):
            asked(upstream, lambda adapter: adapter.check(), **keys)
        assert upstream.connections == 0


class TestAnOrder:
    @pytest.mark.parametrize(
        ("ordered", "path", "body"),
        [
            (job(), "/text-to-video/kling-3.0", {"prompt": "a kite", "settings": {}, "options": MARKS}),
            (
                job(given={"duration": 5.0, "resolution": "1080p", "aspect_ratio": "9:16", "generate_audio": True}),
                "/text-to-video/kling-3.0",
                {
                    "prompt": "a kite",
                    "settings": {"duration": 5, "resolution": "1080p", "aspect_ratio": "9:16", "audio": "native"},
                    "options": MARKS,
                },
            ),
            (
                job("kling-2.6", {"frame_images": [LAST, FRAME], "generate_audio": False}, callback_url=""),
                "/image-to-video/kling-2.6",
                {
                    "contents": [
                        {"type": "prompt", "text": "a kite"},
                        {"type": "last_frame", "url": "https://a.example/2.png"},
                        {"type": "first_frame", "url": "https://a.example/1.png"},
                    ],
                    "settings": {"audio": "off"},
                    "options": {"external_task_id": "task_1-1"},
                },
            ),
            (
                job(
                    "kling-v2-6", {"duration": 10, "mode": "pro", "aspect_ratio": "1:1", "generate_audio": True, "negative_prompt": "rain"}
                ),
                "/v1/videos/text2video",
                {
                    "model_name": "kling-v2-6",
                    "prompt": "a kite",
                    "negative_prompt": "rain",
                    "duration": "10",
                    "mode": "pro",
                    "aspect_ratio": "1:1",
                    "sound": "on",
                    **MARKS,
                },
            ),
            (
                job("kling-v2-5-turbo", {"frame_images": [FRAME, LAST]}),
                "/v1/videos/image2video",
                {
                    "model_name": "kling-v2-5-turbo",
                    "prompt": "a kite",
                    "image": "https://a.example/1.png",
                    "image_tail": "https://a.example/2.png",
                    **MARKS,
                },
            ),
            (
                job("kling-v3", {"n": 3, "resolution": "2k", "images": [FRAME["image"]]}, kind="image.generate"),
                "/v1/images/generations",
                {"model_name": "kling-v3", "prompt": "a kite", "n": 3, "resolution": "2k", "image": "https://a.example/1.png", **MARKS},
            ),
        ],
        ids=["new", "new, all", "new, frames", "old, all", "old, frames", "pictures"],
    )
    def test_is_written_in_its_words_and_taken(self, upstream, ordered, path, body):
        assert (kling._path(ordered), kling._written(ordered)) == (path, body)
        assert isinstance(asked(upstream, lambda adapter: adapter.submit(ordered)), Accepted)
        assert upstream.received == {"task_1-1": 1}

    @pytest.mark.parametrize(
        ("ordered", "field"),
        [
            (job(given={"seed": 7}), "seed"),
            (job(given={"negative_prompt": "rain"}), "negative_prompt"),
            (job(given={"mode": "pro"}), "mode"),
            (job("kling-v2-6", {"resolution": "1080p"}), "resolution"),
            (job("kling-v2-6", {"frame_images": [FRAME], "aspect_ratio": "1:1"}), "aspect_ratio"),
            (job(given={"frame_images": [LAST]}), "frame_images"),
            (job(given={"frame_images": [FRAME, FRAME]}), "frame_images"),
            (job(given={"frame_images": [FRAME | {"frame_type": "middle"}]}), "frame_images"),
            (job(given={"input_references": []}), "input_references"),
            (job("kling-v3", {"size": "1024x1024"}, kind="image.generate"), "size"),
            (job("kling-v3", {"mask": FRAME["image"]}, kind="image.generate"), "mask"),
            (job("kling-v3", {"frame_images": [FRAME]}, kind="image.generate"), "frame_images"),
            (job("kling-v3", {"images": [FRAME["image"]] * 2}, kind="image.generate"), "images"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_of_what_it_cannot_do_is_refused_by_name_and_not_sent(self, upstream, ordered, field):
        with pytest.raises(Invalid) as refused:
            asked(upstream, lambda adapter: adapter.submit(ordered))
        assert (refused.value.field, upstream.connections) == (field, 0)

    @pytest.mark.parametrize("model", offers.of("kling").models, ids=lambda model: model.name)
    def test_of_each_model_that_we_offer_is_taken_with_all_that_its_schema_has(self, upstream, model):
        fields = model.input_schema["properties"]
        given = {
            name: field["enum"][-1] if "enum" in field else field["default"]
            for name, field in fields.items()
            if {"enum", "default"} & field.keys()
        }
        for frames in ({}, {"frame_images": [FRAME, LAST]} if "frame_images" in fields else {"images": [FRAME["image"]]}):
            if frames and model.upstream_model.startswith("kling-v"):
                given = {name: value for name, value in given.items() if name != "aspect_ratio" or model.kind == "image.generate"}
            ordered = job(model.upstream_model, given | frames, kind=model.kind)
            assert isinstance(asked(upstream, lambda adapter, ordered=ordered: adapter.submit(ordered)), Accepted)


class TestItsCodes:
    """Each as its pages class it; `submit` where that differs."""

    @pytest.mark.parametrize(
        ("status", "code", "asking", "submit"),
        [
            (401, 1000, Unauthenticated, None),
            (401, 1001, Unauthenticated, None),
            (401, 1002, Unauthenticated, None),
            (401, 1003, Unauthenticated, None),
            (401, 1004, Unauthenticated, None),
            (403, 1103, Unauthenticated, None),
            (429, 1100, QuotaExceeded, None),
            (429, 1101, QuotaExceeded, None),
            (429, 1102, QuotaExceeded, None),
            (400, 1200, Invalid, None),
            (400, 1201, Invalid, None),
            (404, 1202, NotFound, Retired),
            (404, 1203, NotFound, Retired),
            (400, 1300, Moderated, None),
            (400, 1301, Moderated, None),
            (429, 1302, RateLimited, None),
            (429, 1303, RateLimited, None),
            (429, 1304, Unauthenticated, None),
            (500, 5000, Unavailable, None),
            (503, 5001, Unavailable, None),
            (504, 5002, Unavailable, OutcomeUnknown),
            (200, 1302, RateLimited, None),  # an error whatever the HTTP status
            (500, 0, Unavailable, OutcomeUnknown),
            (400, 9999, Unavailable, OutcomeUnknown),
            (429, "busy", Unavailable, OutcomeUnknown),
        ],
    )
    def test_mean(self, upstream, status, code, asking, submit):
        upstream.will(answer(status, code=code))
        upstream.will(answer(status, code=code), at="check")
        with pytest.raises(asking) as asked_about:
            asked(upstream, lambda adapter: adapter.check())
        with pytest.raises(submit or asking) as submitted:
            asked(upstream, lambda adapter: adapter.submit(job()))
        assert (type(asked_about.value), type(submitted.value)) == (asking, submit or asking)

    def test_that_are_the_clients_fault_are_told_in_its_text_and_others_are_not(self, upstream):
        upstream.will(answer(400, code=1201), answer(429, code=1101, retry_after=7))
        with pytest.raises(Invalid, match="as ordered"):
            asked(upstream, lambda adapter: adapter.submit(job()))
        with pytest.raises(QuotaExceeded, match=r"^Our quota at the upstream is used up. Kling's code is 1101.$") as busy:
            asked(upstream, lambda adapter: adapter.submit(job()))
        assert busy.value.retry_after == 7


OLD = {"task_id": "1", "task_info": {"external_task_id": "t"}}
NEW = {"id": "1", "external_id": "t"}
URL = "https://k.example/1"


class TestAJobAsItIsShown:
    @pytest.mark.parametrize(
        ("shown", "outcome"),
        [
            (OLD | {"task_status": "submitted"}, Running()),
            (OLD | {"task_status": "processing"}, Running()),
            (OLD | {"task_status": "dreaming"}, Running()),
            (OLD, Running()),
            (NEW | {"status": "submitted"}, Running()),
            (NEW | {"status": ["x"]}, Running()),
            (OLD | {"task_status": "succeed", "task_result": {"videos": [{"id": "9", "url": URL}]}}, Finished((Found(URL),))),
            (
                OLD | {"task_status": "succeed", "task_result": {"videos": [{"url": URL}]}, "final_unit_deduction": "1.5"},
                Finished((Found(URL),), cost=1.5),
            ),
            (
                NEW
                | {"status": "succeeded", "outputs": [{"type": "audio", "url": "https://k.example/2"}, {"type": "video", "url": URL}]}
                | {"billing": [{"charge_type": "cash", "amount": 0.7}]},
                Finished((Found(URL),), cost=0.7),
            ),
            (
                NEW | {"status": "succeeded", "outputs": [{"type": "video", "url": URL}], "billing": [{"amount": "1"}, {"amount": "2"}]},
                Finished((Found(URL),)),
            ),
        ],
    )
    def test_means(self, shown, outcome):
        assert kling._polled(shown, "video") == outcome

    @pytest.mark.parametrize(
        ("shown", "error"),
        [
            (OLD | {"task_status": "failed", "task_status_msg": "it broke"}, GenerationFailed),
            (OLD | {"task_status": "failed", "task_status_msg": "Failure to pass the Risk Control system"}, Moderated),
            (NEW | {"status": "failed", "message": "failed risk control"}, Moderated),
            (NEW | {"status": "failed"}, GenerationFailed),
            (OLD | {"task_status": "succeed"}, NoOutput),
            (OLD | {"task_status": "succeed", "task_result": {"videos": []}}, NoOutput),
            (OLD | {"task_status": "succeed", "task_result": {"videos": None}}, NoOutput),
            (OLD | {"task_status": "succeed", "task_result": {"images": [{"url": URL}]}}, NoOutput),
            (NEW | {"status": "succeeded", "outputs": None}, NoOutput),
            (NEW | {"status": "succeeded", "outputs": [7, {"type": "video", "url": None}]}, NoOutput),
        ],
    )
    def test_that_gives_nothing_says_why(self, shown, error):
        failed = kling._polled(shown, "video")
        assert isinstance(failed, Failed)
        assert type(failed.error) is error


class TestAnAnswerAboutAnotherJob:
    """A list that passes over what it was asked for shows somebody's jobs."""

    @pytest.fixture
    def forgetful(self):
        class Forgetful(Kling):
            def _find(self, about: str) -> dict:
                return {"code": 0, "data": [self.shown(job) for job in self.jobs.values()]}

        with Forgetful() as simulator:
            posted(simulator, "/text-to-video/kling-3.0", {"prompt": "a", "options": {"external_task_id": "another"}})
            yield simulator

    def test_is_not_taken_for_ours(self, forgetful):
        with pytest.raises(OutcomeUnknown, match="another job"):
            asked(forgetful, lambda adapter: adapter.find(job()))

    def test_is_no_news_of_ours(self, forgetful):
        with pytest.raises(NotFound):
            asked(forgetful, lambda adapter: adapter.poll(job(handle={"id": "7"})))
        assert not kling._is_of({"id": "7", "external_id": None}, "task_1-1")


class TestACallback:
    def test_names_its_job_where_it_can(self):
        hear = Adapter.hear
        assert hear(Callback({}, b'{"id": "7", "status": "succeeded", "external_id": "t"}')) == Heard({"id": "7"})
        assert hear(Callback({}, b'{"task_id": "7", "task_status": "succeed"}')) == Heard()


class TestTheSimulatorIsStrict:
    @pytest.mark.parametrize(
        ("path", "body", "status", "code"),
        [
            ("/v1/videos/text2video", {"model_name": "kling-v2-6", "prompt": "a", "size": "x"}, 400, 1201),
            ("/v1/videos/text2video", {"model_name": "kling-v2-6"}, 400, 1201),
            ("/v1/videos/text2video", {"model_name": "kling-v2-6", "prompt": "a" * 2501}, 400, 1201),
            ("/v1/videos/text2video", {"model_name": "kling-v2-6", "prompt": "a", "duration": 5}, 400, 1201),
            ("/v1/videos/text2video", {"model_name": "kling-v2-6", "prompt": "a", "duration": "7"}, 400, 1201),
            ("/v1/videos/text2video", {"model_name": "kling-v2-5-turbo", "prompt": "a", "sound": "on"}, 400, 1201),
            ("/v1/videos/text2video", {"model_name": "kling-v1-6", "prompt": "a"}, 404, 1203),
            ("/v1/videos/text2video", {"model_name": "kling-3.0", "prompt": "a"}, 404, 1203),
            ("/v1/videos/image2video", {"model_name": "kling-v2-6", "prompt": "a"}, 400, 1201),
            ("/v1/videos/image2video", {"model_name": "kling-v2-6", "image": "data:image/png;base64,AA"}, 400, 1201),
            ("/v1/images/generations", {"model_name": "kling-v3", "prompt": "a", "n": 10}, 400, 1201),
            ("/text-to-video/kling-3.0", {"prompt": "a", "negative_prompt": "b"}, 400, 1201),
            ("/text-to-video/kling-3.0", {"prompt": "a", "settings": {"duration": "5"}}, 400, 1201),
            ("/text-to-video/kling-3.0", {"prompt": "a", "options": {"token": "x"}}, 400, 1201),
            ("/text-to-video/kling-v2-6", {"prompt": "a"}, 404, 1203),
            ("/image-to-video/kling-3.0", {"contents": [{"type": "prompt", "text": "a"}]}, 400, 1201),
            ("/image-to-video/kling-3.0", {"contents": "x"}, 400, 1201),
            ("/v2/videos", {}, 404, 1202),
        ],
    )
    def test_and_answers_in_klings_codes(self, upstream, path, body, status, code):
        assert posted(upstream, path, body) == (status, code)
        assert upstream.bought == 0

    def test_an_external_id_that_comes_twice_buys_twice(self, upstream):
        for _ in range(2):
            posted(upstream, "/text-to-video/kling-3.0", {"prompt": "a", "options": {"external_task_id": "t"}})
        assert (upstream.received, upstream.bought) == ({"t": 2}, 2)

    def test_no_more_jobs_are_open_than_its_pack_allows_and_each_picture_is_one(self):
        with Kling(manual=True, parallel=3) as upstream:
            ordered = {"model_name": "kling-v3", "prompt": "a", "n": 2}
            assert posted(upstream, "/v1/images/generations", ordered) == (200, 0)
            assert posted(upstream, "/v1/images/generations", ordered) == (429, 1303)
            upstream.finish()
            assert posted(upstream, "/v1/images/generations", ordered) == (200, 0)


def posted(upstream: Kling, path: str, body: dict) -> tuple[int, int]:
    async def go():
        http = Http("kling")
        try:
            reply = await http.request(
                "POST", upstream.url + path, headers={"Authorization": f"Bearer {upstream.KEY}"}, json=body, timeout=5
            )
        finally:
            await http.close()
        return reply.status, reply.json()["code"]

    return asyncio.run(go())


class TestItsFacts:
    def test_promise_only_what_its_pages_do(self):
        assert FACTS.recovery == {"looks_up", "callback"}
        assert FACTS.cancel == "unsupported"
        assert FACTS.shows_within > FACTS.submit_timeout
