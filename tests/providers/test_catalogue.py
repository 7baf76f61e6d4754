from contextlib import suppress

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from providers import catalogue
from providers.catalogue import InvalidInput
from providers.models import PublicModel

from .conftest import SCHEMA

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))


def model_of(schema=SCHEMA, *, price="n", outputs="n"):
    return catalogue.Model("plasma/video", "video.generate", "Plasma", "", schema, price, outputs, 30, 3600, True)


MODEL = model_of()


def taking(**properties):
    return model_of({"type": "object", "additionalProperties": False, "properties": properties}, price="1", outputs="1")


def complaints(input, model=MODEL):
    """field → message."""
    with pytest.raises(InvalidInput) as caught:
        catalogue.validate(model, input)
    return {error["field"]: error["message"] for error in caught.value.errors}


class TestAValidInput:
    def test_comes_back_with_its_defaults(self):
        assert catalogue.validate(MODEL, {"prompt": "a cat", "n": 2}) == {
            "prompt": "a cat",
            "n": 2,
            "duration": 5,
            "resolution": "720p",
            "generate_audio": False,
            "images": [],
        }

    def test_is_judged_with_its_defaults(self):
        rule = {"if": {"properties": {"resolution": {"const": "720p"}}}, "then": {"properties": {"n": {"maximum": 2}}}}
        assert complaints({"prompt": "a cat", "n": 3}, model_of({**SCHEMA, **rule})) == {"n": "must be 2 or less, not 3"}


class TestAnInvalidInput:
    @pytest.mark.parametrize(
        ("change", "field", "message"),
        [
            ({"prompt": ""}, "prompt", "must have 1 character or more, not ''"),
            ({"prompt": "x" * 201}, "prompt", "must have 200 characters or fewer"),
            ({"prompt": 7}, "prompt", "must be a string, not 7"),
            ({"n": 0}, "n", "must be 1 or more, not 0"),
            ({"n": 9}, "n", "must be 4 or less, not 9"),
            ({"n": "2"}, "n", "must be a whole number, not '2'"),
            ({"n": True}, "n", "must be a whole number, not true"),
            ({"n": None}, "n", "must be a whole number"),
            ({"resolution": "4k"}, "resolution", "must be one of 480p, 720p, 1080p, not '4k'"),
            ({"generate_audio": 1}, "generate_audio", "must be true or false, not 1"),
            ({"images": "file_1"}, "images", "must be a list, not 'file_1'"),
            ({"images": ["a", "b", 3]}, "images[2]", "must be a string, not 3"),
            ({"images": ["a", "b", "c", "d"]}, "images", "must have 3 items or fewer"),
            ({"promt": "x"}, "promt", "is not a field of this model; did you mean prompt?"),
            ({"zzz": 1}, "zzz", "is not a field of this model; there are prompt, n, duration, resolution, generate_audio, seed, images"),
        ],
    )
    def test_is_told_which_field_and_what_would_be_right(self, change, field, message):
        assert complaints({"prompt": "a cat", **change}) == {field: message}

    def test_is_told_what_is_missing(self):
        assert complaints({}) == {"prompt": "is required"}

    @pytest.mark.parametrize("input", [[], "a cat", None, 7])
    def test_is_told_that_it_is_no_object(self, input):
        assert complaints(input)["input"].startswith("must be an object")

    def test_is_told_all_that_is_wrong_at_once(self):
        assert complaints({"n": 9, "seed": "x", "foo": 1}).keys() == {"n", "seed", "foo", "prompt"}

    def test_is_not_told_more_than_twenty_things(self):
        assert len(complaints({"prompt": "a cat", **dict.fromkeys(map(str, range(500)), 1)})) == 20

    def test_shows_in_its_text_what_is_wrong(self):
        with pytest.raises(InvalidInput, match="prompt is required"):
            catalogue.validate(MODEL, {})

    def test_of_great_depth_is_refused(self):
        deep = []
        for _ in range(10_000):
            deep = [deep]
        assert complaints({"prompt": deep}) == {"input": "must not be nested more than 200 levels deep"}

    def test_of_great_size_is_not_repeated(self):
        assert len(complaints({"prompt": "a cat", "resolution": "x" * 10_000})["resolution"]) < 100

    @given(JSON)
    def test_of_whatever_json_never_breaks_the_judge(self, value):
        for input in (value, {"prompt": value}, {"prompt": "a", "images": value}):
            with suppress(InvalidInput):
                assert isinstance(catalogue.validate(MODEL, input), dict)


