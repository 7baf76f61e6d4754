"""OpenAI's parameters as fields of a model's input."""

import pytest

from providers.catalogue import Model
from tasks_app.api.openai import parameters, sizes
from tasks_app.api.openai.images import MEANINGS as PICTURE
from tasks_app.api.openai.videos import MEANINGS as VIDEO
from tasks_app.engine.accept import Problem

RESOLUTION = {"enum": ["480p", "720p", "1080p"]}
SHAPE = {"enum": ["16:9", "9:16", "1:1"]}


def model(**properties) -> Model:
    schema = {"type": "object", "properties": {"prompt": {"type": "string"}} | properties}
    return Model("vendor/model", "video.generate", "", "", schema, "1", "1", 30, 600, True)


def video(given: dict, references: dict | None = None, **properties) -> dict:
    return parameters.written(model(**properties), given, references or {}, VIDEO).input


def picture(given: dict, references: dict | None = None, **properties) -> dict:
    return parameters.written(model(**properties), given, references or {}, PICTURE).input


def at_fault(write, *args, **properties) -> tuple[str, str]:
    with pytest.raises(Problem) as refusal:
        write(*args, **properties)
    return refusal.value.errors[0]["field"], refusal.value.code


class TestSeconds:
    @pytest.mark.parametrize(("given", "duration"), [("8", 8), (8, 8), ("8.0", 8), ("2.5", 2.5), (2.5, 2.5)])
    def test_are_the_duration(self, given, duration):
        found = video({"seconds": given}, duration={})["duration"]
        assert (found, type(found)) == (duration, type(duration))

    @pytest.mark.parametrize("given", ["", "long", "true", True, [8], "NaN", "1e999"])
    def test_must_be_a_number(self, given):
        assert at_fault(video, {"seconds": given}, duration={}) == ("seconds", "invalid_value")

    def test_are_refused_where_the_model_decides(self):
        assert at_fault(video, {"seconds": "8"}) == ("seconds", "unknown_parameter")


class TestTheSizeOfAVideo:
    def test_goes_to_a_model_that_takes_sizes_as_it_is(self):
        assert video({"size": "1280x720"}, size={}, resolution=RESOLUTION, aspect_ratio=SHAPE) == {"size": "1280x720"}

    @pytest.mark.parametrize(
        ("size", "resolution", "shape"),
        [("1280x720", "720p", "16:9"), ("720x1280", "720p", "9:16"), ("854x480", "480p", "16:9"), ("1080x1080", "1080p", "1:1")],
    )
    def test_is_a_resolution_and_a_shape_to_others_and_back(self, size, resolution, shape):
        given = video({"size": size}, resolution=RESOLUTION, aspect_ratio=SHAPE)
        assert given == {"resolution": resolution, "aspect_ratio": shape}
        assert sizes.joined(resolution, shape) == size

    @pytest.mark.parametrize("lines", ["480p", "540p", "720p", "768p", "1080p"])
    @pytest.mark.parametrize("shape", ["16:9", "9:16", "1:1", "4:3", "3:4", "3:2", "2:3", "21:9", "9:21", "2:1", "1:2"])
    def test_that_a_video_shows_is_one_that_could_be_asked_for(self, lines, shape):
        shapes = {"enum": ["1:1", "16:9", "9:16", "4:3", "3:4", "3:2", "2:3", "21:9", "9:21", "2:1", "1:2"]}
        given = video({"size": sizes.joined(lines, shape)}, resolution={"enum": [lines]}, aspect_ratio=shapes)
        assert given == {"resolution": lines, "aspect_ratio": shape}

    @pytest.mark.parametrize("size", ["", "720p", "1280X720", "0x720", 720, "640x360", "1792x1024", "1000x720"])
    def test_is_refused_where_the_model_does_not_make_it(self, size):
        assert at_fault(video, {"size": size}, resolution=RESOLUTION, aspect_ratio=SHAPE) == ("size", "invalid_value")

    def test_is_refused_where_a_part_of_it_could_not_be_said(self):
        assert at_fault(video, {"size": "1280x720"}) == ("size", "unknown_parameter")
        assert at_fault(video, {"size": "1280x720"}, aspect_ratio=SHAPE) == ("size", "unknown_parameter")
        assert at_fault(video, {"size": "1280x720"}, resolution=RESOLUTION) == ("size", "unknown_parameter")

    def test_has_the_shape_of_the_picture_that_it_begins_with(self):
        given = video({"size": "1280x720"}, {"input_reference": ["file_1"]}, resolution=RESOLUTION, frame_images={})
        assert given["resolution"] == "720p"


