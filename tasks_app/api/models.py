"""Models: what can be asked for, with schema, price, typical duration, and whether it can be had now."""

from typing import Any, ClassVar

from providers import breakers, catalogue
from providers.models import Route

from . import components, contract, filters, problems
from .answer import Answer
from .view import View

READERS = {"kind": filters.READERS["kind"], "fields": filters.some_of(*components.MODEL["properties"])}


class Models(View):
    PARAMETERS: ClassVar = READERS

    @contract.list_models
    def get(self, request):
        asked = filters.each(request.query_params, READERS)
        available = _available()
        found = [model for model in catalogue.all() if model.is_enabled and asked.get("kind") in (None, model.kind)]
        data = [_only(asked.get("fields"), _shown(model, available)) for model in found]
        return Answer({"object": "list", "data": data, "has_more": False, "next_cursor": None})


class OneModel(View):
    @contract.read_model
    def get(self, request, name):
        try:
            model = catalogue.get(name)
        except catalogue.UnknownModel:
            raise problems.missing() from None
        if not model.is_enabled:
            raise problems.missing()
        return Answer(_shown(model, _available()))


def _available() -> set[str]:
    """The models that a healthy provider serves now, one to which tasks are sent."""
    routes = Route.objects.filter(is_enabled=True, provider__is_enabled=True, provider__is_healthy=True)
    served = routes.values_list("model__name", "provider_id")
    return {name for name, provider_id in served if not breakers.is_open(provider_id)}


def _only(fields: tuple[str, ...] | None, model: dict[str, Any]) -> dict[str, Any]:
    return {name: model[name] for name in fields} if fields else model


def _shown(model: catalogue.Model, available: set[str]) -> dict[str, Any]:
    return {
        "id": model.name,
        "object": "model",
        "kind": model.kind,
        "title": model.title,
        "description": model.description,
        "input_schema": model.schema,
        "price": model.price,
        "usage": model.usage,
        "outputs": model.outputs,
        "typical_seconds": model.typical_seconds,
        "deadline_seconds": model.deadline_seconds,
        "takes_media": model.takes_media,
        "available": model.name in available,
    }
