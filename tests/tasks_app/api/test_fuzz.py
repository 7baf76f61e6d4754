"""Requests made up from the OpenAPI document, right ones and wrong ones: no answer is a 5xx, or one that the document does not describe.

SCHEMA_CASES sets how many are made up for each call. `pytest --junitxml` tells what was counted.
"""

import os
from collections import Counter
from datetime import UTC, datetime

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import booleans
from schemathesis import GenerationMode
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from accounts import keys
from config.wsgi import application
from tasks_app import ids
from tasks_app.api.keys import shown_id
from tasks_app.models import File
from tasks_app.webhooks import endpoints, outbox
from tests.tasks_app.api.conftest import IMAGE, VIDEO, keep, output_of, shown, task_of

pytestmark = pytest.mark.django_db(transaction=True)  # a request through WSGI itself closes a connection that is within one

CASES = int(os.environ.get("SCHEMA_CASES", "10"))
MANY = settings(
    max_examples=CASES,
    deadline=None,
    derandomize=CASES <= 10,  # in `make test` the same ones each time
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]


@pytest.fixture
def found(acme) -> dict[str, str]:
    """What is there to be found by each call with an id."""
    task = task_of(acme, status="succeeded", captured=3, finished_at=datetime.now(UTC))
    output = output_of(task, b"0123456789", thumbnail=b"thumbnail", width=1, height=1)
    video = task_of(acme, kind="video.generate", model=VIDEO, status="succeeded", captured=3, finished_at=task.created_at)
    output_of(video, b"0123456789", content_type="video/mp4", thumbnail=b"thumbnail", width=1, height=1, duration=1)
    key = keep("files/found", b"0123456789")
    file = File(id=ids.new(), account_id=acme.id, content_type="text/plain", bytes=10, sha256="0" * 64, key=key, created_at=task.created_at)
    file.save(force_insert=True)
    endpoint, _ = endpoints.create(acme.id, url="https://hooks.example.com/found", now=task.created_at)
    delivery = outbox.test(endpoint, now=task.created_at)
    key, _ = keys.make(acme.account, "found", now=task.created_at)
    return {
        "keys": shown_id(key),
        "tasks": shown(task),
        "outputs": ids.shown("output", output.id),
        "files": ids.shown("file", file.id),
        "images": shown(task),
        "videos": shown(video),
        "uploads": ids.shown("file", file.id),
        "webhook-endpoints": ids.shown("whe", endpoint.id),
        "webhook-deliveries": ids.shown("whd", delivery.id),
    }


@pytest.fixture
def calls(models, settings, tmp_path) -> list:
    """Every call that the document has."""
    settings.STORAGE_DIR = tmp_path
    return [operation.ok() for operation in schemathesis.openapi.from_wsgi("/api/schema/", application).get_all_operations()]


def asked_with(operation, acme, found: dict[str, str], counted: Counter[str]) -> str:
    """Makes up requests for one call and judges each answer; what schemathesis has to say of the first that is wrong."""
    faults = []

    @MANY
    @given(
        case=operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
        | operation.as_strategy(generation_mode=GenerationMode.NEGATIVE),
        is_there=booleans(),
    )
    def ask(case, is_there):
        if is_there and case.path_parameters:
            (name,) = case.path_parameters
            case.path_parameters[name] = IMAGE if name == "name" else found[case.path.removeprefix("/api").split("/")[2]]
        # As it is: schemathesis would ask for it packed, and not unpack it.
        answered = case.call(headers={"Authorization": f"Bearer {acme.key}", "Accept-Encoding": "identity"})
        counted["requests"] += 1
        if operation.path.endswith("/events") and answered.status_code == 503:
            return  # web has no stream tier here to hand it on to
        counted["server_errors"] += answered.status_code >= 500
        try:
            case.validate_response(answered, checks=CHECKS)
        except Exception as fault:  # noqa: BLE001 - all answers are to be judged, and the test fails with the list
            counted["undescribed"] += 1
            faults.append(str(fault))

    ask()
    return faults[0] if faults else ""


def test_every_answer_is_one_that_the_document_describes(calls, acme, found, record_property):
    counted: Counter[str] = Counter(calls=len(calls), server_errors=0, undescribed=0)
    faults = {operation.label: fault for operation in calls if (fault := asked_with(operation, acme, found, counted))}
    for what, count in counted.items():
        record_property(what, count)
    assert not faults, "\n\n".join(f"{label}\n{fault}" for label, fault in faults.items())
