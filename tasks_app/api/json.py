"""JSON in and out by orjson, and which of it a client takes: the hot paths spend their time here."""

from typing import Any

import orjson
from rest_framework.exceptions import NotAcceptable, ParseError
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer

from .problems import problem

BODY_LIMIT = 8 * 1024 * 1024  # bytes; a batch of 1,000 tasks with 4 KB each fits
TAKES_JSON = ("*/*", "application/*", "application/json", "application/problem+json")


def dumps(data: Any) -> bytes:
    """`data` as JSON; instants end in Z, keys of any type become strings."""
    return orjson.dumps(data, option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS)


def canonical(data: Any) -> bytes:
    """The same bytes for the same JSON value, however its keys were ordered and spaced."""
    return orjson.dumps(data, option=orjson.OPT_SORT_KEYS)


class JSONRenderer(BaseRenderer):
    media_type = "application/json"
    format = "json"
    charset = None

    def render(self, data, accepted_media_type=None, renderer_context=None) -> bytes:
        return b"" if data is None else dumps(data)


class JSONParser(BaseParser):
    """Refuses what is too long before reading it, and NaN, infinity, lone surrogates and other near-JSON."""

    media_type = "application/json"

    def parse(self, stream, media_type=None, parser_context=None):
        body = stream.read(BODY_LIMIT + 1)
        if len(body) > BODY_LIMIT:
            raise problem("too_large", f"The body is larger than {BODY_LIMIT} bytes.")
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError as fault:
            raise ParseError(f"The body is not JSON: {fault}.") from None


class Negotiation(DefaultContentNegotiation):
    """Answers are JSON; a client that takes none of it is told so."""

    def select_renderer(self, request, renderers, format_suffix=None):
        accept: str = request.META.get("HTTP_ACCEPT", "*/*")
        if any(taken in accept for taken in TAKES_JSON):
            return renderers[0], renderers[0].media_type
        raise NotAcceptable(f"Answers are application/json, and the Accept header takes only {accept[:100]}.")


class AnyAccept(DefaultContentNegotiation):
    """For bytes whose type is the file's own: the Accept header is not asked."""

    def select_renderer(self, request, renderers, format_suffix=None):
        return renderers[0], renderers[0].media_type
