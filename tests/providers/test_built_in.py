import json
import re

import pytest
from django.core.management import CommandError, call_command

from providers import built_in, catalogue, directory, schemas
from providers.adapters.scf import FACTS
from providers.models import Provider, ProviderCredential, PublicModel, Route

NAMES = [
    "darkroom/image-stitch",
    "darkroom/test-card-image",
    "darkroom/test-card-video",
    "darkroom/text-process",
    "darkroom/video-compose",
]


@pytest.fixture
def install(db, capsys):
    """Run the command; returns what it printed."""

    def run():
        call_command("install_models")
        catalogue.forget()
        directory.forget()
        return capsys.readouterr().out

    return run


class TestOnAFreshDatabase:
    def test_every_model_is_there_and_can_be_routed(self, install):
        install()
        assert [model.name for model in catalogue.all()] == NAMES
        for name in NAMES:
            (route,) = directory.routes(name)
            assert directory.provider(route.provider_id).name == "functions"
            assert (built_in.FUNCTIONS / route.upstream_model).is_dir()

    def test_every_row_is_as_an_operator_may_save_it(self, install):
        install()
        for row in [*Provider.objects.all(), *PublicModel.objects.all(), *Route.objects.all()]:
            row.full_clean()

    def test_every_kind_is_one_that_the_functions_do(self, install):
        install()
        assert {model.kind for model in catalogue.all()} == FACTS.kinds

    def test_it_says_what_it_did(self, install, settings):
        settings.FUNCTIONS_URL = "http://127.0.0.1:8010"
        assert install().splitlines() == [
            "provider functions: created, at http://127.0.0.1:8010",
            "model darkroom/test-card-image: created, price n",
            "model darkroom/test-card-video: created, price 2 * duration",
            "model darkroom/image-stitch: created, price 1",
            "model darkroom/video-compose: created, price 0 if only_plan else 5",
            "model darkroom/text-process: created, price 0",
        ]

    @pytest.mark.parametrize(
        ("name", "given_input", "total", "outputs"),
        [
            ("darkroom/test-card-image", {"prompt": "a cat"}, 1, 1),
            ("darkroom/test-card-image", {"prompt": "a cat", "n": 4}, 4, 4),
            ("darkroom/test-card-video", {"prompt": "a cat"}, 10, 1),
            ("darkroom/test-card-video", {"prompt": "a cat", "duration": 2.6}, 6, 1),
            ("darkroom/image-stitch", {"images": ["file_1"]}, 1, 1),
            ("darkroom/video-compose", {"clips": [{"source": "file_1"}]}, 5, 1),
            ("darkroom/video-compose", {"clips": [{"source": "file_1"}], "only_plan": True}, 0, 1),
            ("darkroom/text-process", {"text": "Hello.", "operations": ["sentences", "srt"]}, 0, 2),
        ],
    )
    def test_each_has_its_price(self, install, name, given_input, total, outputs):
        install()
        model = catalogue.get(name)
        price = catalogue.price(model, catalogue.validate(model, given_input))
        assert (price.total, price.outputs) == (total, outputs)


def test_all_that_people_read_of_them_is_there_in_chinese_too():
    assert [model.name for model in built_in.MODELS if not (model.title_zh and model.description_zh)] == []
    for model in built_in.MODELS:
        text = json.dumps(schemas.in_language(model.input_schema, "_zh"), ensure_ascii=False)
        told = re.findall(r'"description": "([^"]+)"', text)
        assert told, model.name
        assert [hint for hint in told if not re.search("[\u4e00-\u9fff]", hint)] == []


class TestAgain:
    def test_changes_nothing(self, install):
        install()
        before = rows()
        assert "created" not in install()
        assert rows() == before

    def test_keeps_all_that_is_the_operators(self, install):
        install()
        theirs = {"title": "Ours", "description": "", "price": "99", "typical_seconds": 1, "deadline_seconds": 2, "is_enabled": False}
        PublicModel.objects.update(**theirs)
        Provider.objects.update(max_jobs=None, is_enabled=False)
        Route.objects.update(priority=7, is_enabled=False)
        before = rows()
        assert "model darkroom/image-stitch: kept, price 99, disabled" in install()
        assert rows() == before

    def test_brings_up_to_date_what_belongs_to_the_code_and_the_environment(self, install, settings):
        install()
        before = rows()
        PublicModel.objects.update(kind="image.generate", input_schema={}, outputs="9")
        Provider.objects.update(base_url="http://127.0.0.1:1", adapter="old")
        assert install().count("updated") == 5
        assert rows() == before

    def test_that_would_break_the_operators_price_says_so_and_changes_nothing(self, install):
        install()
        PublicModel.objects.filter(name="darkroom/video-compose").update(price="old_field", outputs="9")
        Provider.objects.update(base_url="http://127.0.0.1:1")
        with pytest.raises(
            CommandError, match=r"darkroom/video-compose does not go with .* price: at character 1: there is no input field"
        ):
            install()
        assert Provider.objects.get().base_url == "http://127.0.0.1:1"


class TestTheFunctionsMove:
    @pytest.fixture
    def cloud(self, settings):
        settings.FUNCTIONS, settings.SCF_REGION = "scf", "ap-guangzhou"
        settings.SCF_SECRET_ID, settings.SCF_SECRET_KEY = "AKIDmoved", "hunter2-scf"
        settings.COS_BUCKET, settings.COS_REGION = "darkroom-1250000000", "ap-guangzhou"
        settings.COS_SECRET_ID, settings.COS_SECRET_KEY = "AKIDmoved", "hunter2-cos"
        return settings

    def test_to_the_cloud_and_new_tasks_go_there(self, install, cloud):
        assert install().splitlines()[0] == "provider functions: created, on SCF in ap-guangzhou"
        provider = directory.provider(Provider.objects.get().id)
        assert directory.adapter(provider.id, provider.credential_version).FACTS.bucket_media

    def test_while_tasks_in_flight_are_asked_about_where_they_were_begun(self, install, cloud):
        cloud.FUNCTIONS = "local"
        install()
        cloud.FUNCTIONS = "scf"
        assert "provider functions: moved, on SCF" in install()
        provider = Provider.objects.get()
        assert directory.adapter(provider.id, 0).FACTS.local_media
        assert directory.adapter(provider.id, provider.credential_version).FACTS.bucket_media

    def test_and_back(self, install, cloud):
        install()
        cloud.FUNCTIONS = "local"
        assert "provider functions: moved, at http" in install()
        provider = Provider.objects.get()
        assert directory.adapter(provider.id, provider.credential_version).FACTS.local_media

    def test_once(self, install, cloud):
        install()
        before = rows()
        assert "provider functions: kept" in install()
        assert rows() == before

    def test_and_nothing_shows_a_key(self, install, cloud):
        told = install() + repr(rows()) + repr(list(ProviderCredential.objects.values()))
        assert not [secret for secret in ("AKIDmoved", "hunter2") if secret in told]


def rows():
    return [list(kind.objects.order_by("id").values()) for kind in (Provider, PublicModel, Route)]
