"""Black Forest Labs' adapter: its words, by the tables of its pages; and its promises, against the simulator."""

from datetime import UTC, datetime, timedelta

import pytest

from providers import offers
from providers.adapters import Upstream, bfl
from providers.adapters.bfl import FACTS, Adapter
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
from providers.outcomes import Accepted, Balance, Failed, Finished, Found, Running
from tests.upstreams import accept_then, answer, refuse
from tests.upstreams.bfl import COST, Bfl

from . import asking
from .asking import PICTURE, fullest
from .conformance import Conformance

ONE = "https://a.example/1.png"
NOW = datetime(2026, 6, 1, tzinfo=UTC)


class TestFlux2(Conformance):
    SIMULATOR, VENDOR, MODEL = Bfl, "bfl", "bfl/flux-2-pro"
    NO_WORD_FOR = frozenset({"moderated"})  # it judges an input after it took the job


class TestKontext(Conformance):
    SIMULATOR, VENDOR, MODEL = Bfl, "bfl", "bfl/flux-kontext-pro"
    NO_WORD_FOR = TestFlux2.NO_WORD_FOR


def asked(simulator, road, **credentials):
    return asking.asked("bfl", simulator, road, **credentials)


def job(given: dict | None = None, *, model: str = "flux-2-pro", **more):
    return asking.job(model, given, kind="image.generate", **more)


@pytest.fixture
def upstream():
    with Bfl(manual=True) as simulator:
        yield simulator


