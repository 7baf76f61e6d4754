"""What the studio asks of the models, held against all that Darkroom brings along."""

import re

import pytest

from providers import built_in, catalogue, offers
from providers.models import PublicModel
from tasks_app.studio import page
from tests.tasks_app.api.conftest import Api

pytestmark = pytest.mark.django_db

BYTES_A_MODEL = 170  # in the list that the first page waits for: a hundred models are a ninth of what it may weigh


@pytest.fixture
def every_model():
    """All of every vendor's, and our own."""
    models = [model for vendor in offers.names() for model in offers.of(vendor).models]
    columns = ("name", "kind", "title", "description", "input_schema", "price", "outputs", "typical_seconds", "deadline_seconds")
    rows = ({column: getattr(model, column) for column in columns} for model in [*models, *built_in.MODELS])
    PublicModel.objects.bulk_create(PublicModel(**row) for row in rows)
    catalogue.forget()


def test_the_first_page_asks_little_of_each_model(acme, every_model):
    asked = re.search(r'const LISTED = "([^"]+)"', (page.STATIC / "studio/models.js").read_text())[1]
    answer = Api(acme.key).get(f"/models?fields={asked}")
    listed = answer.json()["data"]
    assert len(listed) == PublicModel.objects.count() > 90
    assert len(answer.content) / len(listed) < BYTES_A_MODEL
