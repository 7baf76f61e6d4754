"""/keys: an account makes, sees and revokes its own keys."""

from datetime import UTC, datetime, timedelta

import pytest

from accounts import keys
from accounts.models import ApiKey
from tasks_app.api.keys import MOST, shown_id

from .conftest import Api, fields, refusal
from .test_schema import described

pytestmark = pytest.mark.django_db

NOBODYS = "key_01k8zq3v7m0000000000000000"
SOON = (datetime.now(UTC) + timedelta(days=7)).isoformat()


def made(api, **more) -> dict:
    answer = api.post("/keys", {"name": "shop"} | more)
    assert answer.status_code == 201, answer.content
    return answer.json()


class TestANewKey:
    def test_is_shown_this_once_and_works(self, api):
        answer = api.post("/keys", {"name": "shop"})
        described("post", "/keys", answer)
        key = answer.json()
        assert Api(key["key"]).get("/account").json()["name"] == "acme"
        assert key["prefix"] == key["key"][:11]
        assert key["key"] not in api.get("/keys").content.decode()

    def test_may_do_less_than_the_account(self, api):
        asked = {
            "read_only": True,
            "models": ["darkroom/plasma-image", "darkroom/plasma-video"],
            "networks": ["203.0.113.0/24", "2001:db8::/32"],
            "credits_limit": 5,
            "reads_per_minute": 10,
            "writes_per_minute": 1,
        }
        key = made(api, **asked, expires_at=SOON)
        assert {name: key[name] for name in asked} == asked
        row = ApiKey.objects.get(name="shop")
        assert (row.only_models, row.only_networks) == ("darkroom/plasma-image,darkroom/plasma-video", "203.0.113.0/24,2001:db8::/32")
        assert Api(key["key"]).get("/account").status_code == 403  # another network

    @pytest.mark.parametrize(
        ("more", "field"),
        [
            ({"name": ""}, "name"),
            ({"name": "x" * 101}, "name"),
            ({"name": 7}, "name"),
            ({"read_only": "yes"}, "read_only"),
            ({"models": "darkroom/plasma-image"}, "models"),
            ({"models": ["a,b"]}, "models"),
            ({"models": ["m" * 64] * 20}, "models"),
            ({"networks": ["nowhere"]}, "networks"),
            ({"networks": [7]}, "networks"),
            ({"credits_limit": -1}, "credits_limit"),
            ({"credits_limit": True}, "credits_limit"),
            ({"reads_per_minute": 0}, "reads_per_minute"),
            ({"expires_at": "tomorrow"}, "expires_at"),
            ({"expires_at": "2026-01-01T00:00:00Z"}, "expires_at"),
            ({"colour": "red"}, "colour"),
        ],
    )
    def test_that_is_wrong_is_refused_by_the_name_of_the_field(self, api, more, field):
        answer = api.post("/keys", {"name": "shop"} | more)
        assert refusal(answer) == (422, "invalid_request")
        assert fields(answer) == [field]

    def test_is_one_of_a_hundred_at_most_that_are_not_revoked(self, api, acme):
        for number in range(MOST - 1):
            row, _ = keys.make(acme.account, str(number), now=acme.clock())
        answer = api.post("/keys", {"name": "shop"})
        assert refusal(answer) == (409, "too_many_keys")
        described("post", "/keys", answer)
        keys.revoke(row, now=acme.clock())
        made(api)


class TestTheList:
    def test_has_the_accounts_keys_newest_first_and_says_which_one_asks(self, api, neighbour):
        made(neighbour, name="bolts")
        made(api)
        answer = api.get("/keys")
        described("get", "/keys", answer)
        assert [(key["name"], key["current"]) for key in answer.json()["data"]] == [("shop", False), ("test", True)]

    def test_has_no_key_that_was_revoked(self, api):
        api.delete(f"/keys/{made(api)['id']}")
        assert [key["name"] for key in api.get("/keys").json()["data"]] == ["test"]

    def test_tells_by_its_ids_neither_how_many_there_are_nor_a_key(self, api, acme):
        row = ApiKey.objects.get(name="test")
        assert shown_id(row) == api.get("/keys").json()["data"][0]["id"]
        assert str(row.id) != shown_id(row).removeprefix("key_").lstrip("0")


@pytest.mark.django_db(transaction=True)  # what is remembered of a key is forgotten on commit
class TestRevoking:
    def test_ends_the_key_at_once(self, api):
        key = made(api)
        answer = api.delete(f"/keys/{key['id']}")
        described("delete", "/keys/{id}", answer)
        assert answer.status_code == 204
        assert Api(key["key"]).get("/account").status_code == 401
        assert refusal(api.delete(f"/keys/{key['id']}")) == (404, "not_found")

    def test_may_be_done_to_itself(self, api):
        (own,) = api.get("/keys").json()["data"]
        assert api.delete(f"/keys/{own['id']}").status_code == 204
        assert api.get("/account").status_code == 401

    @pytest.mark.parametrize("id", [NOBODYS, "key_x", "task_01k8zq3v7m0000000000000000"])
    def test_of_what_is_not_there_is_a_404(self, api, id):
        assert refusal(api.delete(f"/keys/{id}")) == (404, "not_found")


class TestARestrictedKey:
    @pytest.mark.parametrize(
        "restriction",
        [
            {"only_models": "darkroom/plasma-image"},
            {"credits_limit": 0},
            {"reads_per_minute": 100},
            {"expires_at": datetime(2036, 1, 1, tzinfo=UTC)},
        ],
    )
    def test_makes_and_revokes_none_which_may_do_more_than_itself(self, acme, models, restriction):
        row, key = keys.make(acme.account, "restricted", now=acme.clock(), **restriction)
        api = Api(key)
        assert refusal(api.post("/keys", {"name": "free"})) == (403, "forbidden_by_key")
        assert refusal(api.delete(f"/keys/{shown_id(row)}")) == (403, "forbidden_by_key")
        assert len(api.get("/keys").json()["data"]) == 2
