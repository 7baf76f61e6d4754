"""Zhipu's adapter: its words, by the tables of its pages; and its promises, against the simulator."""

from functools import partial

import pytest

from providers import dialect, offers
from providers.adapters import zhipu
from providers.adapters.zhipu import FACTS, Adapter
from providers.errors import (
    GenerationFailed,
    Invalid,
    Moderated,
    NoOutput,
    NotFound,
    OutcomeUnknown,
    QuotaExceeded,
    RateLimited,
    Repeated,
    Retired,
    Unauthenticated,
    Unavailable,
)
from providers.outcomes import Accepted, Failed, Finished, Found, Running
from tests.upstreams import answer, cut_mid_json, fail, finish_without_output
from tests.upstreams.zhipu import IMAGES, LATER_IMAGES, VIDEOS, Zhipu

from .asking import FRAME, LAST, PICTURE, fullest, job, posted
from .asking import asked as asked_of
from .conformance import Conformance

asked = partial(asked_of, "zhipu")
picture = partial(job, kind="image.generate")
VIDEO, DRAWN, LATER = "cogvideox-3", "cogview-4-250304", "glm-image"
ID = {"request_id": "task_1-1"}
URL = "https://z.example/1"


class TestVideos(Conformance):
    SIMULATOR, VENDOR, MODEL = Zhipu, "zhipu", "cogvideox/3"
    NO_WORD_FOR = frozenset({"unavailable"})  # what says so may have been bought, but for a model without room, which is busy


class TestPicturesThatAreAskedAbout(Conformance):
    SIMULATOR, VENDOR, MODEL = Zhipu, "zhipu", "zhipu/glm-image"
    NO_WORD_FOR = frozenset({"unavailable"})


class TestPicturesAtOnce(Conformance):
    SIMULATOR, VENDOR, MODEL, AT_ONCE = Zhipu, "zhipu", "zhipu/cogview-4", True
    NO_WORD_FOR = frozenset({"unavailable"})

    @pytest.mark.parametrize(
        ("fate", "code"), [(fail("broken"), "no_output"), (fail("moderated"), "moderated"), (finish_without_output(), "no_output")]
    )
    def test_a_job_that_ends_badly_fails_for_that_reason_and_is_free(self, upstream, submits, ends, acme, fate, code):
        """An answer without a picture tells no reason, but for what the filter found."""
        super().test_a_job_that_ends_badly_fails_for_that_reason_and_is_free(upstream, submits, ends, acme, fate, code)


@pytest.fixture
def upstream():
    with Zhipu() as simulator:
        yield simulator


