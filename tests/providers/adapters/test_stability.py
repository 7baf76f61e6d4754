"""Stability's adapter: its words, by the tables of its pages; and its promises, against the simulator."""

import asyncio
import base64
from dataclasses import replace

import pytest

from providers import offers
from providers.adapters import stability
from providers.adapters.stability import FACTS, LOCKED_OUT_S, MOST_BYTES
from providers.errors import (
    GenerationFailed,
    Invalid,
    Moderated,
    NoOutput,
    NotFound,
    NotSent,
    OutcomeUnknown,
    QuotaExceeded,
    RateLimited,
    Retired,
    Unauthenticated,
    Unavailable,
)
from providers.http import Part
from providers.outcomes import Balance, Finished, Found, Media
from tests.upstreams import answer, refuse
from tests.upstreams.jobs import png
from tests.upstreams.stability import Stability

from . import asking
from .conformance import Conformance


class TestPictures(Conformance):
    SIMULATOR, VENDOR, MODEL = Stability, "stability", "stability/core"
    AT_ONCE, INLINE = True, True


def asked(simulator, road, **credentials):
    return asking.asked("stability", simulator, road, **credentials)


def job(given: dict | None = None, *, model: str = "core"):
    return asking.job(model, given, kind="image.generate")


def without_prompt(given: dict, *, model: str):
    return replace(job(model=model), input=given)


@pytest.fixture
def upstream():
    with Stability() as simulator:
        yield simulator


@pytest.fixture
def picture(tmp_path):
    """One that lies on this machine, as an adapter with `local_media` gets it."""
    place = tmp_path / "1.png"
    place.write_bytes(png(1))
    return Media("https://a.example/1.png", "image/png", str(place))


@pytest.fixture
def mask(tmp_path):
    place = tmp_path / "2.png"
    place.write_bytes(png(2))
    return Media("https://a.example/2.png", "image/png", str(place))


