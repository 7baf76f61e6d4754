import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers import schemas

from .conftest import SCHEMA


def schema_of(*, defs=None, required=(), **properties):
    return {"type": "object", "additionalProperties": False, "properties": properties, "required": list(required), "$defs": defs or {}}


MEDIA = {"type": "string", "format": "media"}
CLIPS = schema_of(
    clips={"type": "array", "items": {"$ref": "#/$defs/clip"}},
    music={"type": "object", "properties": {"source": MEDIA, "volume": {"type": "number", "default": 1}}},
    style={"type": "object", "default": {}, "properties": {"font": {"type": "string", "default": "serif"}}},
    defs={"clip": {"type": "object", "properties": {"source": MEDIA, "fit": {"enum": ["cover", "none"], "default": "cover"}}}},
)


class TestASchema:
    def test_that_describes_an_object_without_unknown_fields_is_taken(self):
        schemas.check(SCHEMA)
        schemas.check(CLIPS)

    @pytest.mark.parametrize(
        ("schema", "fault"),
        [
            ([], "must describe an object"),
            ({}, "must describe an object"),
            ({"type": "array", "properties": {}}, "must describe an object"),
            ({"type": "object", "properties": {}}, '"additionalProperties" must be false'),
            ({**SCHEMA, "$schema": "http://json-schema.org/draft-07/schema#"}, '"\\$schema" must be'),
            (schema_of(n={"type": "whole"}), "`properties.n.type`: "),
            (schema_of(n={"type": "integer", "minimum": "1"}), "`properties.n.minimum`: "),
            (schema_of(n={"type": "string", "pattern": "("}), "regex"),
            (schema_of(n={"$ref": "https://example.com/n.json"}), "`properties.n`: .* must be #/\\$defs/ and a name"),
            (schema_of(n={"$ref": "#/properties/m"}), "`properties.n`: .* must be"),
            (schema_of(n={"$ref": "#/$defs/absent"}), "absent"),
            (schema_of(n={"type": "integer", "maximum": 4, "default": 5}), "`properties.n`: its default does not fit: 5 is greater"),
            (
                schema_of(p={"type": "object", "properties": {"n": {"type": "integer", "default": "x"}}}),
                "`properties.p.properties.n`: its default",
            ),
            (schema_of(a={"$ref": "#/$defs/a"}, defs={"a": {"default": {}, "properties": {"a": {"$ref": "#/$defs/a"}}}}), "without end"),
            (schema_of(a={"$ref": "#/$defs/a"}, defs={"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}), "without end"),
            (schema_of(defs={"a": {"anyOf": [{"type": "null"}, {"allOf": [{"$ref": "#/$defs/a"}]}]}}), "`\\$defs.a` refers to itself"),
        ],
    )
    def test_that_could_not_be_used_is_refused_with_the_place(self, schema, fault):
        with pytest.raises(ValueError, match=fault):
            schemas.check(schema)

    def test_never_fetches_what_it_refers_to(self):
        with pytest.raises(ValueError, match="disabled"):
            schemas.validator({"$ref": "https://example.com/n.json"})

    def test_may_hold_itself_further_down(self):
        tree = schema_of(root={"$ref": "#/$defs/node"}, defs={"node": {"properties": {"below": {"$ref": "#/$defs/node"}, "image": MEDIA}}})
        schemas.check(tree)
        given_input = {"root": {"below": {"image": "file_1"}}}
        assert schemas.filled(tree, given_input) == given_input
        assert list(schemas.media_paths(tree, given_input)) == [(("root", "below", "image"), "file_1")]

    def test_may_say_true_or_false_in_place_of_a_schema(self):
        schema = schema_of(anything=True, nothing=False, list={"type": "array", "items": True})
        schemas.check(schema)
        given_input = {"anything": {"a": [1]}, "list": [{"b": 2}]}
        assert schemas.filled(schema, given_input) == given_input


class TestDefaults:
    def test_are_filled_in_at_the_top_and_further_down(self):
        full = schemas.filled(CLIPS, {"clips": [{"source": "file_1"}, {"source": "file_2", "fit": "none"}], "music": {"source": "file_3"}})
        assert full == {
            "clips": [{"source": "file_1", "fit": "cover"}, {"source": "file_2", "fit": "none"}],
            "music": {"source": "file_3", "volume": 1},
            "style": {"font": "serif"},
        }

    def test_do_not_make_an_object_that_was_left_out(self):
        assert "music" not in schemas.filled(CLIPS, {})

    def test_never_take_the_place_of_what_was_given(self):
        assert schemas.filled(SCHEMA, {"n": None, "resolution": ""}).items() >= {"n": None, "resolution": ""}.items()

    def test_are_copies(self):
        schemas.filled(SCHEMA, {})["images"].append("file_1")
        assert schemas.filled(SCHEMA, {})["images"] == []

    def test_leave_the_given_input_as_it_was(self):
        given_input = {"clips": [{"source": "file_1"}]}
        schemas.filled(CLIPS, given_input)["clips"][0]["source"] = "changed"
        assert given_input == {"clips": [{"source": "file_1"}]}

    @given(
        st.recursive(
            st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["clips", "x"]), inner)
        )
    )
    def test_of_any_json_at_all_keep_what_was_there(self, value):
        full = schemas.filled(CLIPS, value)
        assert type(full) is type(value)
        if isinstance(value, dict):
            assert full.keys() >= value.keys()


class TestMediaPaths:
    def test_name_each_reference_with_its_place(self):
        given_input = {"clips": [{"source": "file_1"}, {"source": "task_2/0"}], "music": {"source": "https://a.example/b.mp3"}}
        assert list(schemas.media_paths(CLIPS, given_input)) == [
            (("clips", 0, "source"), "file_1"),
            (("clips", 1, "source"), "task_2/0"),
            (("music", "source"), "https://a.example/b.mp3"),
        ]

    def test_are_found_once_in_every_form_that_a_field_may_have(self):
        either = {"anyOf": [MEDIA, {"type": "object", "properties": {"image": MEDIA}}], "allOf": [MEDIA]}
        schema = schema_of(frames={"type": "array", "items": either})
        given_input = {"frames": ["file_1", {"image": "file_2"}]}
        assert list(schemas.media_paths(schema, given_input)) == [(("frames", 0), "file_1"), (("frames", 1, "image"), "file_2")]

    def test_are_none_where_the_schema_has_none(self):
        assert list(schemas.media_paths(schema_of(prompt={"type": "string"}), {"prompt": "file_1"})) == []


def test_a_path_is_written_as_people_write_it():
    assert [schemas.written(path) for path in ((), ("size",), ("clips", 2, "source"), (0, 1))] == ["", "size", "clips[2].source", "[0][1]"]
