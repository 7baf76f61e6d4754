"""What a browser is told with each page, and what `check --deploy` says of a production's environment."""

import os
import re
import subprocess
import sys

import pytest
from cryptography.fernet import Fernet
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import RequestFactory

from config.env import ROOT
from config.headers import PageHeaders, bucket_origin

PRODUCTION = {
    "DARKROOM_ENV": "production",
    "SECRET_KEY": "Wm3-" + "k7Zq2vN9xT4bY8cR1fH6" * 3,
    "SEALING_KEYS": Fernet.generate_key().decode(),
    "ALLOWED_HOSTS": "darkroom.example.org",
    "PUBLIC_URL": "https://darkroom.example.org",
    "DATABASE_URL": "sqlite:///var/check.sqlite3",
    "REDIS_URL": "",
}
PAGES = ("/admin/login/", "/api/docs/", "/api/schema/", "/healthz")


def policy(response) -> dict[str, str]:
    """The response's Content-Security-Policy: directive → sources."""
    return dict(part.split(" ", 1) for part in response["Content-Security-Policy"].split("; "))


def in_production(*command: str) -> subprocess.CompletedProcess:
    environment = {**{name: value for name, value in os.environ.items() if not name.startswith("COS_")}, **PRODUCTION}
    return subprocess.run([sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.django_db
class TestEveryPage:
    @pytest.mark.parametrize("path", PAGES)
    def test_says_where_its_parts_may_come_from(self, client, path):
        response = client.get(path)
        assert policy(response)["default-src"] == "'self'"
        assert (policy(response)["object-src"], policy(response)["frame-ancestors"]) == ("'none'", "'none'")
        assert response["X-Frame-Options"] == "DENY"
        assert response["X-Content-Type-Options"] == "nosniff"
        assert response["Referrer-Policy"] == "same-origin"
        assert "camera=()" in response["Permissions-Policy"]

    @pytest.mark.parametrize("path", PAGES)
    def test_runs_no_script_that_stands_in_it(self, client, path):
        response = client.get(path)
        assert "'unsafe-inline'" not in policy(response)["script-src"]
        if "html" in response["Content-Type"]:
            assert not re.search(rb"<script(?![^>]*\bsrc=)(?![^>]*application/json)[^>]*>", response.content)

    def test_only_the_admin_may_compile_expressions(self, client):
        assert [path for path in PAGES if "'unsafe-eval'" in policy(client.get(path))["script-src"]] == ["/admin/login/"]

    def test_of_the_admin_has_no_script_in_it_either(self, client):
        client.force_login(User.objects.create_superuser("olga"))
        for path in (
            "/admin/",
            "/admin/accounts/account/",
            "/admin/accounts/account/add/",
            "/admin/tasks_app/task/",
            "/admin/django_celery_beat/periodictask/add/",
        ):
            page = client.get(path).content
            assert not re.search(rb"<script(?![^>]*\bsrc=)(?![^>]*application/json)[^>]*>", page), path
            assert not re.search(rb"<[^>]+\son[a-z]+=", page), path

    def test_of_the_api_carries_none_of_it(self, client):
        assert "Content-Security-Policy" not in client.get("/api/v1/nothing")


class TestHttps:
    def asked(self, settings, url):
        settings.PUBLIC_URL, settings.SECURE_HSTS_SECONDS = url, 31_536_000
        return PageHeaders(_page)(RequestFactory().get("/admin/"))

    def test_is_demanded_for_a_year_where_we_are_reached_by_it(self, settings):
        assert self.asked(settings, "https://darkroom.example.org")["Strict-Transport-Security"] == "max-age=31536000"

    def test_is_not_where_we_are_not(self, settings):
        assert "Strict-Transport-Security" not in self.asked(settings, "http://127.0.0.1:8000")


class TestABucket:
    def test_is_a_source_of_pictures_where_browsers_are_sent_there(self, settings):
        settings.STORAGE, settings.CONTENT = "cos", "redirect"
        settings.COS_ENDPOINT, settings.COS_DOMAIN = "", ""
        settings.COS_BUCKET, settings.COS_REGION = "darkroom-1250000000", "ap-guangzhou"
        assert bucket_origin() == "https://darkroom-1250000000.cos.ap-guangzhou.myqcloud.com"
        settings.COS_DOMAIN = "media.example.org"
        sources = policy(PageHeaders(_page)(RequestFactory().get("/studio")))
        assert sources["img-src"].endswith(" https://media.example.org")
        assert "media.example.org" not in sources["script-src"]

    @pytest.mark.parametrize(("store", "sources"), [("cos", "'self' http://127.0.0.1:9"), ("disk", "'self'")])
    def test_takes_files_from_the_studio(self, settings, store, sources):
        settings.STORAGE, settings.COS_ENDPOINT = store, "http://127.0.0.1:9"
        assert policy(PageHeaders(_page)(RequestFactory().get("/studio/")))["connect-src"] == sources
        assert "127.0.0.1:9" not in str(policy(PageHeaders(_page)(RequestFactory().get("/admin/"))))


class TestAProductionsEnvironment:
    def test_draws_no_warning(self):
        done = in_production("manage.py", "check", "--deploy", "--fail-level", "WARNING")
        assert done.returncode == 0, done.stderr
        assert "no issues" in done.stdout

    def test_sends_cookies_by_https_only(self):
        names = ("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SESSION_COOKIE_HTTPONLY")
        asked = f"from django.conf import settings; print(*(getattr(settings, name) for name in {names}))"
        assert in_production("manage.py", "shell", "--no-imports", "-c", asked).stdout.split() == ["True"] * 3


def _page(request):
    return HttpResponse("a page")
