"""What image.stitch does beyond putting pictures side by side: docs/functions.md shows it, here is what must hold to the pixel."""

import time

import pytest
import pyvips

from scf_client.functions.image_stitch.templates import TEMPLATES, template
from tests.scf_client import profiles, samples
from tests.scf_client.likeness import distance
from tests.scf_client.samples import BLUE, GREEN, RED, WHITE, is_like

GREY = (128, 128, 128)


def opened(answer) -> pyvips.Image:
    return pyvips.Image.new_from_file(str(answer.files[0]))


def ink(picture: pyvips.Image, ground) -> float:
    """The part of a picture, 0 to 1, that is not of the ground's colour."""
    return (picture[:3] - list(ground)).abs().bandmean().relational_const("more", [8]).avg() / 255


@pytest.fixture
def red(tmp_path):
    """Wide enough for words."""
    return samples.picture(tmp_path / "red.png", RED, size=(400, 300))


@pytest.fixture
def halves(tmp_path):
    """Red on the left, blue on the right, 80 × 40."""
    return samples.two_halves(tmp_path / "halves.png", size=(80, 40))


class TestRoomAroundPictures:
    def test_padding_lies_outside_and_a_told_size_holds_it(self, stitch, red):
        whole = opened(stitch([red], padding=10, cell="20x20", background="#00ff00"))
        assert (whole.width, whole.height) == (40, 40)
        assert [whole(x, 20) for x in (9, 10, 29, 30)] == [[0, 255, 0], list(RED), list(RED), [0, 255, 0]]
        assert stitch([red, red], padding=10, size="100x50").outputs[0]["width"] == 100

    def test_rounded_corners_show_the_background_and_leave_the_middle(self, stitch, red):
        whole = opened(stitch([red], cell="100x60", corner_radius=20, background="#ffffff"))
        assert [whole(x, y) for x, y in ((0, 0), (99, 59), (20, 0), (50, 30))] == [list(WHITE), list(WHITE), list(RED), list(RED)]
        assert not is_like(whole(5, 6), RED)  # the edge is no staircase
        assert not is_like(whole(5, 6), WHITE)

    def test_no_radius_is_larger_than_half_a_side(self, stitch, red):
        whole = opened(stitch([red], cell="40x40", corner_radius=2000, background="transparent"))
        assert (whole(0, 0)[3], whole(20, 20)) == (0, [*RED, 255])

    def test_blur_puts_the_first_picture_behind_all(self, stitch, halves, red):
        whole = opened(stitch([halves, red], padding=30, cell="40x40", background="blur", output_format="jpeg"))
        assert is_like(whole(2, 50), RED, within=20)
        assert is_like(whole(138 - 30, 2), BLUE, within=40)

    def test_blur_fills_a_cells_bars_with_its_own_picture(self, stitch, halves, red):
        whole = opened(stitch([red, halves], layout="column", cell="80x80", fit="contain", background="blur"))
        assert is_like(whole(5, 85), RED, within=20)
        assert is_like(whole(75, 155), BLUE, within=20)


class TestGravity:
    @pytest.mark.parametrize(("gravity", "colour"), [("left", RED), ("top-left", RED), ("right", BLUE), ("bottom-right", BLUE)])
    def test_says_which_part_is_kept_of_what_hangs_over(self, stitch, halves, gravity, colour):
        assert opened(stitch([halves], cell="20x20", gravity=gravity))(10, 10) == list(colour)

    @pytest.mark.parametrize(("gravity", "y"), [("top", 0), ("bottom-left", 39), ("centre", 20), ("left", 20)])
    def test_says_where_a_picture_lies_in_a_larger_cell(self, stitch, red, gravity, y):
        whole = opened(stitch([red], cell="80x40", fit="contain", gravity=gravity, background="#ffffff"))
        left = 0 if "left" in gravity else 14
        assert whole(left, 20) == list(RED)
        tall = opened(stitch([red], cell="40x80", fit="contain", gravity=gravity, background="#ffffff"))
        assert tall(20, {0: 0, 39: 79, 20: 40}[y]) == list(RED)

    def test_attention_looks_for_what_is_bright(self, stitch, tmp_path):
        path = tmp_path / "lamp.png"
        grey = pyvips.Image.black(200, 40).new_from_image([90, 90, 90]).copy(interpretation="srgb")
        grey.draw_rect([255, 40, 40], 160, 5, 30, 30, fill=True).write_to_file(str(path))
        whole = opened(stitch([{"path": str(path)}], cell="40x40", gravity="attention"))
        assert ink(whole, (90, 90, 90)) > 0.3