class TestRulesBetweenFields:
    def test_name_the_field_that_rules_another_out(self):
        model = model_of({**SCHEMA, "dependentSchemas": {"seed": {"properties": {"duration": False}}}})
        assert complaints({"prompt": "a cat", "seed": 1}, model) == {"duration": "cannot be given together with seed"}

    @pytest.mark.parametrize("negate", [False, True])
    def test_name_the_field_whose_value_rules_another_out(self, negate):
        rule = {"properties": {"resolution": {"const": "480p"}}}
        model = model_of({**SCHEMA, "if": {"not": rule} if negate else rule, "then": {"properties": {"seed": False}}})
        given_input = {"prompt": "a cat", "seed": 1, "resolution": "1080p" if negate else "480p"}
        assert complaints(given_input, model) == {"seed": "cannot be given with resolution as it is"}

    @pytest.mark.parametrize(("given_input", "form"), [({}, "oneOf"), ({"text": "a", "source": "b"}, "oneOf"), ({}, "anyOf")])
    def test_name_the_fields_of_which_one_is_needed(self, given_input, form):
        needs = {"type": "object", "properties": {"text": {}, "source": {}}, form: [{"required": ["text"]}, {"required": ["source"]}]}
        how_many = {"oneOf": "exactly one", "anyOf": "at least one"}[form]
        assert complaints({"subtitles": given_input}, taking(subtitles=needs)) == {"subtitles": f"needs {how_many} of text, source"}


class TestOtherKeywords:
    CLIP = {"type": "object", "additionalProperties": False, "required": ["source"], "properties": {"source": {"type": "string"}}}

    @pytest.mark.parametrize(
        ("node", "value", "field", "message"),
        [
            ({"const": 5}, 6, "x", "must be 5, not 6"),
            ({"exclusiveMinimum": 0}, 0, "x", "must be more than 0, not 0"),
            ({"exclusiveMaximum": 1}, 1, "x", "must be less than 1, not 1"),
            ({"multipleOf": 8}, 9, "x", "must be a multiple of 8, not 9"),
            ({"minItems": 2}, [1], "x", "must have 2 items or more"),
            ({"uniqueItems": True}, [1, 1], "x", "must not hold the same item twice"),
            ({"format": "uri"}, "a b", "x", "must be a valid uri, not 'a b'"),
            ({"type": ["integer", "null"]}, "a", "x", "must be a whole number or null, not 'a'"),
            ({"pattern": "^a"}, "b", "x", "must match ^a, not 'b'"),
            (
                {"pattern": "^[0-9]+x[0-9]+$", "examples": ["640x480"], "description": "Width x height."},
                "big",
                "x",
                "must have the form of 640x480 (Width x height), not 'big'",
            ),
            ({"contains": {"const": 1}}, [2], "x", 'does not fit "contains" of the schema'),
            ({"anyOf": [{"type": "string"}, CLIP]}, {"sorce": "a"}, "x.sorce", "is not a field of this model; did you mean source?"),
            ({"anyOf": [{"type": "string"}, CLIP]}, 7, "x", "must be a string or an object, not 7"),
            ({"anyOf": [{"minimum": 9}, {"maximum": 5}]}, 7, "x", "has none of the forms that are allowed here, not 7"),
            ({"oneOf": [{"minimum": 1}, {"maximum": 9}]}, 7, "x", "must have exactly one of the forms that are allowed here, not 7"),
            ({"type": "array", "items": CLIP}, [{"source": "a"}, {}], "x[1].source", "is required"),
        ],
    )
    def test_are_explained(self, node, value, field, message):
        assert complaints({"x": value}, taking(x=node))[field] == message


