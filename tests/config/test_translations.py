"""The admin in Simplified Chinese: every word of ours, and of unfold's, has a translation, and what is compiled is what is written."""

import re

import polib
import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import translation

from config import translations
from config.words import of_models

WRITTEN = polib.pofile(str(translations.FILE))
PLACE = re.compile(r"%\(\w+\)s|%s|\{\w*\}|<[^>]+>")
SAME = {"ID", "sha256", "Webhook"}  # what needs none


def told(entry: polib.POEntry) -> str:
    return entry.msgstr_plural.get(0, "") if entry.msgid_plural else entry.msgstr


class TestTheFile:
    def test_holds_every_word_and_no_other(self):
        wanted = translations.wanted()
        assert {entry.msgid: entry.msgid_plural for entry in WRITTEN} == wanted, "run python -m config.translations, and translate"

    def test_leaves_none_untranslated(self):
        assert [entry.msgid for entry in WRITTEN if not told(entry) or entry.fuzzy] == []
        assert [entry.msgid for entry in WRITTEN if told(entry) == entry.msgid and entry.msgid not in SAME] == []

    def test_keeps_the_places_where_values_go(self):
        for entry in WRITTEN:
            assert set(PLACE.findall(told(entry))) == set(PLACE.findall(entry.msgid)), entry.msgid

    def test_is_compiled_as_it_is_written(self):
        assert translations.FILE.with_suffix(".mo").read_bytes() == WRITTEN.to_binary()


class TestTheWordsOfModels:
    def test_are_said_in_the_operators_language(self):
        from accounts.models import Account

        label = Account._meta.get_field("max_active").verbose_name
        assert str(label) == "max active"
        with translation.override("zh-hans"):
            assert (str(label), str(Account._meta.verbose_name)) == ("最大活动数", "账户")

    def test_are_collected_in_english(self):
        with translation.override("zh-hans"), translation.override("en"):
            assert {"max active", "account"} <= of_models()


@pytest.mark.django_db
class TestTheLanguage:
    @pytest.fixture
    def olga(self) -> Client:
        client = Client()
        client.force_login(User.objects.create_superuser("olga"))
        return client

    def test_is_english_unless_the_browser_wishes_otherwise(self, olga):
        assert '<html lang="en"' in olga.get("/admin/").content.decode()
        page = olga.get("/admin/", headers={"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"}).content.decode()
        assert '<html lang="zh-hans"' in page
        assert "概览" in page

    def test_is_what_the_operator_chose_from_then_on(self, olga):
        answer = olga.post("/admin/language/", {"language": "zh-hans", "next": "/admin/tasks_app/task/"})
        assert answer.url == "/admin/tasks_app/task/"
        page = olga.get("/admin/tasks_app/task/").content.decode()
        assert "取消所选任务" in page
        assert "操作员" in page

    def test_leads_to_no_other_host(self, olga):
        assert olga.post("/admin/language/", {"language": "zh-hans", "next": "https://evil.example/"}).url == "/"

    def test_of_a_page_is_not_that_of_the_next_call_to_the_api(self, olga):
        olga.get("/admin/", headers={"Accept-Language": "zh-CN"})
        assert translation.get_language() == "en"
        answer = Client().get("/api/v1/tasks", headers={"Accept-Language": "zh-CN"}).json()
        assert answer["detail"].startswith("Send an API key of your account")

    def test_of_a_sign_in_is_the_browsers(self):
        page = Client().get("/admin/login/", headers={"Accept-Language": "zh-CN"}).content.decode()
        assert "欢迎回到" in page
        assert "验证码" in page