class TestAnInputReference:
    def test_is_the_first_frame_or_else_a_likeness(self):
        frame = {"frame_images": [{"image": "file_1", "frame_type": "first_frame"}]}
        assert video({}, {"input_reference": ["file_1"]}, frame_images={}, input_references={}) == frame
        assert video({}, {"input_reference": ["file_1"]}, input_references={}) == {"input_references": ["file_1"]}

    def test_is_refused_where_the_model_takes_none_and_where_there_are_two(self):
        assert at_fault(video, {}, {"input_reference": ["file_1"]}) == ("input_reference", "unknown_parameter")
        assert at_fault(video, {}, {"input_reference": ["file_1", "file_2"]}, frame_images={}) == ("input_reference", "invalid_value")


class TestPictures:
    def test_and_their_mask_go_to_a_model_that_takes_them(self):
        given = picture({}, {"image": ["file_1", "file_2"], "mask": ["file_3"]}, images={}, mask={})
        assert given == {"images": ["file_1", "file_2"], "mask": "file_3"}

    @pytest.mark.parametrize("param", ["image", "mask"])
    def test_are_refused_by_one_that_does_not(self, param):
        assert at_fault(picture, {}, {param: ["file_1"]}) == (param, "unknown_parameter")

    def test_are_of_an_automatic_size_where_the_model_chooses(self):
        assert picture({"size": "auto", "quality": "auto", "background": "auto"}, size={}) == {}

    def test_are_automatic_where_a_model_has_no_word_for_it(self):
        assert picture({"quality": "auto"}, quality={"enum": ["low", "high"]}) == {}
        assert picture({"background": "auto"}, background={"enum": ["auto", "opaque"]}) == {"background": "auto"}
        assert picture({"prompt": "auto"}) == {"prompt": "auto"}

    def test_are_refused_a_size_that_cannot_be_said(self):
        assert at_fault(picture, {"size": "1024x1024"}, aspect_ratio=SHAPE) == ("size", "unknown_parameter")

    def test_may_be_one_where_there_is_no_number(self):
        assert picture({"n": 1}) == {}
        assert picture({"n": "1"}, n={"type": "integer"}) == {"n": 1}
        assert at_fault(picture, {"n": 2}) == ("n", "unknown_parameter")


class TestAnyOther:
    def test_goes_to_the_field_of_its_name(self):
        assert video({"prompt": "5", "seed": 7}, seed={"type": "integer"}) == {"prompt": "5", "seed": 7}

    @pytest.mark.parametrize(
        ("node", "text", "value"),
        [
            ({"type": "integer"}, "7", 7),
            ({"type": "boolean"}, "true", True),
            ({"type": "integer"}, "seven", "seven"),
            ({"type": "string"}, "7", "7"),
            ({"enum": ["5", "10"]}, "5", "5"),
            ({"enum": [5, 10]}, "5", 5),
            ({"type": "array", "items": {"type": "integer"}}, ["1", "2"], [1, 2]),
            ({"type": "object", "properties": {"on": {"type": "boolean"}}}, {"on": "false"}, {"on": False}),
        ],
    )
    def test_is_read_from_a_forms_text_as_the_model_wants_it(self, node, text, value):
        assert video({"field": text}, field=node)["field"] == value

    def test_is_refused_by_name_where_there_is_none(self):
        assert at_fault(video, {"colour": "red"}) == ("colour", "unknown_parameter")

    def test_must_not_say_what_another_says(self):
        assert at_fault(video, {"seconds": "5", "duration": 5}, duration={}) == ("duration", "invalid_value")
