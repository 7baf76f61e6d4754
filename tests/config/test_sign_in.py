"""Operators who sign in to the admin, and somebody who guesses their passwords."""

import logging
from datetime import timedelta

import pytest
import time_machine
from axes.models import AccessAttempt
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

pytestmark = pytest.mark.django_db

PASSWORD, WRONG = "correct horse battery staple", "hunter2-wrong-guess"


@pytest.fixture(autouse=True)
def olga(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # the real one is slow on purpose
    return User.objects.create_superuser("olga", password=PASSWORD)


def sign_in(password, *, name="olga", address="203.0.113.7", **headers):
    return Client(REMOTE_ADDR=address).post("/admin/login/", {"username": name, "password": password}, headers=headers)


def guess(times, **more):
    return [sign_in(WRONG, **more).status_code for _ in range(times)]


class TestAnOperator:
    def test_signs_in_and_comes_to_the_admin(self):
        answer = sign_in(PASSWORD)
        assert (answer.status_code, answer.url) == (302, "/admin/")

    def test_may_mistype_four_times(self):
        assert guess(4) == [200] * 4
        assert sign_in(PASSWORD).status_code == 302
        assert guess(4) == [200] * 4


class TestTheFifthFailure:
    def test_locks_the_name_and_says_for_how_long(self):
        assert guess(5)[-1] == 429
        answer = sign_in(PASSWORD)
        assert answer.status_code == 429
        assert "try again in 15 minutes" in answer.content.decode()

    def test_locks_it_for_15_minutes_however_often_it_is_tried_meanwhile(self):
        guess(5)
        with time_machine.travel(timezone.now() + timedelta(minutes=14)):
            assert sign_in(PASSWORD).status_code == 429
        with time_machine.travel(timezone.now() + timedelta(minutes=16)):
            assert sign_in(PASSWORD).status_code == 302

    def test_locks_no_other_name_and_no_other_address(self):
        User.objects.create_superuser("oskar", password=PASSWORD)
        guess(5)
        assert sign_in(PASSWORD, name="oskar").status_code == 302
        assert sign_in(PASSWORD, address="198.51.100.1").status_code == 302

    def test_is_counted_by_the_address_that_our_proxy_tells(self, settings):
        guess(5, **{"X-Real-IP": "192.0.2.1"})
        assert sign_in(PASSWORD, **{"X-Real-IP": "192.0.2.2"}).status_code == 429  # nobody said that there is a proxy
        settings.CLIENT_ADDRESS_HEADER = "X-Real-IP"
        assert sign_in(PASSWORD, **{"X-Real-IP": "192.0.2.2"}).status_code == 302

    def test_is_counted_for_a_name_that_does_not_exist_alike(self):
        assert guess(5, name="nobody") == guess(5)


class TestWhatIsKept:
    def test_is_logged_with_the_address_and_nothing_that_was_typed(self, caplog):
        caplog.set_level(logging.DEBUG)
        guess(5)
        sign_in(PASSWORD)
        assert "203.0.113.7" in caplog.text
        assert [typed for typed in ("olga", WRONG, PASSWORD) if typed in caplog.text] == []

    def test_holds_no_password_in_the_database(self):
        guess(3)
        assert WRONG not in repr(list(AccessAttempt.objects.values()))

    def test_needs_no_redis(self, settings):
        settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
        assert guess(5)[-1] == 429
