"""What a route can do, as far as is known: an adapter's models are brought along with the inputs that each takes (offers.py). No Django.

A route to a model that is not brought along may take anything. The adapter has the last word: it refuses by name what its upstream
cannot do.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache
from hashlib import blake2b
from typing import Any

import jsonschema_rs

from . import offers, schemas


def takes(adapter: str, upstream_model: str, kind: str, input: Mapping[str, Any]) -> bool:
    """Whether the input may be sent there, as far as is known beforehand."""
    known = _validators(adapter).get((kind, upstream_model))
    return known is None or any(validator.is_valid(input) for validator in known)


@cache
def edition(adapter: str) -> str:
    """Changes with what is known of the adapter's models; the same in all processes of one release."""
    known = [(model.kind, model.upstream_model, model.input_schema) for model in _models(adapter)]
    return blake2b(repr(known).encode(), digest_size=8).hexdigest() if known else ""


@cache
def _validators(adapter: str) -> Mapping[tuple[str, str], list[jsonschema_rs.Validator]]:
    """By kind and upstream's model: one name may be offered in several ways, each with a schema of its own."""
    found = defaultdict(list)
    for model in _models(adapter):
        found[model.kind, model.upstream_model].append(schemas.validator(model.input_schema))
    return dict(found)


def _models(adapter: str) -> Sequence[offers.OfferedModel]:
    return offers.of(adapter).models if adapter in offers.names() else ()
