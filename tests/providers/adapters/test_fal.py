"""fal's adapter: its words, by the tables of its pages; and its promises, against the simulator."""

import time
from base64 import urlsafe_b64decode
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from providers import offers
from providers.adapters import Upstream, fal
from providers.adapters.fal import FACTS, Adapter
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
from providers.http import Reply
from providers.outcomes import Accepted, Callback, Failed, Finished, Found, Heard, Running
from tests.upstreams import Receiver, answer, fail
from tests.upstreams.fal import Fal, message

from . import asking
from .asking import FRAME, LAST, PICTURE, fullest, job
from .conformance import Conformance

SCHNELL, WAN, WAN_OF_FRAMES = "fal-ai/flux/schnell", "fal-ai/wan/v2.7/text-to-video", "fal-ai/wan/v2.7/image-to-video"
HOOKED = "?fal_webhook=https%3A%2F%2Fd.example%2Fhooks%2Fx"


class TestPictures(Conformance):
    SIMULATOR, VENDOR, MODEL = Fal, "fal", "fal/flux-schnell"


class TestVideos(Conformance):
    SIMULATOR, VENDOR, MODEL = Fal, "fal", "fal/wan-2.7"


def asked(simulator, road, **credentials):
    return asking.asked("fal", simulator, road, **credentials)


def image(given: dict | None = None, **more):
    return job(SCHNELL, given, kind="image.generate", **more)


@pytest.fixture
def upstream():
    with Fal(manual=True) as simulator:
        yield simulator


