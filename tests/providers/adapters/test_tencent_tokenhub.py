"""TokenHub's adapter: its words, by the tables of its pages; and its promises, against the simulator."""

from functools import partial

import pytest

from providers import offers
from providers.adapters import tencent_tokenhub
from providers.adapters.tencent_tokenhub import FACTS
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
from tests.upstreams import answer, cut_mid_json
from tests.upstreams.tencent_tokenhub import CHAT, DRAW, QUERY, SUBMIT, TencentTokenhub

from .asking import FRAME, LAST, PICTURE, fullest, job, posted
from .asking import asked as asked_of
from .conformance import Conformance

asked = partial(asked_of, "tencent_tokenhub")
picture = partial(job, kind="image.generate")
VIDEO, IMAGE, PREVIEW = "hy-video-1.5", "hy-image-v3", "hy-image-v3.5-preview"
URL = "https://t.example/1"


class TestVideos(Conformance):
    SIMULATOR, VENDOR, MODEL = TencentTokenhub, "tencent_tokenhub", "hunyuan/video-1.5"
    NO_WORD_FOR = frozenset({"unavailable"})  # 502, past which it may be bought


class TestPictures(Conformance):
    SIMULATOR, VENDOR, MODEL, AT_ONCE = TencentTokenhub, "tencent_tokenhub", "hunyuan/image-3.0", True
    NO_WORD_FOR = frozenset({"unavailable"})


class TestPicturesInAChat(Conformance):
    SIMULATOR, VENDOR, MODEL, AT_ONCE = TencentTokenhub, "tencent_tokenhub", "hunyuan/image-3.5-preview", True
    NO_WORD_FOR = frozenset({"unavailable"})


@pytest.fixture
def upstream():
    with TencentTokenhub() as simulator:
        yield simulator