class TestThePrice:
    def test_is_a_total_with_its_items_and_the_number_of_outputs(self):
        model = model_of(price='2 * duration * (2 if resolution == "1080p" else 1)', outputs="n")
        price = catalogue.price(model, catalogue.validate(model, {"prompt": "a cat", "n": 3, "resolution": "1080p"}))
        assert price == catalogue.Price(20, [{"what": "plasma/video", "credits": 20}], 3)

    def test_is_for_one_output_at_least(self):
        assert catalogue.price(model_of(outputs="0"), {"n": 1}).outputs == 1

    def test_beyond_all_measure_is_the_fault_of_the_input(self):
        model = model_of({**SCHEMA, "properties": {"prompt": {"type": "string"}, "n": {"type": "integer", "default": 1}}}, price="n * n")
        with pytest.raises(InvalidInput, match="input comes to more than"):
            catalogue.price(model, {"prompt": "a cat", "n": 10**6})


class TestTheListOfModels:
    def test_names_them_in_order_and_holds_the_disabled_too(self, make_model):
        make_model("plasma/video")
        make_model("grit/image", is_enabled=False)
        assert [(model.name, model.is_enabled) for model in catalogue.all()] == [("grit/image", False), ("plasma/video", True)]

    def test_without_a_name_says_where_the_names_are(self, db):
        with pytest.raises(catalogue.UnknownModel, match="no model 'plasma/vidoe'; GET /models lists"):
            catalogue.get("plasma/vidoe")

    def test_is_read_once_in_five_seconds(self, make_model, django_assert_num_queries):
        make_model()
        with django_assert_num_queries(1):
            assert all(catalogue.get("plasma/video", now=now).price == "0" for now in (100, 101, 104.9))
        PublicModel.objects.update(price="7")
        with django_assert_num_queries(1):
            assert catalogue.get("plasma/video", now=105).price == "7"

    def test_once_forgotten_is_read_at_once(self, make_model):
        make_model()
        catalogue.get("plasma/video")
        PublicModel.objects.update(price="7")
        catalogue.forget()
        assert catalogue.get("plasma/video").price == "7"

    def test_keeps_what_is_compiled_until_the_row_changes(self, make_model):
        make_model("plasma/video")
        make_model("grit/image")
        first = [catalogue.get(name, now=0).validator for name in ("plasma/video", "grit/image")]
        PublicModel.objects.filter(name="grit/image").update(title="Grit")
        second = [catalogue.get(name, now=10).validator for name in ("plasma/video", "grit/image")]
        assert [one is two for one, two in zip(first, second, strict=True)] == [True, False]


class TestAModelIsSavedOnlyIf:
    @pytest.mark.parametrize(
        ("columns", "field", "fault"),
        [
            ({"input_schema": {"type": "object"}}, "input_schema", "must describe an object"),
            ({"price": "2 * lenght"}, "price", "no input field `lenght`"),
            ({"outputs": "prompt"}, "outputs", "'prompt' is not a number"),
            ({"name": "@acme"}, "name", "A name such as"),
            ({"name": "plasma/video:low"}, "name", "A name such as"),
            ({"name": "plasma/video\n"}, "name", "A name such as"),
            ({"kind": "smell.generate"}, "kind", "not a valid choice"),
        ],
    )
    def test_its_columns_are_right(self, make_model, columns, field, fault):
        with pytest.raises(ValidationError) as caught:
            make_model(**columns)
        assert fault in caught.value.message_dict[field][0]

    def test_both_of_its_expressions_are_right(self, make_model):
        with pytest.raises(ValidationError) as caught:
            make_model(price="x", outputs="y")
        assert caught.value.message_dict.keys() == {"price", "outputs"}
