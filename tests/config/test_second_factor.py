"""Operators with a second factor: set up by themselves, asked for at each sign-in, and no way around it."""

import logging
import re
from datetime import timedelta

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts import second_factor

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery staple"
PAGE = "/admin/second-factor/"


@pytest.fixture(autouse=True)
def olga(settings) -> User:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # the real one is slow on purpose
    return User.objects.create_superuser("olga", password=PASSWORD)


@pytest.fixture
def phone(olga) -> TOTPDevice:
    """olga's app, set up."""
    return TOTPDevice.objects.create(user=olga, name="app", confirmed=True)


def shown_by(device: TOTPDevice, **ahead) -> str:
    """The code that the app shows now, or so much later."""
    totp = TOTP(device.bin_key)
    totp.time = (timezone.now() + timedelta(**ahead)).timestamp()
    return f"{totp.token():06}"


def wrong(device: TOTPDevice) -> str:
    return f"{(int(shown_by(device)) + 500_000) % 1_000_000:06}"


def sign_in(code: str = "", *, client: Client | None = None, password: str = PASSWORD):
    return (client or Client()).post("/admin/login/", {"username": "olga", "password": password, "code": code})


def signed_in(code: str = "") -> Client:
    client = Client()
    assert sign_in(code, client=client).status_code == 302
    return client


def text_of(answer) -> str:
    assert answer.status_code == 200
    return answer.content.decode()


def sets_up(client: Client) -> list[str]:
    """As an operator does it, by what the page shows; returns the recovery codes."""
    client.get(PAGE)
    text = text_of(client.post(PAGE, {"code": shown_by(TOTPDevice.objects.get())}))
    return re.findall(r'<li><code class="mono">(\w+)</code></li>', text)


class TestSettingOneUp:
    def test_takes_a_picture_or_a_secret_and_the_code_that_the_app_shows_then(self):
        client = signed_in()
        text = text_of(client.get(PAGE))
        device = TOTPDevice.objects.get()
        assert "<svg" in text
        assert re.search(r'<code class="mono">([A-Z2-7=]+)</code>', text)[1] in device.config_url
        assert not device.confirmed
        assert len(sets_up(client)) == 10
        assert LogEntry.objects.get().change_message == "Set up a second factor."

    def test_leaves_whoever_does_it_signed_in_and_every_other_session_out(self):
        client, other = signed_in(), signed_in()
        sets_up(client)
        assert client.get("/admin/").status_code == 200
        assert other.get("/admin/").url.startswith("/admin/login/")

    def test_wants_a_right_code(self):
        client = signed_in()
        client.get(PAGE)
        assert "not the code that your app should show" in text_of(client.post(PAGE, {"code": wrong(TOTPDevice.objects.get())}))
        assert not TOTPDevice.objects.get().confirmed

    def test_shows_the_same_secret_until_it_is_done_and_none_after_that(self):
        client = signed_in()
        first = text_of(client.get(PAGE))
        device = TOTPDevice.objects.get()
        secret = re.search(r'<code class="mono">([A-Z2-7=]+)</code>', first)[1]
        assert secret in text_of(client.get(PAGE))
        sets_up(client)
        after = text_of(client.get(PAGE))
        assert secret not in after
        assert device.key not in after
        assert "10 recovery codes left" in after

    def test_is_for_operators_who_have_signed_in(self, client):
        assert client.get(PAGE).url == "/admin/login/"
        client.force_login(User.objects.create_user("ann"))
        assert client.get(PAGE).url == "/admin/login/"
        assert not TOTPDevice.objects.exists()


class TestSigningIn:
    def test_takes_the_code_as_well(self, phone):
        assert "Enter the code from your app too" in text_of(sign_in())
        assert signed_in(shown_by(phone)).get("/admin/").status_code == 200

    def test_takes_a_code_as_people_type_it(self, phone):
        code = shown_by(phone)
        assert signed_in(f" {code[:3]} {code[3:]} ").get("/admin/").status_code == 200

    def test_takes_a_code_once(self, phone):
        code = shown_by(phone)
        signed_in(code)
        assert "was used before" in text_of(sign_in(code))

    def test_takes_each_recovery_code_once(self, olga, phone):
        first, second, *_ = second_factor.new_recovery_codes(olga)
        signed_in(first.upper())
        assert "was used before" in text_of(sign_in(first))
        with time_machine.travel(timezone.now() + timedelta(minutes=5)):
            signed_in(second)

    def test_without_a_second_factor_is_by_password(self):
        assert signed_in().get("/admin/").status_code == 200

    def test_by_password_alone_leads_nowhere(self, phone):
        client = Client()
        client.force_login(User.objects.get())
        for path in ("/admin/", "/admin/tasks_app/task/", "/admin/auth/user/", PAGE, reverse("admin:password_change")):
            assert client.get(path).url.startswith("/admin/login/"), path
        assert "Username" in text_of(client.get("/admin/login/"))


