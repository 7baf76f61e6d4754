"""The adapter of our own functions, through the real HTTP client to a real runtime."""

import asyncio
import os
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlparse

import pytest

from providers.adapters import Upstream, adapter_class
from providers.errors import Interrupted, Invalid, NotSent, RateLimited, Retired, Unavailable
from providers.http import Http
from providers.outcomes import Accepted, Failed, Finished, Job, Media, Running
from scf_client.local.runs import MOST_OPEN
from tests.scf_client.runtime import CARD, LONG_VIDEO, PATIENCE_S, Runtime
from tests.servers import free_port


@pytest.fixture(scope="module")
def runtime(tmp_path_factory):
    runtime = Runtime(tmp_path_factory.mktemp("functions")).start()
    yield runtime
    runtime.stop()


@pytest.fixture
def ask(runtime):
    return lambda road: asked(runtime.url, road)


def asked(url, road):
    """What `road(adapter)` gives, with a client of its own."""

    async def go():
        http = Http("functions")
        try:
            return await road(adapter_class("scf")(Upstream("functions", url, {}, http)))
        finally:
            await http.close()

    return asyncio.run(go())


def job(token, given=CARD, *, kind="image.generate", model="test_card"):
    return Job(token, kind, model, given, datetime.now(UTC) + timedelta(minutes=1))


async def until_over(adapter, order):
    async with asyncio.timeout(PATIENCE_S):
        while isinstance(polled := await adapter.poll(order), Running):
            await asyncio.sleep(0.02)
    return polled


async def carried_out(adapter, order):
    await adapter.submit(order)
    return await until_over(adapter, order)


class TestAJobThatGoesWell:
    def test_is_accepted_and_finished_with_a_file_that_is_there(self, ask):
        order = job("s1")
        assert ask(lambda adapter: adapter.submit(order)) == Accepted({"token": "s1"})
        finished = ask(lambda adapter: until_over(adapter, order))
        assert isinstance(finished, Finished)
        (found,) = finished.outputs
        assert (urlparse(found.url).scheme, found.content_type) == ("file", "image/png")
        assert Path(urlparse(found.url).path).read_bytes().startswith(b"\x89PNG")

    def test_submitted_again_it_is_the_same_run(self, ask, runtime):
        order = job("s2")
        first = ask(lambda adapter: carried_out(adapter, order))
        assert ask(lambda adapter: carried_out(adapter, order)) == first
        assert runtime.state("s2")["runs_started"] == 1

    def test_an_input_file_reaches_the_function_by_its_path(self, ask):
        (found,) = ask(lambda adapter: carried_out(adapter, job("s3"))).outputs
        media = Media("https://example.com/a", "image/png", urlparse(found.url).path)
        order = job("s4", {"images": [media, media]}, kind="image.stitch", model="image_stitch")
        assert isinstance(ask(lambda adapter: carried_out(adapter, order)), Finished)


class TestAJobThatFails:
    def test_the_functions_refusal_names_the_field(self, ask):
        failed = ask(lambda adapter: carried_out(adapter, job("f1", {"prompt": ""})))
        assert isinstance(failed, Failed)
        assert isinstance(failed.error, Invalid)
        assert failed.error.field == "prompt"

    def test_one_that_needs_too_much_memory_is_refused_for_good(self, ask, tmp_path):
        (found,) = ask(lambda adapter: carried_out(adapter, job("f0"))).outputs
        given = {"images": [Media("https://example.com/a", "image/png", urlparse(found.url).path)], "cell": "9999x9999"}
        order = job("f0", given, kind="image.stitch", model="image_stitch")
        tight = Runtime(tmp_path).start("--memory-mb", "300")
        failed = asked(tight.url, lambda adapter: carried_out(adapter, order))
        tight.stop()
        assert isinstance(failed.error, Invalid)
        assert "lower size" in failed.error.message

    def test_one_whose_process_was_killed_may_be_begun_anew(self, ask, runtime):
        order = job("f6", LONG_VIDEO, kind="video.generate")
        ask(lambda adapter: adapter.submit(order))
        os.kill(runtime.working("f6"), signal.SIGKILL)
        assert type(ask(lambda adapter: until_over(adapter, order)).error) is Interrupted

    def test_a_canceled_run_is_stopped_and_may_be_begun_anew_for_whoever_still_wants_it(self, ask):
        order = job("f2", LONG_VIDEO, kind="video.generate")
        ask(lambda adapter: adapter.submit(order))
        assert isinstance(ask(lambda adapter: adapter.poll(order)), Running)
        assert ask(lambda adapter: adapter.cancel(order)) is True
        assert isinstance(ask(lambda adapter: adapter.poll(order)).error, Interrupted)

    def test_a_finished_run_cannot_be_canceled(self, ask):
        ask(lambda adapter: carried_out(adapter, job("f3")))
        assert ask(lambda adapter: adapter.cancel(job("f3"))) is False

    def test_a_function_that_is_gone_is_retired(self, ask):
        with pytest.raises(Retired):
            ask(lambda adapter: adapter.submit(job("f4", model="no_such")))

    def test_one_too_many_is_not_accepted_and_may_be_sent_again(self, tmp_path):
        full = Runtime(tmp_path).start("--at-once", "1")
        for place in range(MOST_OPEN):
            full.submit(f"f{place}", LONG_VIDEO, kind="video.generate")
        with pytest.raises(RateLimited):
            asked(full.url, lambda adapter: adapter.submit(job("one-more")))
        full.kill()

    def test_an_input_file_that_is_elsewhere_is_not_sent(self, ask):
        with pytest.raises(NotSent):
            ask(lambda adapter: adapter.submit(job("f5", {"images": [Media("https://example.com/a")]})))


class TestARunThatTheRuntimeDoesNotKnow:
    def test_may_be_begun_anew(self, ask):
        assert type(ask(lambda adapter: adapter.poll(job("u1"))).error) is Interrupted

    def test_find_tells_that_nothing_was_started_and_what_was(self, ask):
        assert ask(lambda adapter: adapter.find(job("u2"))) is None
        ask(lambda adapter: adapter.submit(job("u2")))
        assert ask(lambda adapter: adapter.find(job("u2"))) == Accepted({"token": "u2"})


class TestTheRuntimesHealth:
    def test_a_runtime_that_answers_is_fine(self, ask):
        assert ask(lambda adapter: adapter.check()) is None

    def test_one_that_is_down_is_not_and_nothing_was_sent(self):
        with pytest.raises((NotSent, Unavailable)):
            asked(f"http://127.0.0.1:{free_port()}", lambda adapter: adapter.check())
        with pytest.raises(NotSent):
            asked(f"http://127.0.0.1:{free_port()}", lambda adapter: adapter.submit(job("h1")))
