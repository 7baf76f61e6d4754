"""What every adapter promises, tried through the whole engine against its vendor's simulator.

    class TestKling(Conformance):
        SIMULATOR, VENDOR, MODEL = Kling, "kling", "kling/3.0"

installs this model of adapters/kling.toml at the simulator's address. What an upstream cannot do by its FACTS is skipped, with the reason.
"""

import asyncio
import json
import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import urlsplit

import pytest
from django.test import Client

from providers import catalogue, credentials, directory, hooks, offers, registry
from providers.adapters import Batched
from providers.errors import NotAccepted, UpstreamError
from providers.http import Http
from providers.installation import install
from providers.models import Provider
from providers.offers import Offer
from providers.outcomes import Callback, Facts
from tasks_app.engine import accept, claims, loop, submit
from tasks_app.engine.accept import Problem
from tasks_app.models import Attempt, Output, Task
from tests.cast import START, HandClock, Member, Road, configure, forget_rows
from tests.upstreams import (
    accept_then,
    answer,
    cut_before_answer,
    cut_mid_json,
    deliver,
    fail,
    finish_without_output,
    garbage,
    overlook,
    refuse,
    result_gone,
    say,
)
from tests.upstreams.simulator import Simulator

# No verdict on a job, whoever says it: a proxy in the way, a key that was withdrawn, a bad day.
NO_VERDICTS = [answer(401), answer(403), answer(429), answer(500), answer(502, code="?"), answer(503), garbage(), cut_mid_json()]
LOST = {"before the answer": cut_before_answer, "within the answer": cut_mid_json, "behind a page of HTML": garbage}