class TestALongPicture:
    def test_is_as_wide_as_told_and_each_part_in_its_own_shape(self, stitch, halves, red):
        answer = stitch([halves, red], layout="long", width=40, gap=5)
        assert (answer.outputs[0]["width"], answer.outputs[0]["height"]) == (40, 20 + 5 + 30)
        assert opened(answer)(20, 40) == list(RED)

    def test_of_many_shrinks_to_what_its_format_can_be(self, stitch, tmp_path):
        tall = samples.picture(tmp_path / "tall.png", size=(100, 900))
        (output,) = stitch([tall] * 30, layout="long", output_format="webp").outputs
        assert 16_000 < output["height"] <= 16_383
        assert stitch([tall] * 30, layout="long", width=100, output_format="jpeg").outputs[0]["height"] == 27_000
        assert "as webp" in stitch([tall] * 30, layout="long", width=100, output_format="webp").error["message"]


class TestACollage:
    @pytest.mark.parametrize("name", TEMPLATES)
    def test_is_cells_without_overlap_that_leave_no_room(self, name):
        found = template(name, 0)
        covered = sorted((x, y) for area in found.areas for x in range(area.left, area.right) for y in range(area.top, area.bottom))
        assert covered == [(x, y) for x in range(found.across) for y in range(found.down)]
        assert len(found.areas) == int(name[-1])

    def test_shows_each_picture_in_its_place(self, stitch, tmp_path):
        colours = (RED, GREEN, BLUE)
        pictures = [samples.picture(tmp_path / f"{place}.png", colour) for place, colour in enumerate(colours)]
        whole = opened(stitch(pictures, layout="collage", template="big-left-3", size="300x200", gap=10))
        assert [whole(x, y) for x, y in ((100, 100), (250, 40), (250, 160))] == [list(colour) for colour in colours]
        assert whole(250, 100) == list(WHITE)

    @pytest.mark.parametrize("count", range(2, 10))
    def test_takes_the_first_template_for_its_number_where_none_is_named(self, stitch, red, count):
        named = next(name for name in TEMPLATES if name.endswith(str(count)))
        by_name, by_count = (stitch([red] * count, layout="collage", size="90x90", gap=6, **more) for more in ({"template": named}, {}))
        assert by_name.outputs[0]["sha256"] == by_count.outputs[0]["sha256"]


class TestCaptions:
    def test_lie_on_the_picture_and_change_nothing_else(self, stitch, red):
        plain, worded = opened(stitch([red])), opened(stitch([red], captions={"texts": ["狐狸 and crow"]}))
        assert (worded.width, worded.height) == (plain.width, plain.height)
        assert worded.crop(0, 0, 400, 200).avg() == plain.crop(0, 0, 400, 200).avg()
        assert ink(worded.crop(0, 270, 400, 30), RED) > 0.9  # the ground of the letters

    def test_beside_a_picture_have_room_of_their_own(self, stitch, red):
        below = opened(stitch([red], captions={"texts": ["fox"], "position": "below"}))
        above = opened(stitch([red], captions={"texts": ["fox"], "position": "above"}))
        assert below.height == above.height > 300
        assert is_like(below(200, 299), RED)
        assert is_like(above(200, above.height - 299), RED)
        assert ink(below.crop(0, 300, 400, below.height - 300), WHITE) > 0.001

    def test_beside_a_picture_take_their_room_from_a_told_size(self, stitch, red):
        whole = opened(stitch([red], cell="400x300", captions={"texts": ["fox"], "position": "below", "size": 30}))
        assert whole.height == 300
        assert whole(2, 298) == list(WHITE)

    def test_in_chinese_are_drawn_and_not_as_empty_boxes(self, stitch, red):
        one, other = (opened(stitch([red], captions={"texts": [text], "size": 60})) for text in ("狐", "狸"))
        assert distance(one, other) > 4

    def test_are_taken_letter_for_letter(self, stitch, red):
        marked, plain = (
            opened(stitch([red], captions={"texts": [text], "size": 30})) for text in ("<b>a & b</b> %s \\N", "<i>a & b</i> %s \\N")
        )
        assert distance(marked, plain) > 0.2

    def test_may_be_fewer_than_pictures_but_not_more(self, stitch, red):
        assert stitch([red, red], captions={"texts": ["one"]}).outputs
        assert stitch([red], captions={"texts": ["one", "two"]}).error["field"] == "captions.texts"

    def test_that_are_long_get_smaller_and_those_of_a_told_size_are_refused(self, stitch, red):
        long = "a caption of many words " * 12
        assert stitch([red], captions={"texts": [long]}).outputs
        error = stitch([red], captions={"texts": [long], "size": 60}).error
        assert (error["code"], error["field"]) == ("invalid_input", "captions.texts[0]")

    def test_that_leave_a_picture_no_room_are_refused(self, stitch, red):
        error = stitch([red], cell="400x40", captions={"texts": ["fox"], "position": "below", "size": 60}).error
        assert error["field"] == "captions.size"


