"""What an operator does to providers and models beside changing their rows: asks one, drains it, tries what an input would cost."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.urls import reverse

from providers.models import Provider, PublicModel

pytestmark = pytest.mark.django_db

VIDEO = "darkroom/plasma-video"


@pytest.fixture
def olga(client):
    client.force_login(User.objects.create_superuser("olga"))
    return client


@pytest.fixture
def provider(plasma) -> Provider:
    return Provider.objects.get(name="plasma")


def dialog(row, verb: str) -> str:
    return reverse(f"admin:providers_{row._meta.model_name}_{verb}", args=[row.pk])


def text_of(answer) -> str:
    assert answer.status_code == 200
    return answer.content.decode()


def does(client, row, verb: str, **fields) -> str:
    return text_of(client.post(dialog(row, verb), {"_form_submitted": "True", **fields}, follow=True))


class TestDraining:
    def test_ends_new_jobs_and_taking_up_brings_them_back(self, olga, provider):
        assert "plasma gets no new jobs." in does(olga, provider, "drain")
        assert not Provider.objects.get().is_enabled
        assert "plasma gets new jobs." in does(olga, provider, "take_up")
        assert Provider.objects.get().is_enabled
        assert [entry.change_message for entry in LogEntry.objects.order_by("id")] == ["Drained.", "Taken up again."]

    def test_is_offered_where_it_would_change_something(self, olga, provider):
        page = reverse("admin:providers_provider_change", args=[provider.pk])
        assert dialog(provider, "drain") in text_of(olga.get(page))
        assert dialog(provider, "take_up") not in text_of(olga.get(page))
        Provider.objects.update(is_enabled=False)
        assert dialog(provider, "take_up") in text_of(olga.get(page))


class TestAQuote:
    @pytest.fixture
    def model(self, plasma) -> PublicModel:
        return PublicModel.objects.get(name=VIDEO)

    def test_begins_with_the_least_that_a_client_must_send_and_the_price(self, olga, model):
        text = text_of(olga.get(dialog(model, "quote")))
        assert "{&quot;prompt&quot;: &quot;a red fox&quot;}" in text
        assert "2 * duration" in text

    def test_tells_what_an_input_comes_to_with_what_was_filled_in(self, olga, model):
        text = does(olga, model, "quote", input='{"prompt": "a fox"}', price="2 * duration")
        assert "10 credits · 1 output" in text
        assert "&quot;duration&quot;: 5" in text

    def test_tries_a_price_that_is_not_saved(self, olga, model):
        assert "35 credits" in does(olga, model, "quote", input='{"prompt": "a fox"}', price="7 * duration")
        model.refresh_from_db()
        assert model.price == "2 * duration"

    @pytest.mark.parametrize(
        ("input", "price", "said"),
        [
            ('{"prompt": ""}', "2 * duration", "prompt"),
            ("[]", "2 * duration", "input"),
            ("{", "2 * duration", "valid JSON"),
            ('{"prompt": "a"}', "2 *", "price"),
            ('{"prompt": "a"}', "lambda: 1", "price"),
        ],
    )
    def test_says_what_is_wrong_with_either(self, olga, model, input, price, said):
        text = does(olga, model, "quote", input=input, price=price)
        assert said in text
        assert " credits ·" not in text

    def test_of_no_model_is_none(self, olga, model):
        model.pk += 1000
        assert "There is no such model." in does(olga, model, "quote", input="{}", price="1")
