"""The Bearer scheme as a client meets it: through DRF, in a view of this test's own."""

import json

import pytest
from django.urls import path
from drf_spectacular.generators import SchemaGenerator
from rest_framework.decorators import api_view
from rest_framework.response import Response

from accounts import keys


@api_view(["GET"])
def whoami(request):
    return Response({"account": request.user.name, "id": request.user.account_id})


urlpatterns = [path("whoami", whoami)]

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


@pytest.fixture
def made(acme, now):
    return keys.make(acme, "ci", now=now)


class TestAValidKey:
    @pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer "])
    def test_says_who_asks(self, client, made, acme, scheme):
        answer = client.get("/whoami", headers={"Authorization": f"{scheme} {made[1]}"})
        assert (answer.status_code, answer.json()) == (200, {"account": "acme", "id": acme.id})

    def test_costs_one_look_up_at_most(self, client, made, django_assert_max_num_queries):
        client.get("/whoami", headers={"Authorization": f"Bearer {made[1]}"})  # this one notes the time of use as well
        with django_assert_max_num_queries(1):
            client.get("/whoami", headers={"Authorization": f"Bearer {made[1]}"})


class TestAnythingElse:
    @pytest.mark.parametrize(
        "header",
        [None, "", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", f"Bearer dk_{'x' * 43}", "Bearer dk_ü", f"dk_{'x' * 43}", "Bearer a b c"],
    )
    def test_is_answered_401_and_told_how_to_ask(self, client, made, header):
        answer = client.get("/whoami", headers={} if header is None else {"Authorization": header})
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")

    def test_a_revoked_key_is_answered_401_and_what_to_do_without_repeating_it(self, client, made, now):
        row, key = made
        keys.revoke(row, now=now)
        answer = client.get("/whoami", headers={"Authorization": f"Bearer {key}"})
        assert answer.status_code == 401
        assert "ask the operator" in answer.json()["detail"]
        assert key[11:] not in answer.content.decode()


class TestTheSchema:
    def test_names_the_bearer_scheme(self):
        schema = SchemaGenerator(patterns=urlpatterns).get_schema(public=True)
        assert schema["components"]["securitySchemes"]["Bearer"]["scheme"] == "bearer"
        assert "Bearer" in json.dumps(schema["paths"]["/whoami"]["get"]["security"])