class TestAnOrder:
    @pytest.mark.parametrize(
        ("ordered", "path", "body"),
        [
            (
                job(VIDEO, {"duration": 10.0, "size": "3840x2160", "quality": "quality", "generate_audio": True, "fps": 60}),
                VIDEOS,
                {"prompt": "a kite", "duration": 10, "size": "3840x2160", "quality": "quality", "with_audio": True, "fps": 60},
            ),
            (job("cogvideox-flash", {"frame_images": [FRAME]}), VIDEOS, {"prompt": "a kite", "image_url": ["https://a.example/1.png"]}),
            (
                job(VIDEO, {"frame_images": [LAST, FRAME]}),
                VIDEOS,
                {"prompt": "a kite", "image_url": ["https://a.example/1.png", "https://a.example/2.png"]},
            ),
            (picture(LATER, {"quality": "hd"}), LATER_IMAGES, {"prompt": "a kite", "quality": "hd"}),
            (picture(DRAWN, {"size": "768x1344"}), IMAGES, {"prompt": "a kite", "size": "768x1344"}),
        ],
        ids=["all", "a frame", "frames", "a later picture", "a picture"],
    )
    def test_is_written_in_its_words_and_taken(self, upstream, ordered, path, body):
        way = zhipu._way(ordered)
        assert (way[0], way[1](ordered)) == (path, body)
        assert isinstance(asked(upstream, lambda adapter: adapter.submit(ordered)), Accepted | Finished)
        assert upstream.received == {"task_1-1": 1}

    @pytest.mark.parametrize(
        ("ordered", "field"),
        [
            (job(VIDEO, {"seed": 7}), "seed"),
            (job(VIDEO, {"negative_prompt": "rain"}), "negative_prompt"),
            (job(VIDEO, {"resolution": "720p"}), "resolution"),
            (job(VIDEO, {"aspect_ratio": "1:1"}), "aspect_ratio"),
            (job(VIDEO, {"frame_images": [LAST]}), "frame_images"),
            (job("cogvideox-2", {"frame_images": [FRAME, LAST]}), "frame_images"),
            (job(VIDEO, {"frame_images": [FRAME, LAST], "quality": "quality"}), "quality"),
            (picture(DRAWN, {"n": 2}), "n"),
            (picture(DRAWN, {"images": [PICTURE]}), "images"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_of_what_it_cannot_do_is_refused_by_name_and_not_sent(self, upstream, ordered, field):
        with pytest.raises(Invalid) as refused:
            asked(upstream, lambda adapter: adapter.submit(ordered))
        assert (refused.value.field, upstream.connections) == (field, 0)

    @pytest.mark.parametrize("ordered", [job("cogvideox"), job(DRAWN), picture(VIDEO)], ids=["older", "a picture", "a video"])
    def test_for_a_model_that_it_has_not_is_retired_and_not_sent(self, upstream, ordered):
        with pytest.raises(Retired):
            asked(upstream, lambda adapter: adapter.submit(ordered))
        assert upstream.connections == 0

    @pytest.mark.parametrize("model", offers.of("zhipu").models, ids=lambda model: model.name)
    def test_of_each_model_that_we_offer_is_taken_with_all_that_its_schema_has(self, upstream, model):
        full = fullest(model)
        if len(full.input.get("frame_images", ())) == 2:
            full = job(full.model, dialect.without(full.input, "quality"))
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
            *((401, code, Unauthenticated, None) for code in (1000, 1001, 1002, 1003, 1004, 1005)),
            *((403, code, Unauthenticated, None) for code in (1110, 1111, 1112, 1121, 1220)),
            *((400, code, None, Invalid) for code in (1210, 1212, 1213, 1214, 1215, 1221, 1222, 1232, 1261)),
            (400, 1211, Retired, None),
            (400, 1231, Repeated, None),
            (404, 1233, None, OutcomeUnknown),
            (400, 1300, Moderated, None),
            (400, 1301, Moderated, None),
            *((429, code, QuotaExceeded, None) for code in (1113, 1304, 1308, 1309, 1310, 1311, 1314, 1315, 1316, 1321)),
            *((429, code, RateLimited, None) for code in (1302, 1303, 1305, 1312, 1313)),
            *((500, code, Unavailable, OutcomeUnknown) for code in (1200, 1230, 1234)),
            (500, 9999, Unavailable, OutcomeUnknown),
        ],
    )
    @pytest.mark.parametrize("spells", [True, False], ids=["texts", "numbers"])
    def test_mean(self, spells, status, code, asking, submit):
        with Zhipu(spells=spells) as upstream:
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
        upstream.will(answer(400, code=1214), answer(429, code=1113, retry_after=7))
        with pytest.raises(Invalid, match="as ordered"):
            asked(upstream, lambda adapter: adapter.submit(job(VIDEO)))
        with pytest.raises(QuotaExceeded, match=r"^Our quota at the upstream is used up. Zhipu's code is 1113.$") as poor:
            asked(upstream, lambda adapter: adapter.submit(job(VIDEO)))
        assert poor.value.retry_after == 7


class TestATaskAsItIsShown:
    @pytest.mark.parametrize(
        ("said", "outcome"),
        [
            ({"task_status": "PROCESSING"}, Running()),
            ({"task_status": "DREAMING"}, Running()),
            ({}, Running()),
            ({"task_status": "SUCCESS", "video_result": [{"url": URL, "cover_image_url": "x"}]}, Finished((Found(URL),))),
            ({"task_status": "SUCCESS", "image_result": [{"url": URL}]}, Finished((Found(URL),))),
        ],
    )
    def test_means(self, said, outcome):
        assert zhipu._polled(said) == outcome

    @pytest.mark.parametrize(
        ("said", "error"),
        [
            ({"task_status": "FAIL"}, GenerationFailed),
            ({"task_status": "FAIL", "content_filter": []}, GenerationFailed),
            ({"task_status": "FAIL", "content_filter": [{"role": "user", "level": 0}]}, Moderated),
            ({"task_status": "SUCCESS"}, NoOutput),
            ({"task_status": "SUCCESS", "video_result": [7, {"url": ""}]}, NoOutput),
        ],
    )
    def test_that_gives_nothing_says_why(self, said, error):
        failed = zhipu._polled(said)
        assert isinstance(failed, Failed)
        assert type(failed.error) is error


class TestAPicture:
    def test_that_was_not_drawn_says_what_the_filter_found(self):
        with pytest.raises(Moderated):
            zhipu._drawn({"data": [], "content_filter": [{"role": "assistant", "level": 1}]})
        with pytest.raises(NoOutput):
            zhipu._drawn({"data": [], "content_filter": []})
        assert zhipu._drawn({"data": [{"url": URL}], "content_filter": [{"level": 3}]}) == Finished((Found(URL),))


class TestALostTask:
    def test_is_lost_for_good(self, upstream):
        upstream.will(cut_mid_json())
        for road in (lambda adapter: adapter.submit(job(VIDEO)), lambda adapter: adapter.find(job(VIDEO))):
            with pytest.raises(OutcomeUnknown):
                asked(upstream, road)

    def test_is_in_doubt_where_its_request_id_is_refused(self):
        """The refusal says that there is a task, and not which."""
        with Zhipu(refuses=True) as strict:
            asked(strict, lambda adapter: adapter.submit(job(VIDEO)))
            with pytest.raises(Repeated):
                asked(strict, lambda adapter: adapter.submit(job(VIDEO)))
            assert strict.bought == 1

    def test_is_not_known_any_more(self, upstream):
        with pytest.raises(NotFound):
            asked(upstream, lambda adapter: adapter.poll(job("", handle={"id": "7"})))


class TestAnIdFromTheConsole:
    def test_is_a_handle(self):
        assert Adapter.handle_of(None, "43181752647475473-8253018079582209822") == {"id": "43181752647475473-8253018079582209822"}
        for id in ("", "../x", "a b"):
            with pytest.raises(Invalid, match="known by an id"):
                Adapter.handle_of(None, id)


class TestTheSimulatorIsStrict:
    @pytest.mark.parametrize(
        ("path", "body", "status", "code"),
        [
            (VIDEOS, {"prompt": "a"}, 400, "1213"),
            (VIDEOS, {"model": VIDEO}, 400, "1213"),
            (VIDEOS, {"model": VIDEO, "prompt": "a" * 513}, 400, "1214"),
            (VIDEOS, {"model": VIDEO, "prompt": "a", "seed": 7}, 400, "1210"),
            (VIDEOS, {"model": VIDEO, "prompt": "a", "duration": "5"}, 400, "1214"),
            (VIDEOS, {"model": VIDEO, "prompt": "a", "request_id": "t"}, 400, "1214"),
            (VIDEOS, {"model": "cogvideox-2", "image_url": [URL, URL]}, 400, "1214"),
            (VIDEOS, {"model": LATER, "prompt": "a"}, 400, "1211"),
            (LATER_IMAGES, {"model": DRAWN, "prompt": "a"}, 400, "1211"),
            (IMAGES, {"model": DRAWN}, 400, "1213"),
            ("/chat", {}, 404, "1200"),
        ],
    )
    def test_and_answers_in_its_codes(self, upstream, path, body, status, code):
        answered, said = posted("zhipu", upstream.url + path, body, headers={"Authorization": f"Bearer {upstream.KEY}"})
        assert (answered, said["error"]["code"], upstream.bought) == (status, code, 0)


class TestItsFacts:
    def test_promise_only_what_its_pages_do(self):
        assert (FACTS.recovery, FACTS.cancel, FACTS.batch) == (set(), "unsupported", 1)
