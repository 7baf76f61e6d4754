"""The operator's pages, through the browser's door: real URLs and real forms."""

import json
from datetime import timedelta
from html import unescape

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.urls import reverse
from django.utils import timezone
from django.views.debug import SafeExceptionReporterFilter

from providers import breakers, credentials
from providers.breaker import Call
from providers.errors import Unauthenticated
from providers.models import HealthHour, Provider, ProviderCredential, PublicModel, Route

from .conftest import SCHEMA

pytestmark = pytest.mark.django_db


@pytest.fixture
def olga(client):
    client.force_login(User.objects.create_superuser("olga"))
    return client


@pytest.fixture
def plasma(make_provider, now):
    provider = make_provider("plasma")
    credentials.rotate(provider, {"api_key": "s3cret", "region": "eu"}, now=now)
    return provider


def page(row):
    return reverse(f"admin:providers_{row._meta.model_name}_change", args=[row.pk])


def provider_form(**changes):
    return {"name": "plasma", "adapter": "scf", "base_url": "https://plasma.example", "is_enabled": "on", **changes}


def model_form(model=None, routes=(), **changes):
    """The fields of a model's page with its inline routes, as a browser posts them."""
    existing = len(model.routes.all()) if model else 0
    form = {"routes-TOTAL_FORMS": len(routes), "routes-INITIAL_FORMS": existing}
    for place, route in enumerate(routes):
        full = {"priority": 0, "weight": 1, "is_enabled": "on", "model": model.pk if model else "", **route}
        form |= {f"routes-{place}-{name}": value for name, value in full.items()}
    columns = {"name": "plasma/video", "kind": "video.generate", "title": "Plasma", "input_schema": json.dumps(SCHEMA), "price": "n"}
    return {**form, **columns, "outputs": "n", "typical_seconds": 30, "deadline_seconds": 3600, "is_enabled": "on", **changes}


def text_of(answer):
    assert answer.status_code == 200
    return answer.content.decode()


class TestCredentials:
    def test_entered_with_a_new_provider_are_sealed(self, olga):
        olga.post(reverse("admin:providers_provider_add"), provider_form(new_credentials='{"api_key": " s3cret\\n"}'))
        provider = Provider.objects.get()
        assert credentials.open(provider.id, provider.credential_version) == {"api_key": "s3cret"}

    def test_are_shown_by_name_only(self, olga, plasma):
        text = text_of(olga.get(page(plasma)))
        assert "api_key, region (version 1)" in text
        assert "s3cret" not in text

    def test_stay_when_nothing_is_entered(self, olga, plasma):
        olga.post(page(plasma), provider_form())
        plasma.refresh_from_db()
        assert (plasma.base_url, plasma.credential_version) == ("https://plasma.example", 1)

    def test_entered_again_are_the_next_version_and_the_old_one_stays(self, olga, plasma):
        olga.post(page(plasma), provider_form(new_credentials='{"api_key": "n3w"}'))
        plasma.refresh_from_db()
        assert plasma.credential_version == 2
        assert [credentials.open(plasma.id, version)["api_key"] for version in (1, 2)] == ["s3cret", "n3w"]

    def test_are_in_no_history(self, olga, plasma):
        olga.post(page(plasma), provider_form(new_credentials='{"api_key": "n3w"}'))
        (entry,) = LogEntry.objects.all()
        assert entry.get_change_message() == "Changed Base URL and new_credentials."
        assert "n3w" not in repr(vars(entry))

    @pytest.mark.parametrize(
        ("entered", "fault"),
        [
            ("n3w", "This is not JSON"),
            ('{"api_key": "n3w"', "This is not JSON"),
            ('["n3w"]', "Enter one JSON object of names and texts"),
            ('{"api_key": {"n3w": 1}}', "Enter one JSON object of names and texts"),
            ('{"api_key": "", "b": "n3w"}', "A secret is empty or holds a line break"),
            ('{"api_key": "n3w\\nline"}', "A secret is empty or holds a line break"),
        ],
    )
    def test_that_cannot_be_read_are_refused_and_not_shown_again(self, olga, plasma, entered, fault):
        text = text_of(olga.post(page(plasma), provider_form(new_credentials=entered)))
        assert fault in text
        assert "n3w" not in text
        assert ProviderCredential.objects.count() == 1

    def test_that_no_sealing_key_opens_are_said_to_be_so(self, olga, plasma):
        ProviderCredential.objects.update(sealed="damaged")
        assert "no key in SEALING_KEYS opens" in text_of(olga.get(page(plasma)))

    def test_of_a_provider_without_any_are_none(self, olga, make_provider):
        assert "none" in text_of(olga.get(page(make_provider("bare"))))

    def test_are_hidden_from_error_reports(self, olga, plasma):
        answer = olga.post(page(plasma), provider_form(new_credentials='{"api_key": "n3w"}'))
        reported = SafeExceptionReporterFilter().get_post_parameters(answer.wsgi_request)
        assert "n3w" not in reported["new_credentials"]
        assert reported["name"] == "plasma"


