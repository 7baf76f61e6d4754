"""GET /models."""

import gzip
from datetime import timedelta

import pytest
from django.utils import timezone

from providers import breakers, catalogue
from providers.breaker import Call
from providers.errors import QuotaExceeded
from providers.models import PublicModel, Route
from tests.cast import SCHEMA

from .conftest import IMAGE, VIDEO, fields, refusal

pytestmark = pytest.mark.django_db


def available(api) -> dict[str, bool]:
    return {model["id"]: model["available"] for model in api.get("/models").json()["data"]}


class TestModels:
    def test_are_listed_with_all_that_a_client_needs_to_ask(self, api):
        answer = api.get("/models").json()
        image, video = answer["data"]
        assert (answer["object"], answer["has_more"], answer["next_cursor"]) == ("list", False, None)
        assert (image["id"], image["object"], image["kind"], image["price"]) == (IMAGE, "model", "image.generate", "3 * n")
        assert (image["input_schema"], image["typical_seconds"], image["available"]) == (SCHEMA, 30, True)
        assert video["id"] == VIDEO

    def test_say_what_usage_their_price_rests_on(self, api):
        PublicModel.objects.filter(name=IMAGE).update(price="0.01 * tokens", usage={"tokens": "500 * n"})
        catalogue.forget()
        image = api.get(f"/models/{IMAGE}").json()
        assert (image["price"], image["usage"]) == ("0.01 * tokens", {"tokens": "500 * n"})

    def test_are_found_by_kind(self, api):
        assert [model["id"] for model in api.get("/models?kind=video.generate").json()["data"]] == [VIDEO]
        assert fields(api.get("/models?kind=video")) == ["kind"]

    def test_tell_only_what_is_asked_of_them(self, api):
        told = api.get("/models?fields=id,title,available&kind=video.generate").json()["data"]
        assert told == [{"id": VIDEO, "title": VIDEO, "available": True}]

    def test_refuse_to_tell_what_they_do_not_have(self, api):
        for asked in ("", "id,colour", "id,id", "id, title"):
            assert fields(api.get(f"/models?fields={asked}")) == ["fields"]
        assert fields(api.get("/models?fields=colour&kind=video")) == ["kind", "fields"]

    def test_say_whether_pictures_can_be_given_to_them(self, api):
        clips = {"type": "array", "items": {"$ref": "#/$defs/clip"}}
        clip = {"type": "object", "properties": {"source": {"type": "string", "format": "media"}}}
        schema = SCHEMA | {"properties": {"clips": clips}, "$defs": {"clip": clip}}
        PublicModel.objects.filter(name=VIDEO).update(input_schema=schema)
        catalogue.forget()
        told = api.get("/models?fields=id,takes_media").json()["data"]
        assert told == [{"id": IMAGE, "takes_media": False}, {"id": VIDEO, "takes_media": True}]

    @pytest.mark.parametrize("number", [1, 40])
    def test_are_listed_by_as_many_queries_however_many_they_are(self, api, models, number, django_assert_max_num_queries):
        """Of the key (two), the routes, the breakers and the models, of which all but the routes are then known for a while."""
        made = [PublicModel(name=f"m/{one}", kind="image.generate", title="m", input_schema=SCHEMA) for one in range(number)]
        PublicModel.objects.bulk_create(made)
        Route.objects.bulk_create(
            Route(model=model, provider=models, upstream_model="m") for model in PublicModel.objects.filter(title="m")
        )
        catalogue.forget()
        with django_assert_max_num_queries(5):
            assert len(api.get("/models").json()["data"]) == number + 2

    def test_are_read_by_a_name_with_slashes(self, api):
        listed = api.get("/models").json()["data"][0]
        assert api.get(f"/models/{IMAGE}").json() == listed
        assert api.get(f"/models/{IMAGE.replace('/', '%2F')}").json() == listed

    def test_that_there_are_not_are_not_found(self, api):
        assert refusal(api.get("/models/darkroom/nothing")) == (404, "not_found")

    def test_that_are_switched_off_are_not_found_either(self, api):
        PublicModel.objects.filter(name=IMAGE).update(is_enabled=False)
        catalogue.forget()
        assert refusal(api.get(f"/models/{IMAGE}")) == (404, "not_found")
        assert [model["id"] for model in api.get("/models").json()["data"]] == [VIDEO]


class TestTheList:
    def test_is_packed_for_who_unpacks_it(self, api):
        plain, packed = api.get("/models"), api.get("/models", Accept_Encoding="gzip, br")
        assert (plain.has_header("Content-Encoding"), packed["Content-Encoding"]) == (False, "gzip")
        assert gzip.decompress(packed.content) == plain.content
        assert len(packed.content) < len(plain.content) == int(plain["Content-Length"])
        assert packed["Vary"] == "Accept-Language, Accept-Encoding"


class TestAModelIsAvailable:
    def test_unless_no_route_of_it_is_on(self, api):
        Route.objects.filter(model__name=IMAGE).update(is_enabled=False)
        assert available(api) == {IMAGE: False, VIDEO: True}

    @pytest.mark.parametrize("trouble", [{"is_healthy": False}, {"is_enabled": False}])
    def test_unless_its_provider_is_off_or_ill(self, api, models, trouble):
        type(models).objects.update(**trouble)
        assert available(api) == {IMAGE: False, VIDEO: False}

    def test_unless_its_providers_breaker_is_open(self, api, models):
        now = timezone.now()
        breakers.heard(models.id, "submit", [Call(QuotaExceeded(), now)], now=now)
        assert available(api) == {IMAGE: False, VIDEO: False}
        breakers.heard(models.id, "submit", [Call(None, now + timedelta(seconds=1))], now=now + timedelta(seconds=1))
        assert available(api) == {IMAGE: True, VIDEO: True}
