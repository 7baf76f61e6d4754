"""One Darkroom as the upstream of another: the adapter `openai_compatible`, asked over HTTP what it is asked on the road of a task."""

from hashlib import sha256
from types import SimpleNamespace
from urllib.request import Request, urlopen

import pytest

from providers.adapters import Upstream
from providers.adapters.openai_compatible import Adapter
from providers.errors import GenerationFailed, Invalid, Moderated, QuotaExceeded, Retired, Unauthenticated
from providers.outcomes import Running
from tasks_app.models import Output, Task
from tests.providers.adapters.asking import FRAME, asked, job, on_disk
from tests.tasks_app.api.conftest import IMAGE, VIDEO
from tests.upstreams import fail

from .conftest import FILM

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def other(live_server, acme):
    """What asking the other one comes to, with acme's key or another."""

    def ask(road, *, key: str = acme.key):
        return asked("openai_compatible", SimpleNamespace(url=live_server.url, credentials={}), road, api_key=key)

    return ask


def image(given: dict | None = None, **more):
    return job(IMAGE, given, kind="image.generate", **more)


def hashes() -> list[str]:
    return list(Output.objects.order_by("position").values_list("sha256", flat=True))


class TestPictures:
    def test_are_made_there_while_we_ask(self, other, plasma, road):
        handle = other(lambda adapter: adapter.submit(image({"n": 2}))).handle
        assert other(lambda adapter: adapter.poll(image(handle=handle))) == Running()
        road.runs_dry()
        outputs = other(lambda adapter: adapter.poll(image(handle=handle))).outputs
        assert [sha256(one.content).hexdigest() for one in outputs] == hashes()
        assert len(outputs) == 2

    @pytest.mark.parametrize(("fate", "error"), [(fail("moderated"), Moderated), (fail(), GenerationFailed)], ids=["moderated", "broken"])
    def test_that_could_not_be_made_say_why(self, other, plasma, road, fate, error):
        plasma.will(fate)
        handle = other(lambda adapter: adapter.submit(image())).handle
        road.runs_dry()
        assert type(other(lambda adapter: adapter.poll(image(handle=handle))).error) is error


class TestVideos:
    def test_are_made_there_and_fetched_with_the_key(self, other, plasma, road, live_server, acme):
        handle = other(lambda adapter: adapter.submit(job(VIDEO, {"duration": 5}))).handle
        assert Task.objects.get().input["duration"] == 5
        assert isinstance(other(lambda adapter: adapter.poll(job(VIDEO, handle=handle))), Running)
        road.runs_dry()
        (found,) = other(lambda adapter: adapter.poll(job(VIDEO, handle=handle))).outputs
        headers = Adapter(Upstream("other", live_server.url, {"api_key": acme.key})).headers_for(found.url)
        with urlopen(Request(found.url, headers={**headers, "Connection": "close"})) as answer:
            assert [sha256(answer.read()).hexdigest()] == hashes()

    def test_may_begin_with_a_picture_of_ours(self, other, offers, tmp_path):
        other(lambda adapter: adapter.submit(on_disk(job(FILM, {"size": "1280x720", "frame_images": [FRAME]}), tmp_path)))
        (frame,) = Task.objects.get().input["frame_images"]
        assert (frame["frame_type"], frame["image"][:5]) == ("first_frame", "file_")

    def test_that_are_being_made_cannot_be_stopped(self, other, plasma):
        handle = other(lambda adapter: adapter.submit(job(VIDEO))).handle
        assert not other(lambda adapter: adapter.cancel(job(VIDEO, handle=handle)))
        assert Task.objects.count() == 1


class TestWhatIsNotTaken:
    @pytest.mark.parametrize(
        ("ordered", "error"),
        [(image({"n": 9}), Invalid), (image({"background": "opaque"}), Invalid), (job("vendor/none"), Retired)],
        ids=["a wrong value", "what the model does not know", "a model that is not there"],
    )
    def test_says_why(self, other, plasma, ordered, error):
        with pytest.raises(error):
            other(lambda adapter: adapter.submit(ordered))

    def test_is_what_nobody_can_pay(self, other, plasma, zero):
        with pytest.raises(QuotaExceeded):
            other(lambda adapter: adapter.submit(image()), key=zero.key)

    def test_is_what_comes_with_a_wrong_key(self, other, plasma):
        with pytest.raises(Unauthenticated):
            other(lambda adapter: adapter.check(), key="dk_wrong")