class TestAWatermark:
    def test_lies_where_it_shall(self, stitch, red):
        whole = opened(stitch([red], watermark={"text": "暗房", "position": "top-left", "size": 30, "margin": 5}))
        assert ink(whole.crop(0, 0, 140, 100), RED) > 0.05
        assert ink(whole.crop(200, 100, 200, 200), RED) == 0

    def test_can_be_a_picture_that_shines_through(self, stitch, red, tmp_path):
        mark = samples.picture(tmp_path / "mark.png", BLUE)
        given = {"image": mark, "position": "bottom-right", "size": 25, "margin": 0}
        whole = opened(stitch([red], watermark={**given, "opacity": 1}))
        assert (whole(399, 299), whole(299, 299)) == (list(BLUE), list(RED))
        half = opened(stitch([red], watermark={**given, "opacity": 0.5}))(399, 299)
        assert is_like(half, [(one + other) / 2 for one, other in zip(RED, BLUE, strict=True)], within=3)

    def test_can_be_all_over(self, stitch, red):
        whole = opened(stitch([red], watermark={"text": "SAMPLE", "position": "tiled", "size": 25}))
        assert all(ink(whole.crop(x, y, 200, 150), RED) > 0.02 for x in (0, 200) for y in (0, 150))

    def test_that_is_tiny_and_all_over_a_huge_picture_is_drawn_soon(self, stitch, tmp_path):
        tall = samples.picture(tmp_path / "tall.png", size=(100, 900))
        mark = {"text": "x", "position": "tiled", "size": 1}
        begun = time.monotonic()
        assert stitch([tall] * 30, layout="long", width=100, output_format="jpeg", watermark=mark).outputs
        assert time.monotonic() - begun < 20

    def test_leaves_what_is_transparent_transparent(self, stitch, red):
        mark = {"text": "x", "position": "top-left", "size": 10}
        whole = opened(stitch([red], padding=100, background="transparent", watermark=mark))
        assert (whole(590, 490)[3], whole(300, 250)) == (0, [*RED, 255])

    @pytest.mark.parametrize(
        ("given", "field"),
        [
            ({}, "watermark"),
            ({"text": "a", "image": "x"}, "watermark.text"),
            ({"text": " "}, "watermark.text"),
            ({"image": "x", "colour": "#ffffff"}, "watermark.colour"),
            ({"image": "x"}, "watermark.image"),
            ({"text": "a", "opacity": 0}, "watermark.opacity"),
        ],
    )
    def test_that_cannot_be_is_refused_with_its_field(self, stitch, red, given, field):
        given = {name: red if value == "x" and field != "watermark.image" else value for name, value in given.items()}
        assert stitch([red], watermark=given).error["field"] == field


class TestTheFile:
    @pytest.fixture
    def noise(self, tmp_path):
        path = tmp_path / "noise.png"
        pyvips.Image.gaussnoise(300, 300, mean=128, sigma=50, seed=7).cast("uchar").write_to_file(str(path))
        return {"path": str(path)}

    def test_can_be_an_avif(self, stitch, red):
        answer = stitch([red], output_format="avif")
        assert answer.outputs[0]["content_type"] == "image/avif"
        assert is_like(opened(answer)(200, 150), RED)

    @pytest.mark.parametrize("format_", ["jpeg", "webp", "avif"])
    def test_is_no_larger_than_told_and_as_good_as_that_allows(self, stitch, noise, format_):
        whole = stitch([noise], output_format=format_, quality=95).outputs[0]["bytes"]
        told = whole // 2
        (output,) = stitch([noise], output_format=format_, quality=95, max_bytes=told).outputs
        assert told * 0.85 < output["bytes"] <= told

    def test_that_fits_anyway_is_written_in_its_quality(self, stitch, noise):
        plain, bounded = (stitch([noise], output_format="jpeg", quality=60, **more) for more in ({}, {"max_bytes": 10**8}))
        assert plain.outputs[0]["sha256"] == bounded.outputs[0]["sha256"]

    def test_that_cannot_be_that_small_is_refused(self, stitch, noise):
        assert stitch([noise], output_format="jpeg", max_bytes=1000).error["field"] == "max_bytes"

    @pytest.mark.parametrize("format_", ["png", "webp", "avif"])
    def test_keeps_what_is_transparent(self, stitch, red, format_):
        whole = opened(stitch([red], padding=60, background="transparent", output_format=format_))
        assert whole(10, 10)[3] == 0
        assert whole(200, 150)[3] == 255


