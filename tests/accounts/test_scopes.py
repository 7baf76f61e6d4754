"""What a key may not do, on paper and at the door of the API."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.urls import path
from django.utils import timezone
from rest_framework.decorators import api_view
from rest_framework.response import Response

from accounts import keys, scopes
from accounts.key_cache import KeyCache
from accounts.models import ApiKey
from accounts.scopes import ForbiddenByKey


@api_view(["GET", "HEAD", "POST", "DELETE"])
def door(request):
    return Response({"account": request.user.name})


urlpatterns = [path("door", door)]

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


@pytest.fixture
def knock(acme, client):
    """Asks with a new key that has these restrictions: knock("post", read_only=True)."""

    def ask(method="get", *, address="203.0.113.7", headers=None, **scope):
        _, key = keys.make(acme, "ci", now=timezone.now(), **scope)
        return getattr(client, method)("/door", headers={"Authorization": f"Bearer {key}", **(headers or {})}, REMOTE_ADDR=address)

    return ask


def told(answer) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


class TestAKeyWithoutRestrictions:
    def test_has_no_scope_to_ask(self, acme, now):
        row, key = keys.make(acme, "ci", now=now)
        assert keys.find(key, now=now, cache=KeyCache()).scope is None
        assert row.credits_used == 0


class TestAKeyThatOnlyReads:
    def test_reads(self, knock):
        assert knock("get", read_only=True).status_code == 200
        assert knock("head", read_only=True).status_code == 200

    @pytest.mark.parametrize("method", ["post", "delete"])
    def test_writes_nothing_and_is_told_why(self, knock, method):
        answer = knock(method, read_only=True)
        assert told(answer) == (403, "forbidden_by_key")
        assert f"{method.upper()} is not allowed" in answer.json()["detail"]


class TestAKeyOfSomeNetworks:
    NETWORKS = "203.0.113.0/24, 2001:db8::/32, 198.51.100.7"

    @pytest.mark.parametrize("address", ["203.0.113.9", "2001:db8::1", "198.51.100.7", "::ffff:203.0.113.9"])
    def test_is_taken_from_there(self, knock, address):
        assert knock(address=address, only_networks=self.NETWORKS).status_code == 200

    @pytest.mark.parametrize("address", ["203.0.114.9", "2001:db9::1", "198.51.100.8", "", "nonsense"])
    def test_is_refused_from_elsewhere(self, knock, address):
        assert told(knock(address=address, only_networks=self.NETWORKS)) == (403, "forbidden_by_key")

    def test_a_client_cannot_claim_an_address(self, knock):
        claim = {"X-Real-IP": "203.0.113.9", "X-Forwarded-For": "203.0.113.9"}
        assert knock(address="192.0.2.1", headers=claim, only_networks=self.NETWORKS).status_code == 403

    def test_behind_a_proxy_what_the_proxy_says_counts(self, knock, settings):
        settings.CLIENT_ADDRESS_HEADER = "X-Forwarded-For"
        for claimed, status in (("203.0.113.9", 200), ("203.0.113.9, 192.0.2.1", 403), ("192.0.2.1, 203.0.113.9", 200), ("", 403)):
            answer = knock(address="203.0.113.9", headers={"X-Forwarded-For": claimed}, only_networks=self.NETWORKS)
            assert answer.status_code == status, claimed

    @pytest.mark.parametrize("text", ["203.0.113.0/33", "203.0.113.1/24", "example.org", "203.0.113.0/24; 192.0.2.1"])
    def test_what_is_no_network_is_refused_where_it_is_written(self, text):
        with pytest.raises(ValidationError):
            ApiKey(only_networks=text).clean()


class TestAKeyThatExpires:
    def test_is_taken_until_then(self, knock):
        assert knock(expires_at=timezone.now() + timedelta(minutes=1)).status_code == 200

    def test_is_answered_401_from_then_on(self, knock):
        answer = knock(expires_at=timezone.now())
        assert told(answer) == (401, "unauthenticated")
        assert "has expired" in answer.json()["detail"]

    def test_even_where_it_is_remembered(self, acme, now):
        _, key = keys.make(acme, "ci", now=now, expires_at=now + timedelta(seconds=1))
        caller = keys.find(key, now=now)
        assert not caller.scope.has_expired(now)
        assert caller.scope.has_expired(now + timedelta(seconds=1))


class TestAKeyOfSomeModels:
    def test_names_the_model_and_those_it_may_use(self, acme, now):
        _, key = keys.make(acme, "ci", now=now, only_models="darkroom/a, darkroom/b")
        scope = keys.find(key, now=now, cache=KeyCache()).scope
        scope.refuse_model("darkroom/a")
        with pytest.raises(ForbiddenByKey, match="may not use the model kling/v2-6, only darkroom/a, darkroom/b"):
            scope.refuse_model("kling/v2-6")


class TestABudget:
    @pytest.fixture
    def scope(self, acme, now):
        _, key = keys.make(acme, "ci", now=now, credits_limit=10)
        return keys.find(key, now=now, cache=KeyCache()).scope

    def used(self):
        return ApiKey.objects.values_list("credits_used", flat=True).get()

    def test_is_drawn_from_to_the_last_credit(self, scope):
        scopes.draw(scope, 4)
        scopes.draw(scope, 6)
        with pytest.raises(ForbiddenByKey):
            scopes.draw(scope, 1)
        assert self.used() == 10

    def test_gets_back_what_was_not_spent(self, scope):
        scopes.draw(scope, 10)
        scopes.give_back({scope.key_id: 3})
        scopes.draw(scope, 3)
        assert self.used() == 10

    def test_that_was_lifted_meanwhile_stops_nothing(self, scope):
        ApiKey.objects.update(credits_limit=None)
        scopes.draw(scope, 11)
        assert self.used() == 11


class TestAChangeOfRestrictions:
    @pytest.mark.django_db(transaction=True)
    def test_holds_at_once_where_the_key_was_remembered(self, own_redis, acme, now):
        cache = KeyCache(own_redis.client)
        row, key = keys.make(acme, "ci", now=now)
        assert keys.find(key, now=now, cache=cache).scope is None
        keys.restrict(row, read_only=True, cache=cache)
        assert keys.find(key, now=now, cache=cache).scope.read_only
        cache.close()
