import pytest
import pyvips

from tests.scf_client import samples


def difference(one, other, box=None) -> float:
    """The largest difference between two pictures, over the whole or within (left, top, width, height)."""
    apart = (pyvips.Image.new_from_file(str(one)) - pyvips.Image.new_from_file(str(other))).abs()
    return (apart.crop(*box) if box else apart).max()


MIDDLE = (150, 180, 212, 140)  # of a card of 512 × 512, where the prompt stands


class TestAPicture:
    def test_has_the_size_and_the_format_that_were_asked_for(self, draw):
        for format_, content_type in (("png", "image/png"), ("jpeg", "image/jpeg"), ("webp", "image/webp")):
            answer = draw({"prompt": "reef", "size": "320x200", "output_format": format_})
            image = pyvips.Image.new_from_file(str(answer.files[0]))
            assert (image.width, image.height, image.bands) == (320, 200, 3)
            assert answer.outputs[0]["content_type"] == content_type
            assert image.get("vips-loader").startswith(format_)

    @pytest.mark.parametrize(
        ("given", "size"),
        [
            ({}, (1024, 1024)),
            ({"aspect_ratio": "16:9"}, (1368, 768)),
            ({"aspect_ratio": "9:21"}, (672, 1568)),
            ({"size": "64x64"}, (64, 64)),
            ({"size": "1920x1080"}, (1920, 1080)),
        ],
    )
    def test_may_have_any_size_up_to_full_hd(self, draw, given, size):
        (output,) = draw({"prompt": "reef", **given}).outputs
        assert (output["width"], output["height"]) == size

    def test_comes_n_times_each_with_the_next_seed(self, draw):
        many = draw({"prompt": "reef", "size": "256x256", "n": 3, "seed": 7})
        alone = draw({"prompt": "reef", "size": "256x256", "seed": 9})
        assert len({output["sha256"] for output in many.outputs}) == 3
        pattern = (60, 20, 130, 10)  # above the circle: no word stands there
        assert difference(many.files[2], alone.files[0], pattern) == 0
        assert difference(many.files[1], alone.files[0], pattern) > 10


class TestTheSameSeed:
    def test_gives_the_same_bytes(self, draw, film):
        for make, given in ((draw, {"size": "256x256"}), (film, {"size": "128x72", "duration": 0.5})):
            first, second = (make({"prompt": "reef 礁", "seed": 5, **given}, token=token).outputs[0]["sha256"] for token in ("a", "b"))
            assert first == second

    def test_is_not_another_seed(self, draw, film):
        for make, given in ((draw, {"size": "256x256"}), (film, {"size": "128x72", "duration": 0.5})):
            first, second = (make({"prompt": "reef", "seed": seed, **given}).outputs[0]["sha256"] for seed in (5, 6))
            assert first != second

    def test_is_taken_from_the_token_where_none_is_given_so_that_a_repeat_is_the_same(self, draw):
        first, again, other = (draw({"prompt": "reef", "size": "64x64"}, token=token).outputs[0]["sha256"] for token in "aab")
        assert first == again != other


class TestThePrompt:
    @pytest.mark.parametrize(("one", "other"), [("一只橙色的猫", "两只黑色的狗"), ("a red fox", "a grey owl"), ("龍", "龙")])
    def test_is_really_drawn_in_chinese_and_in_latin(self, draw, one, other):
        first, second = (draw({"prompt": prompt, "size": "512x512", "seed": 1}).files[0] for prompt in (one, other))
        assert difference(first, second, MIDDLE) > 100
        assert difference(first, second, (0, 0, 512, 40)) == 0

    def test_has_a_glyph_for_each_character_and_no_box(self, draw):
        # A font without the characters draws the same box for each of them.
        cards = [draw({"prompt": prompt, "size": "512x512", "seed": 1}).files[0] for prompt in ("永", "和", "九", "年")]
        assert all(difference(cards[0], card, MIDDLE) > 100 for card in cards[1:])

    def test_may_hold_markup_and_be_very_long(self, draw):
        assert draw({"prompt": "<b>&\"'%{}\\n", "size": "256x256"}).outputs
        assert draw({"prompt": "城市夜景 " * 400, "size": "256x256"}).outputs

    def test_is_drawn_in_a_video_too(self, film):
        one, other = (film({"prompt": prompt, "size": "512x512", "duration": 0.5, "seed": 1}).files[0] for prompt in ("猫", "狗"))
        apart = (samples.frame(one, 0.2) - samples.frame(other, 0.2)).abs()
        assert apart.crop(*MIDDLE).max() > 100


class TestAVideo:
    def test_is_an_mp4_that_starts_to_play_before_it_is_loaded(self, film):
        answer = film({"prompt": "reef", "size": "128x72", "duration": 2})
        said, content = samples.said(answer.files[0]), answer.files[0].read_bytes()
        assert "Video: h264" in said
        assert "yuv420p" in said
        assert "128x72" in said
        assert "Duration: 00:00:02.00" in said
        assert content.index(b"moov") < content.index(b"mdat")
        assert answer.outputs[0]["duration"] == 2
        assert samples.frames(answer.files[0]) == 50

    def test_moves_and_its_timecode_counts_frames(self, film):
        (path,) = film({"prompt": "reef", "size": "512x288", "duration": 1, "seed": 1}).files
        first, next_ = samples.frame(path, 0), samples.frame(path, 0.04)
        timecode, upper_left = (400, 255, 95, 20), (130, 8, 200, 10)
        assert (first - next_).abs().crop(*timecode).max() > 60
        assert (first - samples.frame(path, 0.9)).abs().crop(*upper_left).max() > 2

    @pytest.mark.parametrize(
        ("given", "size"),
        [
            ({}, (1280, 720)),
            ({"resolution": "480p", "aspect_ratio": "9:16"}, (480, 854)),
            ({"resolution": "1080p", "aspect_ratio": "21:9"}, (1920, 822)),
            ({"size": "66x70"}, (66, 70)),
        ],
    )
    def test_has_the_size_that_was_asked_for(self, film, given, size):
        answer = film({"prompt": "reef", "duration": 0.5, **given})
        assert (answer.outputs[0]["width"], answer.outputs[0]["height"]) == size
        assert f"{size[0]}x{size[1]}" in samples.said(answer.files[0])


class TestAWrongInput:
    @pytest.mark.parametrize(
        ("given", "field"),
        [
            ({"prompt": ""}, "prompt"),
            ({"prompt": "x", "size": "63x64"}, "size"),
            ({"prompt": "x", "size": "1921x64"}, "size"),
            ({"prompt": "x", "size": "64x64", "aspect_ratio": "1:1"}, "aspect_ratio"),
            ({"prompt": "x", "n": 11}, "n"),
            ({"prompt": "x", "seed": -1}, "seed"),
            ({"prompt": "x", "output_format": "bmp"}, "output_format"),
        ],
    )
    def test_is_refused_with_its_field(self, draw, given, field):
        assert (draw(given).error["code"], draw(given).error["field"]) == ("invalid_input", field)

    @pytest.mark.parametrize(
        ("given", "field"),
        [({"size": "65x64"}, "size"), ({"duration": 31}, "duration"), ({"size": "64x64", "resolution": "480p"}, "resolution")],
    )
    def test_of_a_video_is_refused_with_its_field(self, film, given, field):
        assert film({"prompt": "x", **given}).error["field"] == field

    def test_an_unknown_property_is_named(self, draw):
        assert "colour" in draw({"prompt": "x", "colour": "red"}).error["message"]
