"""What the tests of providers share: a clock that stands still, and rows as an operator would make them."""

from datetime import UTC, datetime

import pytest

from providers.models import Provider, PublicModel, Route

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)

SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["prompt"],
    "properties": {
        "prompt": {"type": "string", "minLength": 1, "maxLength": 200},
        "n": {"type": "integer", "minimum": 1, "maximum": 4, "default": 1},
        "duration": {"type": "number", "minimum": 1, "maximum": 30, "default": 5},
        "resolution": {"enum": ["480p", "720p", "1080p"], "default": "720p"},
        "generate_audio": {"type": "boolean", "default": False},
        "seed": {"type": "integer"},
        "images": {"type": "array", "maxItems": 3, "items": {"type": "string", "format": "media"}, "default": []},
    },
}


@pytest.fixture
def now():
    return NOON


@pytest.fixture
def make_model(db):
    """make_model("plasma/video", price="2 * duration") → a saved PublicModel that takes SCHEMA."""

    def make(name="plasma/video", **columns):
        model = PublicModel(name=name, **{"kind": "video.generate", "title": "Plasma", "input_schema": SCHEMA, **columns})
        model.full_clean()
        model.save()
        return model

    return make


@pytest.fixture
def make_provider(db):
    def make(name="plasma", **columns):
        return Provider.objects.create(name=name, **{"adapter": "scf", "base_url": "http://127.0.0.1:1", **columns})

    return make


@pytest.fixture
def make_route(db):
    def make(model, provider, **columns):
        return Route.objects.create(model=model, provider=provider, **{"upstream_model": "plasma-v2", **columns})

    return make