class TestAnOrder:
    @pytest.mark.parametrize(
        ("ordered", "body"),
        [
            (
                job({"size": "1344x768", "seed": 7.0, "output_format": "png", "images": []}),
                {"width": 1344, "height": 768, "seed": 7, "output_format": "png"},
            ),
            (
                job({"images": [PICTURE] * 3}, model="flux-2-klein-4b"),
                {"input_image": ONE, "input_image_2": ONE, "input_image_3": ONE},
            ),
            (
                job({"aspect_ratio": "21:9", "images": [PICTURE]}, model="flux-kontext-max"),
                {"aspect_ratio": "21:9", "input_image": ONE},
            ),
        ],
        ids=["a size", "pictures", "a ratio"],
    )
    def test_is_written_in_its_words_and_taken(self, upstream, ordered, body):
        assert bfl._written(ordered) == {"prompt": "a kite"} | body
        assert isinstance(asked(upstream, lambda adapter: adapter.submit(ordered)), Accepted)

    @pytest.mark.parametrize(
        ("ordered", "field"),
        [
            (job({"n": 2}), "n"),
            (job({"negative_prompt": "rain"}), "negative_prompt"),
            (job({"aspect_ratio": "1:1"}), "aspect_ratio"),
            (job({"size": "1024x1024"}, model="flux-kontext-pro"), "size"),
            (job({"images": [PICTURE] * 9}), "images"),
            (job({"images": [PICTURE] * 5}, model="flux-2-klein-9b"), "images"),
            (job({"images": [PICTURE]}, model="flux-pro-1.1"), "images"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_of_what_it_cannot_do_is_refused_by_name_and_not_sent(self, upstream, ordered, field):
        with pytest.raises(Invalid) as refused:
            asked(upstream, lambda adapter: adapter.submit(ordered))
        assert (refused.value.field, upstream.connections) == (field, 0)

    def test_for_a_model_that_we_cannot_speak_to_is_not_sent(self, upstream):
        with pytest.raises(Retired, match="does not speak to flux-dev"):
            asked(upstream, lambda adapter: adapter.submit(job(model="flux-dev")))
        assert upstream.connections == 0

    @pytest.mark.parametrize("media", [True, False], ids=["all", "what it needs"])
    @pytest.mark.parametrize("model", offers.of("bfl").models, ids=lambda model: model.name)
    def test_of_each_model_that_we_offer_is_taken_with_all_that_its_schema_has(self, upstream, model, media):
        ordered = fullest(model, media=media)
        assert isinstance(asked(upstream, lambda adapter: adapter.submit(ordered)), Accepted)

    def test_names_no_address_for_calls_or_the_one_to_ask_at_might_be_left_out(self):
        ordered = job()
        assert ordered.callback_url
        assert bfl._written(ordered).keys() == {"prompt"}
        assert FACTS.recovery == frozenset()


class TestWhereAJobIsAskedAbout:
    def submitted(self, upstream):
        return job(handle=asked(upstream, lambda adapter: adapter.submit(job())).handle)

    def test_is_where_its_cluster_is(self, upstream):
        ordered = self.submitted(upstream)
        (id,) = upstream.jobs
        url = f"{upstream.url}/eu2/v1/get_result?id={id}"
        assert ordered.handle == {"id": id, "polling_url": url, "cost": COST}
        assert asked(upstream, lambda adapter: adapter.poll(ordered)) == Running(0.0)
        with pytest.raises(NotFound):  # elsewhere
            asked(upstream, lambda adapter: adapter.poll(job(handle=adapter.handle_of(id))))

    @pytest.mark.parametrize(
        "told",
        [
            "https://api.eu2.bfl.ai/v1/get_result?id=9",
            "https://bfl.ai/v1/get_result?id=9",
            "https://gateway.bfl.ai/a/b?id=9&c=d-e_f",
        ],
    )
    def test_may_be_any_host_of_theirs(self, told):
        adapter = Adapter(Upstream("bfl", "", {}))
        assert adapter._handle("9", {"polling_url": told}) == {"id": "9", "polling_url": told}
        assert adapter._trusted(told) == told

    @pytest.mark.parametrize(
        "told",
        [
            "https://evil.example/v1/get_result?id=9",
            "https://bfl.ai.evil.example/",
            "https://evilbfl.ai/",
            "https://api.bfl.ai@evil.example/",
            "https://evil.example/?https://api.bfl.ai/",
            "https://evil.example\\.bfl.ai/",
            "https://evil.example#.bfl.ai/",
            "https://api.bfl.ai:444/",
            "http://api.bfl.ai/",
            "https://api.bfl.ai/\r\nX: y",
            7,
            None,
        ],
        ids=str,
    )
    def test_is_no_place_of_others_for_it_is_sent_our_key(self, upstream, told):
        adapter = Adapter(Upstream("bfl", "https://api.eu1.bfl.ai/", {}))
        assert adapter._handle("9", {"polling_url": told})["polling_url"] == "https://api.eu1.bfl.ai/v1/get_result?id=9"
        if isinstance(told, str):
            with pytest.raises(Unavailable, match="base URL has changed"):
                asked(upstream, lambda adapter: adapter.poll(job(handle={"id": "9", "polling_url": told})))
        assert upstream.connections == 0

    def test_that_is_another_is_no_news_of_ours(self, upstream):
        ordered, other = self.submitted(upstream), self.submitted(upstream)
        mixed = ordered.handle | {"polling_url": other.handle["polling_url"]}
        with pytest.raises(Unavailable, match="another job"):
            asked(upstream, lambda adapter: adapter.poll(job(handle=mixed)))


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
            (502, Unavailable, OutcomeUnknown),
            (503, Unavailable, None),
        ],
    )
    def test_mean_by_their_status(self, upstream, status, asking, submit):
        handle = asked(upstream, lambda adapter: adapter.submit(job())).handle
        upstream.will(answer(status))
        upstream.will(answer(status), at="poll")
        with pytest.raises(asking) as asked_about:
            asked(upstream, lambda adapter: adapter.poll(job(handle=handle)))
        with pytest.raises(submit or asking) as submitted:
            asked(upstream, lambda adapter: adapter.submit(job()))
        assert (type(asked_about.value), type(submitted.value)) == (asking, submit or asking)

    @pytest.mark.parametrize(
        ("said", "message"),
        [
            ({"detail": "too wide"}, "too wide"),
            ({"detail": [{"loc": ["body", "width"], "msg": "is too wide", "type": "x"}]}, "width: is too wide"),
            ({"error": "invalid", "message": "too wide"}, "too wide"),
            ({}, "The upstream does not take this input."),
        ],
        ids=str,
    )
    def test_are_read_as_either_page_shows_them(self, upstream, said, message):
        upstream.write_refusal = lambda refusal: said
        upstream.will(answer(422))
        with pytest.raises(Invalid) as refused:
            asked(upstream, lambda adapter: adapter.submit(job()))
        assert refused.value.message == message

    def test_that_a_proxy_may_have_written_leave_open_what_was_bought(self, upstream):
        upstream.write_refusal = lambda refusal: {"fault": "no upstream"}
        upstream.will(answer(503))
        with pytest.raises(OutcomeUnknown):
            asked(upstream, lambda adapter: adapter.submit(job()))

    def test_of_money_tell_the_client_no_more_than_their_number(self, upstream):
        upstream.will(refuse("no_money"))
        with pytest.raises(QuotaExceeded, match=r"^Our quota at the upstream is used up. Black Forest Labs's code is 402.$"):
            asked(upstream, lambda adapter: adapter.submit(job()))

    def test_are_joined_by_credits_that_are_used_up(self, upstream):
        upstream.credits_left = 0
        with pytest.raises(QuotaExceeded, match="no credits left at Black Forest Labs"):
            asked(upstream, lambda adapter: adapter.check())


class TestACheck:
    def test_tells_what_is_left_there(self, upstream):
        upstream.credits_left = 12.5
        assert asked(upstream, lambda adapter: adapter.check()) == Balance(12.5, "credits")

    def test_tells_of_a_wrong_key(self, upstream):
        with pytest.raises(Unauthenticated):
            asked(upstream, lambda adapter: adapter.check(), api_key="wrong")

    def test_of_a_place_that_tells_nothing_of_it_is_well(self, upstream):
        upstream.will(answer(404), at="check")
        assert asked(upstream, lambda adapter: adapter.check()) is None


URL = "https://delivery-eu4.bfl.ai/x.png?sig=y"


class TestAJobAsItIsShown:
    @pytest.mark.parametrize(
        ("shown", "outcome"),
        [
            ({"status": "Pending", "progress": None}, Running()),
            ({"status": "Queued"}, Running()),
            ({"status": "Processing", "progress": 0.4}, Running(0.4)),
            ({"status": "Processing", "progress": 40}, Running(1.0)),
            ({"status": "Dreaming"}, Running()),
            (
                {"status": "Ready", "result": {"sample": URL}},
                Finished((Found(URL, lives_until=NOW + timedelta(minutes=10)),), cost=3.0),
            ),
        ],
    )
    def test_means(self, shown, outcome):
        assert bfl._polled(shown, cost=3.0, now=NOW) == outcome

    @pytest.mark.parametrize(
        ("shown", "error", "message"),
        [
            ({"status": "Request Moderated", "details": "a weapon"}, Moderated, "a weapon"),
            ({"status": "Content Moderated", "details": {"reasons": []}}, Moderated, "The content was refused by moderation."),
            ({"status": "Error"}, GenerationFailed, "The upstream could not make this."),
            ({"status": "Failed"}, GenerationFailed, "The upstream could not make this."),
            ({"status": "Ready", "result": None}, NoOutput, "The upstream finished without a result."),
            ({"status": "Ready", "result": {"sample": ""}}, NoOutput, "The upstream finished without a result."),
        ],
    )
    def test_that_gives_nothing_says_why(self, shown, error, message):
        failed = bfl._polled(shown, cost=None, now=NOW)
        assert isinstance(failed, Failed)
        assert (type(failed.error), failed.error.message) == (error, message)

    def test_tells_what_its_order_said_that_it_costs(self, upstream):
        ordered = job(handle=asked(upstream, lambda adapter: adapter.submit(job())).handle)
        upstream.finish()
        assert asked(upstream, lambda adapter: adapter.poll(ordered)).cost == COST
        older = job(handle={name: ordered.handle[name] for name in ("id", "polling_url")})
        assert asked(upstream, lambda adapter: adapter.poll(older)).cost is None

    def test_that_is_not_there_yet_is_asked_about_again(self):
        with Bfl(lag=1) as upstream:
            ordered = job(handle=asked(upstream, lambda adapter: adapter.submit(job())).handle)
            with pytest.raises(NotFound, match="or not yet"):
                asked(upstream, lambda adapter: adapter.poll(ordered))
            assert isinstance(asked(upstream, lambda adapter: adapter.poll(ordered)), Finished)


class TestALostSubmit:
    def test_is_not_looked_for_where_there_is_nothing_to_look_at(self, upstream):
        with pytest.raises(OutcomeUnknown):
            asked(upstream, lambda adapter: adapter.find(job()))
        assert upstream.connections == 0

    def test_is_linked_by_its_id_where_the_base_url_knows_it(self):
        adapter = Adapter(Upstream("bfl", "", {}))
        assert adapter.handle_of("4b8c-9") == {"id": "4b8c-9", "polling_url": "https://api.bfl.ai/v1/get_result?id=4b8c-9"}
        for wrong in ("", "../credits", "a b"):
            with pytest.raises(Invalid):
                adapter.handle_of(wrong)


class TestTheSimulatorIsStrict:
    def posted(self, upstream, body, *, model="flux-2-pro", **headers):
        return asking.posted("bfl", f"{upstream.url}/v1/{model}", body, headers={"x-key": upstream.KEY} | headers)[0]

    @pytest.mark.parametrize(
        ("model", "change", "status"),
        [
            ("flux-2-pro", {"n": 1}, 422),
            ("flux-2-pro", {"width": 1000}, 422),
            ("flux-2-pro", {"width": 4096, "height": 4096}, 422),
            ("flux-2-pro", {"aspect_ratio": "1:1"}, 422),
            ("flux-2-pro", {"input_image": "a.png"}, 422),
            ("flux-2-klein-4b", {"input_image_5": ONE}, 422),
            ("flux-kontext-pro", {"width": 1024}, 422),
            ("flux-pro-1.1", {"width": 1456}, 422),
            ("flux-9", {}, 404),
        ],
    )
    def test_and_refuses_what_its_pages_do(self, upstream, model, change, status):
        assert self.posted(upstream, {"prompt": "a"} | change, model=model) == status
        assert upstream.bought == 0

    def test_and_wants_its_key_in_its_own_header_and_takes_no_more_at_once_than_it_says(self):
        with Bfl(manual=True, at_once=1) as upstream:
            wrong = [{"x-key": "x"}, {"x-key": "", "Authorization": f"Bearer {Bfl.KEY}"}]
            assert [self.posted(upstream, {"prompt": "a"}, **headers) for headers in (*wrong, {}, {})] == [403, 403, 200, 429]

    def test_and_forgets_a_job_for_a_moment_where_it_is_told_to(self, upstream):
        upstream.will(accept_then(refuse("not_found")))
        ordered = job(handle=asked(upstream, lambda adapter: adapter.submit(job())).handle)
        with pytest.raises(NotFound):
            asked(upstream, lambda adapter: adapter.poll(ordered))
