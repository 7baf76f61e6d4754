import logging
from datetime import timedelta

import pytest

from providers import breakers, credentials, directory, health, registry
from providers.breaker import Call
from providers.errors import Unauthenticated
from providers.models import HealthChange, HealthHour, Provider
from tests.upstreams import Plasma, answer, hang
from tests.upstreams.runway import Runway


@pytest.fixture(autouse=True)
def adapters(settings):
    settings.ADAPTERS = ["tests.upstreams.plasma_adapter"]


@pytest.fixture
def upstream():
    with Plasma() as simulator:
        yield simulator


@pytest.fixture
def plasma(make_provider, upstream, now):
    provider = make_provider("plasma", adapter="plasma_adapter", base_url=upstream.url)
    credentials.rotate(provider, {"key": upstream.KEY}, now=now)
    return provider


@pytest.fixture
def check(now):
    """Run the checks once; returns how many there were."""
    return lambda **more: health.run_once(clock=lambda: now, **more)


def seen(provider):
    provider.refresh_from_db()
    return provider.is_healthy, provider.health_note


class TestAProviderThatAnswers:
    def test_is_healthy_and_nothing_was_bought(self, plasma, upstream, check, now):
        Provider.objects.update(is_healthy=False, failed_checks=40, failing_since=now, health_note="was down")
        assert check() == 1
        assert seen(plasma) == (True, "")
        assert (plasma.checked_at, plasma.failed_checks, plasma.failing_since) == (now, 0, None)
        assert upstream.bought == 0

    def test_is_asked_with_its_newest_credentials(self, plasma, upstream, check, now):
        credentials.rotate(plasma, {"key": "revoked"}, now=now)
        directory.forget()
        check()
        note = seen(plasma)[1]
        assert note
        assert "revoked" not in note


class TestFailuresInARow:
    @pytest.fixture
    def fails(self, upstream, clock):
        """Fail one check, a minute after the one before."""

        def once():
            upstream.will(answer(503), at="check")
            clock.move(minutes=1)
            health.run_once(clock=clock)

        return once

    def test_make_a_provider_unhealthy_at_the_third(self, plasma, fails):
        verdicts = []
        for _ in range(4):
            fails()
            verdicts.append(seen(plasma)[0])
        assert verdicts == [True, True, False, False]

    def test_are_counted_and_tell_since_when_and_why(self, plasma, fails, clock):
        began = clock() + timedelta(minutes=1)
        for _ in range(3):
            fails()
        assert seen(plasma)[1]
        assert (plasma.failed_checks, plasma.failing_since, plasma.checked_at) == (3, began, clock())

    def test_end_with_one_success(self, plasma, fails, clock):
        fails()
        fails()
        health.run_once(clock=clock)
        fails()
        assert seen(plasma)[0]
        assert (plasma.failed_checks, plasma.failing_since) == (1, clock())

    @pytest.mark.parametrize(("failing", "counted"), [(2, 1), (1, 0)])
    def test_of_two_processes_at_once_only_what_is_written_first_counts(self, plasma, upstream, clock, failing, counted):
        upstream.will(answer(503), times=failing, at="check")
        another = iter([lambda: health.run_once(clock=clock)])

        def while_another_checks():
            next(another, lambda: None)()
            return clock()

        health.run_once(clock=while_another_checks)
        plasma.refresh_from_db()
        assert (plasma.failed_checks, upstream.requests["check"]) == (counted, 2)


class TestAProviderThatCannotBeUsed:
    def test_is_noted_with_the_reason(self, plasma, upstream, check):
        upstream.will(answer(503), at="check")
        check()
        assert seen(plasma)[1]

    def test_is_noted_when_nobody_listens(self, make_provider, check, now):
        provider = make_provider("gone", adapter="plasma_adapter", base_url="http://127.0.0.1:1")
        credentials.rotate(provider, {"key": "s3cret"}, now=now)
        check()
        assert seen(provider) == (True, "The upstream could not be reached: the connection was refused.")

    def test_is_given_up_after_a_while(self, plasma, upstream, check):
        upstream.will(hang(), at="check")
        check(timeout_s=0.2)
        assert seen(plasma) == (True, "It gave no answer within 0.2 s.")

    def test_is_noted_when_its_credentials_cannot_be_opened(self, plasma, check):
        plasma.credentials.all().delete()
        check()
        assert seen(plasma) == (True, f"provider {plasma.id} has no credentials of version 1")

    def test_is_noted_when_its_adapter_is_gone(self, plasma, check, settings):
        settings.ADAPTERS = []
        check()
        healthy, note = seen(plasma)
        assert healthy
        assert note.startswith(f"there is no adapter 'plasma_adapter'; there are {registry.names()[0]}, ")

    def test_through_a_bug_of_its_adapter_is_recorded_without_a_secret(self, plasma, make_provider, check, caplog):
        broken = make_provider("broken", adapter="plasma_adapter", base_url="http://127.0.0.1:1")  # has no key, which its adapter needs
        with caplog.at_level(logging.ERROR):
            assert check() == 2
        assert seen(broken) == (True, "The check itself failed: KeyError.")
        assert "The check of provider broken failed" in caplog.text

    def test_does_not_keep_the_others_unchecked(self, plasma, upstream, make_provider, check):
        make_provider("broken", adapter="smoke")
        assert check() == 2
        assert seen(plasma) == (True, "")


