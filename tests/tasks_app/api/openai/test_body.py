"""What a form's names mean, and that no body at all breaks anything."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks_app.api.openai.body import _put
from tasks_app.engine.accept import Problem

from .conftest import FILM, PICTURES, refused

NAMES = (
    "prompt",
    "seconds",
    "size",
    "input_reference",
    "duration",
    "n",
    "image",
    "images",
    "mask",
    "response_format",
    "stream",
    "user",
    "a",
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.sampled_from(("file_id", "image_url", "b")), below, max_size=2),
    max_leaves=5,
)


def read(*fields: tuple[str, list[str]]) -> dict:
    parameters: dict = {}
    for name, values in fields:
        _put(parameters, name, values)
    return parameters


class TestAFormsNames:
    def test_are_those_of_values_objects_and_lists(self):
        fields = [("prompt", ["x"]), ("a[b][c]", ["1"]), ("a[b][d]", ["2"]), ("list[]", ["1", "2"]), ("deep[list][]", ["3"])]
        assert read(*fields) == {"prompt": "x", "a": {"b": {"c": "1", "d": "2"}}, "list": ["1", "2"], "deep": {"list": ["3"]}}

    @pytest.mark.parametrize(
        "fields",
        [
            [("", ["x"])],
            [("[a]", ["x"])],
            [("a[", ["x"])],
            [("a[b", ["x"])],
            [("a[b]c", ["x"])],
            [("a[][b]", ["x"])],
            [("a" + "[b]" * 9, ["x"])],
            [("a", ["x", "y"])],
            [("a", ["x"]), ("a[b]", ["y"])],
            [("a[b]", ["y"]), ("a", ["x"])],
            [("a[]", ["y"]), ("a[b]", ["x"])],
            [("a[b][c]", ["y"]), ("a[b]", ["x"])],
        ],
    )
    def test_that_cannot_be_read_or_clash_are_refused(self, fields):
        with pytest.raises(Problem):
            read(*fields)


@pytest.mark.django_db
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])  # accounts and models stay
@given(data=st.data())
def test_no_body_breaks_anything(v1, data):
    path, model = data.draw(st.sampled_from((("/videos", FILM), ("/images/generations", PICTURES), ("/images/edits", PICTURES))))
    body = {"model": model, "prompt": "a red kite"} | data.draw(st.dictionaries(st.sampled_from(NAMES), JSON, max_size=3))
    answer = v1.post(path, body, Prefer="respond-async")
    if answer.status_code >= 300:
        assert refused(answer)[0] in (400, 429)
