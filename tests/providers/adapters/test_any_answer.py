"""Whatever an upstream answers, its adapter has a word for it: an outcome, or an error of providers/errors.py.

Each is asked what it is asked on the road of a task, and gets the true answers of its simulator but for one place of one of them.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
import pytest
from aiohttp import web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from providers import offers
from providers.adapters import Batched, adapter_class
from providers.errors import UpstreamError
from providers.outcomes import Accepted, Balance, Failed, Finished, Job, Running
from tests.upstreams.simulator import Simulator

from .asking import asked, job
from .tried import classes

RUN = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
CLASSES = [one for one in classes() if one.VENDOR in offers.names()]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 2**40) | st.sampled_from(["", "0", "x", "null", "failed", "https://a.example/1"]),
    lambda below: st.lists(below, max_size=2) | st.dictionaries(st.sampled_from(["id", "code", "url", "error"]), below, max_size=2),
    max_leaves=4,
)
Ask = Callable[[Any], Any]


@dataclass
class Echo:
    """A simulator whose answers are kept, and given again."""

    vendor: str
    simulator: Simulator
    secrets: dict[str, str]
    kept: list[tuple[int, Any]] = field(default_factory=list)

    def truly(self, ask: Ask) -> Any:
        """The outcome of asking, whose answers are kept from now on."""
        self.kept = []
        answer = type(self.simulator).answer

        async def told(request: web.BaseRequest) -> web.StreamResponse:
            response = await answer(self.simulator, request)
            self.kept.append((response.status, orjson.loads(response.body)))
            return response

        return self._asked(told, ask)

    def asked(self, answers: list[tuple[int, Any]], ask: Ask) -> Any:
        """The outcome of asking, or the error, where these are the answers; the last of them for ever."""
        left = iter(answers)

        async def told(request: web.BaseRequest) -> web.StreamResponse:
            status, said = next(left, answers[-1])
            return web.json_response(body=orjson.dumps(said), status=status)

        try:
            return self._asked(told, ask)
        except UpstreamError as error:
            return error

    def _asked(self, told: Callable, ask: Ask) -> Any:
        self.simulator.answer = told
        try:
            return asked(self.vendor, self.simulator, ask, **self.secrets)
        finally:
            del self.simulator.answer


@pytest.fixture(scope="module", params=CLASSES, ids=lambda kind: f"{kind.VENDOR} {kind.__name__}")
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def upstream(kind) -> Iterator[Echo]:
    with kind.SIMULATOR(manual=not kind.AT_ONCE) as simulator:
        yield Echo(kind.VENDOR, simulator, kind.secrets(kind(), simulator))


@pytest.fixture
def ordered(request, kind) -> Job:
    """As the suite orders it, with what its schema fills in."""
    model = next(one for one in offers.of(kind.VENDOR).models if one.name == kind.MODEL)
    filled = {name: field["default"] for name, field in model.input_schema["properties"].items() if "default" in field}
    return replace(job(model.upstream_model, filled | kind.INPUT, kind=model.kind), token=f"{request.function.__name__}-1"[-64:])


@pytest.fixture
def done(kind, upstream, ordered) -> Job:
    """One that has ended there."""
    if kind.AT_ONCE:
        pytest.skip("it answers an order with its result")
    handle = upstream.truly(lambda adapter: adapter.submit(ordered)).handle
    upstream.simulator.finish()
    return replace(ordered, handle=handle)


def withstands(upstream: Echo, ask: Ask, outcomes: tuple[type, ...]) -> None:
    """Asked so, the adapter has one of these outcomes, or an error of its own, whichever place of whichever answer is changed."""
    upstream.truly(ask)
    true = upstream.kept

    @RUN
    @given(st.data())
    def run(data: st.DataObject) -> None:
        which = data.draw(st.integers(0, len(true) - 1))
        status, said = true[which]
        place = data.draw(st.sampled_from(list(places(said))))
        status = data.draw(st.sampled_from([status, status, status, 200, 400, 404, 429, 503]))
        answers = [*true[:which], (status, put(said, place, data.draw(JSON))), *true[which + 1 :]]
        outcome = upstream.asked(answers, ask)
        assert isinstance(outcome, (*outcomes, UpstreamError)), outcome

    run()


class TestAnAnswerInWhichOneThingIsAnother:
    def test_to_an_order(self, upstream, ordered):
        withstands(upstream, lambda adapter: adapter.submit(ordered), (Accepted, Finished))

    def test_to_whether_a_job_is_done(self, upstream, done):
        withstands(upstream, lambda adapter: adapter.poll(done), (Running, Finished, Failed))

    def test_to_whether_many_are(self, kind, upstream, done):
        if kind.ALONE or not issubclass(adapter_class(upstream.vendor), Batched):
            pytest.skip("it tells of one job in a call")
        withstands(upstream, lambda adapter: adapter.poll_many([done]), (Mapping,))

    def test_to_whether_it_can_be_used(self, upstream):
        withstands(upstream, lambda adapter: adapter.check(), (type(None), Balance))


def places(said: Any, path: tuple = ()) -> Iterator[tuple]:
    """The way to each place in it, the whole first."""
    yield path
    below = said.items() if isinstance(said, dict) else enumerate(said) if isinstance(said, list) else ()
    for step, value in below:
        yield from places(value, (*path, step))


def put(said: Any, place: tuple, value: Any) -> Any:
    """A copy with the value in this place."""
    if not place:
        return value
    copy = said.copy()
    copy[place[0]] = put(said[place[0]], place[1:], value)
    return copy