class TestWhatIsLeftThere:
    @pytest.fixture
    def runway(self, make_provider, now):
        with Runway(credits_left=100) as simulator:
            provider = make_provider("runway", adapter="runway", base_url=simulator.url)
            credentials.rotate(provider, simulator.credentials, now=now)
            provider.simulator = simulator
            yield provider

    def spends(self, provider, now, a_day):
        HealthHour.objects.create(provider=provider, model="runway/gen4.5", door="poll", hour=now - timedelta(days=1), cost=a_day)

    def test_is_kept_with_its_time_and_with_the_days_that_it_will_do(self, runway, check, now):
        self.spends(runway, now, 20.0)
        check()
        runway.refresh_from_db()
        assert (runway.balance, runway.balance_unit, runway.balance_days, runway.balance_at) == (100, "credits", 5.0, now)

    def test_will_do_for_nobody_knows_how_long_where_costs_are_not_told(self, runway, check):
        check()
        runway.refresh_from_db()
        assert (runway.balance, runway.balance_days) == (100, None)

    def test_that_will_do_for_few_days_is_told_once_and_so_is_that_it_was_paid(self, runway, clock, caplog):
        self.spends(runway, clock(), 50.0)
        for left in (150, 149, 20, 1000):
            runway.simulator.credits_left = left
            clock.move(seconds=1)
            health.run_once(clock=clock)
        found = HealthChange.objects.order_by("id").values_list("what", "state", "note")
        assert list(found) == [("balance", "low", "149 credits are left."), ("balance", "enough", "1000 credits are left.")]
        assert [(one.levelname, one.state) for one in caplog.records if getattr(one, "what", "") == "balance"] == [
            ("ERROR", "low"),
            ("WARNING", "enough"),
        ]

    def test_stays_known_while_it_is_not_told(self, runway, check, now):
        check()
        runway.simulator.will(answer(503), at="check")
        check()
        runway.refresh_from_db()
        assert (runway.balance, runway.health_note != "") == (100, True)


class TestACheckNow:
    @pytest.fixture
    def shut(self, plasma, now):
        breakers.heard(plasma.id, "submit", [Call(Unauthenticated(), now)], now=now)
        return plasma

    def test_that_goes_well_lets_a_probe_through(self, shut, now):
        assert breakers.room(shut.id, now) == 0
        assert health.check_now(shut.id, clock=lambda: now) == ""
        assert breakers.room(shut.id, now) == 1

    def test_that_fails_says_why_and_lets_nothing_through(self, shut, upstream, now):
        upstream.will(answer(503), at="check")
        assert health.check_now(shut.id, clock=lambda: now)
        assert breakers.room(shut.id, now) == 0

    def test_asks_a_disabled_provider_too_and_no_other(self, plasma, make_provider, now):
        other = make_provider("other", adapter="plasma_adapter")
        Provider.objects.update(is_enabled=False)
        assert health.check_now(plasma.id, clock=lambda: now) == ""
        other.refresh_from_db()
        assert other.checked_at is None


class TestAChange:
    def test_leaves_a_row(self, plasma, upstream, clock):
        upstream.will(answer(503), at="check", times=3)
        for _ in range(4):
            clock.move(minutes=1)
            health.run_once(clock=clock)
        assert list(HealthChange.objects.order_by("id").values_list("what", "state")) == [("check", "failing"), ("check", "healthy")]


class TestADisabledProvider:
    def test_is_left_alone(self, plasma, check):
        Provider.objects.update(is_enabled=False, is_healthy=False, health_note="was down")
        assert check() == 0
        assert seen(plasma) == (False, "was down")