class Conformance:
    SIMULATOR: ClassVar[type[Simulator]]
    VENDOR: ClassVar[str]
    MODEL: ClassVar[str]  # ours
    INPUT: ClassVar[dict[str, Any]] = {"prompt": "a red fox"}
    NO_WORD_FOR: ClassVar[frozenset[str]] = frozenset()  # reasons that its protocol does not tell from others
    AT_ONCE: ClassVar[bool] = False  # its submit waits for the result, and there is nothing to ask about
    INLINE: ClassVar[bool] = False  # its answer carries the result itself, and there is no address that may be gone
    ALONE: ClassVar[bool] = False  # its jobs are asked about one by one, though others of its adapter are not
    SECRETS: ClassVar[tuple[str, ...]] = ()  # names of the credentials to use; none: all that the simulator takes

    # The stage

    @pytest.fixture
    def clock(self) -> HandClock:
        """The door for calls names the real clock, so the road begins now."""
        return HandClock(datetime.now(UTC))

    @pytest.fixture
    def facts(self, settings) -> Facts:
        settings.ADAPTERS = [f"tests.upstreams.{which}_adapter" for which in ("plasma", "grit", "bell")]
        return registry.adapter_class(Provider.objects.get(name=self.VENDOR).adapter).FACTS

    @pytest.fixture(autouse=True)
    def upstream(self, db, settings, tmp_path):
        """The simulator, whose jobs end when a test says so."""
        settings.STORAGE_DIR, settings.HOOKS_URL = tmp_path, "http://127.0.0.1:9"  # nobody listens: tests call themselves
        with self.SIMULATOR(manual=not self.AT_ONCE) as simulator:
            self.configure(simulator, settings)
            forget_rows()
            yield simulator
            loop.start(directory.close()).result(10)

    def configure(self, simulator: Simulator, settings) -> None:
        if self.VENDOR not in offers.names():
            configure(simulator, self.VENDOR, settings)
            return
        settings.EGRESS_ALLOW = [*settings.EGRESS_ALLOW, f"127.0.0.1:{simulator.port}"]
        install(self.offer(), now=START)
        provider = Provider.objects.get(name=self.VENDOR)
        Provider.objects.update(base_url=simulator.url, is_enabled=True, max_jobs=None)
        credentials.rotate(provider, self.secrets(simulator), now=START)

    def offer(self) -> Offer:
        """Of its models the one that is tried: to install all of them anew took a quarter of these tests' time."""
        offer = offers.of(self.VENDOR)
        return replace(offer, models=tuple(one for one in offer.models if one.name == self.MODEL))

    def secrets(self, simulator: Simulator) -> dict[str, str]:
        return {name: secret for name, secret in simulator.credentials.items() if name in self.SECRETS or not self.SECRETS}

    @pytest.fixture
    def orders(self, acme: Member, clock: HandClock):
        """A task of acme's that waits."""
        return lambda **more: accept.one(acme.id, accept.Order(model=self.MODEL, input={**self.INPUT, **more}), now=clock()).task

    @pytest.fixture
    def submits(self, orders, road: Road):
        """A task of acme's, and its first submit."""

        def submitted(**more) -> Task:
            task = orders(**more)
            road.submits()
            return row(task)

        return submitted

    @pytest.fixture
    def ends(self, upstream: Simulator, road: Road):
        """The road to its end, with every job that the upstream has or gets ended."""

        def end(*tasks: Task) -> list[str]:
            upstream.manual = False
            upstream.finish()
            road.runs_dry()
            return [row(task).status for task in tasks]

        return end

    @pytest.fixture
    def can_find(self, facts: Facts) -> None:
        if not facts.can_ask_again:
            pytest.skip(f"{self.VENDOR} cannot be asked about a lost submit: it declares {set(facts.recovery) or 'no recovery'}")

    @pytest.fixture
    def is_asked_about(self) -> None:
        if self.AT_ONCE:
            pytest.skip(f"{self.VENDOR} answers an order with its result")

    @pytest.fixture
    def calls_back(self, facts: Facts) -> None:
        if not facts.calls_back:
            pytest.skip(f"{self.VENDOR} calls nobody: it declares {set(facts.recovery) or 'no recovery'}")

    @pytest.fixture
    def refuses(self, upstream: Simulator):
        """The next submit is refused for this reason, in the vendor's own words."""

        def refused(why: str) -> None:
            if why in self.NO_WORD_FOR:
                pytest.skip(f"{self.VENDOR} has no word for {why}")
            upstream.will(refuse(why))

        return refused

    # A job that goes well

    def test_a_job_is_accepted_once_and_runs(self, upstream, submits, acme):
        task = submits()
        status = "storing" if self.AT_ONCE else "running"
        assert (task.status, upstream.bought, upstream.received.total(), acme.held) == (status, 1, 1, task.hold)
        json.dumps(task.handle)

    def test_its_attempt_carries_our_token(self, upstream, submits, facts):
        if not (facts.recovery & {"replays", "rejects", "looks_up"}):
            pytest.skip(f"{self.VENDOR} takes no token")
        submits()
        assert upstream.received == {Attempt.objects.get().token: 1}

    def test_its_attempt_keeps_what_was_sent_and_answered_without_a_secret(self, upstream, submits):
        task, attempt = submits(), Attempt.objects.get()
        assert attempt.request.startswith(f"POST {upstream.url}/")
        assert self.INPUT["prompt"] in attempt.request
        assert attempt.answer.startswith("HTTP 20")
        address = hooks.address(self.VENDOR, claims.submit_token(task.id, 1))
        secrets = {*self.secrets(upstream).values(), hooks.secret_in(address)}
        assert [secret for secret in secrets if secret in attempt.request + attempt.answer] == []

    @pytest.mark.usefixtures("is_asked_about")
    def test_a_job_that_is_not_over_runs_on(self, upstream, submits, road):
        task = submits()
        for _ in range(5):
            road.moves_to_next_due()
            road.polls()
        assert (row(task).status, upstream.polls.total()) == ("running", 5)
        assert row(task).progress is None or 0 <= row(task).progress <= 1

    @pytest.mark.usefixtures("is_asked_about")
    def test_many_jobs_are_asked_about_in_as_few_calls_as_it_declares(self, upstream, submits, road, facts, ends):
        adapter = registry.adapter_class(Provider.objects.get(name=self.VENDOR).adapter)
        assert isinstance(adapter, Batched) == (facts.batch > 1)
        tasks = [submits() for _ in range(3)]
        road.clock.now = max(row(task).due_at for task in tasks)
        asked = sum(upstream.requests.values())
        road.polls()
        assert sum(upstream.requests.values()) - asked == (1 if facts.batch > 1 and not self.ALONE else 3)
        assert ends(*tasks) == ["succeeded"] * 3

    def test_a_job_that_ends_well_is_stored_and_paid_for(self, upstream, submits, ends, acme):
        task = submits()
        assert ends(task) == ["succeeded"]
        assert (len(files(task)), upstream.bought, acme.held) == (row(task).expected_outputs, 1, 0)
        assert acme.balance == 1000 - task.hold

    def test_what_it_cost_there_is_kept_where_it_is_told(self, submits, ends):
        ends(submits())
        cost = Attempt.objects.get().upstream_cost
        assert cost is None or cost >= 0

    # A job that does not

    @pytest.mark.parametrize(
        ("fate", "code"), [(fail("broken"), "generation_failed"), (fail("moderated"), "moderated"), (finish_without_output(), "no_output")]
    )
    def test_a_job_that_ends_badly_fails_for_that_reason_and_is_free(self, upstream, submits, ends, acme, fate, code):
        upstream.will(fate)
        task = submits()
        assert ends(task) == ["failed"]
        assert (row(task).error_code, row(task).flagged, upstream.bought, acme.balance) == (code, False, 1, 1000)

    def test_fewer_results_than_asked_for_are_what_is_paid(self, upstream, submits, ends, acme):
        if "n" not in catalogue.get(self.MODEL).schema["properties"]:
            pytest.skip(f"{self.MODEL} makes one result")
        upstream.will(deliver(1))
        task = submits(n=2)
        assert ends(task) == ["succeeded"]
        assert (len(files(task)), bool(row(task).warnings), acme.balance) == (1, True, 1000 - task.hold // 2)

    def test_a_result_that_is_gone_is_lost_and_never_made_again(self, upstream, submits, ends, acme):
        if self.INLINE:
            pytest.skip(f"{self.VENDOR} answers with the result itself")
        upstream.will(result_gone())
        task = submits()
        assert ends(task) == ["failed"]
        assert (row(task).error_code, row(task).flagged, upstream.bought, acme.balance) == ("result_lost", True, 1, 1000)

    # A submit that is not taken

    @pytest.mark.parametrize(("why", "code"), [("invalid", "invalid_input"), ("moderated", "moderated")])
    def test_what_is_refused_fails_at_once(self, upstream, refuses, submits, acme, why, code):
        refuses(why)
        task = submits()
        assert (task.status, task.error_code, upstream.received.total(), upstream.bought) == ("failed", code, 1, 0)
        assert (acme.held, acme.balance) == (0, 1000)

    @pytest.mark.parametrize("why", ["busy", "unavailable", "no_money", "unauthenticated", "no_model"])
    def test_what_is_not_taken_waits_and_is_bought_later(self, upstream, refuses, submits, ends, why):
        refuses(why)
        task = submits()
        assert (task.status, upstream.bought, task.flagged) == ("queued", 0, False)
        assert ends(task) == ["succeeded"]
        assert upstream.bought == 1

    @pytest.mark.parametrize(
        ("why", "code"),
        [
            ("busy", "rate_limited"),
            ("unavailable", "unavailable"),
            ("no_money", "quota_exceeded"),
            ("unauthenticated", "unauthenticated"),
            ("no_model", "retired"),
        ],
    )
    def test_the_operator_reads_why(self, refuses, submits, why, code):
        refuses(why)
        submits()
        assert Attempt.objects.get().outcome == code

    def test_a_wrong_key_buys_nothing_and_is_not_told_on(self, upstream, submits, caplog):
        caplog.set_level(logging.DEBUG)
        wrong = dict.fromkeys(self.secrets(upstream), "a-wrong-key-that-nobody-may-read-anywhere")
        credentials.rotate(Provider.objects.get(name=self.VENDOR), wrong, now=START)
        forget_rows()
        task = submits()
        attempt = Attempt.objects.get()
        assert (task.status, attempt.outcome, upstream.bought) == ("queued", "unauthenticated", 0)
        assert "nobody-may-read" not in attempt.message + task.error_message + caplog.text + attempt.request + attempt.answer

    def test_one_that_is_down_is_not_sent_to(self, upstream, submits):
        upstream.stop()
        task = submits()
        assert (task.status, Attempt.objects.get().outcome) == ("queued", "not_sent")

    # A submit whose answer is lost

    @pytest.mark.parametrize("cut", LOST.values(), ids=LOST)
    def test_a_lost_answer_buys_no_second_job(self, upstream, submits, ends, road, cut, facts):
        upstream.will(cut())
        task = submits()
        if not facts.can_ask_again and facts.calls_back:
            rings(upstream)
            road.submits()
        status = ends(task)
        assert upstream.bought == 1
        known = bool(facts.recovery)
        assert status == ["succeeded" if known else "failed"]
        assert (row(task).error_code, row(task).flagged) == (("", False) if known else ("submission_outcome_unknown", True))

    @pytest.mark.usefixtures("can_find")
    def test_one_that_never_arrived_is_bought_once(self, upstream, submits, ends):
        upstream.will(cut_before_answer(accepts=False))
        task = submits()
        assert ends(task) == ["succeeded"]
        assert upstream.bought == 1

    @pytest.mark.usefixtures("can_find")
    def test_a_look_up_that_fails_proves_nothing(self, upstream, submits, ends, facts):
        if "replays" in facts.recovery:
            pytest.skip(f"{self.VENDOR} is sent the same token again")
        upstream.will(cut_before_answer())
        upstream.will(*NO_VERDICTS, at="find")
        task = submits()
        assert ends(task) == ["succeeded"]
        assert (upstream.bought, row(task).attempts) == (1, 1)

    @pytest.mark.usefixtures("can_find")
    def test_a_look_up_that_lags_is_not_believed(self, upstream, submits, ends, facts):
        if "looks_up" not in facts.recovery or "replays" in facts.recovery:
            pytest.skip(f"{self.VENDOR} is not looked up by our token alone")
        upstream.will(cut_before_answer())
        upstream.will(overlook(), at="find", times=3)
        task = submits()
        assert ends(task) == ["succeeded"]
        assert (upstream.bought, row(task).attempts) == (1, 1)

    @pytest.mark.usefixtures("can_find")
    def test_two_of_one_input_find_a_job_each(self, upstream, submits, ends):
        upstream.will(cut_before_answer(), times=2)
        tasks = [submits(), submits()]
        assert ends(*tasks) == ["succeeded", "succeeded"]
        assert (upstream.bought, len({file for task in tasks for file in files(task)})) == (2, 2)  # no two files are alike

    @pytest.mark.usefixtures("can_find")
    def test_one_that_is_found_by_our_token_waits_for_no_twin(self, upstream, orders, submits, road, clock, facts):
        if not facts.recovery & {"replays", "looks_up"}:
            pytest.skip(f"{self.VENDOR} is not asked by our token")
        upstream.will(cut_before_answer())
        task = submits()
        orders()
        submit.take(1, clock)  # and its worker is slow
        clock.move(seconds=2)
        road.submits()
        assert row(task).status == "running"

    # Asking about a job

    @pytest.mark.usefixtures("is_asked_about")
    @pytest.mark.parametrize("order", NO_VERDICTS, ids=str)
    def test_an_answer_that_cannot_be_read_is_no_verdict(self, upstream, submits, ends, order):
        upstream.will(accept_then(order, order))
        task = submits()
        assert ends(task) == ["succeeded"]
        assert upstream.bought == 1

    @pytest.mark.usefixtures("is_asked_about")
    def test_a_status_that_no_table_has_is_running(self, upstream, submits, road, ends):
        upstream.will(accept_then(*2 * [say("dreaming")]))
        task = submits()
        for _ in range(2):
            road.moves_to_next_due()
            road.polls()
        assert row(task).status == "running"
        assert ends(task) == ["succeeded"]

    @pytest.mark.usefixtures("is_asked_about")
    def test_a_job_that_it_does_not_know_for_a_moment_goes_on(self, upstream, submits, ends):
        upstream.will(accept_then(*2 * [refuse("not_found")]))
        assert ends(submits()) == ["succeeded"]

    @pytest.mark.usefixtures("is_asked_about")
    def test_a_job_that_it_does_not_know_any_more_is_given_up(self, upstream, submits, road):
        task = submits()
        upstream.jobs.clear()
        road.runs_dry()
        assert (row(task).error_code, row(task).flagged) == ("not_found", True)

    # Stopping a job

    @pytest.mark.usefixtures("is_asked_about")
    def test_a_job_is_canceled_where_its_upstream_can(self, upstream, submits, road, acme, facts):
        task = submits()
        if facts.cancel == "unsupported":
            with pytest.raises(Problem, match="cannot stop"):
                acme.cancels(task)
            assert row(task).status == "running"
            return
        acme.cancels(task)
        road.runs_dry()
        assert (row(task).status, acme.balance) == ("canceled", 1000 - (task.hold if facts.cancel == "billed" else 0))
        assert [job.is_canceled for job in upstream.jobs.values()] == [True]

    # Being called

    @pytest.mark.usefixtures("calls_back")
    def test_a_call_has_the_job_asked_about(self, upstream, submits, ends):
        task = submits()
        assert rings(upstream).status_code in (200, 204)
        assert task.due_at > row(task).due_at <= datetime.now(UTC)
        assert ends(task) == ["succeeded"]

    @pytest.mark.usefixtures("calls_back")
    def test_a_call_that_comes_before_the_submit_has_landed_counts(self, upstream, orders, road, clock):
        task = orders()
        (taken,) = submit.take(1, clock)
        outcome = road.calls(submit, taken)
        rings(upstream)
        submit.land([(taken, outcome)], clock)
        assert (row(task).status, row(task).due_at) == ("running", clock() + timedelta(seconds=1))

    @pytest.mark.usefixtures("calls_back")
    def test_calls_that_come_twice_change_nothing_more(self, upstream, submits, ends, acme):
        task = submits()
        upstream.finish()
        for _ in range(3):
            rings(upstream)
        assert ends(task) == ["succeeded"]
        assert (upstream.bought, acme.balance) == (1, 1000 - task.hold)

    @pytest.mark.usefixtures("calls_back")
    def test_a_call_that_lies_is_not_believed(self, upstream, submits, road, acme):
        task, other = submits(), submits()
        upstream.finish(list(upstream.jobs)[1])
        mine, others = list(upstream.jobs.values())
        rings(upstream, mine, about=others)
        road.moves_to_next_due()
        road.polls()
        assert (row(task).status, row(task).handle) == ("running", task.handle)
        assert row(other).handle == other.handle

    @pytest.mark.usefixtures("calls_back")
    def test_what_it_says_in_a_call_is_read(self, upstream, submits, facts):
        submits()
        (job,) = upstream.jobs.values()
        hear = registry.adapter_class(Provider.objects.get(name=self.VENDOR).adapter).hear
        heard = hear(Callback({}, json.dumps(upstream.ringing(job)).encode())).handle or {}
        assert heard.items() <= row(Task.objects.get()).handle.items()  # it may name less than was told to us
        for rubbish in (b"", b"[", b"[]", b'"x"', b"7", b'{"id": 7}', b"\xff"):
            assert hear(Callback({}, rubbish)).handle is None

    # Whether it can be used

    def test_a_check_costs_nothing(self, upstream):
        assert checked(self.VENDOR) is None
        assert (upstream.bought, upstream.requests["submit"]) == (0, 0)

    @pytest.mark.parametrize("order", [answer(401), answer(503), refuse("unauthenticated")], ids=str)
    def test_a_check_tells_that_it_cannot_be_used(self, upstream, order):
        upstream.will(order, at="check")
        assert isinstance(checked(self.VENDOR), NotAccepted)


def row(task: Task) -> Task:
    return Task.objects.get(id=task.id)


def files(task: Task) -> list[str]:
    """What was stored for it, by hash."""
    return list(Output.objects.filter(task_id=task.id).values_list("sha256", flat=True))


def rings(upstream: Simulator, job=None, *, about=None):
    """The upstream calls the address of a job (its first), about that job or another."""
    job = job or next(iter(upstream.jobs.values()))
    address = urlsplit(job.address)
    return Client(enforce_csrf_checks=True).post(
        f"{address.path}?{address.query}", upstream.ringing(about or job), content_type="application/json"
    )


def checked(vendor: str) -> UpstreamError | None:
    """What a check of the provider raises."""
    http = Http(vendor)
    (provider,) = (one for one in directory.providers() if one.name == vendor)
    adapter = directory.built(provider, provider.credential_version, http)

    async def go() -> None:
        try:
            await adapter.check()
        finally:
            await http.close()

    try:
        asyncio.run(go())
    except UpstreamError as error:
        return error
    return None