class TestAnOrder:
    @pytest.mark.parametrize(
        ("ordered", "path", "body"),
        [
            (
                image({"n": 2.0, "size": "1024x768", "seed": 7, "output_format": "png"}),
                f"/{SCHNELL}{HOOKED}",
                {"num_images": 2, "image_size": {"width": 1024, "height": 768}, "seed": 7, "output_format": "png"},
            ),
            (
                job(WAN, {"duration": 5.0, "resolution": "1080p", "aspect_ratio": "1:1", "negative_prompt": "rain"}, callback_url=""),
                f"/{WAN}",
                {"duration": 5, "resolution": "1080p", "aspect_ratio": "1:1", "negative_prompt": "rain"},
            ),
            (
                job(WAN_OF_FRAMES, {"frame_images": [LAST, FRAME]}),
                f"/{WAN_OF_FRAMES}{HOOKED}",
                {"image_url": "https://a.example/1.png", "end_image_url": "https://a.example/2.png"},
            ),
        ],
        ids=["pictures", "without a call", "frames"],
    )
    def test_is_written_in_its_words_and_taken(self, upstream, ordered, path, body):
        assert fal._order(ordered) == (path, {"prompt": "a kite"} | body)
        assert isinstance(asked(upstream, lambda adapter: adapter.submit(ordered)), Accepted)

    @pytest.mark.parametrize(
        ("ordered", "field"),
        [
            (image({"images": [PICTURE]}), "images"),
            (image({"negative_prompt": "rain"}), "negative_prompt"),
            (job(WAN, {"generate_audio": True}), "generate_audio"),
            (job(WAN, {"frame_images": [FRAME]}), "frame_images"),
            (job(WAN_OF_FRAMES), "frame_images"),
            (job(WAN_OF_FRAMES, {"frame_images": [FRAME], "aspect_ratio": "1:1"}), "aspect_ratio"),
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
    @pytest.mark.parametrize("model", offers.of("fal").models, ids=lambda model: model.name)
    def test_of_each_model_that_we_offer_is_taken_with_all_that_its_schema_has(self, upstream, model, media):
        ordered = fullest(model, media=media)
        assert isinstance(asked(upstream, lambda adapter: adapter.submit(ordered)), Accepted)


class TestItsErrors:
    @pytest.mark.parametrize(
        ("status", "asking", "submit"),
        [
            (400, Invalid, None),
            (401, Unauthenticated, None),
            (403, Unauthenticated, None),
            (404, NotFound, Retired),
            (429, RateLimited, None),
            (500, Unavailable, OutcomeUnknown),
            (502, Unavailable, OutcomeUnknown),
            (503, Unavailable, None),
            (504, Unavailable, OutcomeUnknown),
        ],
    )
    def test_mean_by_their_status(self, upstream, status, asking, submit):
        handle = asked(upstream, lambda adapter: adapter.submit(image())).handle
        upstream.will(answer(status))
        upstream.will(answer(status), at="poll")
        with pytest.raises(asking) as asked_about:
            asked(upstream, lambda adapter: adapter.poll(image(handle=handle)))
        with pytest.raises(submit or asking) as submitted:
            asked(upstream, lambda adapter: adapter.submit(image()))
        assert (type(asked_about.value), type(submitted.value)) == (asking, submit or asking)

    @pytest.mark.parametrize("said", [{"detail": "no upstream"}, {}, []], ids=str)
    def test_that_a_proxy_may_have_written_leave_open_what_was_bought(self, said):
        assert type(fal._error(Reply(503, {}, b"", paid=True), said)) is OutcomeUnknown
        assert type(fal._error(Reply(503, {}, b""), said)) is Unavailable

    @pytest.mark.parametrize(
        ("text", "error"),
        [
            ("User is locked. Reason: Exhausted balance. Top up", QuotaExceeded),
            ("User is locked. Reason: TOP_UP", QuotaExceeded),
            ("User is locked. Reason: Admin lock", Unauthenticated),
        ],
    )
    def test_of_money_are_told_from_those_of_the_key_by_their_text(self, text, error):
        said = {"detail": text}
        found = fal._error(Reply(403, {}, b"", paid=True), said)
        assert (type(found), text in found.message) == (error, False)

    @pytest.mark.parametrize(
        ("types", "error"),
        [
            (["missing"], Invalid),
            (["image_too_large"], Invalid),
            (["file_download_error", "content_policy_violation"], Moderated),
            (["no_media_generated"], Moderated),
            (["generation_timeout"], GenerationFailed),
            (["downstream_service_error"], GenerationFailed),
            (["downstream_service_unavailable"], GenerationFailed),
            (["internal_server_error"], GenerationFailed),
        ],
    )
    def test_of_an_input_mean_by_their_type(self, types, error):
        detail = [{"loc": ["body", "prompt"], "msg": "is wrong", "type": one} for one in types]
        found = fal._error(Reply(422, {}, b""), {"detail": detail})
        assert (type(found), found.message.startswith("prompt: is wrong")) == (error, True)
        for rubbish in (None, "x", [7], [{"loc": 7}]):
            assert type(fal._error(Reply(422, {}, b""), {"detail": rubbish})) is Invalid


URL = "https://f.example/1"


class TestAJob:
    def submitted(self, upstream, *orders):
        upstream.will(*orders)
        return image(handle=asked(upstream, lambda adapter: adapter.submit(image())).handle)

    def polled(self, upstream, ordered):
        return asked(upstream, lambda adapter: adapter.poll(ordered))

    def test_is_asked_about_at_the_addresses_that_were_told(self, upstream):
        ordered = self.submitted(upstream)
        (id,) = upstream.jobs
        at = f"{upstream.url}/fal-ai/flux/requests/{id}"
        assert ordered.handle == {"id": id, "status_url": f"{at}/status", "response_url": at, "cancel_url": f"{at}/cancel"}
        assert self.polled(upstream, ordered) == Running()

    def test_whose_addresses_are_not_fals_sends_our_key_to_nobody(self, upstream):
        adapter = Adapter(Upstream("fal", upstream.url, {"api_key": "k"}))
        told = {"status_url": "https://evil.example/status", "response_url": 7, "cancel_url": f"{upstream.url}.evil.example/x"}
        at = f"{upstream.url}/fal-ai/flux/requests/9"
        assert adapter._handle(told, "9", image()) == {
            "id": "9",
            "status_url": f"{at}/status",
            "response_url": at,
            "cancel_url": f"{at}/cancel",
        }
        with pytest.raises(Unavailable, match="base URL has changed"):
            self.polled(upstream, image(handle={"id": "9", "status_url": "https://evil.example/status"}))
        assert upstream.connections == 0

    def test_of_a_workflow_is_found_below_three_names(self):
        assert fal._app("workflows/acme/painter/fast") == "/workflows/acme/painter"
        assert fal._app("acme/painter/fast/er") == "/acme/painter"

    @pytest.mark.parametrize(("order", "error"), [(fail(), GenerationFailed), (fail("moderated"), Moderated)])
    def test_that_is_completed_may_have_failed(self, upstream, order, error):
        ordered = self.submitted(upstream, order)
        upstream.finish()
        outcome = self.polled(upstream, ordered)
        assert isinstance(outcome, Failed)
        assert type(outcome.error) is error

    @pytest.mark.parametrize("status", [401, 403, 404, 429])
    def test_whose_result_cannot_be_asked_for_now_has_no_verdict(self, upstream, status):
        ordered = self.submitted(upstream)
        upstream.finish()
        upstream.will(answer(status), at="output")
        with pytest.raises((Unauthenticated, NotFound, RateLimited)):
            self.polled(upstream, ordered)
        assert isinstance(self.polled(upstream, ordered), Finished)

    @pytest.mark.parametrize(
        ("said", "outcome"),
        [
            ({"image": {"url": URL}}, Finished((Found(URL),))),
            ({"video": {"url": URL, "content_type": "video/mp4"}}, Finished((Found(URL, content_type="video/mp4"),))),
            ({"images": [{"url": URL}, 7, {"url": None}]}, Finished((Found(URL),))),
            (
                {"images": [{"url": "black"}, {"url": URL}], "has_nsfw_concepts": [True, False]},
                Finished((Found(URL),), warnings=("A picture was held back by moderation.",)),
            ),
        ],
    )
    def test_gives_files_in_several_shapes(self, said, outcome):
        assert fal._finished(said) == outcome

    @pytest.mark.parametrize(
        ("said", "error"),
        [
            ({}, NoOutput),
            ({"images": []}, NoOutput),
            ({"images": "x"}, NoOutput),
            ({"video": None}, NoOutput),
            ({"images": [{"url": URL}], "has_nsfw_concepts": [True]}, Moderated),
        ],
    )
    def test_that_gives_nothing_says_why(self, said, error):
        assert type(fal._finished(said).error) is error

    def test_is_stopped_while_it_waits_and_not_later(self, upstream):
        waiting, running = self.submitted(upstream), self.submitted(upstream)
        second = list(upstream.jobs.values())[1]
        second.created_at, second.done_at = second.created_at - 50, second.created_at + 50
        assert [asked(upstream, lambda adapter, one=one: adapter.cancel(one)) for one in (waiting, running)] == [True, False]
        assert (upstream.requests["cancel"], [one.is_canceled for one in upstream.jobs.values()]) == (1, [True, False])
        stopped = self.polled(upstream, waiting)
        assert type(stopped.error) is GenerationFailed

    def test_that_is_another_is_no_news_of_ours(self, upstream):
        ordered = self.submitted(upstream)
        mine, other = ordered.handle, self.submitted(upstream).handle
        with pytest.raises(Unavailable, match="another job"):
            self.polled(upstream, image(handle=mine | {"status_url": other["status_url"]}))


class TestACall:
    def test_names_its_job(self):
        assert Adapter.hear(Callback({}, b'{"request_id": "7-a", "status": "OK"}')) == Heard({"id": "7-a"})
        assert Adapter.hear(Callback({}, b'{"request_id": "../7"}')) == Heard()

    def test_says_which_job_a_lost_submit_made(self, upstream):
        made = asked(upstream, lambda adapter: adapter.submit(image()))
        hint = {"id": made.handle["id"]}
        assert asked(upstream, lambda adapter: adapter.find(image(hint=hint))) == made
        with pytest.raises(OutcomeUnknown, match="another attempt"):
            asked(upstream, lambda adapter: adapter.find(image(hint=hint, held=(made.handle,))))
        with pytest.raises(OutcomeUnknown, match="not called"):
            asked(upstream, lambda adapter: adapter.find(image()))
        with pytest.raises(NotFound):  # a job of another model's is not there
            asked(upstream, lambda adapter: adapter.find(job(WAN, hint=hint)))

    def test_comes_once_at_the_end_and_is_signed(self):
        with Fal() as upstream, Receiver() as receiver:
            asked(upstream, lambda adapter: adapter.submit(image(callback_url=f"{receiver.url}/hooks/x?y=z")))
            receiver.wait_until(lambda it: len(it.got) == 1)
            (key,) = upstream._keys("")["keys"]
        (got,) = receiver.got
        request, user, stamp = (got.headers[f"x-fal-webhook-{name}"] for name in ("request-id", "user-id", "timestamp"))
        public = Ed25519PublicKey.from_public_bytes(urlsafe_b64decode(key["x"] + "="))
        public.verify(bytes.fromhex(got.headers["x-fal-webhook-signature"]), message(request, user, stamp, got.body))
        assert (got.json["status"], request, abs(time.time() - int(stamp)) < 300) == ("OK", got.json["request_id"], True)
        assert urlsplit(got.path).path == "/hooks/x"


class TestTheSimulatorIsStrict:
    def posted(self, upstream, path, body, key=Fal.KEY, scheme="Key"):
        status, said = asking.posted("fal", upstream.url + path, body, headers={"Authorization": f"{scheme} {key}"})
        detail = said.get("detail", said.get("status"))
        return status, detail[0]["type"] if isinstance(detail, list) else detail

    @pytest.mark.parametrize(
        ("path", "body", "status", "type_"),
        [
            (f"/{SCHNELL}", {}, 422, "missing"),
            (f"/{SCHNELL}", {"prompt": "a", "n": 1}, 422, "extra_forbidden"),
            (f"/{SCHNELL}", {"prompt": "a", "num_images": 5}, 422, "value_error"),
            (f"/{SCHNELL}", {"prompt": "a", "image_size": "1024x1024"}, 422, "value_error"),
            (f"/{WAN}", {"prompt": "a", "duration": "5"}, 422, "value_error"),
            (f"/{WAN}", {"prompt": "a", "image_url": "https://a"}, 422, "extra_forbidden"),
            (f"/{WAN_OF_FRAMES}", {"prompt": "a"}, 422, "missing"),
            ("/acme/painter", {}, 404, "Application 'acme/painter' not found"),
        ],
    )
    def test_and_answers_in_its_words(self, upstream, path, body, status, type_):
        assert self.posted(upstream, path, body) == (status, type_)
        assert upstream.bought == 0

    def test_and_wants_its_key_in_its_own_scheme(self, upstream):
        assert [self.posted(upstream, f"/{SCHNELL}", {}, **wrong)[0] for wrong in ({"scheme": "Bearer"}, {"key": "x"})] == [401, 401]


class TestItsFacts:
    def test_promise_only_what_its_pages_do(self):
        assert (FACTS.recovery, FACTS.cancel) == ({"callback"}, "free_while_queued")
