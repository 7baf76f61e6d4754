"""Vidu's adapter: its words, by the tables of its pages; and its promises, against the simulator."""

from datetime import UTC, datetime, timedelta

import pytest

from providers import offers
from providers.adapters import vidu
from providers.adapters.vidu import FACTS, Adapter
from providers.errors import (
    GenerationFailed,
    Invalid,
    Moderated,
    NoOutput,
    NotFound,
    OutcomeUnknown,
    QuotaExceeded,
    RateLimited,
    Unauthenticated,
    Unavailable,
)
from providers.outcomes import Accepted, Callback, Failed, Finished, Found, Heard, Running
from tests.upstreams import Receiver, answer
from tests.upstreams.vidu import API, Vidu, signature, signed_text

from . import asking
from .asking import FRAME, HOOK, LAST, PICTURE, fullest, job
from .conformance import Conformance

Q3, Q2 = "viduq3-turbo", "viduq2"


class TestVidu(Conformance):
    SIMULATOR, VENDOR, MODEL = Vidu, "vidu", "vidu/q3-turbo"
    NO_WORD_FOR = frozenset({"no_model"})  # a model that is gone is an invalid field to it


def asked(simulator, road, **credentials):
    return asking.asked("vidu", simulator, road, **credentials)


@pytest.fixture
def upstream():
    with Vidu(manual=True) as simulator:
        yield simulator


MARKS = {"payload": "task_1-1", "callback_url": HOOK}
ONE, TWO = "https://a.example/1.png", "https://a.example/2.png"


