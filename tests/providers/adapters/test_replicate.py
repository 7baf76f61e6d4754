"""Replicate's adapter: its words, by the tables of its pages; and its promises, against the simulator."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook

from providers import offers
from providers.adapters import replicate
from providers.adapters.replicate import FACTS, Adapter
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
from tests.upstreams import Receiver, answer, refuse
from tests.upstreams.replicate import API, Replicate

from . import asking
from .asking import FRAME, LAST, PICTURE, fullest, job
from .conformance import Conformance

SCHNELL, SEEDANCE = "black-forest-labs/flux-schnell", "bytedance/seedance-1-pro"
SEED = replicate._seed("task_1-1")


class TestPictures(Conformance):
    SIMULATOR, VENDOR, MODEL = Replicate, "replicate", "replicate/flux-schnell"
    NO_WORD_FOR = frozenset({"moderated", "unavailable"})  # it judges when it draws; and any 5xx leaves open what was bought


class TestVideos(Conformance):
    SIMULATOR, VENDOR, MODEL = Replicate, "replicate", "replicate/seedance-1-pro"
    NO_WORD_FOR = TestPictures.NO_WORD_FOR


def asked(simulator, road, **credentials):
    return asking.asked("replicate", simulator, road, **credentials)


def image(given: dict | None = None, **more):
    return job(SCHNELL, given, kind="image.generate", **more)


@pytest.fixture
def upstream():
    with Replicate(manual=True) as simulator:
        yield simulator


class TestAnOrder:
    @pytest.mark.parametrize(
        ("ordered", "given"),
        [
            (
                image({"n": 2.0, "aspect_ratio": "16:9", "seed": 7, "output_format": "jpeg"}),
                {"num_outputs": 2, "aspect_ratio": "16:9", "seed": 7, "output_format": "jpg"},
            ),
            (image({"output_format": "png"}), {"seed": SEED, "output_format": "png"}),
            (job(SEEDANCE, {"duration": 5.0, "resolution": "720p"}), {"seed": SEED, "duration": 5, "resolution": "720p"}),
            (
                job(SEEDANCE, {"frame_images": [LAST, FRAME]}),
                {"seed": SEED, "image": "https://a.example/1.png", "last_frame_image": "https://a.example/2.png"},
            ),
        ],
        ids=["pictures", "without a seed", "a video", "frames"],
    )
    def test_is_written_in_its_words_and_taken(self, upstream, ordered, given):
        assert replicate._written(ordered) == {"prompt": "a kite"} | given
        assert isinstance(asked(upstream, lambda adapter: adapter.submit(ordered)), Accepted)

    def test_without_a_seed_gets_one_of_our_token(self):
        assert SEED == replicate._seed("task_1-1") != replicate._seed("task_1-2")
        assert 0 <= SEED < 2**31

    @pytest.mark.parametrize(
        ("ordered", "field"),
        [
            (image({"images": [PICTURE]}), "images"),
            (image({"size": "1024x1024"}), "size"),
            (image({"frame_images": [FRAME]}), "frame_images"),
            (job(SEEDANCE, {"generate_audio": True}), "generate_audio"),
            (job(SEEDANCE, {"frame_images": [LAST]}), "frame_images"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_of_what_it_cannot_do_is_refused_by_name_and_not_sent(self, upstream, ordered, field):
        with pytest.raises(Invalid) as refused:
            asked(upstream, lambda adapter: adapter.submit(ordered))
        assert (refused.value.field, upstream.connections) == (field, 0)

    def test_for_a_model_that_we_cannot_speak_to_is_not_sent(self, upstream):
        with pytest.raises(Retired, match="does not speak to acme/painter"):
            asked(upstream, lambda adapter: adapter.submit(job("acme/painter")))
        assert upstream.connections == 0

    @pytest.mark.parametrize("media", [True, False], ids=["all", "what it needs"])
    @pytest.mark.parametrize("model", offers.of("replicate").models, ids=lambda model: model.name)
    def test_of_each_model_that_we_offer_is_taken_with_all_that_its_schema_has(self, upstream, model, media):
        ordered = fullest(model, media=media)
        assert isinstance(asked(upstream, lambda adapter: adapter.submit(ordered)), Accepted)


class TestItsErrors:
    @pytest.mark.parametrize(
        ("status", "asking", "submit"),
        [
            (400, Invalid, None),
            (401, Unauthenticated, None),
            (402, QuotaExceeded, None),
            (403, Unauthenticated, None),
            (404, NotFound, Retired),
            (422, Invalid, None),
            (429, RateLimited, None),
            (500, Unavailable, OutcomeUnknown),
            (503, Unavailable, OutcomeUnknown),
            (504, Unavailable, OutcomeUnknown),
        ],
    )
    def test_mean_by_their_status(self, upstream, status, asking, submit):
        upstream.will(answer(status))
        upstream.will(answer(status), at="check")
        with pytest.raises(asking) as asked_about:
            asked(upstream, lambda adapter: adapter.check())
        with pytest.raises(submit or asking) as submitted:
            asked(upstream, lambda adapter: adapter.submit(image()))
        assert (type(asked_about.value), type(submitted.value)) == (asking, submit or asking)

    def test_say_in_the_body_when_to_come_again(self, upstream):
        upstream.will(refuse("busy"))
        with pytest.raises(RateLimited) as busy:
            asked(upstream, lambda adapter: adapter.submit(image()))
        assert busy.value.retry_after == 5

    def test_of_our_account_are_not_told_in_its_text(self, upstream):
        upstream.will(answer(402), answer(422))
        with pytest.raises(QuotaExceeded, match=r"^Our quota at the upstream is used up. Replicate's code is 402.$"):
            asked(upstream, lambda adapter: adapter.submit(image()))
        with pytest.raises(Invalid, match="as ordered"):
            asked(upstream, lambda adapter: adapter.submit(image()))


URL = "https://r.example/1"
ENDED = "2026-06-01T00:00:00.1Z"
LIVES_UNTIL = datetime(2026, 6, 1, 1, 0, 0, 100_000, tzinfo=UTC)


class TestAPredictionAsItIsShown:
    @pytest.mark.parametrize(
        ("shown", "outcome"),
        [
            ({"status": "starting"}, Running()),
            ({"status": "processing", "logs": " 10%|█ | 1/10\r 40%|████ | 4/10\r"}, Running(0.4)),
            ({"status": "processing", "logs": "999%|"}, Running(1.0)),
            ({"status": "dreaming"}, Running()),
            ({"status": "succeeded", "output": URL}, Finished((Found(URL),))),
            (
                {"status": "succeeded", "output": [URL, 7], "completed_at": ENDED, "metrics": {"predict_time": 1.5, "x": "y"}},
                Finished((Found(URL, lives_until=LIVES_UNTIL),), usage={"predict_time": 1.5}),
            ),
        ],
    )
    def test_means(self, shown, outcome):
        assert replicate._polled(shown) == outcome

    @pytest.mark.parametrize(
        ("shown", "error"),
        [
            ({"status": "failed", "error": "out of memory (E1001)"}, GenerationFailed),
            ({"status": "failed"}, GenerationFailed),
            ({"status": "failed", "error": "NSFW content detected"}, Moderated),
            ({"status": "failed", "error": "flagged as sensitive (E005)"}, Moderated),
            ({"status": "canceled"}, GenerationFailed),
            ({"status": "aborted"}, GenerationFailed),
            ({"status": "succeeded", "output": None}, NoOutput),
            ({"status": "succeeded", "output": []}, NoOutput),
            ({"status": "succeeded", "output": {"a": 1}}, NoOutput),
        ],
    )
    def test_that_gives_nothing_says_why(self, shown, error):
        failed = replicate._polled(shown)
        assert isinstance(failed, Failed)
        assert type(failed.error) is error

    def test_whose_result_is_removed_says_so(self):
        assert "removed" in replicate._polled({"status": "succeeded", "output": None, "data_removed": True}).error.message

    def test_that_is_another_is_no_news_of_ours(self, upstream):
        asked(upstream, lambda adapter: adapter.submit(image()))
        upstream.jobs["7"] = next(iter(upstream.jobs.values()))  # and says its own id
        with pytest.raises(Unavailable, match="another prediction"):
            asked(upstream, lambda adapter: adapter.poll(image(handle={"id": "7"})))

    def test_that_is_over_is_not_stopped_any_more(self, upstream):
        made = asked(upstream, lambda adapter: adapter.submit(image()))
        other = asked(upstream, lambda adapter: adapter.submit(image()))
        upstream.finish(made.handle["id"])
        said = [asked(upstream, lambda adapter, one=one: adapter.cancel(image(handle=one.handle))) for one in (made, other)]
        assert said == [False, True]


class TestALostSubmit:
    def submitted(self, upstream, ordered):
        return asked(upstream, lambda adapter: adapter.submit(ordered))

    def found(self, upstream, ordered):
        ordered = replace(ordered, sent_at=ordered.sent_at or datetime.now(UTC))
        return asked(upstream, lambda adapter: adapter.find(ordered))

    def test_is_told_from_all_others_by_the_seed_of_our_token(self, upstream):
        made = [self.submitted(upstream, replace(image(), token=token)) for token in ("task_1-1", "task_1-2")]
        assert self.found(upstream, image()) == made[0]

    def test_is_found_though_its_media_have_other_addresses_now(self, upstream):
        made = self.submitted(upstream, job(SEEDANCE, {"frame_images": [FRAME]}))
        assert self.found(upstream, job(SEEDANCE, {"frame_images": [{"image": "file_1", "frame_type": "first_frame"}]})) == made

    def test_of_a_seed_of_the_clients_is_ours_where_it_is_the_only_one_that_nobody_has(self, upstream):
        one, two = (self.submitted(upstream, image({"seed": 7})) for _ in range(2))
        with pytest.raises(OutcomeUnknown, match="does not tell"):
            self.found(upstream, image({"seed": 7}))
        assert self.found(upstream, image({"seed": 7}, held=(one.handle,))) == two
        assert self.found(upstream, image({"seed": 7}, hint=one.handle)) == one
        with pytest.raises(OutcomeUnknown, match="does not tell"):
            self.found(upstream, image({"seed": 7}, hint={"id": "7"}))

    def test_of_a_seed_of_the_clients_and_of_pictures_may_be_that_of_other_pictures(self, upstream):
        made = self.submitted(upstream, job(SEEDANCE, {"seed": 7, "frame_images": [FRAME]}))
        ordered = job(SEEDANCE, {"seed": 7, "frame_images": [{"image": "file_2", "frame_type": "first_frame"}]})
        with pytest.raises(OutcomeUnknown, match="does not tell"):
            self.found(upstream, ordered)
        assert self.found(upstream, replace(ordered, hint=made.handle)) == made

    @pytest.mark.parametrize(
        "ordered",
        [image({"n": 2}), job("black-forest-labs/flux-dev", {"n": 1}), image({"n": 1, "prompt": "a hat"})],
        ids=["n", "model", "text"],
    )
    def test_is_no_other_model_and_no_other_input(self, upstream, ordered):
        self.submitted(upstream, ordered)
        assert self.found(upstream, image({"n": 1})) is None

    def test_is_not_of_another_time(self, upstream):
        self.submitted(upstream, image())
        assert self.found(upstream, image(sent_at=datetime.now(UTC) - timedelta(hours=1))) is None
        assert self.found(upstream, image(sent_at=datetime.now(UTC) + timedelta(hours=1))) is None

    def test_may_be_one_whose_input_is_gone_so_that_proves_nothing(self, upstream):
        made = self.submitted(upstream, image())
        upstream.finish()
        upstream.jobs[made.handle["id"]].done_at -= 3700
        with pytest.raises(OutcomeUnknown, match="does not tell"):
            self.found(upstream, image())

    def test_is_looked_for_on_every_page(self, upstream):
        made = self.submitted(upstream, image())
        for number in range(150):
            upstream._accept({"model": SCHNELL, "body": {"input": {"prompt": f"{number}"}}})
        assert self.found(upstream, image()) == made
        assert upstream.requests["find"] == 2

    def test_sends_our_key_to_no_other_host(self, upstream):
        upstream._find = lambda query: {"next": "https://evil.example/v1/predictions", "results": []}
        with pytest.raises(Unavailable, match="another host"):
            self.found(upstream, image())


class TestACall:
    def test_names_its_prediction(self):
        assert Adapter.hear(Callback({}, b'{"id": "7a", "status": "starting"}')) == Heard({"id": "7a"})
        assert Adapter.hear(Callback({}, b'{"id": "../7", "status": "starting"}')) == Heard()

    def test_of_the_simulator_is_signed(self):
        with Replicate() as upstream, Receiver() as receiver:
            asked(upstream, lambda adapter: adapter.submit(image(callback_url=f"{receiver.url}/hooks/x")))
            receiver.wait_until(lambda it: len(it.got) == 2)
        assert [Webhook(Replicate.SECRET).verify(got.body, dict(got.headers))["status"] for got in receiver.got][-1] == "succeeded"


class TestTheSimulatorIsStrict:
    def posted(self, upstream, model, body, key=Replicate.KEY):
        url = f"{upstream.url}{API}/models/{model}/predictions"
        status, said = asking.posted("replicate", url, body, headers={"Authorization": f"Bearer {key}"})
        return status, said.get("title", said.get("status"))

    @pytest.mark.parametrize(
        ("model", "body", "status"),
        [
            (SCHNELL, {}, 422),
            (SCHNELL, {"input": {}}, 422),
            (SCHNELL, {"input": "a"}, 422),
            (SCHNELL, {"input": {"prompt": "a"}, "seed": 1}, 422),
            (SCHNELL, {"input": {"prompt": "a", "n": 1}}, 422),
            (SCHNELL, {"input": {"prompt": "a", "num_outputs": 5}}, 422),
            (SCHNELL, {"input": {"prompt": "a", "output_format": "jpeg"}}, 422),
            (SCHNELL, {"input": {"prompt": "a"}, "webhook": "http://a.example"}, 422),
            (SCHNELL, {"input": {"prompt": "a"}, "webhook_events_filter": ["end"]}, 422),
            (SEEDANCE, {"input": {"prompt": "a", "duration": "5"}}, 422),
            ("acme/painter", {"input": {"prompt": "a"}}, 404),
        ],
    )
    def test_and_answers_in_its_words(self, upstream, model, body, status):
        title = {422: "Input validation failed", 404: "Not found"}[status]
        assert self.posted(upstream, model, body) == (status, title)
        assert upstream.bought == 0

    def test_and_wants_its_key(self, upstream):
        assert self.posted(upstream, SCHNELL, {"input": {"prompt": "a"}}, key="x") == (401, "Unauthenticated")

    def test_and_takes_no_more_in_a_minute_than_it_says(self):
        with Replicate(a_minute=1) as upstream:
            assert [self.posted(upstream, SCHNELL, {"input": {"prompt": "a"}})[0] for _ in range(2)] == [201, 429]


class TestItsFacts:
    def test_promise_only_what_its_pages_do(self):
        assert (FACTS.recovery, FACTS.cancel) == ({"lists", "callback"}, "billed")
        assert FACTS.shows_within > FACTS.submit_timeout
