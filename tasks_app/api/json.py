"""JSON from a client, by orjson."""

from typing import Any

import orjson
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from .answer import TYPE
from .problems import problem

BODY_LIMIT = 8 * 1024 * 1024  # bytes; a batch of 1,000 tasks with 4 KB each fits


def canonical(data: Any) -> bytes:
    """The same bytes for the same JSON value, however its keys were ordered and spaced."""
    return orjson.dumps(data, option=orjson.OPT_SORT_KEYS)


class JSONParser(BaseParser):
    """Refuses what is too long before reading it, and NaN, infinity, lone surrogates and other near-JSON."""

    media_type = TYPE

    def parse(self, stream, media_type=None, parser_context=None):
        body = stream.read(BODY_LIMIT + 1)
        if len(body) > BODY_LIMIT:
            raise problem("too_large", f"The body is larger than {BODY_LIMIT} bytes.")
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError as fault:
            raise ParseError(f"The body is not JSON: {fault}.") from None