class TestAnOrder:
    @pytest.mark.parametrize(
        ("ordered", "path", "body"),
        [
            (
                job(Q3, {"duration": 4.0, "resolution": "540p", "aspect_ratio": "1:1", "seed": 7, "generate_audio": True}),
                "/text2video",
                {"duration": 4, "resolution": "540p", "aspect_ratio": "1:1", "seed": 7, "audio": True} | MARKS,
            ),
            (job(Q3, {"frame_images": [FRAME]}), "/img2video", {"images": [ONE]} | MARKS),
            (job(Q3, {"frame_images": [LAST, FRAME]}, callback_url=""), "/start-end2video", {"images": [ONE, TWO], "payload": "task_1-1"}),
            (
                job(Q2, {"input_references": [PICTURE], "aspect_ratio": "1:1"}),
                "/reference2video",
                {"images": [ONE], "aspect_ratio": "1:1"} | MARKS,
            ),
        ],
        ids=["a text", "a frame", "frames", "references"],
    )
    def test_is_written_in_its_words_and_taken(self, upstream, ordered, path, body):
        assert vidu._order(ordered) == (path, {"model": ordered.model, "prompt": "a kite"} | body)
        assert isinstance(asked(upstream, lambda adapter: adapter.submit(ordered)), Accepted)
        assert upstream.received == {"task_1-1": 1}

    @pytest.mark.parametrize(
        ("ordered", "field"),
        [
            (job(Q3, {"negative_prompt": "rain"}), "negative_prompt"),
            (job(Q3, {"n": 2}), "n"),
            (job(Q3, {"frame_images": [LAST]}), "frame_images"),
            (job(Q3, {"frame_images": [FRAME], "aspect_ratio": "1:1"}), "aspect_ratio"),
            (job(Q3, {"frame_images": [FRAME], "input_references": [PICTURE]}), "input_references"),
            (job(Q2, {"generate_audio": True}), "generate_audio"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_of_what_it_cannot_do_is_refused_by_name_and_not_sent(self, upstream, ordered, field):
        with pytest.raises(Invalid) as refused:
            asked(upstream, lambda adapter: adapter.submit(ordered))
        assert (refused.value.field, upstream.connections) == (field, 0)

    @pytest.mark.parametrize("left_out", ["frame_images", "aspect_ratio"])
    @pytest.mark.parametrize("model", offers.of("vidu").models, ids=lambda model: model.name)
    def test_of_each_model_that_we_offer_is_taken_with_all_that_its_schema_has(self, upstream, model, left_out):
        given = {name: value for name, value in fullest(model).input.items() if name != left_out}
        assert isinstance(asked(upstream, lambda adapter: adapter.submit(job(model.upstream_model, given))), Accepted)


class TestItsReasons:
    """Each as its pages class it; `submit` where that differs. The HTTP status that a reason comes with is told of few."""

    @pytest.mark.parametrize(
        ("reasons", "asking", "submit"),
        [
            ("BadRequest FieldLacking FieldUnwanted FieldInvalid FieldItemCountOutOfRange PageSizeOutOfRange", Invalid, None),
            ("ImageDownloadFailure ImageFormatInvalid ImageSizeInvalid VideoFormatInvalid ImageCheckBodyJointsFailed", Invalid, None),
            ("ImageCheckFaceFailed ImageObjectsUndetected FaceDetectFailure NoFaceDetected MultiFaceDetected", Invalid, None),
            ("TaskPromptPolicyViolation AuditSubmitIllegal CreationPolicyViolation AuditFailed PhotoAuditNotPass", Moderated, None),
            ("Unauthorized Forbidden", Unauthenticated, None),
            ("CreditInsufficient", QuotaExceeded, None),
            ("QuotaExceeded OperationInProcess TooManyRequests SystemThrottling", RateLimited, None),
            ("ModelUnavailable", Unavailable, None),
            ("InternalServiceFailure Mystery", Unavailable, OutcomeUnknown),
            ("TaskNotFound CreationNotFound NotFound", NotFound, OutcomeUnknown),
        ],
        ids=lambda value: value.split()[0] if isinstance(value, str) else "",
    )
    def test_mean(self, upstream, reasons, asking, submit):
        for reason in reasons.split():
            upstream.will(answer(400, code=reason))
            upstream.will(answer(400, code=reason), at="check")
            with pytest.raises(asking) as asked_about:
                asked(upstream, lambda adapter: adapter.check())
            with pytest.raises(submit or asking) as submitted:
                asked(upstream, lambda adapter: adapter.submit(job(Q3)))
            assert (type(asked_about.value), type(submitted.value)) == (asking, submit or asking)

    def test_of_our_account_are_not_told_in_its_text(self, upstream):
        upstream.will(answer(400, code="CreditInsufficient"), answer(429, code="QuotaExceeded", retry_after=7))
        with pytest.raises(QuotaExceeded, match=r"^Our quota at the upstream is used up. Vidu's code is CreditInsufficient.$"):
            asked(upstream, lambda adapter: adapter.submit(job(Q3)))
        with pytest.raises(RateLimited) as busy:
            asked(upstream, lambda adapter: adapter.submit(job(Q3)))
        assert busy.value.retry_after == 7

    def test_are_joined_by_credits_that_are_used_up(self, upstream):
        upstream.credits_left = 0
        with pytest.raises(QuotaExceeded, match="no credits left"):
            asked(upstream, lambda adapter: adapter.check())


URL = "https://v.example/1"


class TestAJobAsItIsShown:
    @pytest.mark.parametrize("state", ["created", "queueing", "processing", "dreaming", None])
    def test_that_is_not_over_runs(self, state):
        assert vidu._polled({"id": "1", "state": state}) == Running()

    def test_that_went_well_names_its_results_and_what_they_cost(self):
        shown = {"id": "1", "state": "success", "credits": 35, "creations": [{"url": URL, "cover_url": "x"}, 7]}
        assert vidu._polled(shown) == Finished((Found(URL),), cost=35)

    @pytest.mark.parametrize(
        ("shown", "error"),
        [
            ({"state": "failed", "err_code": "InternalServiceFailure"}, GenerationFailed),
            ({"state": "failed", "err_code": "UserCancelled"}, GenerationFailed),
            ({"state": "failed"}, GenerationFailed),
            ({"state": "failed", "err_code": "CreationPolicyViolation"}, Moderated),
            ({"state": "failed", "err_code": "ImageDownloadFailure"}, Invalid),
            ({"state": "success", "creations": None}, NoOutput),
            ({"state": "success", "creations": [{"url": None}]}, NoOutput),
        ],
    )
    def test_that_gives_nothing_says_why(self, shown, error):
        failed = vidu._polled(shown)
        assert isinstance(failed, Failed)
        assert type(failed.error) is error

    def test_that_is_another_is_no_news_of_ours(self, upstream):
        asked(upstream, lambda adapter: adapter.submit(job(Q3)))
        upstream.jobs["7"] = next(iter(upstream.jobs.values()))  # and says its own id
        with pytest.raises(Unavailable, match="another job"):
            asked(upstream, lambda adapter: adapter.poll(job(Q3, handle={"id": "7"})))

    def test_is_stopped_while_it_waits_and_not_later(self, upstream):
        for _ in range(2):
            asked(upstream, lambda adapter: adapter.submit(job(Q3)))
        waiting, running = upstream.jobs.values()
        running.created_at, running.done_at = running.created_at - 50, running.created_at + 50
        said = [asked(upstream, lambda adapter, id=id: adapter.cancel(job(Q3, handle={"id": id}))) for id in upstream.jobs]
        assert (said, waiting.is_canceled, running.is_canceled) == ([True, False], True, False)


NOW = datetime(2026, 6, 1, tzinfo=UTC)


def listed(*ages_s: int) -> list[dict]:
    return [{"created_at": (NOW - timedelta(seconds=age_s)).isoformat()} for age_s in ages_s]


class TestTheListOfJobs:
    def found(self, upstream, **more):
        return asked(upstream, lambda adapter: adapter.find(job(Q3, sent_at=datetime.now(UTC), **more)))

    def others(self, upstream, count: int, *, older_s: float = 0) -> None:
        for number in range(count):
            made = upstream._accept({"path": "/text2video", "body": {"model": Q3, "prompt": "a", "payload": f"other-{number}"}})
            made.created_at -= older_s + (count - number) / 100

    def test_is_read_page_by_page_until_ours_is_found(self, upstream):
        ours = asked(upstream, lambda adapter: adapter.submit(job(Q3)))
        self.others(upstream, 150)
        assert self.found(upstream) == ours
        assert upstream.requests["find"] == 2

    def test_is_read_to_its_end_before_ours_is_given_up(self, upstream):
        self.others(upstream, 150)
        assert self.found(upstream) is None
        assert upstream.requests["find"] == 2

    def test_is_not_read_beyond_jobs_that_are_older_than_ours(self, upstream):
        self.others(upstream, 150, older_s=3600)
        assert self.found(upstream) is None
        assert upstream.requests["find"] == 1

    def test_proves_nothing_where_it_is_longer_than_we_read(self, upstream):
        self.others(upstream, vidu.PAGE * vidu.MOST_PAGES)
        with pytest.raises(OutcomeUnknown, match="too long"):
            self.found(upstream)

    @pytest.mark.parametrize(
        ("read", "is_past"),
        [
            (listed(0, 10, 301), True),
            (listed(0, 10, 299), False),
            (listed(400, 301, 500), False),  # not newest first
            (listed(500, 0), False),
            ([*listed(500), {"created_at": "yesterday"}], False),
            ([{"created_at": int((NOW - timedelta(hours=1)).timestamp() * 1000)}], True),
            ([{"created_at": "2026-05-31T00:00:00Z"}], True),
        ],
    )
    def test_is_past_ours_only_where_it_comes_newest_first(self, read, is_past):
        assert vidu._is_past(read, NOW) is is_past

    def test_is_not_needed_where_a_call_named_a_job_that_shows_our_token(self, upstream):
        ours = asked(upstream, lambda adapter: adapter.submit(job(Q3)))
        self.others(upstream, 1)
        assert self.found(upstream, hint=ours.handle) == ours
        assert upstream.requests["find"] == 0
        for hint in ({"id": list(upstream.jobs)[1]}, {"id": "7"}):
            assert self.found(upstream, hint=hint) == ours  # of the list: the call named another job, or none
        assert upstream.requests["find"] == 2


class TestACall:
    def test_names_its_job(self):
        assert Adapter.hear(Callback({}, b'{"id": "7", "state": "success", "payload": "t"}')) == Heard({"id": "7"})
        assert Adapter.hear(Callback({}, b'{"id": "../7", "state": "success"}')) == Heard()

    def test_is_signed_as_in_the_pages(self):
        signed = signed_text("POST", "/callbacks/vidu", "", "Thu, 01 Jan 2026 00:00:00 GMT", {"x-request-nonce": "0123456789abcdef"})
        assert signed == "POST\n/callbacks/vidu\n\nvidu\nThu, 01 Jan 2026 00:00:00 GMT\nx-request-nonce:0123456789abcdef\n"
        assert signature("vda_exampletoken", signed) == "V+T/SZbWHwAnbMXQ8GkaukvyBE4j1LDwXY8WgRg/HlM="

    def test_of_the_simulator_is_signed_too(self):
        with Vidu() as upstream, Receiver() as receiver:
            asked(upstream, lambda adapter: adapter.submit(job(Q3, callback_url=f"{receiver.url}/hooks/x")))
            receiver.wait_until(lambda it: len(it.got) == 2)
        got = receiver.got[0]
        signed = signed_text("POST", got.path, "", got.headers["date"], {"x-request-nonce": got.headers["x-request-nonce"]})
        assert got.headers["x-hmac-signature"] == signature(Vidu.KEY, signed)


class TestTheSimulatorIsStrict:
    def posted(self, upstream, path, body, key=Vidu.KEY, scheme="Token"):
        status, said = asking.posted("vidu", upstream.url + API + path, body, headers={"Authorization": f"{scheme} {key}"})
        return status, said.get("reason", said.get("state"))

    @pytest.mark.parametrize(
        ("path", "body", "status", "reason"),
        [
            ("/text2video", {"model": Q3}, 400, "FieldLacking"),
            ("/text2video", {"model": Q3, "prompt": "a", "n": 1}, 400, "FieldUnwanted"),
            ("/text2video", {"model": Q3, "prompt": "a", "images": [ONE]}, 400, "FieldUnwanted"),
            ("/text2video", {"model": Q3, "prompt": "a" * 2001}, 400, "FieldInvalid"),
            ("/text2video", {"model": Q3, "prompt": "a", "duration": 17}, 400, "FieldInvalid"),
            ("/text2video", {"model": Q2, "prompt": "a", "duration": 11}, 400, "FieldInvalid"),
            ("/text2video", {"model": Q3, "prompt": "a", "duration": "5"}, 400, "FieldInvalid"),
            ("/text2video", {"model": Q2, "prompt": "a", "audio": True}, 400, "FieldInvalid"),
            ("/text2video", {"model": "vidu9", "prompt": "a"}, 400, "FieldInvalid"),
            ("/img2video", {"model": Q3, "images": [ONE, TWO]}, 400, "FieldInvalid"),
            ("/img2video", {"model": Q3, "images": [ONE], "aspect_ratio": "1:1"}, 400, "FieldUnwanted"),
            ("/start-end2video", {"model": Q3, "images": [ONE]}, 400, "FieldInvalid"),
            ("/reference2video", {"model": Q2, "images": [ONE]}, 400, "FieldLacking"),
            ("/opera", {}, 404, "NotFound"),
        ],
    )
    def test_and_answers_in_its_reasons(self, upstream, path, body, status, reason):
        assert self.posted(upstream, path, body) == (status, reason)
        assert upstream.bought == 0

    def test_and_wants_its_key_in_its_own_scheme(self, upstream):
        assert self.posted(upstream, "/text2video", {}, scheme="Bearer") == (401, "Unauthorized")
        assert self.posted(upstream, "/text2video", {}, key="x") == (401, "Unauthorized")

    def test_and_makes_two_jobs_of_the_same_payload(self, upstream):
        for _ in range(2):
            self.posted(upstream, "/text2video", {"model": Q3, "prompt": "a", "payload": "t"})
        assert (upstream.received, upstream.bought) == ({"t": 2}, 2)

    def test_and_has_no_more_jobs_open_than_it_says(self):
        with Vidu(manual=True, parallel=1) as upstream:
            order = {"model": Q3, "prompt": "a"}
            assert [self.posted(upstream, "/text2video", order) for _ in range(2)] == [(200, "created"), (429, "QuotaExceeded")]
            upstream.finish()
            assert self.posted(upstream, "/text2video", order) == (200, "created")


class TestItsFacts:
    def test_promise_only_what_its_pages_do(self):
        assert FACTS.recovery == {"looks_up", "callback"}
        assert FACTS.shows_within > FACTS.submit_timeout
