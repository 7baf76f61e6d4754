"""Jimeng's adapter: its words, by the tables of its pages; and its promises, against the simulator."""

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from providers import dialect, offers
from providers.adapters import jimeng
from providers.adapters.jimeng import FACTS, QUERY, SUBMIT, VERSION
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
from tests.upstreams import answer, cut_before_answer
from tests.upstreams.jimeng import Jimeng

from .asking import FRAME, LAST, PICTURE, fullest, job
from .asking import asked as asked_of
from .conformance import Conformance

asked = partial(asked_of, "jimeng")
picture = partial(job, kind="image.generate")
PRO, PLAIN, DRAWN = "jimeng_ti2v_v30_pro", "jimeng_v30", "jimeng_t2i_v40"
URL = "https://j.example/1"


class TestVideos(Conformance):
    SIMULATOR, VENDOR, MODEL = Jimeng, "jimeng", "jimeng/video-3.0"
    NO_WORD_FOR = frozenset({"no_model"})


class TestPictures(Conformance):
    SIMULATOR, VENDOR, MODEL = Jimeng, "jimeng", "jimeng/image-4.0"
    NO_WORD_FOR = frozenset({"no_model"})


@pytest.fixture
def upstream():
    with Jimeng() as simulator:
        yield simulator


async def posted(body: bytes, adapter, *, query: str = f"Action={QUERY}&Version={VERSION}", sent: bytes | None = None, ahead_s: int = 0):
    """A body of our own, signed as the adapter signs; another one is sent where `sent` is given."""
    host, now = adapter._base.partition("//")[2], datetime.now(UTC) + timedelta(seconds=ahead_s)
    keys = {"access_key": adapter._access_key, "secret_key": adapter._secret_key}
    headers = jimeng.signed(body, query=query, host=host, now=now, **keys)
    return await adapter._http.request("POST", f"{adapter._base}/?{query}", headers=headers, data=sent or body, timeout=5)


class TestTheSignature:
    def test_is_that_of_the_pages(self):
        headers = jimeng.signed(
            b'{"req_key":"jimeng_ti2v_v30_pro","task_id":"7392616336519610409"}',
            query="Action=CVSync2AsyncGetResult&Version=2022-08-31",
            host="visual.volcengineapi.com",
            access_key="AKLTEXAMPLE0000",
            secret_key="U0VDUkVURVhBTVBMRQ==",
            now=datetime(2026, 1, 1, tzinfo=UTC),
        )
        assert headers["X-Content-Sha256"] == "341fe8c80af59e6763ed21164bb6dfbce8ba4fcdcc04d451d7cf6956044cb565"
        assert headers["Authorization"] == (
            "HMAC-SHA256 Credential=AKLTEXAMPLE0000/20260101/cn-north-1/cv/request, "
            "SignedHeaders=content-type;host;x-content-sha256;x-date, "
            "Signature=021ebe91e3a0c903e686ca1733c8e04371adb600fd30fd512fb4663b899be1be"
        )

    @pytest.mark.parametrize(
        ("keys", "code"), [({"access_key": "AKLTother"}, "InvalidAccessKey"), ({"secret_key": "another"}, "SignatureDoesNotMatch")]
    )
    def test_that_is_wrong_opens_nothing(self, upstream, keys, code):
        with pytest.raises(Unauthenticated, match=f"code is {code}"):
            asked(upstream, lambda adapter: adapter.check(), **upstream.credentials | keys)

    @pytest.mark.parametrize(
        ("more", "code"), [({"sent": b"[]"}, "SignatureDoesNotMatch"), ({"ahead_s": 1000}, "InvalidTimestamp")], ids=["body", "clock"]
    )
    def test_holds_for_one_body_and_a_quarter_of_an_hour(self, upstream, more, code):
        reply = asked(upstream, partial(posted, b"{}", **more))
        assert reply.json()["ResponseMetadata"]["Error"]["Code"] == code

    @pytest.mark.parametrize("keys", [{"access_key": "x"}, {"secret_key": "x"}], ids=str)
    def test_is_not_made_of_half_the_keys(self, upstream, keys):
        with pytest.raises(Unauthenticated, match="needs an access_key and a secret_key"):
            asked(upstream, lambda adapter: adapter.check(), **keys)
        assert upstream.connections == 0