class TestAnOrder:
    @pytest.mark.parametrize(
        ("ordered", "path", "body"),
        [
            (job(VIDEO, {"resolution": "720p"}), SUBMIT, {"model": VIDEO, "prompt": "a kite", "resolution": "720p"}),
            (
                job("yt-video-2.0", {"frame_images": [FRAME]}),
                SUBMIT,
                {"model": "yt-video-2.0", "prompt": "a kite", "image": {"url": PICTURE.url}},
            ),
            (
                picture(IMAGE, {"size": "1280x720", "seed": 7, "images": [PICTURE]}),
                DRAW,
                {"model": IMAGE, "prompt": "a kite", "size": "1280x720", "seed": 7, "images": [PICTURE.url]},
            ),
            (
                picture(PREVIEW, {"size": "1280x720", "images": [PICTURE]}),
                CHAT,
                {
                    "model": PREVIEW,
                    "messages": [
                        {
                            "role": "user",
                            "content": [{"type": "text", "text": "a kite"}, {"type": "image_url", "image_url": {"url": PICTURE.url}}],
                        }
                    ],
                    "size": "1280x720",
                },
            ),
        ],
        ids=["a video", "a frame", "a picture", "a chat"],
    )
    def test_is_written_in_its_words_and_taken(self, upstream, ordered, path, body):
        way = tencent_tokenhub._way(ordered)
        assert (way[0], way[1](ordered)) == (path, body)
        assert isinstance(asked(upstream, lambda adapter: adapter.submit(ordered)), Accepted | Finished)

    @pytest.mark.parametrize(
        ("ordered", "field"),
        [
            (job(VIDEO, {"duration": 5}), "duration"),
            (job(VIDEO, {"seed": 7}), "seed"),
            (job(VIDEO, {"negative_prompt": "rain"}), "negative_prompt"),
            (job(VIDEO, {"frame_images": [FRAME, LAST]}), "frame_images"),
            (picture(IMAGE, {"n": 2}), "n"),
            (picture(IMAGE, {"mask": PICTURE}), "mask"),
            (picture(IMAGE, {"images": [PICTURE] * 4}), "images"),
            (picture(PREVIEW, {"images": [PICTURE] * 4}), "images"),
            (picture(PREVIEW, {"aspect_ratio": "1:1"}), "aspect_ratio"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_of_what_it_cannot_do_is_refused_by_name_and_not_sent(self, upstream, ordered, field):
        with pytest.raises(Invalid) as refused:
            asked(upstream, lambda adapter: adapter.submit(ordered))
        assert (refused.value.field, upstream.connections) == (field, 0)

    @pytest.mark.parametrize("ordered", [job("hy-video-1.0"), job(IMAGE), picture(VIDEO)], ids=["gone", "a picture", "a video"])
    def test_for_a_model_that_it_has_not_is_retired_and_not_sent(self, upstream, ordered):
        with pytest.raises(Retired):
            asked(upstream, lambda adapter: adapter.submit(ordered))
        assert upstream.connections == 0

    @pytest.mark.parametrize("model", offers.of("tencent_tokenhub").models, ids=lambda model: model.name)
    def test_of_each_model_that_we_offer_is_taken_with_all_that_its_schema_has(self, upstream, model):
        full = fullest(model)
        if "frame_images" in full.input:
            full.input["frame_images"][:] = [FRAME]
        for ordered in (fullest(model, media=False), full):
            assert isinstance(asked(upstream, lambda adapter, ordered=ordered: adapter.submit(ordered)), Accepted | Finished)

    def test_without_a_key_is_not_sent(self, upstream):
        with pytest.raises(Unauthenticated, match="needs an api_key"):
            asked(upstream, lambda adapter: adapter.submit(job(VIDEO)), key="x")
        assert upstream.connections == 0


class TestItsCodes:
    """Each as its pages class it; `submit` where that differs. A check takes what is the question's own fault for health."""

    @pytest.mark.parametrize(
        ("status", "code", "asking", "submit"),
        [
            (400, "400001", None, Invalid),
            (400, "400002", None, Invalid),
            (400, "400004", Retired, None),
            (401, "401002", Unauthenticated, None),
            (402, "401007", QuotaExceeded, None),
            (402, "401008", QuotaExceeded, None),
            (402, "403004", QuotaExceeded, None),
            (403, "403001", Unauthenticated, None),
            (403, "403002", Unauthenticated, None),
            (403, "403005", Unauthenticated, None),
            (404, "404001", None, Retired),
            (429, "429001", RateLimited, None),
            (451, "451001", None, Moderated),
            (502, "502001", Unavailable, OutcomeUnknown),
            (500, "500001", Unavailable, OutcomeUnknown),
            (418, "418", Unavailable, OutcomeUnknown),
        ],
    )
    @pytest.mark.parametrize("spells", [True, False], ids=["texts", "numbers"])
    def test_mean(self, spells, status, code, asking, submit):
        with TencentTokenhub(spells=spells) as upstream:
            upstream.will(answer(status, code=code))
            upstream.will(answer(status, code=code), at="check")
            if asking:
                with pytest.raises(asking) as asked_about:
                    asked(upstream, lambda adapter: adapter.check())
                assert type(asked_about.value) is asking
            else:
                asked(upstream, lambda adapter: adapter.check())
            with pytest.raises(submit or asking) as submitted:
                asked(upstream, lambda adapter: adapter.submit(job(VIDEO)))
            assert type(submitted.value) is (submit or asking)

    def test_that_are_the_clients_fault_are_told_in_its_text_and_others_are_not(self, upstream):
        upstream.will(answer(451), answer(402, retry_after=7))
        with pytest.raises(Moderated, match="as ordered"):
            asked(upstream, lambda adapter: adapter.submit(job(VIDEO)))
        with pytest.raises(QuotaExceeded, match=r"^Our quota at the upstream is used up. TokenHub's code is 403004.$"):
            asked(upstream, lambda adapter: adapter.submit(job(VIDEO)))


class TestAJobAsItIsShown:
    @pytest.mark.parametrize(
        ("said", "outcome"),
        [
            ({"status": "queued"}, Running()),
            ({"status": "in_progress", "progress": 40}, Running(0.4)),
            ({"status": "processing", "progress": "?"}, Running()),
            ({"status": "dreaming", "progress": 101}, Running()),
            ({"status": "completed", "data": {"url": URL}}, Finished((Found(URL),))),
        ],
    )
    def test_means(self, said, outcome):
        assert tencent_tokenhub._polled(said) == outcome

    @pytest.mark.parametrize(
        ("said", "error"),
        [
            ({"status": "failed", "error": {"type": "content_filter_error", "message": "no"}}, Moderated),
            ({"status": "failed", "error": {"type": "invalid_request_error", "message": "no"}}, Invalid),
            ({"status": "failed", "error": {"type": "upstream_error"}}, GenerationFailed),
            ({"status": "failed", "error": "no"}, GenerationFailed),
            ({"status": "cancelled"}, GenerationFailed),
            ({"status": "completed"}, NoOutput),
            ({"status": "completed", "data": {"url": ""}}, NoOutput),
        ],
    )
    def test_that_gives_nothing_says_why(self, said, error):
        failed = tencent_tokenhub._polled(said)
        assert isinstance(failed, Failed)
        assert type(failed.error) is error

    def test_is_asked_about_with_its_model(self, upstream):
        handle = asked(upstream, lambda adapter: adapter.submit(job(VIDEO))).handle
        assert handle["model"] == VIDEO
        assert isinstance(asked(upstream, lambda adapter: adapter.poll(job("", handle=handle))), Finished)
        with pytest.raises(NotFound):
            asked(upstream, lambda adapter: adapter.poll(job("", handle=handle | {"model": "yt-video-2.0"})))


class TestAPicture:
    @pytest.mark.parametrize("read", [tencent_tokenhub._drawn, tencent_tokenhub._answered])
    def test_that_failed_within_an_answer_that_went_well_says_why(self, read):
        for kind, error in (("content_filter_error", Moderated), ("upstream_error", GenerationFailed)):
            with pytest.raises(error):
                read({"error": {"type": kind, "message": "no"}, "data": [], "choices": []}, job(IMAGE))
        with pytest.raises(NoOutput):
            read({"data": [7, {"url": None}], "choices": [7, {"delta": {}}]}, job(IMAGE))
        with pytest.raises(OutcomeUnknown):
            read({"well": "done"}, job(IMAGE))

    def test_whose_answer_is_lost_is_lost_for_good(self, upstream):
        upstream.will(cut_mid_json())
        for road in (lambda adapter: adapter.submit(picture(IMAGE)), lambda adapter: adapter.find(picture(IMAGE))):
            with pytest.raises(OutcomeUnknown):
                asked(upstream, road)


class TestTheSimulatorIsStrict:
    @pytest.mark.parametrize(
        ("path", "body", "status", "code"),
        [
            (SUBMIT, {"model": VIDEO}, 400, "400002"),
            (SUBMIT, {"model": VIDEO, "prompt": "a", "duration": 5}, 400, "400001"),
            (SUBMIT, {"model": VIDEO, "prompt": "a", "image": "https://a.example/1"}, 400, "400001"),
            (SUBMIT, {"model": "hy-video-1.0", "prompt": "a"}, 400, "400004"),
            (DRAW, {"model": IMAGE, "prompt": "a", "images": [PICTURE.url] * 4}, 400, "400001"),
            (DRAW, {"model": PREVIEW, "prompt": "a"}, 400, "400004"),
            (CHAT, {"model": PREVIEW, "prompt": "a"}, 400, "400001"),
            (CHAT, {"model": PREVIEW}, 400, "400002"),
            (QUERY, {"id": "x"}, 400, "400002"),
            (QUERY, {"model": VIDEO, "id": "x"}, 404, "404001"),
            ("/v1/api/video", {"model": VIDEO}, 404, "404001"),
        ],
    )
    def test_and_answers_in_its_codes(self, upstream, path, body, status, code):
        answered, said = posted("hub", upstream.url + path, body, headers={"Authorization": f"Bearer {upstream.KEY}"})
        assert (answered, said["error"]["code"], upstream.bought) == (status, code, 0)


class TestItsFacts:
    def test_promise_only_what_its_pages_do(self):
        assert (FACTS.recovery, FACTS.cancel, FACTS.batch) == (set(), "unsupported", 1)
