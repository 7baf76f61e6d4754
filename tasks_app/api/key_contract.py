"""What the OpenAPI document says of API keys."""

from typing import Any

from .components import FLAG, TEXT, TIME, WHOLE, Schema, closed, id_of, listed, many, or_null, ref, word
from .contract import JSON, operation, path
from .key_fields import MOST_CREDITS, MOST_REQUESTS, NAME_LENGTH

KEY_ID = path("id", id_of("key"))
NAME: Schema = {"type": "string", "minLength": 1, "maxLength": NAME_LENGTH, "pattern": r"\S", "description": "Who or what will use it."}
RATE: Schema = {"type": "integer", "minimum": 1, "maximum": MOST_REQUESTS}
WORDS: Schema = many({"type": "string", "pattern": r"^[^,]*[^,\s][^,]*$"}) | {"maxItems": 100}
SCOPE: dict[str, Schema] = {
    "read_only": FLAG | {"description": "It may look at everything and start, change or delete nothing."},
    "models": WORDS | {"description": "Models that it may use; empty: all."},
    "networks": WORDS | {"description": "Networks that it may be used from, such as 203.0.113.0/24; empty: any."},
    "credits_limit": or_null(WHOLE | {"maximum": MOST_CREDITS}, "Credits that its tasks may cost in all; null: any."),
    "expires_at": or_null(TIME, "From then on it is refused; null: never."),
    "reads_per_minute": or_null(RATE, "GET and HEAD requests a minute; null: as the account says."),
    "writes_per_minute": or_null(RATE, "Other requests a minute; null: as the account says."),
}
KEY: dict[str, Schema] = {
    "id": id_of("key"),
    "object": word("api_key"),
    "name": TEXT,
    "prefix": TEXT | {"description": "Its first characters, to tell keys apart."},
    "current": FLAG | {"description": "Whether it is the one that asks."},
    "created_at": TIME,
    "last_used_at": or_null(TIME, "To the minute."),
    **SCOPE,
    "credits_used": {"type": "integer", "description": "Of credits_limit, where it has one."},
}

SCHEMAS: dict[str, Schema] = {
    "NewApiKey": closed({"name": NAME, **SCOPE}, optional=tuple(SCOPE), examples=[{"name": "our shop", "read_only": True}]),
    "ApiKey": closed(KEY),
    "ApiKeyWithKey": closed(KEY | {"key": TEXT | {"description": "The key itself, shown this once."}}),
    "ApiKeyList": listed(ref("ApiKey")),
}

create_key = operation(
    "createApiKey",
    "Make an API key of the account",
    {201: ("The key, shown this once.", "ApiKeyWithKey")},
    tag="account",
    body={JSON: ref("NewApiKey")},
    refusals=("too_many_keys",),
    description="It takes a key that is not restricted: else a key could make one that may do more than itself.",
)
list_keys = operation("listApiKeys", "List the keys that are not revoked", {200: ("All of them.", "ApiKeyList")}, tag="account")
revoke_key = operation(
    "revokeApiKey",
    "Revoke an API key",
    {204: ("It is refused from now on, and the studio's sessions that began with it are over.", None)},
    tag="account",
    refusals=("not_found",),
    parameters=(KEY_ID,),
    description="It takes a key that is not restricted. A key may revoke itself.",
)


def add_to(result: dict, **_: Any) -> dict:
    """drf-spectacular's last hook, beside that of components.py: the schemas of this page."""
    result["components"]["schemas"] |= SCHEMAS
    return result