class TestAnOrder:
    @pytest.mark.parametrize(
        ("ordered", "body"),
        [
            (
                job(PRO, {"duration": 10, "aspect_ratio": "21:9", "seed": 7}),
                {"req_key": PRO, "prompt": "a kite", "frames": 241, "aspect_ratio": "21:9", "seed": 7},
            ),
            (job(PRO, {"frame_images": [FRAME]}), {"req_key": PRO, "prompt": "a kite", "image_urls": ["https://a.example/1.png"]}),
            (job(PLAIN, {"duration": 5.0}), {"req_key": "jimeng_t2v_v30", "prompt": "a kite", "frames": 121}),
            (
                job(PLAIN, {"frame_images": [FRAME]}),
                {"req_key": "jimeng_i2v_first_v30", "prompt": "a kite", "image_urls": ["https://a.example/1.png"]},
            ),
            (
                job("jimeng_v30_1080p", {"frame_images": [LAST, FRAME]}),
                {
                    "req_key": "jimeng_i2v_first_tail_v30_1080",
                    "prompt": "a kite",
                    "image_urls": ["https://a.example/1.png", "https://a.example/2.png"],
                },
            ),
            (
                picture(DRAWN, {"size": "2048x1024", "seed": -1, "images": [PICTURE]}),
                {
                    "req_key": DRAWN,
                    "prompt": "a kite",
                    "seed": -1,
                    "width": 2048,
                    "height": 1024,
                    "image_urls": ["https://a.example/1.png"],
                    "force_single": True,
                },
            ),
            (picture("jimeng_t2i_v31"), {"req_key": "jimeng_t2i_v31", "prompt": "a kite"}),
        ],
        ids=["pro", "pro, a frame", "text", "a frame", "frames", "a picture", "an older picture"],
    )
    def test_is_written_in_its_words_and_taken(self, upstream, ordered, body):
        assert jimeng._written(ordered) == body
        handle = asked(upstream, lambda adapter: adapter.submit(ordered)).handle
        assert handle["req_key"] == body["req_key"]

    @pytest.mark.parametrize(
        ("ordered", "field"),
        [
            (job(PRO, {"frame_images": [FRAME, LAST]}), "frame_images"),
            (job(PLAIN, {"frame_images": [FRAME], "aspect_ratio": "1:1"}), "aspect_ratio"),
            (job(PLAIN, {"resolution": "720p"}), "resolution"),
            (job(PLAIN, {"generate_audio": True}), "generate_audio"),
            (job(PLAIN, {"negative_prompt": "rain"}), "negative_prompt"),
            (picture(DRAWN, {"n": 2}), "n"),
            (picture(DRAWN, {"mask": PICTURE}), "mask"),
            (picture(DRAWN, {"size": "large"}), "size"),
            (picture(DRAWN, {"images": [PICTURE] * 11}), "images"),
            (picture("jimeng_t2i_v31", {"images": [PICTURE]}), "images"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_of_what_it_cannot_do_is_refused_by_name_and_not_sent(self, upstream, ordered, field):
        with pytest.raises(Invalid) as refused:
            asked(upstream, lambda adapter: adapter.submit(ordered))
        assert (refused.value.field, upstream.connections) == (field, 0)

    @pytest.mark.parametrize("ordered", [job("jimeng_vgfm_t2v_l20"), job(DRAWN), picture(PRO)], ids=["older", "a picture", "a video"])
    def test_for_a_model_that_it_has_not_is_retired_and_not_sent(self, upstream, ordered):
        with pytest.raises(Retired):
            asked(upstream, lambda adapter: adapter.submit(ordered))
        assert upstream.connections == 0

    @pytest.mark.parametrize("model", offers.of("jimeng").models, ids=lambda model: model.name)
    def test_of_each_model_that_we_offer_is_taken_with_all_that_its_schema_has(self, upstream, model):
        full = fullest(model)
        if "frame_images" in full.input:
            full = job(full.model, dialect.without(full.input, "aspect_ratio"))
        for ordered in (fullest(model, media=False), full):
            assert isinstance(asked(upstream, lambda adapter, ordered=ordered: adapter.submit(ordered)), Accepted)


class TestItsCodes:
    """Each as its pages class it: of a question, of a task that was asked about, of a submit."""

    @pytest.mark.parametrize(
        ("status", "code", "asking", "submit"),
        [
            (400, 50411, Moderated, Moderated),
            (400, 50412, Moderated, Moderated),
            (400, 50413, Moderated, Moderated),
            (400, 50511, Moderated, Moderated),
            (400, 50512, Moderated, Moderated),
            (400, 50516, Moderated, Moderated),
            (400, 50517, Moderated, Moderated),
            (400, 50518, Moderated, Moderated),
            (400, 50519, Moderated, Moderated),
            (200, 50519, Moderated, Moderated),  # whatever the status
            (400, 50520, Unavailable, Unavailable),
            (400, 50521, Unavailable, Unavailable),
            (400, 50522, Unavailable, Unavailable),
            (429, 50429, RateLimited, RateLimited),
            (429, 50430, RateLimited, RateLimited),
            (500, 50500, Unavailable, OutcomeUnknown),
            (500, 50501, Unavailable, OutcomeUnknown),
            (400, 50215, Invalid, Invalid),
            (401, 50400, QuotaExceeded, QuotaExceeded),
            (400, 59999, Unavailable, OutcomeUnknown),
            (403, "AccessDenied", Unauthenticated, Unauthenticated),
            (429, "FlowLimitExceeded", RateLimited, RateLimited),
            (502, "BadGateway", Unavailable, OutcomeUnknown),
        ],
    )
    def test_mean(self, upstream, status, code, asking, submit):
        handle = asked(upstream, lambda adapter: adapter.submit(job(PLAIN))).handle
        upstream.will(answer(status, code=code), at="poll")
        upstream.will(answer(status, code=code))
        if asking is Moderated:  # of a task it is the end, and no error of the question
            ended = asked(upstream, lambda adapter: adapter.poll(job("", handle=handle)))
            assert type(ended.error) is Moderated
        else:
            with pytest.raises(asking) as asked_about:
                asked(upstream, lambda adapter: adapter.poll(job("", handle=handle)))
            assert type(asked_about.value) is asking
        with pytest.raises(submit) as submitted:
            asked(upstream, lambda adapter: adapter.submit(job(PLAIN)))
        assert type(submitted.value) is submit

    def test_of_as_many_tasks_as_may_be_is_busy(self):
        with Jimeng(manual=True, parallel=1) as full:
            asked(full, lambda adapter: adapter.submit(job(PLAIN)))
            with pytest.raises(RateLimited, match="50430"):
                asked(full, lambda adapter: adapter.submit(job(PLAIN)))

    def test_that_are_the_clients_fault_are_told_in_its_text(self, upstream):
        upstream.will(answer(400, code=50412))
        with pytest.raises(Moderated, match="as ordered"):
            asked(upstream, lambda adapter: adapter.submit(job(PLAIN)))


class TestATaskAsItIsShown:
    @pytest.mark.parametrize(
        ("data", "outcome"),
        [
            ({"status": "in_queue"}, Running()),
            ({"status": "generating"}, Running()),
            ({"status": "dreaming"}, Running()),
            ({}, Running()),
            ({"status": "done", "video_url": URL, "image_urls": None}, Finished((Found(URL),))),
            ({"status": "done", "video_url": None, "image_urls": [URL, 7]}, Finished((Found(URL),))),
        ],
    )
    def test_means(self, data, outcome):
        assert jimeng._polled(data, lives_until=None) == outcome

    @pytest.mark.parametrize(
        ("data", "error"),
        [({"status": "expired"}, GenerationFailed), ({"status": "done"}, NoOutput), ({"status": "done", "image_urls": []}, NoOutput)],
    )
    def test_that_gives_nothing_says_why(self, data, error):
        failed = jimeng._polled(data, lives_until=None)
        assert isinstance(failed, Failed)
        assert type(failed.error) is error

    def test_is_asked_about_with_its_req_key(self, upstream):
        handle = asked(upstream, lambda adapter: adapter.submit(job(PLAIN))).handle
        assert isinstance(asked(upstream, lambda adapter: adapter.poll(job("", handle=handle))), Finished)
        with pytest.raises(NotFound):
            asked(upstream, lambda adapter: adapter.poll(job("", handle=handle | {"req_key": PRO})))

    def test_as_a_picture_comes_by_an_address_that_lives_for_a_day(self, upstream):
        handle = asked(upstream, lambda adapter: adapter.submit(picture(DRAWN))).handle
        (found,) = asked(upstream, lambda adapter: adapter.poll(picture("", handle=handle))).outputs
        assert found.url
        assert timedelta(hours=23) < found.lives_until - datetime.now(UTC) <= timedelta(hours=24)


class TestALostTask:
    def test_is_lost_for_good(self, upstream):
        upstream.will(cut_before_answer())
        for road in (lambda adapter: adapter.submit(job(PLAIN)), lambda adapter: adapter.find(job(PLAIN))):
            with pytest.raises(OutcomeUnknown):
                asked(upstream, road)


class TestTheSimulatorIsStrict:
    @pytest.mark.parametrize(
        "body",
        [
            b'{"req_key": "jimeng_t2v_v30"}',
            b'{"req_key": "jimeng_t2v_v30", "prompt": "a", "frames": 120}',
            b'{"req_key": "jimeng_t2v_v30", "prompt": "a", "image_urls": ["https://a.example/1"]}',
            b'{"req_key": "jimeng_i2v_first_v30", "prompt": "a"}',
            b'{"req_key": "jimeng_i2v_first_tail_v30", "image_urls": ["https://a.example/1"]}',
            b'{"req_key": "jimeng_t2i_v31", "prompt": "a", "width": 1024}',
            b'{"req_key": "jimeng_t2i_v31", "prompt": "a", "width": 256, "height": 256}',
            b'{"req_key": "jimeng_t2i_v99", "prompt": "a"}',
            b'{"prompt": "a"}',
        ],
    )
    def test_and_answers_in_its_codes(self, upstream, body):
        reply = asked(upstream, partial(posted, body, query=f"Action={SUBMIT}&Version={VERSION}"))
        assert (reply.status, reply.json()["code"], upstream.bought) == (400, 50215, 0)

    def test_about_actions_too(self, upstream):
        reply = asked(upstream, partial(posted, b"{}", query=f"Action=CVProcess&Version={VERSION}"))
        assert (reply.status, reply.json()["ResponseMetadata"]["Error"]["Code"]) == (404, "InvalidActionOrVersion")


class TestItsFacts:
    def test_promise_only_what_its_pages_do(self):
        assert (FACTS.recovery, FACTS.cancel, FACTS.batch) == (set(), "unsupported", 1)
