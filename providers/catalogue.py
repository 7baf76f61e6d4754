"""What we offer: the public models, what input each takes, and what it costs. On every POST, so it asks no database."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import jsonschema_rs

from . import complaints, metering, pricing, schemas
from .models import PublicModel
from .schemas import media_paths
from .snapshot import Snapshot

__all__ = ["InvalidInput", "Model", "Price", "UnknownModel", "all", "forget", "get", "media_paths", "price", "validate"]

COLUMNS = (
    "name",
    "kind",
    "title",
    "description",
    "input_schema",
    "price",
    "outputs",
    "typical_seconds",
    "deadline_seconds",
    "is_enabled",
    "usage",
    "title_zh",
    "description_zh",
)


class UnknownModel(LookupError):
    """There is no public model of this name."""


class InvalidInput(Exception):
    """`errors` is a list of {"field": JSON path, "message": what would be right}."""

    def __init__(self, errors: list[dict[str, str]]):
        super().__init__("; ".join(f"{error['field']} {error['message']}" for error in errors))
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Words:
    """What a model says to people, in one language; in English where the operator has it in no other."""

    title: str
    description: str
    schema: Mapping[str, Any]


@dataclass(frozen=True)
class Model:
    """A PublicModel as its row was read, enabled or not. What is compiled from it lives as long as the row stays the same."""

    name: str
    kind: str
    title: str
    description: str
    schema: Mapping[str, Any]
    price: str
    outputs: str
    typical_seconds: int
    deadline_seconds: int
    is_enabled: bool
    usage: Mapping[str, str] = field(default_factory=dict)
    title_zh: str = ""
    description_zh: str = ""

    @cached_property
    def in_english(self) -> Words:
        return Words(self.title, self.description, schemas.in_language(self.schema, ""))

    @cached_property
    def in_chinese(self) -> Words:
        return Words(self.title_zh or self.title, self.description_zh or self.description, schemas.in_language(self.schema, "_zh"))

    @cached_property
    def validator(self) -> jsonschema_rs.Validator:
        return schemas.validator(self.schema)

    @cached_property
    def takes_media(self) -> bool:
        return schemas.takes_media(self.schema)

    @cached_property
    def price_of(self) -> Callable[[Mapping[str, Any]], int]:
        return pricing.compiled(self.price, self.schema)

    @cached_property
    def terms_of(self) -> Callable[[Mapping[str, Any]], tuple[int, metering.Terms]]:
        return metering.compiled(self.price, self.usage, self.schema)

    @cached_property
    def outputs_of(self) -> Callable[[Mapping[str, Any]], int]:
        return pricing.compiled(self.outputs, self.schema)


@dataclass(frozen=True, slots=True)
class Price:
    """`total` in whole credits, the items that make it up, and how many outputs it buys (1 or more).

    Where the price rests on usage, `total` is the most that it can come to, and the item carries the terms.
    """

    total: int
    items: list[dict[str, Any]]
    outputs: int


def get(name: str, *, now: float | None = None) -> Model:
    """The model of this name, enabled or not, as it was at most 5 s before the monotonic clock `now`; raises UnknownModel."""
    try:
        return _models.get(now=now)[name]
    except KeyError:
        raise UnknownModel(f"There is no model {name!r}; GET /models lists what there is.") from None


def all(*, now: float | None = None) -> list[Model]:
    """Every model, enabled or not, by name."""
    return list(_models.get(now=now).values())


def forget() -> None:
    """Read the rows afresh on the next call in this process."""
    _models.forget()


def validate(model: Model, input: Any) -> dict[str, Any]:
    """The input with the schema's defaults filled in, a new dict; raises InvalidInput that names each field at fault."""
    try:
        full = schemas.filled(model.schema, input)
    except RecursionError:
        raise InvalidInput([{"field": "input", "message": f"must not be nested more than {schemas.DEEPEST} levels deep"}]) from None
    if not model.validator.is_valid(full):
        raise InvalidInput(complaints.about(model.validator.iter_errors(full), model.schema))
    return full


def price(model: Model, input: Mapping[str, Any]) -> Price:
    """What a validated, filled input costs; raises InvalidInput where that is beyond all measure."""
    try:
        (total, terms), outputs = _most(model, input), max(model.outputs_of(input), 1)
    except ValueError as fault:
        raise InvalidInput([{"field": complaints.WHOLE, "message": str(fault)}]) from None
    item = {"what": model.name, "credits": total}
    if terms:
        item |= {"price": terms.price, "up_to": terms.up_to}
    return Price(total, [item], outputs)


def _most(model: Model, input: Mapping[str, Any]) -> tuple[int, metering.Terms | None]:
    """What the input costs at most, and the terms where that rests on usage."""
    if not model.usage:
        return model.price_of(input), None
    total, terms = model.terms_of(input)
    return total, terms if terms.up_to else None


def _load(last: dict[str, Model] | None) -> dict[str, Model]:
    read = [Model(*row) for row in PublicModel.objects.order_by("name").values_list(*COLUMNS)]
    known = last or {}
    # A row that has not changed keeps its Model, and with it the compiled validator and price.
    return {model.name: known[model.name] if known.get(model.name) == model else model for model in read}


_models: Snapshot[dict[str, Model]] = Snapshot(_load)