class TestGuessing:
    def test_at_codes_locks_the_name_as_guessing_at_passwords_does(self, phone):
        assert [sign_in(wrong(phone)).status_code for _ in range(5)] == [200] * 4 + [429]
        assert sign_in(shown_by(phone)).status_code == 429

    def test_at_codes_and_passwords_counts_together(self, phone):
        for _ in range(2):
            sign_in(wrong(phone)), sign_in(password="guess")
        assert sign_in(wrong(phone)).status_code == 429

    def test_makes_the_next_code_wait(self, phone):
        sign_in(wrong(phone))
        assert "too soon after a wrong one" in text_of(sign_in(shown_by(phone)))

    def test_without_a_code_is_no_guess(self, phone):
        assert [sign_in().status_code for _ in range(6)] == [200] * 6

    def test_leaves_no_code_in_the_log(self, phone, caplog):
        caplog.set_level(logging.DEBUG)
        code = wrong(phone)
        sign_in(code)
        assert code not in caplog.text


class TestRequired:
    @pytest.fixture(autouse=True)
    def required(self, settings):
        settings.ADMIN_TWO_FACTOR = "required"

    def test_whoever_has_none_is_led_to_where_one_is_set_up_and_sees_nothing_before(self):
        client = signed_in()
        answer = client.get("/admin/", follow=True)
        assert answer.redirect_chain[-1][0] == PAGE
        assert "/admin/tasks_app/" not in text_of(answer)
        sets_up(client)
        assert client.get("/admin/").status_code == 200

    def test_whoever_takes_it_away_sets_up_another(self, olga, phone):
        client = signed_in(shown_by(phone))
        code = second_factor.new_recovery_codes(olga)[0]
        assert client.post(PAGE, {"code": code, "remove": ""}).url == PAGE
        assert client.get("/admin/", follow=True).redirect_chain[-1][0] == PAGE


class TestOff:
    def test_asks_nobody_for_a_code(self, settings, phone):
        settings.ADMIN_TWO_FACTOR = "off"
        assert 'name="code"' not in text_of(Client().get("/admin/login/"))
        assert signed_in().get("/admin/").status_code == 200


class TestHavingOne:
    @pytest.fixture
    def client(self, phone) -> Client:
        return signed_in(shown_by(phone))

    def test_new_recovery_codes_void_the_old_ones(self, client, olga):
        old = second_factor.new_recovery_codes(olga)
        new = re.findall(r'<li><code class="mono">(\w+)</code></li>', text_of(client.post(PAGE, {"code": old[0]})))
        assert len(new) == 10
        assert set(StaticToken.objects.values_list("token", flat=True)) == set(new)

    def test_is_changed_by_a_code_only(self, client, phone):
        for more in ({}, {"remove": ""}):
            assert "This code is wrong" in text_of(client.post(PAGE, {"code": wrong(phone), **more}))
        assert TOTPDevice.objects.filter(confirmed=True).exists()

    def test_is_seen_by_nobody(self, client, olga, phone):
        codes = second_factor.new_recovery_codes(olga)
        for path in ("/admin/", "/admin/auth/user/", f"/admin/auth/user/{olga.id}/change/", f"/admin/auth/user/{olga.id}/history/"):
            text = text_of(client.get(path))
            assert not [secret for secret in (phone.key, *codes) if secret in text]
        for app in ("otp_totp/totpdevice", "otp_static/staticdevice"):
            assert client.get(f"/admin/{app}/").status_code == 404


class TestALostPhone:
    def test_is_helped_by_another_operator(self, olga, phone):
        client = Client()
        client.force_login(User.objects.create_superuser("oskar"))
        assert "olga: has no second factor any more." in text_of(
            client.post(f"/admin/auth/user/{olga.id}/forget_second_factor/", {"_form_submitted": "True"}, follow=True)
        )
        assert not TOTPDevice.objects.exists()
        assert LogEntry.objects.get().object_id == str(olga.id)

    def test_is_not_by_one_who_may_not_change_operators(self, olga, phone):
        client = Client()
        client.force_login(User.objects.create_user("vera", is_staff=True))
        assert client.post(f"/admin/auth/user/{olga.id}/forget_second_factor/", {"_form_submitted": "True"}).status_code == 403

    def test_of_the_only_operator_is_helped_by_a_command(self, olga, phone, capsys):
        second_factor.new_recovery_codes(olga)
        call_command("reset_second_factor", "olga")
        assert "olga has no second factor any more." in capsys.readouterr().out
        assert not StaticToken.objects.exists()
        signed_in()

    def test_of_nobody_is_said(self):
        with pytest.raises(CommandError, match="There is no operator olgaa"):
            call_command("reset_second_factor", "olgaa")