class TestAHundredPicturesOfTwelveMegapixels:
    def test_fit_into_the_memory_of_one_function(self, stitch, tmp_path):
        """The process may have 1 GB of addresses (conftest.py), and nothing is left for a second one of what one needs for a picture."""
        clouds = pyvips.Image.perlin(500, 375, cell_size=40, uchar=True, seed=7).resize(8).cast("uchar")
        whole = clouds.bandjoin([clouds.fliphor(), clouds.flipver()]).copy(interpretation="srgb").copy_memory()
        saved = {
            "a.jpg": {},
            "b.jpg": {"interlace": True},
            "c.webp": {"effort": 0},
            "d.png": {"compression": 1},
            "e.png": {"interlace": True},
        }
        for name, how in saved.items():
            whole.write_to_file(str(tmp_path / name), **how)
        pictures = [{"path": str(tmp_path / name)} for name in (*saved, *["a.jpg"] * 20)] * 4
        (output,) = stitch(pictures, cell="500x375", background="blur", padding=20, output_format="jpeg").outputs
        assert (output["width"], output["height"]) == (5_040, 3_790)


class TestColours:
    def stitched(self, stitch, path, profile: bytes | str | None, pixel, interpretation="srgb"):
        image = pyvips.Image.black(40, 30).new_from_image(list(pixel)).cast("uchar").copy(interpretation=interpretation)
        if isinstance(profile, bytes):
            image.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
        image.write_to_file(str(path), **({"profile": profile} if isinstance(profile, str) else {}))
        return opened(stitch([{"path": str(path)}]))(20, 15)

    @pytest.mark.parametrize("ending", ["png", "jpg", "webp", "avif"])
    def test_of_display_p3_come_out_as_what_they_were(self, stitch, tmp_path, ending):
        # sRGB (240, 96, 64) as Display P3 has it, by its matrix and the curve of sRGB.
        found = self.stitched(stitch, tmp_path / f"a.{ending}", "p3", (224, 105, 75))
        assert is_like(found, (240, 97, 64), within=6)

    def test_of_adobe_rgb_come_out_as_what_they_were(self, stitch, tmp_path):
        found = self.stitched(stitch, tmp_path / "a.png", profiles.icc(profiles.ADOBE_RGB), (144, 190, 100))
        assert is_like(found, (120, 191, 93), within=3)

    def test_of_print_come_out_as_screens_show_them(self, stitch, tmp_path):
        ink = self.stitched(stitch, tmp_path / "a.jpg", "cmyk", (0, 255, 255, 0), "cmyk")
        assert ink[0] > 190 > 80 > ink[2]

    def test_without_a_profile_are_taken_as_they_are(self, stitch, tmp_path):
        assert self.stitched(stitch, tmp_path / "a.png", None, (200, 100, 50)) == [200, 100, 50]

    def test_with_a_profile_that_is_none_are_taken_as_they_are(self, stitch, tmp_path):
        assert is_like(self.stitched(stitch, tmp_path / "a.png", b"no profile" * 20, (200, 100, 50)), (200, 100, 50), within=1)


class TestAPictureThatIsMadeSmallWhileItIsDecoded:
    def test_looks_as_if_it_had_been_decoded_whole(self, stitch, tmp_path):
        card = pyvips.Image.zone(960, 720).cast("uchar")
        paths = [tmp_path / f"zone.{ending}" for ending in ("jpg", "png")]
        card.write_to_file(str(paths[0]), Q=98)
        pyvips.Image.new_from_file(str(paths[0])).write_to_file(str(paths[1]))
        for cell in ("480x360", "240x180", "100x75", "57x91"):
            fast, slow = (opened(stitch([{"path": str(path)}], cell=cell)) for path in paths)
            assert (fast.width, fast.height) == (slow.width, slow.height)
            assert distance(fast, slow) < 3


class TestAWrongOption:
    @pytest.mark.parametrize(
        ("given", "field"),
        [
            ({"layout": "long", "cell": "9x9"}, "cell"),
            ({"layout": "long", "fit": "none"}, "fit"),
            ({"width": 100}, "width"),
            ({"template": "squares-4"}, "template"),
            ({"layout": "collage", "template": "squares-4"}, "images"),
            ({"layout": "collage", "template": "spiral-3"}, "template"),
            ({"layout": "collage", "cell": "9x9"}, "cell"),
            ({"layout": "collage", "columns": 2}, "columns"),
            ({"fit": "contain", "gravity": "attention"}, "gravity"),
            ({"max_bytes": 5000}, "max_bytes"),
            ({"padding": -1}, "padding"),
            ({"corner_radius": 1.5}, "corner_radius"),
            ({"background": "blurred"}, "background"),
            ({"captions": {"texts": []}}, "captions.texts"),
            ({"captions": {"texts": ["a"], "colour": "red"}}, "captions.colour"),
            ({"captions": {"texts": ["a"], "font": "serif"}}, "captions"),
        ],
    )
    def test_is_refused_with_its_field(self, stitch, red, given, field):
        error = stitch([red] * 3, **given).error
        assert (error["code"], error["field"]) == ("invalid_input", field)
