"""GET /v1/models: what makes pictures or videos."""

from collections.abc import Mapping
from typing import Any

from providers import catalogue

from ..answer import Answer
from . import contract, errors
from .view import Call

KINDS = ("image.generate", "video.generate")


class Models(Call):
    @contract.list_models
    def get(self, request):
        return Answer({"object": "list", "data": [_shown(model) for model in catalogue.all() if _is_offered(model)]})


class OneModel(Call):
    @contract.read_model
    def get(self, request, name):
        return Answer(_shown(offered(name)))


def asked_for(parameters: Mapping[str, Any], kind: str) -> catalogue.Model:
    """The model that a request names; raises Problem."""
    if "model" not in parameters:
        raise errors.missing("model")
    return offered(parameters["model"], kind)


def offered(name: Any, kind: str | None = None) -> catalogue.Model:
    """The model of this name, of this kind if one is said; raises Problem."""
    try:
        model = catalogue.get(name)
    except (catalogue.UnknownModel, TypeError):  # JSON may have an object in place of a name
        raise errors.no_model(name, "does not exist") from None
    if not _is_offered(model):
        raise errors.no_model(name, "does not exist")
    if kind not in (None, model.kind):
        raise errors.no_model(name, f"makes no {kind.partition('.')[0]}s")
    return model


def _is_offered(model: catalogue.Model) -> bool:
    return model.is_enabled and model.kind in KINDS


def _shown(model: catalogue.Model) -> dict:
    vendor, _, _ = model.name.partition("/")
    # When a model was added is kept nowhere, and the client insists on a number.
    return {"id": model.name, "object": "model", "created": 0, "owned_by": vendor, "shutdown_date": None}
