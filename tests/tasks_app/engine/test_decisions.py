"""What happens next, settled on paper."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from providers import metering
from providers.errors import (
    GenerationFailed,
    Interrupted,
    Invalid,
    Moderated,
    NotFound,
    NotSent,
    OutcomeUnknown,
    QuotaExceeded,
    RateLimited,
    Retired,
    Unauthenticated,
    Unavailable,
)
from providers.outcomes import Accepted, Facts, Failed, Finished, Found, Running
from tasks_app.engine.decisions import (
    MOST_RUNS,
    Move,
    Snapshot,
    Stay,
    Stopped,
    Stored,
    StoredOutput,
    Trace,
    after_lost_claims,
    after_poll,
    after_store,
    after_submit,
    backoff,
    heard_again,
    jitter,
    stop_wanted,
    weighed,
)

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
HONEST = Facts(kinds=frozenset({"video.generate"}), recovery=frozenset({"replays"}), cancel="free")
DEAF = Facts(kinds=frozenset({"video.generate"}))
CALLS = replace(DEAF, recovery=frozenset({"callback"}), calls_within=timedelta(minutes=20))
LISTED = replace(DEAF, recovery=frozenset({"lists"}))
NOT_ACCEPTED = [NotSent(), RateLimited(), Unavailable(), Unauthenticated(), QuotaExceeded(), Retired()]
PICTURE = StoredOutput(type="image", content_type="image/png", bytes=10, sha256="0" * 64, key="outputs/x/0")


def task(**changes) -> Snapshot:
    row = {
        "id": UUID(int=7),
        "status": "submitting",
        "provider_id": 3,
        "tries": 0,
        "lost_claims": 0,
        "expected_outputs": 1,
        "hold": 10,
        "created_at": NOW,
        "deadline_at": NOW + HOUR,
        "unseen_since": None,
        "cancel_requested": False,
    }
    return Snapshot(**row | changes)


def named(error) -> str:
    return type(error).__name__


class TestAfterASubmit:
    def test_an_accepted_job_is_polled_when_its_upstream_says(self):
        move = after_submit(task(), Accepted({"id": 1}), HONEST, NOW)
        assert (move.status, move.due_at, move.handle) == ("running", NOW + HONEST.first_poll, {"id": 1})

    def test_an_accepted_job_whose_client_canceled_is_polled_at_once(self):
        assert after_submit(task(cancel_requested=True), Accepted({}), HONEST, NOW).due_at == NOW

    def test_a_job_that_was_found_later_is_polled_as_if_it_had_been_heard_of_at_once(self):
        sent = Trace(NOW - timedelta(seconds=3))
        assert after_submit(task(), Accepted({}), HONEST, NOW, trace=sent).due_at == NOW + HONEST.first_poll - timedelta(seconds=3)
        assert after_submit(task(), Accepted({}), HONEST, NOW, trace=Trace(NOW - HOUR)).due_at == NOW

    def test_a_job_that_its_upstream_has_called_about_is_polled_at_once(self):
        assert after_submit(task(), Accepted({}), HONEST, NOW, trace=Trace(NOW, called=True)).due_at == NOW

    def test_a_job_that_is_finished_already_is_stored(self):
        assert after_submit(task(), Finished((Found("https://x/1"),)), DEAF, NOW).status == "storing"

    def test_finished_without_a_result_is_no_success(self):
        move = after_submit(task(), Finished(()), DEAF, NOW)
        assert (move.status, move.error.code) == ("failed", "no_output")

    @pytest.mark.parametrize("error", [Invalid("no", field="size"), Moderated()], ids=named)
    def test_a_refusal_is_final(self, error):
        move = after_submit(task(), error, HONEST, NOW)
        assert (move.status, move.error, move.captured, move.flag) == ("failed", error, 0, False)

    @pytest.mark.parametrize("error", NOT_ACCEPTED, ids=named)
    def test_what_was_not_accepted_waits_and_tries_elsewhere(self, error):
        move = after_submit(task(), error, DEAF, NOW)
        assert (move.status, move.avoid, move.tries) == ("queued", 3, 1)
        assert NOW < move.due_at < NOW + timedelta(seconds=2)

    def test_a_busy_upstream_that_names_a_time_is_left_alone_until_then(self):
        assert after_submit(task(), RateLimited(retry_after=90), DEAF, NOW).due_at == NOW + timedelta(seconds=90)

    def test_no_time_left_to_try_again_is_expiry(self):
        assert after_submit(task(), RateLimited(retry_after=86400), DEAF, NOW).status == "expired"

    def test_what_was_not_accepted_after_a_cancel_is_canceled(self):
        assert after_submit(task(cancel_requested=True), RateLimited(), DEAF, NOW).status == "canceled"

    def test_an_unknown_outcome_is_asked_about_where_that_is_safe(self):
        stay = after_submit(task(), OutcomeUnknown(), HONEST, NOW)
        assert isinstance(stay, Stay)
        assert stay.tries == 1

    def test_an_unknown_outcome_is_never_sent_again_where_it_is_not(self):
        move = after_submit(task(), OutcomeUnknown(), DEAF, NOW)
        assert (move.status, move.error.code, move.flag, move.captured) == ("failed", "submission_outcome_unknown", True, 0)

    def test_asking_ends_at_the_deadline(self):
        assert after_submit(task(), OutcomeUnknown(), HONEST, NOW + HOUR).status == "failed"

    def test_a_lookup_that_finds_nothing_queues_the_task_again(self):
        move = after_submit(task(), None, HONEST, NOW)
        assert (move.status, move.avoid) == ("queued", None)


class TestWaitingForACallback:
    """The outcome is unknown, and the upstream can only call."""

    def after(self, minutes: float, facts=CALLS, trace=None, **changes):
        return after_submit(task(**changes), OutcomeUnknown(), facts, NOW + timedelta(minutes=minutes), trace=trace or Trace(NOW))

    def test_the_row_sleeps_until_the_last_moment_at_which_it_may_come(self):
        assert self.after(1) == Stay(due_at=NOW + timedelta(minutes=20), tries=1)

    def test_what_it_named_is_looked_at_again_and_again_until_then(self):
        hinted = Trace(NOW, called=True, hint={"id": 1})
        waits = self.after(1, trace=hinted).due_at - (NOW + timedelta(minutes=1))
        assert waits < timedelta(seconds=2)
        assert self.after(19, trace=hinted, tries=9).due_at == NOW + timedelta(minutes=20)

    def test_no_callback_in_time_leaves_it_unknown(self):
        move = self.after(20)
        assert (move.status, move.error.code, move.flag) == ("failed", "submission_outcome_unknown", True)

    def test_it_is_not_waited_for_past_the_deadline(self):
        soon = NOW + timedelta(minutes=5)
        assert self.after(1, deadline_at=soon).due_at == soon
        assert self.after(5, deadline_at=soon).status == "failed"

    def test_an_upstream_that_can_be_asked_as_well_is_asked_and_not_waited_for(self):
        both = replace(CALLS, recovery=frozenset({"callback", "lists"}))
        assert self.after(1, facts=both).due_at < NOW + timedelta(minutes=1, seconds=2)
        assert isinstance(self.after(30, facts=both), Stay)


class TestAnOutcomeInTheLightOfItsRecord:
    RECORDED = Trace(NOW, accepted=Accepted({"id": 1}))

    @pytest.mark.parametrize("outcome", [*NOT_ACCEPTED, OutcomeUnknown(), Invalid(), None], ids=named)
    def test_an_accept_that_another_worker_recorded_counts(self, outcome):
        assert weighed(outcome, self.RECORDED) == Accepted({"id": 1})

    @pytest.mark.parametrize("outcome", [Accepted({"id": 2}), Finished(())], ids=named)
    def test_an_answer_of_its_own_counts_more(self, outcome):
        assert weighed(outcome, self.RECORDED) is outcome

    @pytest.mark.parametrize("outcome", [*NOT_ACCEPTED, None], ids=named)
    def test_what_its_upstream_called_about_was_not_surely_not_bought(self, outcome):
        assert isinstance(weighed(outcome, Trace(NOW, called=True)), OutcomeUnknown)

    def test_a_refusal_stands_whoever_called(self):
        refused = Invalid()
        assert weighed(refused, Trace(NOW, called=True)) is refused


class TestHearingAgainOfASubmit:
    @pytest.mark.parametrize("error", [*NOT_ACCEPTED, NotFound(), OutcomeUnknown(), GenerationFailed()], ids=named)
    @pytest.mark.parametrize("facts", [HONEST, LISTED], ids=["by token", "by list"])
    def test_that_it_could_not_be_asked_says_nothing_of_the_first_time(self, error, facts):
        assert isinstance(heard_again(error, facts, Trace(NOW), NOW), OutcomeUnknown)

    def test_the_time_that_a_busy_upstream_names_is_kept(self):
        assert heard_again(RateLimited(retry_after=90), HONEST, Trace(NOW), NOW).retry_after == 90

    @pytest.mark.parametrize("outcome", [Accepted({}), Finished((Found("https://x/1"),)), None], ids=["accepted", "finished", "nothing"])
    def test_an_answer_is_an_answer(self, outcome):
        assert heard_again(outcome, HONEST, Trace(NOW), NOW) is outcome

    @pytest.mark.parametrize(("later_s", "is_believed"), [(0, False), (89, False), (90, True)])
    def test_that_no_job_is_known_proves_nothing_before_one_would_be_shown(self, later_s, is_believed):
        facts = replace(DEAF, recovery=frozenset({"looks_up"}), shows_within=timedelta(seconds=90))
        heard = heard_again(None, facts, Trace(NOW), NOW + timedelta(seconds=later_s))
        assert heard is None if is_believed else isinstance(heard, OutcomeUnknown)

    def test_a_refusal_counts_only_where_the_token_would_have_been_known(self):
        assert isinstance(heard_again(Moderated(), HONEST, Trace(NOW), NOW), Moderated)
        assert isinstance(heard_again(Moderated(), replace(DEAF, recovery=frozenset({"rejects"})), Trace(NOW), NOW), OutcomeUnknown)


class TestAfterAPoll:
    def test_a_running_job_is_asked_about_at_its_pace(self):
        stay = after_poll(task(status="running"), Running(0.4), HONEST, NOW)
        assert stay.progress == 0.4
        assert HONEST.pace * 0.8 <= stay.due_at - NOW <= HONEST.pace * 1.2 + timedelta(seconds=0.1)

    def test_an_old_job_is_asked_about_less_often(self):
        old = task(status="running", created_at=NOW - HOUR)
        assert after_poll(old, Running(), HONEST, NOW).due_at - NOW > HONEST.pace * 3

    @pytest.mark.parametrize(("typical_s", "wait_s"), [(5, 0), (500, 10), (86_400, 30)])
    def test_a_job_that_takes_long_is_asked_about_less_often_within_reason(self, typical_s, wait_s):
        stay = after_poll(task(status="running"), Running(), HONEST, NOW, typical=timedelta(seconds=typical_s))
        wait = max(HONEST.pace, timedelta(seconds=wait_s))
        assert wait * 0.8 <= stay.due_at - NOW <= wait * 1.2 + timedelta(seconds=0.1)

    def test_jobs_that_one_call_tells_of_fall_due_together(self):
        batch, pace = replace(HONEST, batch=20), HONEST.pace
        moments = [NOW + pace * part / 10 for part in range(10)]
        due = [after_poll(task(status="running"), Running(), batch, moment).due_at for moment in moments]
        assert len(set(due)) == 2
        assert all(pace / 2 <= at - moment <= pace * 1.5 for at, moment in zip(due, moments, strict=True))

    def test_a_finished_job_is_stored_even_after_its_deadline(self):
        assert after_poll(task(), Finished((Found("https://x/1"),)), HONEST, NOW + 2 * HOUR).status == "storing"

    def test_the_upstreams_verdict_is_final(self):
        assert after_poll(task(), Failed(GenerationFailed("broken")), HONEST, NOW).error.message == "broken"

    @pytest.mark.parametrize("error", [*NOT_ACCEPTED, OutcomeUnknown()], ids=named)
    def test_no_answer_is_no_verdict(self, error):
        assert isinstance(after_poll(task(), error, HONEST, NOW), Stay)

    def test_one_404_is_no_verdict(self):
        stay = after_poll(task(), NotFound(), HONEST, NOW)
        assert (stay.unseen_since, stay.tries) == (NOW, 1)

    def test_three_404s_over_two_minutes_are(self):
        gone = task(tries=2, unseen_since=NOW - timedelta(minutes=2))
        assert after_poll(gone, NotFound(), HONEST, NOW).status == "failed"

    @pytest.mark.parametrize(("tries", "minutes"), [(1, 9), (9, 1)])
    def test_fewer_or_quicker_ones_are_not(self, tries, minutes):
        seen_lately = task(tries=tries, unseen_since=NOW - timedelta(minutes=minutes))
        assert isinstance(after_poll(seen_lately, NotFound(), HONEST, NOW), Stay)

    def test_another_fault_in_between_starts_the_count_anew(self):
        assert after_poll(task(tries=2, unseen_since=NOW), Unavailable(), HONEST, NOW).unseen_since is None

    def test_a_job_that_runs_past_its_deadline_expires(self):
        assert after_poll(task(), Running(), DEAF, NOW + HOUR).status == "expired"

    def test_no_poll_is_planned_after_the_deadline(self):
        late = NOW + HOUR - timedelta(seconds=1)
        assert after_poll(task(), Running(), HONEST, late).due_at <= NOW + HOUR + timedelta(seconds=0.1)

    def test_a_job_stopped_for_its_client_is_canceled_and_costs_nothing(self):
        move = after_poll(task(cancel_requested=True), Stopped(free=True), HONEST, NOW)
        assert (move.status, move.captured, move.error) == ("canceled", 0, None)

    def test_a_stop_that_is_billed_is_captured(self):
        assert after_poll(task(cancel_requested=True), Stopped(free=False), HONEST, NOW).captured == 10

    def test_a_job_stopped_for_its_deadline_expires(self):
        assert after_poll(task(), Stopped(free=True), HONEST, NOW + HOUR).status == "expired"


class TestAJobThatWasInterrupted:
    """Lost or cut off by an upstream of which a second job does no harm."""

    def polled(self, error=None, *, now=NOW, runs_before=0, **changes):
        return after_poll(task(status="running", **changes), Failed(error or Interrupted()), HONEST, now, runs_before=runs_before)

    def test_is_begun_anew_a_moment_later_elsewhere_where_that_can_be(self):
        move = self.polled()
        assert (move.status, move.avoid) == ("queued", 3)
        assert NOW < move.due_at < NOW + timedelta(seconds=2)

    def test_is_begun_anew_whether_it_was_polled_or_waited_for(self):
        assert after_submit(task(), Interrupted(), HONEST, NOW).status == "queued"

    @pytest.mark.parametrize(("runs_before", "status"), [(MOST_RUNS - 2, "queued"), (MOST_RUNS - 1, "failed")])
    def test_is_begun_anew_a_few_times_only(self, runs_before, status):
        assert self.polled(runs_before=runs_before).status == status
        assert after_submit(task(), Interrupted(), HONEST, NOW, runs_before=runs_before).status == status

    def test_the_last_time_is_a_failure_like_others(self):
        move = self.polled(runs_before=MOST_RUNS - 1)
        assert (move.error.code, move.error.retryable, move.captured, move.flag) == ("generation_failed", True, 0, False)

    @pytest.mark.parametrize("runs_before", [0, MOST_RUNS - 1])
    def test_is_not_begun_anew_for_a_client_who_said_stop(self, runs_before):
        move = self.polled(cancel_requested=True, runs_before=runs_before)
        assert (move.status, move.captured, move.error) == ("canceled", 0, None)

    def test_is_not_begun_anew_when_there_is_no_time_left(self):
        assert self.polled(now=NOW + HOUR).status == "expired"

    @pytest.mark.parametrize("error", [GenerationFailed(), Invalid("no"), Moderated()], ids=named)
    def test_is_no_job_whose_end_the_upstream_tells(self, error):
        assert self.polled(error).status == "failed"


class TestAJobThatGoesOnWithoutItsTask:
    @pytest.mark.parametrize("outcome", [Running(), Unavailable(), NotFound()], ids=named)
    def test_is_one_that_runs_past_the_deadline(self, outcome):
        assert after_poll(task(status="running"), outcome, DEAF, NOW + HOUR).job_goes_on

    def test_is_one_that_its_upstream_says_it_never_saw(self):
        assert after_poll(task(tries=2, unseen_since=NOW - timedelta(minutes=2)), NotFound(), DEAF, NOW).job_goes_on

    def test_is_one_that_may_have_been_bought(self):
        assert after_submit(task(), OutcomeUnknown(), DEAF, NOW).job_goes_on

    @pytest.mark.parametrize("outcome", [Stopped(free=True), Stopped(free=False), Failed(GenerationFailed())], ids=named)
    def test_is_none_that_ended_there(self, outcome):
        assert not after_poll(task(cancel_requested=True), outcome, HONEST, NOW + HOUR).job_goes_on

    @pytest.mark.parametrize("outcome", [None, *NOT_ACCEPTED, Invalid()], ids=named)
    def test_is_none_that_was_never_bought(self, outcome):
        assert not after_submit(task(deadline_at=NOW), outcome, HONEST, NOW).job_goes_on


class TestNoTaskSleepsPastItsDeadline:
    """Its client was told when it ends at the latest, whatever the upstream would like."""

    SOON = NOW + timedelta(seconds=9)

    @pytest.mark.parametrize(
        ("after", "outcome"),
        [
            (after_submit, Accepted({})),
            (after_submit, OutcomeUnknown(retry_after=86400)),
            (after_poll, NotFound(retry_after=86400)),
            (after_poll, RateLimited(retry_after=86400)),
            (after_poll, Running()),
        ],
    )
    def test_each_is_due_at_the_deadline_again(self, after, outcome):
        slow = replace(HONEST, first_poll=HOUR, pace=HOUR)
        decision = after(task(deadline_at=self.SOON), outcome, slow, NOW)
        assert decision.due_at - self.SOON <= timedelta(seconds=0.1)


class TestAfterStoring:
    def store(self, outcome, lives_for=HOUR, **changes):
        return after_store(task(status="storing", **changes), outcome, NOW + lives_for, NOW)

    def test_all_outputs_capture_the_whole_hold(self):
        move = self.store(Stored((PICTURE,)))
        assert (move.status, move.captured, move.warnings) == ("succeeded", 10, ())

    def test_fewer_outputs_than_asked_capture_their_share_and_say_so(self):
        move = self.store(Stored((PICTURE, PICTURE)), expected_outputs=4)
        assert (move.status, move.captured, move.warnings) == ("succeeded", 5, ("2 of 4 outputs were made.",))

    def test_more_outputs_than_asked_capture_no_more_than_the_hold(self):
        assert self.store(Stored((PICTURE, PICTURE))).captured == 10

    @pytest.mark.parametrize(("tokens", "outputs", "captured"), [(3, 1, 3), (9, 1, 5), (9, 2, 9), (10, 2, 10)])
    def test_a_price_by_usage_captures_what_was_used_but_never_more_than_the_outputs_share(self, tokens, outputs, captured):
        terms = metering.Terms("tokens", {"tokens": 10})
        move = self.store(Stored((PICTURE,) * outputs), expected_outputs=2, terms=terms, usage={"tokens": tokens})
        assert (move.captured, move.doubts, move.flag) == (captured, (), False)

    def test_usage_that_was_not_told_captures_the_hold_and_is_for_the_operator_to_look_at(self):
        move = self.store(Stored((PICTURE,)), terms=metering.Terms("tokens", {"tokens": 10}))
        assert (move.status, move.captured, move.flag, len(move.doubts)) == ("succeeded", 10, True, 1)

    def test_a_passing_fault_is_tried_again_while_the_result_lives(self):
        assert isinstance(self.store(Unavailable()), Stay)

    @pytest.mark.parametrize("outcome", [Invalid("404"), Unavailable()], ids=named)
    def test_a_result_that_is_gone_is_lost_and_never_bought_again(self, outcome):
        move = self.store(outcome, lives_for=timedelta(0))
        assert (move.status, move.error.code, move.flag, move.captured) == ("failed", "result_lost", True, 0)


class TestLostWorkers:
    @pytest.mark.parametrize(("lost", "status"), [(0, None), (2, None), (3, "failed")])
    def test_the_third_lost_worker_quarantines_the_task(self, lost, status):
        move = after_lost_claims(task(lost_claims=lost))
        assert (move and move.status) == status


class TestStopping:
    @pytest.mark.parametrize(
        ("cancel", "requested", "late", "wanted"),
        [
            ("free", False, False, False),
            ("free", True, False, True),
            ("free", False, True, True),
            ("billed", True, False, True),
            ("billed", False, True, False),  # paying for a stop does not help anyone
            ("unsupported", True, True, False),
        ],
    )
    def test_a_job_is_stopped_when_that_helps(self, cancel, requested, late, wanted):
        facts = Facts(kinds=frozenset(), cancel=cancel)
        assert stop_wanted(task(cancel_requested=requested), facts, NOW + HOUR if late else NOW) is wanted


class TestBackOff:
    def test_it_doubles_up_to_five_minutes(self):
        waits = [backoff(task(tries=tries), None) / jitter(UUID(int=7), tries) for tries in range(12)]
        assert [round(wait.total_seconds()) for wait in waits] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]

    def test_tasks_that_failed_together_do_not_come_back_together(self):
        factors = [jitter(UUID(int=id), 1) for id in range(1000)]
        assert 0.8 <= min(factors) < 0.82
        assert 1.18 < max(factors) <= 1.2
        assert len(set(factors)) > 500


def test_every_move_is_in_the_table_of_transitions():
    from tasks_app.engine.lifecycle import TRANSITIONS

    outcomes = [Accepted({}), Finished((Found("x"),)), *NOT_ACCEPTED, OutcomeUnknown(), Invalid(), None]
    moves = [
        after_submit(task(cancel_requested=c), outcome, facts, NOW) for outcome in outcomes for facts in (HONEST, DEAF) for c in (0, 1)
    ]
    assert {move.status for move in moves if isinstance(move, Move)} <= TRANSITIONS["submitting"]
