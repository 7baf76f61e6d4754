"""The OpenAPI document says what the code does."""

import re
from functools import cache
from io import BytesIO

import jsonschema
import pytest
import yaml
from django.core.management import call_command
from django.test import Client
from django.urls import get_resolver

from tasks_app.api import problems
from tests.tasks_app.api.conftest import ORDER, Api, output_of, shown, task_of

pytestmark = pytest.mark.django_db


@cache
def document() -> dict:
    return yaml.safe_load(Client().get("/api/schema/").content)


def described(method: str, path: str, answer) -> None:
    """Fails unless the answer's status, type, headers and body are what the document says of them."""
    operation = document()["paths"][f"/api/v1{path}"][method]
    response = operation["responses"][str(answer.status_code)]
    assert {name for name in response.get("headers", {}) if name not in OPTIONAL_HEADERS} <= set(answer.headers)
    content = response.get("content", {})
    if not content:
        assert answer.content == b""
        return
    if answer.streaming:
        assert answer["Content-Type"].partition(";")[0] in content
        return
    schema = content[answer["Content-Type"]]["schema"]
    jsonschema.Draft202012Validator({**schema, "components": document()["components"]}).validate(answer.json())


OPTIONAL_HEADERS = {"Idempotent-Replayed", "Preference-Applied", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"}


class TestTheDocument:
    def test_is_valid_and_draws_no_warning(self, tmp_path):
        call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(tmp_path / "schema.yaml"))

    def test_is_read_without_a_key(self):
        assert Client().get("/api/schema/").status_code == 200
        page = Client().get("/api/docs/")
        assert page.status_code == 200
        assert b"https://cdn" not in page.content

    def test_names_every_path_that_there_is(self):
        faces = [face for face in get_resolver().url_patterns if str(face.pattern) in ("api/v1/", "v1/")]
        routes = {f"/{face.pattern}{route.pattern}" for face in faces for route in face.url_patterns} - {"/api/v1/", "/v1/"}
        assert set(document()["paths"]) == {re.sub("<(?:str|path):(.*?)>", r"{\1}", route) for route in routes}

    def test_names_every_code_that_a_problem_may_have(self):
        assert set(document()["components"]["schemas"]["Problem"]["properties"]["code"]["enum"]) == set(problems.CODES)

    def test_asks_for_a_key_everywhere(self):
        for path in document()["paths"].values():
            for operation in path.values():
                assert {"Bearer": []} in operation["security"]

    def test_gives_examples_that_fit_their_own_schemas(self):
        components = document()["components"]
        for name, schema in components["schemas"].items():
            for example in schema.get("examples", ()):
                jsonschema.Draft202012Validator({"$ref": f"#/components/schemas/{name}", "components": components}).validate(example)


class TestARealAnswer:
    """Each is held against the document by `described`."""

    def test_to_creating(self, api):
        described("post", "/tasks", api.post("/tasks", ORDER | {"metadata": {"a": "b"}}))
        described("post", "/tasks", api.post("/tasks", ORDER | {"colour": 1}))
        described("post", "/tasks", api.post("/tasks", b"{"))
        described("post", "/tasks", Api().post("/tasks", ORDER))
        described("post", "/tasks/quote", api.post("/tasks/quote", ORDER))
        described("post", "/tasks/batch", api.post("/tasks/batch", {"tasks": [ORDER, {}]}))

    @pytest.mark.django_db(transaction=True)
    def test_to_a_replay(self, api):
        for _ in range(2):
            described("post", "/tasks", api.post("/tasks", ORDER, Idempotency_Key="k"))

    @pytest.mark.parametrize("status", ["queued", "submitting", "running", "storing", "succeeded", "failed", "canceled", "expired"])
    def test_to_reading_a_task_of_any_status(self, api, acme, status):
        error = {"error_code": "moderated", "error_message": "no"} if status == "failed" else {}
        task = task_of(acme, status=status, **error)
        if status == "succeeded":
            output_of(task, thumbnail=b"x", width=1, height=1)
            output_of(task, position=1, content_type="audio/mpeg", duration=1.5)
        described("get", "/tasks/{id}", api.get(f"/tasks/{shown(task)}"))
        described("get", "/tasks", api.get("/tasks?limit=1"))

    def test_to_reading_what_is_not_there_or_not_new(self, api, acme):
        path = f"/tasks/{shown(task_of(acme))}"
        described("get", "/tasks/{id}", api.get("/tasks/x"))
        described("get", "/tasks/{id}", api.get(path, If_None_Match=api.get(path)["ETag"]))

    def test_to_ending(self, api, acme):
        path = f"/tasks/{api.post('/tasks', ORDER).json()['id']}"
        described("delete", "/tasks/{id}", api.delete(path))
        described("post", "/tasks/{id}/retry", api.post(f"{path}/retry"))
        described("post", "/tasks/{id}/cancel", api.post(f"{path}/cancel"))
        described("post", "/tasks/{id}/cancel", api.post(f"/tasks/{shown(task_of(acme, status='failed'))}/cancel"))
        described("post", "/tasks/{id}/retry", api.post(f"{path}/retry"))
        described("delete", "/tasks/{id}", api.delete(path))

    def test_to_everything_else_that_is_read(self, api):
        described("get", "/account", api.get("/account"))
        described("get", "/account/statement", api.get("/account/statement"))
        described("get", "/account/statement", api.get("/account/statement?month=may"))
        described("get", "/models", api.get("/models"))
        described("get", "/models", api.get("/models?fields=id,title"))
        described("get", "/models/{name}", api.get("/models/darkroom/plasma-image"))
        described("get", "/usage", api.get("/usage?by=day,model,kind,end_user"))

    def test_to_files(self, api):
        file = BytesIO(b"1\n00:00:01,000 --> 00:00:02,000\nHello\n")
        file.name = "a.srt"
        made = api.uploads(file=file)
        described("post", "/files", made)
        described("post", "/files", api.uploads())
        described("get", "/files/{id}", api.get(f"/files/{made.json()['id']}"))
        upload = api.post("/files", {"upload": {"name": "a.srt", "bytes": 3}})
        described("post", "/files", upload)
        described("post", "/files", api.post("/files", {"upload": {"name": 7}}))
        described("post", "/files/{id}/complete", api.post(f"/files/{upload.json()['id']}/complete"))
        described("post", "/files/{id}/complete", api.post(f"/files/{made.json()['id']}/complete"))
        described("put", "/uploads/{id}", api.sends("PUT", f"/uploads/{upload.json()['id']}"))
        described("delete", "/files/{id}", api.delete(f"/files/{made.json()['id']}"))