class TestTheProviderPages:
    def test_list_health_and_the_reason(self, olga, make_provider, now):
        make_provider("fresh")
        make_provider("fine", checked_at=now)
        since = {"failed_checks": 4, "failing_since": now - timedelta(minutes=3)}
        make_provider("bad", checked_at=now, is_healthy=False, health_note="The upstream is unavailable.", **since)
        text = text_of(olga.get(reverse("admin:providers_provider_changelist")))
        assert all(shown in text for shown in ("not checked", "healthy", "failing", "The upstream is unavailable.", "11:57"))

    def test_drain_from_the_list_and_leave_the_rest_as_it_was(self, olga, plasma):
        form = {"form-TOTAL_FORMS": 1, "form-INITIAL_FORMS": 1, "form-0-id": plasma.id, "_save": "Save"}
        olga.post(reverse("admin:providers_provider_changelist"), form)
        plasma.refresh_from_db()
        assert (plasma.is_enabled, plasma.credential_version) == (False, 1)

    def test_refuse_an_adapter_that_is_not_there(self, olga):
        text = text_of(olga.post(reverse("admin:providers_provider_add"), provider_form(adapter="smoke")))
        assert "smoke is not one of the available choices" in text

    def test_refuse_an_address_that_is_none(self, olga):
        text = text_of(olga.post(reverse("admin:providers_provider_add"), provider_form(base_url="plasma.example")))
        assert "An address that starts with https://" in text

    def test_delete_nothing(self, olga, plasma):
        url = reverse("admin:providers_provider_delete", args=[plasma.pk])
        assert olga.post(url, {"post": "yes"}).status_code == 403


class TestTheHealthOfAProvider:
    @pytest.fixture
    def hour(self, plasma):
        this_hour = timezone.now().replace(minute=0, second=0, microsecond=0)
        return lambda door, **counts: HealthHour.objects.create(provider=plasma, model="plasma/video", door=door, hour=this_hour, **counts)

    def test_is_drawn_by_the_hour_with_its_numbers(self, olga, plasma, hour):
        hour("submit", good=12, bad=3, refused=1, took_ms=8000, slowest_ms=3100)
        hour("poll", good=40, took_ms=4000, slowest_ms=200, jobs=4, jobs_s=240, cost=10)
        text = text_of(olga.get(page(plasma)))
        assert text.count("<svg") >= 2
        assert "12 good, 1 refused, 3 bad; 0.50 s in the mean, 3.1 s at most" in text
        assert "0:01:00 each, 10 charged" in text

    def test_of_one_that_was_never_asked_is_said_so(self, olga, plasma):
        assert "None within 48 hours." in text_of(olga.get(page(plasma)))

    def test_tells_why_its_breaker_is_open_and_when_it_changed(self, olga, plasma, now):
        breakers.heard(plasma.id, "submit", [Call(Unauthenticated("the key is <no> good"), now)], now=now)
        text = text_of(olga.get(page(plasma)))
        assert f"since {now:%Y}-06-01 12:00 UTC: unauthenticated, the key is &lt;no&gt; good; a probe goes at 12:00:30 UTC" in text
        assert f"{now:%Y}-06-01 12:00:00 UTC" in text

    def test_tells_what_is_left_there(self, olga, plasma, now):
        assert "It does not tell." in text_of(olga.get(page(plasma)))
        Provider.objects.update(balance=1234.5, balance_unit="credits", balance_days=6.04, balance_at=now)
        assert f"1,234.5 credits ({now:%Y}-06-01 12:00 UTC), for 6.0 days at the rate of the last week" in text_of(olga.get(page(plasma)))