class TestAnOrder:
    @pytest.mark.parametrize(
        ("ordered", "path", "form"),
        [
            (
                job({"aspect_ratio": "16:9", "seed": 7.0, "output_format": "webp", "negative_prompt": "rain"}),
                "/stable-image/generate/core",
                {"aspect_ratio": "16:9", "seed": "7", "output_format": "webp", "negative_prompt": "rain"},
            ),
            (job(model="sd3.5-flash"), "/stable-image/generate/sd3", {"model": "sd3.5-flash"}),
        ],
        ids=["a text", "a model of its own"],
    )
    def test_is_written_as_a_form_and_answered_with_its_picture(self, upstream, ordered, path, form):
        form = {"prompt": "a kite"} | form
        at, parts = asyncio.run(stability._order(ordered))
        assert (at, set(parts)) == (path, {Part(name, value) for name, value in form.items()})
        outcome = asked(upstream, lambda adapter: adapter.submit(ordered))
        (made,) = upstream.jobs.values()
        kind = f"image/{ordered.input.get('output_format', 'png')}"
        assert outcome == Finished((Found(content=made.file(0)[1], content_type=kind),))
        assert upstream.forms == [form]

    def test_takes_its_pictures_along(self, upstream, picture, mask):
        ordered = job({"images": [picture], "mask": mask}, model="inpaint")
        form = [Part("prompt", "a kite"), Part("image", png(1), "images", "image/png"), Part("mask", png(2), "mask", "image/png")]
        assert asyncio.run(stability._order(ordered)) == ("/stable-image/edit/inpaint", form)
        assert isinstance(asked(upstream, lambda adapter: adapter.submit(ordered)), Finished)
        assert upstream.forms == [{"prompt": "a kite", "image": png(1), "mask": png(2)}]

    @pytest.mark.parametrize(
        ("model", "given", "field"),
        [
            ("core", {"n": 2}, "n"),
            ("core", {"size": "1024x1024"}, "size"),
            ("core", {"images": []}, "images"),
            ("remove-background", {"prompt": "a kite"}, "prompt"),
            ("remove-background", {}, "images"),
            ("upscale-fast", {"images": []}, "images"),
        ],
    )
    def test_of_what_it_cannot_do_is_refused_by_name_and_not_sent(self, upstream, model, given, field):
        with pytest.raises(Invalid) as refused:
            asked(upstream, lambda adapter: adapter.submit(without_prompt(given, model=model)))
        assert (refused.value.field, upstream.connections) == (field, 0)

    def test_of_pictures_that_are_too_long_together_is_not_sent(self, upstream, picture, mask):
        for media in (picture, mask):
            with open(media.path, "r+b") as file:
                file.truncate(MOST_BYTES // 2)
        with pytest.raises(Invalid, match="10 MB at most") as refused:
            asked(upstream, lambda adapter: adapter.submit(without_prompt({"images": [picture], "mask": mask}, model="erase")))
        assert (refused.value.field, upstream.connections) == ("mask", 0)

    def test_of_a_picture_that_cannot_be_read_waits(self, upstream, picture):
        gone = replace(picture, path="/nowhere/1.png")
        with pytest.raises(NotSent):
            asked(upstream, lambda adapter: adapter.submit(without_prompt({"images": [gone]}, model="upscale-fast")))
        assert upstream.connections == 0

    def test_for_a_model_that_we_cannot_speak_to_is_not_sent(self, upstream):
        with pytest.raises(Retired, match="does not speak to upscale-creative"):
            asked(upstream, lambda adapter: adapter.submit(job(model="upscale-creative")))
        assert upstream.connections == 0

    @pytest.mark.parametrize("model", offers.of("stability").models, ids=lambda model: model.name)
    def test_of_each_model_that_we_offer_is_taken_with_all_that_its_schema_has(self, upstream, picture, mask, model):
        ordered = asking.fullest(model)
        known = model.input_schema["properties"]
        given = {name: value for name, value in ordered.input.items() if name in known}
        files = {name: file for name, file in (("images", [picture]), ("mask", mask)) if name in known}
        ordered = replace(ordered, input=given | files)
        assert isinstance(asked(upstream, lambda adapter: adapter.submit(ordered)), Finished)


class TestItsErrors:
    @pytest.mark.parametrize(
        ("status", "asking", "submit"),
        [
            (400, Invalid, None),
            (401, Unauthenticated, None),
            (402, QuotaExceeded, None),
            (403, Unauthenticated, None),
            (413, Invalid, None),
            (422, Invalid, None),
            (429, RateLimited, None),
            (500, Unavailable, GenerationFailed),
            (502, Unavailable, OutcomeUnknown),
            (503, Unavailable, None),
        ],
    )
    def test_mean_by_their_status(self, upstream, status, asking, submit):
        upstream.will(answer(status))
        upstream.will(answer(status), at="check")
        with pytest.raises(asking) as asked_about:
            asked(upstream, lambda adapter: adapter.check())
        with pytest.raises(submit or asking) as submitted:
            asked(upstream, lambda adapter: adapter.submit(job()))
        assert (type(asked_about.value), type(submitted.value)) == (asking, submit or asking)

    def test_of_moderation_are_told_from_those_of_the_key_by_their_name(self, upstream):
        upstream.will(refuse("moderated"))
        with pytest.raises(Moderated, match="as ordered"):
            asked(upstream, lambda adapter: adapter.submit(job()))

    def test_of_an_operation_that_is_gone_retire_it(self, upstream):
        upstream.will(refuse("no_model"))
        with pytest.raises(Retired):
            asked(upstream, lambda adapter: adapter.submit(job()))

    def test_that_a_proxy_may_have_written_leave_open_what_was_bought(self, upstream):
        upstream.write_refusal = lambda refusal: {"message": "no upstream"}
        upstream.will(answer(500), answer(503))
        for _ in range(2):
            with pytest.raises(OutcomeUnknown):
                asked(upstream, lambda adapter: adapter.submit(job()))

    def test_of_too_many_requests_are_waited_out(self):
        with Stability(a_window=1) as upstream:
            asked(upstream, lambda adapter: adapter.submit(job()))
            with pytest.raises(RateLimited) as busy:
                asked(upstream, lambda adapter: adapter.submit(job()))
            upstream.will(answer(429, retry_after=7))
            with pytest.raises(RateLimited) as told:
                asked(upstream, lambda adapter: adapter.submit(job()))
        assert (busy.value.retry_after, told.value.retry_after) == (LOCKED_OUT_S, 7)

    def test_are_joined_by_credits_that_are_used_up(self, upstream):
        upstream.credits_left = 0
        with pytest.raises(QuotaExceeded, match="no credits left at Stability"):
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


PICTURE = base64.b64encode(b"picture").decode()


class TestAnAnswer:
    @pytest.mark.parametrize(
        ("said", "error"),
        [
            ({"image": PICTURE, "finish_reason": "CONTENT_FILTERED"}, Moderated),
            ({"image": "", "finish_reason": "SUCCESS"}, NoOutput),
            ({"finish_reason": "SUCCESS"}, NoOutput),
            ({"image": "§", "finish_reason": "SUCCESS"}, OutcomeUnknown),
            ({"image": "abc", "finish_reason": "SUCCESS"}, OutcomeUnknown),
            ({}, OutcomeUnknown),
            ([], OutcomeUnknown),
        ],
        ids=str,
    )
    def test_that_gives_nothing_says_why(self, said, error):
        with pytest.raises(error) as failed:
            stability._finished(said, content_type="image/png")
        assert type(failed.value) is error

    def test_that_is_lost_is_lost(self, upstream):
        with pytest.raises(OutcomeUnknown):
            asked(upstream, lambda adapter: adapter.find(job()))
        with pytest.raises(NotFound):
            asked(upstream, lambda adapter: adapter.poll(job()))
        assert (FACTS.recovery, FACTS.cancel, upstream.connections) == (frozenset(), "unsupported", 0)


class TestTheSimulatorIsStrict:
    @pytest.mark.parametrize(
        ("path", "change", "status"),
        [
            ("generate/core", {"n": "1"}, 400),
            ("generate/core", {"model": "core"}, 400),
            ("generate/core", {"seed": "4294967295"}, 400),
            ("generate/core", {"seed": "seven"}, 400),
            ("generate/core", {"aspect_ratio": "4:3"}, 400),
            ("generate/core", {"prompt": ""}, 400),
            ("generate/sd3", {"model": "sd3-large"}, 400),
            ("edit/inpaint", {}, 400),
            ("upscale/fast", {"image": png(1)}, 400),  # it takes no prompt
            ("upscale/conservative", {"image": b"%PDF"}, 400),
            ("upscale/conservative", {"image": png(1) + b"\0" * MOST_BYTES}, 413),
            ("generate/sd9", {}, 404),
        ],
        ids=str,
    )
    def test_and_refuses_what_its_pages_do(self, upstream, path, change, status):
        assert posted(upstream, path, {"prompt": "a"} | change) == status
        assert upstream.bought == 0

    @pytest.mark.parametrize(
        ("headers", "status"),
        [({"Authorization": "Bearer x"}, 401), ({"Accept": "text/html"}, 400), ({}, 200)],
        ids=str,
    )
    def test_and_wants_its_key_and_to_know_what_is_wanted(self, upstream, headers, status):
        assert posted(upstream, "generate/core", {"prompt": "a"}, **headers) == status

    def test_and_takes_no_json(self, upstream):
        headers = {"Authorization": f"Bearer {upstream.KEY}", "Accept": "application/json"}
        url = f"{upstream.url}/v2beta/stable-image/generate/core"
        assert asking.posted("stability", url, {"prompt": "a"}, headers=headers)[0] == 400


def posted(upstream, path, form, **headers):
    """The status of the answer to a form of somebody's."""

    async def send(adapter):
        sent = {"Authorization": f"Bearer {upstream.KEY}", "Accept": "application/json"} | headers
        url = f"{upstream.url}/v2beta/stable-image/{path}"
        parts = [Part(name, value, name if isinstance(value, bytes) else None) for name, value in form.items()]
        return (await adapter._http.request("POST", url, headers=sent, form=parts, timeout=10)).status

    return asked(upstream, send)
