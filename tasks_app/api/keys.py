"""The account's API keys: made and shown once, listed, revoked."""

from typing import Any
from uuid import UUID

from django.utils import timezone

from accounts import keys
from accounts.models import Account, ApiKey
from accounts.scopes import listed

from .. import ids
from . import key_contract, key_fields, orders, problems
from .answer import Answer
from .view import PRIVATE, View, id_in

MOST = 100  # keys of one account that are not revoked


class Keys(View):
    @key_contract.create_key
    def post(self, request):
        columns = key_fields.read(request.data, now=timezone.now())
        refuse_restricted(request.user)
        if keys.of_account(request.user.account_id).count() >= MOST:
            raise problems.problem("too_many_keys", f"An account has {MOST} keys at most: revoke one.")
        row, key = keys.make(Account.objects.get(id=request.user.account_id), now=timezone.now(), **columns)
        return Answer(shown(row, request.user) | {"key": key}, 201, headers=PRIVATE)

    @key_contract.list_keys
    def get(self, request):
        found = [shown(one, request.user) for one in keys.of_account(request.user.account_id)]
        return Answer({"object": "list", "data": found, "has_more": False, "next_cursor": None}, headers=PRIVATE)


class OneKey(View):
    @key_contract.revoke_key
    def delete(self, request, id):
        orders.nothing(request.data)
        key = own(request, id)
        refuse_restricted(request.user)
        keys.revoke(key, now=timezone.now())
        return Answer(status=204)


def own(request, id: str) -> ApiKey:
    # By half of its digest: ids that count up would tell how many keys there are.
    key = keys.of_account(request.user.account_id).filter(digest__startswith=id_in("key", id).hex).first()
    if key is None:
        raise problems.missing()
    return key


def shown_id(key: ApiKey) -> str:
    return ids.shown("key", UUID(hex=key.digest[:32]))


def refuse_restricted(caller: keys.Caller) -> None:
    """A key that may do less than its account would make one that may do all."""
    if keys.is_restricted(caller.key_id):
        raise problems.problem("forbidden_by_key", "This API key is restricted, so it makes and revokes no keys: use one that is not.")


def shown(key: ApiKey, caller: keys.Caller) -> dict[str, Any]:
    return {
        "id": shown_id(key),
        "object": "api_key",
        "name": key.name,
        "prefix": key.prefix,
        "current": key.id == caller.key_id,
        "created_at": key.created_at,
        "last_used_at": key.last_used_at,
        "read_only": key.read_only,
        "models": listed(key.only_models),
        "networks": listed(key.only_networks),
        "credits_limit": key.credits_limit,
        "credits_used": key.credits_used,
        "expires_at": key.expires_at,
        "reads_per_minute": key.reads_per_minute,
        "writes_per_minute": key.writes_per_minute,
    }
