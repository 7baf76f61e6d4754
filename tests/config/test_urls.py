"""What answers where, besides the API's own tests."""

import re

import pytest


class TestPagesForPeople:
    def test_the_schema_describes_the_api(self, client):
        answer = client.get("/api/schema/", headers={"Accept": "application/json"})
        assert answer.status_code == 200
        assert "/api/v1/tasks" in answer.json()["paths"]

    def test_the_docs_page_loads_nothing_from_a_foreign_host(self, client):
        page = client.get("/api/docs/").content.decode()
        assert "swagger" in page
        assert re.findall(r"""(?:src|href)=["']?(?:https?:)?//""", page) == []

    @pytest.mark.django_db
    def test_the_admin_asks_who_one_is(self, client):
        answer = client.get("/admin/", follow=True)
        assert answer.status_code == 200
        assert 'name="password"' in answer.content.decode()


class TestStaticFiles:
    @pytest.mark.parametrize("page", ["/api/docs/", "/admin/login/"])
    @pytest.mark.django_db
    def test_each_that_a_page_names_is_served_without_collecting_them(self, client, page):
        named = re.findall(r"""(?:src|href)=["'](/static/[^"']+\.(?:js|css|png|svg))""", client.get(page).content.decode())
        assert named
        for path in named:
            assert client.get(path).status_code == 200, path


class TestTheAccessLine:
    @pytest.mark.django_db
    def test_is_written_of_calls_below_v1_too(self, client, caplog):
        caplog.set_level("INFO", "access")
        answer = client.get("/v1/videos")
        assert (caplog.records[-1].path, caplog.records[-1].status) == ("/v1/videos", 401)
        assert "Content-Security-Policy" not in answer

    @pytest.mark.django_db
    def test_a_request_without_a_key_is_logged_with_the_id_it_was_answered_with(self, client, caplog):
        caplog.set_level("INFO", "access")
        answer = client.get("/api/v1/tasks", headers={"X-Request-ID": "mine-1"})
        assert (answer.status_code, answer["X-Request-ID"], answer.json()["request_id"]) == (401, "mine-1", "mine-1")
        assert (caplog.records[-1].status, caplog.records[-1].account_id) == (401, None)
