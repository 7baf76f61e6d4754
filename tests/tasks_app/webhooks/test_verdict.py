"""What a call led to, on paper."""

from datetime import timedelta
from uuid import UUID

import pytest

from tasks_app import ids
from tasks_app.webhooks.verdict import DEAF_FOR, JITTER, RETRIES, TRIES, Answered, Snapshot, Unanswered, after_call, jitter
from tests.cast import START

SILENT = Unanswered("no_answer", "It did not answer.")


def delivery(tries=1, **more) -> Snapshot:
    return Snapshot(UUID(int=7), tries, **more)


def after(outcome, **more):
    return after_call(delivery(**more), outcome, START)


class TestSuccess:
    @pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
    def test_is_any_2xx_and_needs_no_reason(self, status):
        assert (after(Answered(status)).status, after(Answered(status)).reason) == ("delivered", "")

    def test_counts_at_the_last_try_as_well(self):
        assert after(Answered(204), tries=TRIES).status == "delivered"


class TestFailure:
    @pytest.mark.parametrize(
        ("outcome", "reason"),
        [
            *((Answered(status), "refused") for status in (100, 199, 400, 401, 404, 429, 500, 503)),
            *((Answered(status), "redirected") for status in (300, 301, 302, 303, 304, 307, 308)),
            (Answered(410), "gone"),
            (SILENT, "no_answer"),
            (Unanswered("unreachable", "."), "unreachable"),
            (Unanswered("not_allowed", "."), "not_allowed"),
        ],
    )
    def test_is_said_in_one_word(self, outcome, reason):
        assert after(outcome).reason == reason

    def test_says_where_a_redirect_would_have_led(self):
        said = after(Answered(302, location="https://elsewhere.example/hooks"))
        assert "302" in said.message
        assert "https://elsewhere.example/hooks" in said.message

    def test_has_a_message_that_fits_its_column_whatever_a_server_says(self):
        assert len(after(Answered(302, location="x" * 9000)).message) <= 300


class TestTheSchedule:
    def test_is_10_s_30_s_2_m_10_m_1_h_6_h_and_24_h(self):
        assert [wait.total_seconds() for wait in RETRIES] == [10, 30, 120, 600, 3600, 21_600, 86_400]

    @pytest.mark.parametrize("tries", range(1, TRIES))
    def test_is_kept_within_its_jitter(self, tries):
        wait = after(SILENT, tries=tries).due_at - START
        assert (1 - JITTER) * RETRIES[tries - 1] <= wait <= (1 + JITTER) * RETRIES[tries - 1]

    def test_ends_after_the_eighth_try(self):
        assert [after(SILENT, tries=tries).status for tries in (TRIES - 1, TRIES)] == ["pending", "failed"]

    def test_spreads_what_failed_together_and_is_the_same_when_asked_again(self):
        factors = [jitter(id, 1) for id in (ids.new() for _ in range(500))]
        assert 1 - JITTER <= min(factors) < 1 - JITTER / 2 < 1 + JITTER / 2 < max(factors) <= 1 + JITTER
        assert jitter(UUID(int=7), 1) == jitter(UUID(int=7), 1)

    def test_waits_longer_where_the_server_named_a_time_but_not_for_ever(self):
        assert after(Answered(503, retry_after=100)).due_at == START + timedelta(seconds=100)
        assert after(Answered(429, retry_after=10**8)).due_at == START + timedelta(hours=24)

    def test_is_not_hurried_by_a_server(self):
        assert after(Answered(503, retry_after=1), tries=5).due_at - START > RETRIES[4] / 2

    def test_ends_at_once_where_trying_again_cannot_help(self):
        assert after(Answered(410)).status == "failed"
        assert after(Unanswered("endpoint_deleted", ".")).status == "failed"


class TestTheEndpoint:
    def test_is_disabled_by_a_410(self):
        assert "410" in after(Answered(410)).disable

    def test_is_disabled_after_five_days_of_nothing_but_failures(self):
        assert after(SILENT, failing_since=START - DEAF_FOR + timedelta(seconds=1)).disable == ""
        assert after(SILENT, failing_since=START - DEAF_FOR).disable == (
            "Every delivery since 2026-02-24 12:00 UTC failed. The last one: It did not answer."
        )

    def test_is_not_disabled_by_its_first_failure(self):
        assert after(SILENT).disable == ""

    def test_is_not_to_blame_for_a_fault_of_ours(self):
        said = after(Unanswered("fault", "Something broke on our side."), failing_since=START - DEAF_FOR)
        assert (said.status, said.disable) == ("pending", "")

    def test_that_is_disabled_gets_one_try_at_a_replay_and_keeps_its_reason(self):
        said = after(Answered(410), is_enabled=False)
        assert (said.status, said.disable) == ("failed", "")
        assert after(SILENT, is_enabled=False).status == "failed"
        assert after(Answered(204), is_enabled=False).status == "delivered"
