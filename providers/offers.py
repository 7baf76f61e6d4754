"""What Darkroom brings along for a vendor: a provider and its models, as data beside the adapter (adapters/NAME.toml). No Django.

needs = '{"api_key": "…"}'          # the credentials, as an operator enters them
max_jobs = 3                        # jobs open there at once, until the operator knows better

[[models]]
name = "kling/3.0"                  # ours; `upstream_model` is the vendor's own
upstream_model = "kling-3.0"
kind, title, title_zh, description, description_zh, price, outputs, typical_seconds, deadline_seconds: the columns of a PublicModel
price_source = "its price page, 2026-11"  # whose figures the price follows, and of when; without it the price is an estimate
required = ["prompt"]
input.prompt = {type = "string"}    # the properties of its input schema
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "adapters"


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedModel:
    """A model as it is installed, the name by which its vendor knows it, and where its price was read: nowhere, if that is empty."""

    name: str
    upstream_model: str
    kind: str
    title: str
    input_schema: Mapping[str, Any]
    price: str
    typical_seconds: int
    deadline_seconds: int
    title_zh: str = ""
    description: str = ""
    description_zh: str = ""
    outputs: str = "1"
    price_source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A provider as it is installed, with its models. `base_url` None: the operator's to enter, or else the adapter's own.

    `credentials` are the environment's, None where an operator enters them; `where` says where it is, in place of its address.
    """

    provider: str
    adapter: str
    models: tuple[OfferedModel, ...]
    max_jobs: int | None
    needs: str = ""
    base_url: str | None = None
    where: str = ""
    credentials: Mapping[str, str] | None = field(default=None, repr=False)


def names() -> list[str]:
    """The vendors for whom there is an offer."""
    return sorted(file.stem for file in FOLDER.glob("*.toml"))


def of(vendor: str) -> Offer:
    """What is brought along for this vendor; raises LookupError that names those there are."""
    if vendor not in names():
        raise LookupError(f"nothing is brought along for {vendor!r}; there are {', '.join(names())}")
    told = tomllib.loads((FOLDER / f"{vendor}.toml").read_text(encoding="utf-8"))
    shared = told.pop("shared", {})
    models = tuple(_model(shared, **model) for model in told.pop("models"))
    return Offer(provider=vendor, adapter=vendor, models=models, **told)


def _model(
    shared: Mapping[str, Any], *, input: Mapping[str, Any], required: list[str], shares: Sequence[str] = (), **columns: Any
) -> OfferedModel:
    properties = {**input, **{name: shared[name] for name in shares}}
    schema = {"type": "object", "additionalProperties": False, "required": required, "properties": properties}
    return OfferedModel(input_schema=schema, **columns)
