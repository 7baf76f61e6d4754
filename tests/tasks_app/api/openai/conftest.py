"""What the tests of /v1 share: the official client on a live server, and a model with all that OpenAI's parameters can mean."""

import openai
import pytest

from providers.models import PublicModel, Route
from tests.cast import forget_rows
from tests.tasks_app.api.conftest import Api

FILM = "vendor/film"
PICTURES = "vendor/pictures"
MEDIA = {"type": "string", "format": "media"}
FILM_SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["prompt"],
    "properties": {
        "prompt": {"type": "string", "minLength": 1},
        "duration": {"type": "integer", "minimum": 3, "maximum": 15, "default": 5},
        "resolution": {"enum": ["480p", "720p"], "default": "720p"},
        "aspect_ratio": {"enum": ["16:9", "9:16", "1:1"], "default": "16:9"},
        "generate_audio": {"type": "boolean", "default": False},
        "negative_prompt": {"type": "string"},
        "frame_images": {
            "type": "array",
            "maxItems": 1,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["image", "frame_type"],
                "properties": {"image": MEDIA, "frame_type": {"enum": ["first_frame"]}},
            },
        },
        "video": MEDIA,
    },
}
PICTURES_SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["prompt"],
    "properties": {
        "prompt": {"type": "string", "minLength": 1},
        "n": {"type": "integer", "minimum": 1, "maximum": 4, "default": 1},
        "size": {"enum": ["1024x1024", "1280x720"], "default": "1024x1024"},
        "seed": {"type": "integer"},
        "output_format": {"enum": ["png", "webp"], "default": "png"},
        "images": {"type": "array", "maxItems": 3, "items": MEDIA},
        "mask": MEDIA,
    },
}


@pytest.fixture
def offers(models) -> None:
    """A video model at 2 credits a second, and a picture model at 3 each, which nobody serves."""
    for name, kind, schema, price, outputs in (
        (FILM, "video.generate", FILM_SCHEMA, "2 * duration", "1"),
        (PICTURES, "image.generate", PICTURES_SCHEMA, "3 * n", "n"),
    ):
        model = PublicModel.objects.create(name=name, kind=kind, title=name, input_schema=schema, price=price, outputs=outputs)
        Route.objects.create(model=model, provider=models, upstream_model=name)
    forget_rows()


class V1(Api):
    """A client that speaks HTTP by hand, where the official one would not do it."""

    base = "/v1"

    def sends_form(self, path: str, headers: dict[str, str] | None = None, **fields):
        return self._client.post(f"{self.base}{path}", fields, headers=headers)


@pytest.fixture
def v1(acme, offers) -> V1:
    return V1(acme.key)


@pytest.fixture
def client_of(live_server):
    """The official client with a key; it sends nothing twice unless told to."""

    def make(key: str, *, url: str = live_server.url, max_retries: int = 0) -> openai.OpenAI:
        # A connection that is kept open would have its thread of the server outlive the test, and the database.
        return openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=max_retries, default_headers={"Connection": "close"})

    return make


@pytest.fixture
def client(client_of, acme, offers) -> openai.OpenAI:
    """acme's."""
    return client_of(acme.key)


def refused(answer) -> tuple[int, str | None, str | None]:
    """Status, code and parameter of a refusal, which has all its keys."""
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["message"]
    return answer.status_code, error["code"], error["param"]
