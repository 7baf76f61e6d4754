"""The adapter of our own functions on SCF, through the real HTTP client to simulators that really run them."""

import asyncio
import json
import logging
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.request import urlopen

import pytest

from providers.adapters import Upstream, adapter_class
from providers.adapters.scf import FACTS as LOCAL_FACTS
from providers.errors import (
    GenerationFailed,
    Interrupted,
    Invalid,
    NotSent,
    OutcomeUnknown,
    QuotaExceeded,
    RateLimited,
    Refused,
    Retired,
    Unauthenticated,
    Unavailable,
)
from providers.http import Http
from providers.outcomes import Accepted, Failed, Finished, Job, Media, Running
from scf_client.client import LONGEST_CALL, LONGEST_EVENT
from tests.scf_client import cloud, samples
from tests.scf_client.runtime import PATIENCE_S
from tests.servers import free_port
from tests.upstreams import answer, cut_before_answer, cut_mid_json, cut_midway, fail, garbage, say, twice

CARD = {"prompt": "reef", "size": "64x64"}
LONG_VIDEO = {"prompt": "reef", "duration": 30, "resolution": "720p"}
TEXT = {"text": "A fox. 一只狐狸。", "operations": ["count", "srt"]}
ALL = ("image_stitch", "test_card", "text_process", "video_compose")


@pytest.fixture(scope="module")
def deployed():
    with cloud.sky() as sky:
        sky.deploy(*ALL)
        sky.scf.requests.clear()
        yield sky


@pytest.fixture
def sky(deployed):
    """Both simulators with nothing in their books but the functions."""
    yield deployed
    deployed.scf.rest()
    deployed.cos.behave()
    deployed.cos.requests.clear()
    deployed.cos.objects.clear()


@pytest.fixture
def ask(sky):
    return lambda road: asked(sky.credentials, road)


def asked(credentials, road):
    """What `road(adapter)` gives, with a client of its own."""

    async def go():
        http = Http("functions")
        try:
            return await road(adapter_class("scf")(Upstream("functions", "", credentials, http)))
        finally:
            await http.close()

    return asyncio.run(go())


def job(token="t1", given=CARD, *, kind="image.generate", model="test_card", handle=None):
    return Job(token, kind, model, given, datetime.now(UTC) + timedelta(minutes=1), handle)


def film(token="t1"):
    return job(token, LONG_VIDEO, kind="video.generate")


def text(token="t1", given=TEXT):
    return job(token, given, kind="text.process", model="text_process")


def begun(ask, order):
    """The order with its handle."""
    return replace(order, handle=ask(lambda adapter: adapter.submit(order)).handle, input={})


def late(order, s=3600):
    """The order as if it had been begun so many seconds ago."""
    return replace(order, handle={**order.handle, "at": int(time.time()) - s})


def over(sky, order):
    """Return when the platform's run of an order is over."""
    sky.scf.wait_until(lambda scf: scf.executions[order.handle["run"]].is_over, timeout=PATIENCE_S)


async def until_over(adapter, order):
    async with asyncio.timeout(PATIENCE_S):
        while isinstance(polled := await adapter.poll(order), Running):
            await asyncio.sleep(0.02)
    return polled


def content(found) -> bytes:
    return urlopen(found.url, timeout=PATIENCE_S).read()


