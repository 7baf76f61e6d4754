"""One model by two routes that cannot do the same: vidu alone makes small pictures, kling alone sound."""

import pytest

from providers.models import Provider, PublicModel, Route
from tests.cast import forget_rows

SMALL, LOUD = {"resolution": "540p"}, {"generate_audio": True}
SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["prompt"],
    "properties": {
        "prompt": {"type": "string"},
        "duration": {"type": "integer", "default": 5},
        "resolution": {"enum": ["540p", "720p"], "default": "720p"},
        "generate_audio": {"type": "boolean"},
    },
}


@pytest.fixture
def served(db):
    """A model of the operator's own, served by vidu first and by kling second, and their providers by name."""
    model = PublicModel.objects.create(name="our/video", kind="video.generate", title="Video", input_schema=SCHEMA)
    providers = {}
    for priority, (name, upstream_model) in enumerate((("vidu", "viduq3-turbo"), ("kling", "kling-3.0"))):
        providers[name] = Provider.objects.create(name=name, adapter=name)
        Route.objects.create(model=model, provider=providers[name], upstream_model=upstream_model, priority=priority)
    forget_rows()
    return providers


def cap(name: str, jobs: int | None) -> None:
    Provider.objects.filter(name=name).update(max_jobs=jobs)
    forget_rows()


def fill(name: str) -> None:
    cap(name, 0)
