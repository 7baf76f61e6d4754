"""Models: what can be asked for, with schema, price, typical duration, and whether it can be had now."""

from typing import Any, ClassVar

from django.utils.decorators import method_decorator
from django.views.decorators.gzip import gzip_page

from providers import breakers, catalogue
from providers.models import Route

from . import components, contract, filters, languages, problems
from .answer import Answer
from .view import View

READERS = {"kind": filters.READERS["kind"], "fields": filters.some_of(*components.MODEL["properties"])}


# Packed here, because not everybody has nginx in front: what says the same of each model becomes a tenth. It is asked seldom, holds no
# secret, and costs a millisecond for a hundred models and ours.
packed = method_decorator(gzip_page, name="dispatch")


@packed
class Models(View):
    PARAMETERS: ClassVar = READERS

    @contract.list_models
    def get(self, request):
        asked = filters.each(request.query_params, READERS)
        available, language = _available(), _language(request)
        found = [model for model in catalogue.all() if model.is_enabled and asked.get("kind") in (None, model.kind)]
        data = [_only(asked.get("fields"), _shown(model, available, language)) for model in found]
        return Answer({"object": "list", "data": data, "has_more": False, "next_cursor": None}, headers=_headers(language))


@packed
class OneModel(View):
    @contract.read_model
    def get(self, request, name):
        try:
            model = catalogue.get(name)
        except catalogue.UnknownModel:
            raise problems.missing() from None
        if not model.is_enabled:
            raise problems.missing()
        language = _language(request)
        return Answer(_shown(model, _available(), language), headers=_headers(language))


def _available() -> set[str]:
    """The models that a healthy provider serves now, one to which tasks are sent."""
    routes = Route.objects.filter(is_enabled=True, provider__is_enabled=True, provider__is_healthy=True)
    served = routes.values_list("model__name", "provider_id")
    return {name for name, provider_id in served if not breakers.is_open(provider_id)}


def _language(request) -> str:
    return languages.preferred(request.headers.get("Accept-Language", ""))


def _headers(language: str) -> dict[str, str]:
    return {"Content-Language": language, "Vary": "Accept-Language"}


def _only(fields: tuple[str, ...] | None, model: dict[str, Any]) -> dict[str, Any]:
    return {name: model[name] for name in fields} if fields else model


def _shown(model: catalogue.Model, available: set[str], language: str) -> dict[str, Any]:
    words = model.in_chinese if language == languages.CHINESE else model.in_english
    return {
        "id": model.name,
        "object": "model",
        "kind": model.kind,
        "title": words.title,
        "description": words.description,
        "input_schema": words.schema,
        "price": model.price,
        "usage": model.usage,
        "outputs": model.outputs,
        "typical_seconds": model.typical_seconds,
        "deadline_seconds": model.deadline_seconds,
        "takes_media": model.takes_media,
        "available": model.name in available,
    }