class TestAJobThatGoesWell:
    def test_is_put_off_and_finished_with_links_into_the_bucket(self, ask, sky):
        order = begun(ask, job())
        finished = ask(lambda adapter: until_over(adapter, order))
        (found,) = finished.outputs
        assert content(found).startswith(b"\x89PNG")
        assert found.content_type == "image/png"
        assert found.lives_until > datetime.now(UTC) + timedelta(hours=23)
        assert sky.scf.requests == {"Invoke": 1}

    def test_that_is_text_is_waited_for(self, ask, sky):
        finished = ask(lambda adapter: adapter.submit(text()))
        assert [found.content_type for found in finished.outputs] == ["application/json", "application/x-subrip"]
        assert "一只狐狸" in content(finished.outputs[1]).decode()
        assert sky.scf.requests == {"InvokeFunction": 1}

    def test_that_is_the_longest_text_is_waited_for_too(self, ask, sky):
        finished = ask(lambda adapter: adapter.submit(text(given={"text": "片" * 100_000, "operations": ["count"]})))
        assert isinstance(finished, Finished)
        assert not [key for key in sky.cos.objects if "/orders/" in key]

    def test_gets_its_files_by_links_into_the_bucket(self, ask, sky, tmp_path):
        samples.picture(tmp_path / "a.png")
        incoming = sky.cos.bucket.incoming()
        incoming.write((tmp_path / "a.png").read_bytes())
        sky.cos.bucket.put("files/1", incoming.whole({}))
        media = Media("https://example.com/unused", "image/png", key="files/1")
        order = begun(ask, job(given={"images": [media, media]}, kind="image.stitch", model="image_stitch"))
        assert isinstance(ask(lambda adapter: until_over(adapter, order)), Finished)

    def test_with_too_much_to_be_sent_goes_by_the_bucket(self, ask, sky):
        given = {"clips": [], "subtitles": {"cues": [{"start": 0, "end": 1, "text": "x" * LONGEST_EVENT}]}}
        order = begun(ask, job(given=given, kind="video.compose", model="video_compose"))
        assert "functions/orders/t1.json" in sky.cos.objects
        failed = ask(lambda adapter: until_over(adapter, order))
        assert isinstance(failed.error, Invalid)  # by the function, which has read all of it
        assert sky.scf.executions[order.handle["run"]].event == {"token": "t1", "kind": "video.compose", "ordered": True}

    @pytest.mark.parametrize(
        ("kind", "model", "longest"), [("video.compose", "video_compose", LONGEST_EVENT), ("text.process", "text_process", LONGEST_CALL)]
    )
    def test_with_as_much_as_is_sent_is_within_what_the_cloud_takes(self, ask, sky, kind, model, longest):
        rest = len(json.dumps({"token": "t1", "kind": kind, "input": {"text": ""}}, separators=(",", ":")))
        order = job(given={"text": '"' * ((longest - rest) // 2)}, kind=kind, model=model)
        with suppress(Invalid):  # the function's word, so it was sent
            ask(lambda adapter: adapter.submit(order))
        assert len(sky.scf.executions) == 1
        assert "functions/orders/t1.json" not in sky.cos.objects

    def test_whose_order_cannot_be_put_into_the_bucket_is_not_sent(self, ask, sky):
        sky.cos.will(answer(503), at="put")
        with pytest.raises(NotSent):
            ask(lambda adapter: adapter.submit(job(given={"prompt": "x" * LONGEST_EVENT})))
        assert not sky.scf.requests

    def test_an_input_file_that_is_elsewhere_is_not_sent(self, ask, sky):
        with pytest.raises(NotSent):
            ask(lambda adapter: adapter.submit(job(given={"images": [Media("https://example.com/a", path="/tmp/a")]})))
        assert not sky.scf.requests


class TestAJobThatFails:
    @pytest.mark.parametrize("order", [job(given={"prompt": ""}), text(given={**TEXT, "text": ""})])
    def test_the_functions_refusal_names_the_field(self, ask, order):
        async def fate(adapter):
            try:
                accepted = await adapter.submit(order)
            except Invalid as refusal:
                return refusal
            return (await until_over(adapter, replace(order, handle=accepted.handle))).error

        error = ask(fate)
        assert isinstance(error, Invalid)
        assert error.field in ("prompt", "text")

    @pytest.mark.parametrize(("status", "error"), [("439", Interrupted), ("433", GenerationFailed), ("434", Invalid)])
    def test_with_its_process_while_it_is_waited_for_may_be_begun_anew_unless_it_took_too_much(self, ask, sky, status, error):
        sky.scf.will(fail(status), at="InvokeFunction")
        with pytest.raises(error) as raised:
            ask(lambda adapter: adapter.submit(text()))
        assert type(raised.value) is error


class TestASecondSubmit:
    def test_with_the_same_token_gives_the_first_ones_result(self, ask, sky):
        orders = [begun(ask, job()) for _ in range(2)]
        finished = [ask(lambda adapter, order=order: until_over(adapter, order)) for order in orders]
        paths = {found.url.partition("?")[0] for one in finished for found in one.outputs}
        assert len(paths) == 1
        assert len(sky.scf.executions) == 2

    def test_by_the_platform_itself_does_no_harm(self, ask, sky):
        sky.scf.will(twice(), at="Invoke")
        order = begun(ask, job())
        first = ask(lambda adapter: until_over(adapter, order))
        sky.scf.wait_until(lambda scf: not scf.running, timeout=PATIENCE_S)
        assert sky.scf.executions[order.handle["run"]].deliveries == 2
        assert ask(lambda adapter: adapter.poll(order)).outputs[0].url.partition("?")[0] == first.outputs[0].url.partition("?")[0]


class TestTheWireBreaks:
    def test_before_a_byte_was_sent(self, sky):
        nowhere = sky.credentials | {"scf_endpoint": f"http://127.0.0.1:{free_port()}"}
        for order in (job(), text()):
            with pytest.raises(NotSent):
                asked(nowhere, lambda adapter, order=order: adapter.submit(order))

    @pytest.mark.parametrize("order", [cut_before_answer(), cut_mid_json(), garbage(), cut_before_answer(accepts=False), answer(502)])
    @pytest.mark.parametrize(("door", "asks"), [("Invoke", job()), ("InvokeFunction", text())])
    def test_after_sending_and_it_is_sent_once_and_may_have_been_begun(self, ask, sky, door, asks, order):
        sky.scf.will(order, at=door)
        with pytest.raises(OutcomeUnknown):
            ask(lambda adapter: adapter.submit(asks))
        assert sky.scf.requests == {door: 1}

    def test_after_sending_and_asking_again_finds_the_first_run(self, ask, sky):
        sky.scf.will(cut_before_answer(), at="Invoke")
        with pytest.raises(OutcomeUnknown):
            ask(lambda adapter: adapter.submit(job()))
        (lost,) = sky.scf.executions
        sky.scf.wait_until(lambda scf: scf.executions[lost].is_over, timeout=PATIENCE_S)
        again = begun(ask, job())
        (found,) = ask(lambda adapter: until_over(adapter, again)).outputs
        assert f"/out/t1/{lost}/" in found.url


class TestARefusal:
    @pytest.mark.parametrize(
        ("code", "error"),
        [
            ("RequestLimitExceeded", RateLimited),
            ("RequestLimitExceeded.UinLimitExceeded", RateLimited),
            ("LimitExceeded.FunctionOnTopic", RateLimited),
            ("AuthFailure.SignatureExpire", Unauthenticated),
            ("UnauthorizedOperation.CAM", Unauthenticated),
            ("ResourceUnavailable.InsufficientBalance", QuotaExceeded),
            ("ResourceNotFound.Function", Retired),
            ("ResourceNotFound.Qualifier", Retired),
            ("InvalidParameter.Payload", Refused),
            ("InvalidParameter.RequestTooLarge", Refused),
            ("FailedOperation.FunctionStatusError", Unavailable),
            ("UnknownParameter", Unavailable),
            ("SomethingNew", Unavailable),
            ("InternalError.System", OutcomeUnknown),
            ("FailedOperation.InvokeFunction", OutcomeUnknown),
        ],
    )
    @pytest.mark.parametrize("door", ["Invoke", "InvokeFunction"])
    def test_means_what_its_code_says(self, ask, sky, door, code, error):
        sky.scf.will(answer(400, code=code), at=door)
        with pytest.raises(error) as raised:
            ask(lambda adapter: adapter.submit(job() if door == "Invoke" else text()))
        assert type(raised.value) is error

    @pytest.mark.parametrize("door", ["Invoke", "InvokeFunction"])
    @pytest.mark.parametrize("status", ["429", "432", "449"])
    def test_for_want_of_room_may_come_as_a_runs_result(self, ask, sky, door, status):
        sky.scf.will(fail(status), at=door)
        with pytest.raises(RateLimited):
            ask(lambda adapter: adapter.submit(job() if door == "Invoke" else text()))

    def test_is_read_whatever_content_type_it_comes_under(self, ask, sky):
        # Tencent's SDK takes one with anything behind its content type for a success.
        sky.scf.charset = "utf-8"
        sky.scf.will(answer(429), at="Invoke")
        try:
            with pytest.raises(RateLimited):
                ask(lambda adapter: adapter.submit(job()))
        finally:
            sky.scf.charset = ""

    def test_is_read_without_the_clouds_id_of_the_call(self, ask, sky):
        # Tencent's SDK stumbles over it: KeyError.
        sky.scf.tells_id = False
        sky.scf.will(answer(429), at="Invoke")
        try:
            with pytest.raises(RateLimited):
                ask(lambda adapter: adapter.submit(job()))
        finally:
            sky.scf.tells_id = True

    def test_of_a_key_that_is_wrong(self, sky):
        with pytest.raises(Unauthenticated):
            asked(sky.credentials | {"scf_secret_key": "other"}, lambda adapter: adapter.submit(job()))

    def test_of_a_function_that_is_not_deployed(self, ask):
        with pytest.raises(Retired):
            ask(lambda adapter: adapter.submit(job(model="none")))


class TestAPoll:
    def test_asks_the_bucket_alone_while_a_run_is_not_late(self, ask, sky):
        order = begun(ask, film())
        assert isinstance(ask(lambda adapter: adapter.poll(order)), Running)
        assert sky.scf.requests == {"Invoke": 1}

    def test_tells_how_far_a_run_says_it_has_come(self, ask, sky):
        order = late(begun(ask, film()))
        assert ask(lambda adapter: adapter.poll(order)) == Running(None)
        sky.cos.wait_until(lambda cos: "functions/progress/t1" in cos.objects, timeout=PATIENCE_S)
        assert 0 < ask(lambda adapter: adapter.poll(order)).progress < 1

    def test_takes_no_nonsense_for_progress(self, ask, sky):
        order = late(begun(ask, film()))
        for content, progress in ((b"far", None), (b"7", 1.0), (b"-1", 0.0)):
            incoming = sky.cos.bucket.incoming()
            incoming.write(content)
            sky.cos.bucket.put("functions/progress/t1", incoming.whole({}))
            assert ask(lambda adapter: adapter.poll(order)) == Running(progress)

    def test_asks_the_platform_about_a_late_run(self, ask, sky):
        order = late(begun(ask, film()))
        assert isinstance(ask(lambda adapter: adapter.poll(order)), Running)
        assert sky.scf.requests["GetAsyncEventStatus"] == 1

    def test_asks_it_no_more_often_than_the_cloud_allows(self, ask, sky):
        order = late(begun(ask, film()))

        async def many(adapter):
            began = time.monotonic()
            polled = [await adapter.poll(order) for _ in range(40)]
            return polled, time.monotonic() - began

        polled, seconds = ask(many)
        assert all(isinstance(one, Running) for one in polled)
        assert 1 <= sky.scf.requests["GetAsyncEventStatus"] <= 2 + 5 * seconds

    def test_believes_a_result_whatever_the_platform_says(self, ask, sky):
        order = late(begun(ask, job()))
        over(sky, order)
        sky.scf.will(say("FAILED"), at="GetAsyncEventStatus")
        assert isinstance(ask(lambda adapter: adapter.poll(order)), Finished)

    def test_waits_for_a_status_that_is_late(self, ask, sky):
        sky.cos.will(answer(403), at="put")
        order = late(begun(ask, job()))
        over(sky, order)
        sky.scf.will(say("RUNNING"), at="GetAsyncEventStatus")
        assert isinstance(ask(lambda adapter: adapter.poll(order)), Running)
        assert isinstance(ask(lambda adapter: adapter.poll(order)), Failed)

    def test_of_a_run_that_ended_without_a_result_says_that_it_may_be_begun_anew(self, ask, sky):
        sky.cos.will(answer(403), at="put")
        order = late(begun(ask, job()))
        over(sky, order)
        failed = ask(lambda adapter: adapter.poll(order))
        assert (type(failed.error), failed.error.retryable) == (Interrupted, True)

    @pytest.mark.parametrize(
        ("code", "error"),
        [(439, Interrupted), (500, Interrupted), (0, Interrupted), (432, Interrupted), (433, GenerationFailed), (434, Invalid)],
    )
    def test_of_a_run_whose_process_died_may_be_begun_anew_unless_it_took_too_much(self, ask, sky, code, error):
        order = late(begun(ask, film()))
        run = order.handle["run"]
        sky.cos.wait_until(lambda cos: cos.requests["get"])
        sky.scf.kill(run)
        over(sky, order)
        sky.scf.executions[run].code = code
        failed = ask(lambda adapter: adapter.poll(order))
        assert isinstance(failed, Failed)
        assert type(failed.error) is error

    def test_of_an_event_that_the_platform_lost_says_that_it_may_be_begun_anew(self, ask, sky):
        sky.scf.will(fail("lost"), at="Invoke")
        order = late(begun(ask, job()))
        assert type(ask(lambda adapter: adapter.poll(order)).error) is Interrupted

    def test_waits_for_a_run_that_the_platform_does_not_know_yet(self, ask, sky):
        sky.scf.will(fail("lost"), at="Invoke")
        order = late(begun(ask, job()), s=90)
        assert isinstance(ask(lambda adapter: adapter.poll(order)), Running)
        assert sky.scf.requests["GetAsyncEventStatus"] == 1

    def test_ends_a_run_before_it_calls_it_lost(self, ask, sky):
        order = late(begun(ask, film()))
        sky.scf.will(answer(400, code="ResourceNotFound.AsyncEvent"), at="GetAsyncEventStatus")
        assert type(ask(lambda adapter: adapter.poll(order)).error) is Interrupted
        assert sky.scf.executions[order.handle["run"]].state == "ABORTED"

    @pytest.mark.parametrize("order", [answer(500), answer(429), cut_before_answer(accepts=False)])
    def test_calls_no_run_lost_that_could_not_be_ended(self, ask, sky, order):
        asks = late(begun(ask, film()))
        sky.scf.will(answer(400, code="ResourceNotFound.AsyncEvent"), at="GetAsyncEventStatus")
        sky.scf.will(order, at="TerminateAsyncEvent")
        with pytest.raises((Unavailable, RateLimited)):
            ask(lambda adapter: adapter.poll(asks))

    @pytest.mark.parametrize("order", [answer(503), answer(403), cut_midway(), garbage()])
    def test_is_no_verdict_while_the_bucket_is_away(self, ask, sky, order):
        asks = begun(ask, job())
        over(sky, asks)
        sky.cos.will(order, at="get")
        with pytest.raises(Unavailable):
            ask(lambda adapter: adapter.poll(asks))
        assert isinstance(ask(lambda adapter: adapter.poll(asks)), Finished)

    @pytest.mark.parametrize(
        ("order", "error"),
        [(answer(500), Unavailable), (answer(429), RateLimited), (answer(502), Unavailable), (cut_before_answer(), Unavailable)],
    )
    def test_is_no_verdict_while_the_platform_cannot_be_asked(self, ask, sky, order, error):
        asks = late(begun(ask, film()))
        sky.scf.will(order, at="GetAsyncEventStatus")
        with pytest.raises(error):
            ask(lambda adapter: adapter.poll(asks))


class TestACancel:
    def test_kills_the_run(self, ask, sky):
        order = begun(ask, film())
        assert ask(lambda adapter: adapter.cancel(order)) is True
        assert sky.scf.executions[order.handle["run"]].state == "ABORTED"
        assert isinstance(ask(lambda adapter: adapter.poll(late(order))).error, Interrupted)

    def test_of_a_run_that_is_over_comes_too_late(self, ask, sky):
        order = begun(ask, job())
        over(sky, order)
        assert ask(lambda adapter: adapter.cancel(order)) is False

    def test_of_a_run_that_failed_a_moment_ago_comes_too_late(self, ask, sky):
        sky.cos.will(answer(403), at="put")
        order = begun(ask, job())
        over(sky, order)
        assert ask(lambda adapter: adapter.cancel(order)) is False


class TestALostSubmit:
    def test_is_found_by_what_it_left(self, ask, sky):
        order = begun(ask, job())
        over(sky, order)
        assert isinstance(ask(lambda adapter: adapter.find(job())), Finished)

    def test_that_left_nothing_yet_may_still_run(self, ask):
        with pytest.raises(OutcomeUnknown):
            ask(lambda adapter: adapter.find(job("unknown")))


class TestTheFunctionsHealth:
    def test_is_fine_and_asking_is_one_call(self, ask, sky):
        assert ask(lambda adapter: adapter.check()) is None
        assert sky.scf.requests == {"ListFunctions": 1}

    @pytest.mark.parametrize(
        ("status", "is_fine"), [("Updating", True), ("UpdateFailed", True), ("Creating", False), ("CreateFailed", False)]
    )
    def test_is_fine_while_any_function_serves(self, status, is_fine):
        with cloud.sky() as sky:
            sky.deploy("test_card")
            sky.scf.functions["darkroom-test-card"].status = status
            if is_fine:
                asked(sky.credentials, lambda adapter: adapter.check())
                return
            with pytest.raises(Unavailable, match=f"darkroom-test-card is {status}"):
                asked(sky.credentials, lambda adapter: adapter.check())

    def test_is_not_when_there_are_none(self):
        with cloud.sky() as empty, pytest.raises(Unavailable, match="functions deploy"):
            asked(empty.credentials, lambda adapter: adapter.check())


class TestWhereFunctionsRun:
    def test_is_this_machine_unless_the_credentials_say_otherwise(self, sky):
        def facts(credentials):
            return adapter_class("scf")(Upstream("functions", "http://127.0.0.1:1", credentials, None)).FACTS

        assert facts({}) == LOCAL_FACTS
        assert (facts(sky.credentials).bucket_media, facts(sky.credentials).local_media) == (True, False)

    def test_costs_a_process_with_local_functions_none_of_tencents_sdks(self):
        told = (
            "import sys; from providers.adapters import Upstream, adapter_class;"
            "adapter_class('scf')(Upstream('functions', 'http://127.0.0.1:1', {}, None));"
            "print([name for name in ('tencentcloud', 'qcloud_cos', 'requests') if name in sys.modules])"
        )
        assert subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True).stdout == "[]\n"

    def test_costs_one_with_functions_in_the_cloud_none_of_the_classes_of_all_of_scf(self, sky):
        told = (
            "import sys, providers.adapters.scf.cloud, scf_client.control;"
            "print([name for name in sys.modules if name.startswith('tencentcloud.scf')])"
        )
        assert subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True).stdout == "[]\n"


class TestSecrets:
    def test_stand_in_no_error_no_handle_and_no_line_of_the_log(self, ask, sky, caplog):
        caplog.set_level(logging.DEBUG)
        told = [str(ask(lambda adapter: adapter.submit(job())))]
        for order, at in ((answer(403), "Invoke"), (cut_before_answer(), "Invoke"), (garbage(), "Invoke")):
            sky.scf.will(order, at=at)
            with pytest.raises(Exception) as raised:
                ask(lambda adapter: adapter.submit(job()))
            told += [repr(raised.value), str(raised.value.__context__)]
        secrets = (sky.scf.SECRET_KEY, sky.cos.SECRET_KEY, "Signature=", "q-signature")
        assert not [secret for secret in secrets if secret in caplog.text + "".join(told)]


def test_what_was_accepted_is_enough_to_ask_again(ask):
    accepted = ask(lambda adapter: adapter.submit(job("t7")))
    assert isinstance(accepted, Accepted)
    assert set(accepted.handle) == {"token", "run", "function", "at"}
