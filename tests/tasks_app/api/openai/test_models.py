"""GET /v1/models: what makes pictures or videos."""

import openai
import pytest

from providers import catalogue
from providers.models import PublicModel
from tests.tasks_app.api.conftest import IMAGE, VIDEO

from .conftest import FILM, PICTURES

pytestmark = pytest.mark.django_db


def test_lists_what_makes_pictures_or_videos(client):
    PublicModel.objects.filter(name=IMAGE).update(kind="image.stitch")
    PublicModel.objects.filter(name=VIDEO).update(is_enabled=False)
    catalogue.forget()
    listed = client.models.list().data
    assert all(openai.types.Model.model_validate(model.model_dump()) for model in listed)
    assert {(model.id, model.object, model.owned_by) for model in listed} == {(FILM, "model", "vendor"), (PICTURES, "model", "vendor")}


def test_reads_one_though_its_name_has_a_slash(client):
    assert client.models.retrieve(FILM).id == FILM
    for name in ("sora-2", "nothing/here"):
        with pytest.raises(openai.NotFoundError) as refusal:
            client.models.retrieve(name)
        assert (refusal.value.code, refusal.value.param) == ("model_not_found", "model")
