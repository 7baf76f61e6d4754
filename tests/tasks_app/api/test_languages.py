"""In which language models are told of."""

import pytest

from providers import catalogue
from providers.models import PublicModel
from tasks_app.api import languages

from .conftest import IMAGE, VIDEO, fields, refusal

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("accept", "language"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh-hans"),
        ("zh", "zh-hans"),
        ("zh-Hans", "zh-hans"),
        ("zh-TW", "zh-hans"),
        ("fr, zh;q=0.5", "zh-hans"),
        ("en-GB, zh;q=0.9", "en"),
        ("zh;q=0.1, en;q=0.2", "en"),
        ("zh;q=0", "en"),
        ("fr", "en"),
        ("*", "en"),
        ("", "en"),
        ("zh;q=often", "en"),
        ("zh," * 10_000, "zh-hans"),
    ],
)
def test_the_one_that_is_liked_best_of_those_there_are(accept, language):
    assert languages.preferred(accept) == language


class TestModelsInChinese:
    @pytest.fixture(autouse=True)
    def translated(self, models):
        PublicModel.objects.filter(name=IMAGE).update(title="Fox", description="Foxes.", title_zh="狐狸", description_zh="画狐狸。")
        catalogue.forget()

    def told(self, answer) -> list[tuple[str, str]]:
        assert "Accept-Language" in answer["Vary"]
        return [(model["title"], model["description"]) for model in answer.json()["data"]]

    def test_are_for_those_who_read_it(self, api):
        chinese, english = api.get("/models", Accept_Language="zh-CN"), api.get("/models", Accept_Language="en")
        assert (self.told(chinese)[0], chinese["Content-Language"]) == (("狐狸", "画狐狸。"), "zh-hans")
        assert (self.told(english)[0], english["Content-Language"]) == (("Fox", "Foxes."), "en")
        assert self.told(api.get("/models")) == self.told(english)
        assert api.get(f"/models/{IMAGE}", Accept_Language="zh").json()["title"] == "狐狸"
        assert api.get("/models?fields=title", Accept_Language="zh").json()["data"][0] == {"title": "狐狸"}

    def test_have_a_chinese_schema_too_and_an_english_one_without_a_word_of_it(self, api):
        prompt = {"type": "string", "title": "Words", "title_zh": "文字", "description": "What to draw.", "description_zh": "画什么。"}
        schema = {"type": "object", "additionalProperties": False, "properties": {"prompt": prompt, "title_zh": {"type": "string"}}}
        PublicModel.objects.filter(name=IMAGE).update(input_schema=schema)
        catalogue.forget()
        chinese, english = (api.get(f"/models/{IMAGE}", Accept_Language=one).json()["input_schema"] for one in ("zh", "en"))
        assert chinese["properties"]["prompt"] == {"type": "string", "title": "文字", "description": "画什么。"}
        assert english["properties"]["prompt"] == {"type": "string", "title": "Words", "description": "What to draw."}
        assert list(chinese["properties"]) == list(english["properties"]) == ["prompt", "title_zh"]

    def test_are_told_of_in_english_where_the_operator_has_no_chinese_for_them(self, api):
        assert self.told(api.get("/models", Accept_Language="zh"))[1] == (VIDEO, "")

    def test_are_refused_in_english(self, api):
        assert refusal(api.get("/models/nothing", Accept_Language="zh")) == refusal(api.get("/models/nothing"))
        assert fields(api.get("/models?kind=fox", Accept_Language="zh")) == ["kind"]