class TestCheckNow:
    def check(self, client, provider):
        return client.post(reverse("admin:providers_provider_check_now", args=[provider.pk]), {"_form_submitted": "1"}, follow=True)

    def test_asks_the_provider_says_what_it_found_and_leaves_a_trace(self, olga, plasma):
        text = text_of(self.check(olga, plasma))
        plasma.refresh_from_db()
        assert plasma.health_note
        assert plasma.health_note in unescape(text)
        assert LogEntry.objects.latest("id").change_message.startswith("Checked: ")

    def test_is_not_for_who_may_only_look(self, client, plasma):
        vera = User.objects.create_user("vera", is_staff=True)
        vera.user_permissions.add(Permission.objects.get(codename="view_provider"))
        client.force_login(vera)
        assert self.check(client, plasma).status_code == 403
        plasma.refresh_from_db()
        assert plasma.checked_at is None


class TestTheModelPages:
    def test_save_a_model_with_its_routes(self, olga, plasma):
        routes = [{"provider": plasma.pk, "upstream_model": "plasma-v2", "max_jobs": 3}]
        olga.post(reverse("admin:providers_publicmodel_add"), model_form(routes=routes))
        route = Route.objects.get()
        assert (route.model.name, route.provider, route.upstream_model, route.max_jobs) == ("plasma/video", plasma, "plasma-v2", 3)
        assert route.model.input_schema == SCHEMA

    def test_save_a_price_that_rests_on_usage(self, olga):
        olga.post(reverse("admin:providers_publicmodel_add"), model_form(price="n + tokens", usage='{"tokens": "400 * n"}'))
        assert PublicModel.objects.get().usage == {"tokens": "400 * n"}

    def test_switch_a_route_off(self, olga, plasma, make_model, make_route):
        model = make_model()
        route = make_route(model, plasma)
        kept = {"id": route.pk, "provider": plasma.pk, "upstream_model": route.upstream_model, "is_enabled": ""}
        olga.post(page(model), model_form(model, routes=[kept]))
        route.refresh_from_db()
        assert not route.is_enabled

    @pytest.mark.parametrize(
        ("changes", "fault"),
        [
            ({"input_schema": "{"}, "Enter a valid JSON."),
            ({"input_schema": '{"type": "array"}'}, "the schema must describe an object"),
            ({"price": "2 * duratoin"}, "at character 5: there is no input field `duratoin`; there are prompt, n, "),
            ({"price": "2 * duratoin"}, "Did you mean `duration`?"),
            ({"price": "2 * (n +"}, "at character 5: &#x27;2 * (n +&#x27; cannot be read; an expression is made of numbers,"),
            ({"price": "n + tokens", "usage": '{"tokens": "n * m"}'}, "the bound of `tokens`: at character 5: "),
            ({"usage": "[1]"}, "it must be an object of at most 20 names and bounds"),
            ({"usage": "{"}, "Enter a valid JSON."),
            ({"outputs": "seed"}, "at character 1: `seed` may be left out"),
            ({"name": "@acme"}, "A name such as darkroom/test-card-image"),
        ],
    )
    def test_refuse_what_could_not_be_used_and_say_why(self, olga, changes, fault):
        text = text_of(olga.post(reverse("admin:providers_publicmodel_add"), model_form(**changes)))
        assert fault in text
        assert not PublicModel.objects.exists()

    def test_show_the_schema_as_it_can_be_read(self, olga, make_model):
        assert "&quot;prompt&quot;: {\n" in text_of(olga.get(page(make_model())))

    def test_list_what_each_costs(self, olga, make_model):
        make_model(price="2 * duration")
        assert "2 * duration" in text_of(olga.get(reverse("admin:providers_publicmodel_changelist")))

    def test_delete_nothing(self, olga, make_model):
        url = reverse("admin:providers_publicmodel_delete", args=[make_model().pk])
        assert olga.post(url, {"post": "yes"}).status_code == 403
