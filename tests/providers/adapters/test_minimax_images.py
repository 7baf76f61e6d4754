"""MiniMax's adapter for pictures: its words, by the tables of its pages; and its promises, against the simulator."""

import pytest

from providers import offers
from providers.adapters import minimax_images
from providers.adapters.minimax_images import FACTS
from providers.errors import GenerationFailed, Invalid, NoOutput, NotFound, OutcomeUnknown, RateLimited, Unauthenticated
from providers.outcomes import Finished, Found
from tests.upstreams import answer
from tests.upstreams.minimax_images import MiniMaxImages

from . import asking
from .asking import PICTURE, fullest
from .conformance import Conformance


class TestPictures(Conformance):
    SIMULATOR, VENDOR, MODEL = MiniMaxImages, "minimax_images", "minimax/image-01"
    AT_ONCE = True
    # A model that is gone is a wrong parameter to it; and each of its words for trouble leaves open whether the job was bought.
    NO_WORD_FOR = frozenset({"no_model", "unavailable"})


def asked(simulator, road, **credentials):
    return asking.asked("minimax_images", simulator, road, **credentials)


def job(given: dict | None = None):
    return asking.job("image-01", given, kind="image.generate")


@pytest.fixture
def upstream():
    with MiniMaxImages() as simulator:
        yield simulator


class TestAnOrder:
    def test_is_written_in_its_words_and_answered_with_its_pictures(self, upstream):
        ordered = job({"n": 2.0, "aspect_ratio": "16:9", "seed": 7})
        body = {"model": "image-01", "prompt": "a kite", "n": 2, "aspect_ratio": "16:9", "seed": 7, "response_format": "url"}
        assert minimax_images._written(ordered) == body
        outcome = asked(upstream, lambda adapter: adapter.submit(ordered))
        (id,) = upstream.jobs
        assert outcome == Finished(tuple(Found(url=f"{upstream.url}/results/{id}/{n}") for n in range(2)))

    @pytest.mark.parametrize("given", [{"images": [PICTURE]}, {"negative_prompt": "rain"}, {"size": "1024x1024"}])
    def test_of_what_it_cannot_do_is_refused_by_name_and_not_sent(self, upstream, given):
        with pytest.raises(Invalid) as refused:
            asked(upstream, lambda adapter: adapter.submit(job(given)))
        assert (refused.value.field, upstream.connections) == (next(iter(given)), 0)

    @pytest.mark.parametrize("model", offers.of("minimax_images").models, ids=lambda model: model.name)
    def test_of_each_model_that_we_offer_is_taken_with_all_that_its_schema_has(self, upstream, model):
        ordered = fullest(model)
        assert isinstance(asked(upstream, lambda adapter: adapter.submit(ordered)), Finished)

    @pytest.mark.parametrize(
        ("code", "error"), [(1002, RateLimited), (1004, Unauthenticated), (1001, OutcomeUnknown), (9999, OutcomeUnknown)]
    )
    def test_that_is_not_taken_says_why_by_the_codes_of_version_1(self, upstream, code, error):
        upstream.will(answer(200, code=code))
        with pytest.raises(error):
            asked(upstream, lambda adapter: adapter.submit(job()))


class TestAnAnswer:
    @pytest.mark.parametrize(
        ("said", "error"),
        [
            ({"data": {"image_urls": []}, "metadata": {"success_count": 0, "failed_count": 2}}, GenerationFailed),
            ({"data": {"image_urls": []}, "metadata": {"success_count": 0, "failed_count": "2"}}, GenerationFailed),
            ({"data": {"image_urls": []}, "metadata": {"failed_count": 0}}, NoOutput),
            ({"data": {"image_urls": [7]}}, NoOutput),
            ({"data": None}, NoOutput),
        ],
    )
    def test_that_gives_nothing_says_why(self, said, error):
        with pytest.raises(error) as failed:
            minimax_images._finished(said)
        assert type(failed.value) is error

    def test_that_is_lost_is_lost(self, upstream):
        with pytest.raises(OutcomeUnknown):
            asked(upstream, lambda adapter: adapter.find(job()))
        with pytest.raises(NotFound):
            asked(upstream, lambda adapter: adapter.poll(job()))
        assert (FACTS.recovery, upstream.connections) == (frozenset(), 0)


class TestTheSimulatorIsStrict:
    def posted(self, upstream, body, key=MiniMaxImages.KEY):
        url = f"{upstream.url}/v1/image_generation"
        return asking.posted("minimax_images", url, body, headers={"Authorization": f"Bearer {key}"})[1]["base_resp"]["status_code"]

    @pytest.mark.parametrize(
        "change",
        [
            {"size": "1"},
            {"n": 10},
            {"n": "1"},
            {"prompt": "a" * 1501},
            {"aspect_ratio": "5:4"},
            {"model": "image-02"},
            {"response_format": "x"},
        ],
    )
    def test_and_answers_in_its_codes(self, upstream, change):
        assert self.posted(upstream, {"model": "image-01", "prompt": "a"} | change) == 2013
        assert upstream.bought == 0

    def test_and_wants_its_key_and_takes_no_more_in_a_minute_than_it_says(self):
        with MiniMaxImages(a_minute=1) as upstream:
            order = {"model": "image-01", "prompt": "a"}
            assert [self.posted(upstream, order, key="x"), *(self.posted(upstream, order) for _ in range(2))] == [1004, 0, 1002]
