import pytest
import pyvips

from tests.scf_client import samples
from tests.scf_client.samples import BLUE, GREEN, RED, WHITE, is_like


def opened(answer) -> pyvips.Image:
    return pyvips.Image.new_from_file(str(answer.files[0]))


@pytest.fixture
def three(tmp_path):
    """A red, a green and a blue picture of 40 × 30."""
    return [samples.picture(tmp_path / f"{place}.png", colour) for place, colour in enumerate((RED, GREEN, BLUE))]


class TestTheLayout:
    def test_a_row_shows_them_from_left_to_right(self, stitch, three):
        whole = opened(stitch(three, layout="row", gap=10, background="#ffffff"))
        assert (whole.width, whole.height) == (140, 30)
        assert [whole(x, 15) for x in (20, 45, 70, 120)] == [list(RED), list(WHITE), list(GREEN), list(BLUE)]

    def test_a_column_shows_them_from_top_to_bottom(self, stitch, three):
        whole = opened(stitch(three, layout="column", gap=10))
        assert (whole.width, whole.height) == (40, 110)
        assert [whole(20, y) for y in (15, 35, 55, 95)] == [list(RED), list(WHITE), list(GREEN), list(BLUE)]

    def test_a_grid_is_as_square_as_can_be_and_its_last_row_may_have_room(self, stitch, three):
        whole = opened(stitch(three, background="#102030"))
        assert (whole.width, whole.height) == (80, 60)
        assert [whole(x, y) for x, y in ((20, 15), (60, 15), (20, 45), (60, 45))] == [list(RED), list(GREEN), list(BLUE), [16, 32, 48]]

    def test_a_grid_takes_the_columns_it_is_told(self, stitch, three):
        assert [(output["width"], output["height"]) for output in stitch(three, columns=3).outputs] == [(120, 30)]

    def test_a_hundred_pictures_are_taken_and_one_more_is_not(self, stitch, three):
        assert stitch(three[:1] * 100, cell="8x6").outputs
        assert stitch(three[:1] * 101).error["field"] == "images"


class TestTheSize:
    def test_of_the_whole_is_met_to_the_pixel_even_where_it_cannot_be_divided(self, stitch, three):
        whole = opened(stitch(three, layout="row", size="101x31", gap=3))
        assert (whole.width, whole.height) == (101, 31)
        assert [whole(x, 15) for x in (10, 50, 95)] == [list(RED), list(GREEN), list(BLUE)]

    def test_of_a_cell_is_that_of_every_cell(self, stitch, three):
        assert stitch(three, layout="row", cell="20x50").outputs[0]["width"] == 60

    def test_without_a_word_follows_the_first_picture_and_shrinks_where_all_would_be_huge(self, stitch, tmp_path):
        wide = samples.picture(tmp_path / "wide.png", size=(3000, 20))
        assert stitch([wide] * 5, layout="row").outputs[0]["width"] <= 8192

    def test_that_is_too_large_is_refused_before_anything_is_drawn(self, stitch, three):
        assert "at most" in stitch(three, cell="9999x9999").error["message"]
        assert stitch(three, layout="row", size="12x12", gap=10).error["field"] == "size"


class TestTheFit:
    @pytest.fixture
    def wide(self, tmp_path):
        """Red on the left, blue on the right, 80 × 20."""
        return samples.two_halves(tmp_path / "wide.png", size=(80, 20))

    def test_cover_fills_the_cell_and_crops_what_hangs_over(self, stitch, tmp_path):
        striped = samples.picture(tmp_path / "red.png", RED, size=(90, 30))
        whole = opened(stitch([striped], cell="30x30"))
        assert [whole(x, y) for x, y in ((0, 0), (29, 29))] == [list(RED)] * 2

    def test_contain_shows_all_of_it_on_the_background(self, stitch, wide):
        whole = opened(stitch([wide], cell="40x40", fit="contain", background="#ffffff"))
        assert [whole(x, 20) for x in (4, 35)] == [list(RED), list(BLUE)]
        assert [whole(20, y) for y in (2, 37)] == [list(WHITE)] * 2

    def test_none_keeps_each_picture_in_its_own_size_in_the_middle(self, stitch, wide, tmp_path):
        tall = samples.picture(tmp_path / "tall.png", GREEN, size=(10, 60))
        whole = opened(stitch([wide, tall], layout="row", fit="none", background="#ffffff"))
        assert (whole.width, whole.height) == (90, 60)
        assert [whole(x, y) for x, y in ((10, 30), (70, 30), (85, 30), (10, 5))] == [list(RED), list(BLUE), list(GREEN), list(WHITE)]


class TestWhatComesOut:
    @pytest.mark.parametrize(("format_", "content_type"), [("png", "image/png"), ("jpeg", "image/jpeg"), ("webp", "image/webp")])
    def test_is_in_the_format_that_was_asked_for(self, stitch, three, format_, content_type):
        answer = stitch(three, output_format=format_)
        assert answer.outputs[0]["content_type"] == content_type
        assert opened(answer).get("vips-loader").startswith(format_)

    def test_is_smaller_in_lower_quality(self, stitch, tmp_path):
        noise = tmp_path / "noise.png"
        pyvips.Image.gaussnoise(200, 200, mean=128, sigma=50).cast("uchar").write_to_file(str(noise))
        sizes = [stitch([{"path": str(noise)}], output_format="jpeg", quality=quality).outputs[0]["bytes"] for quality in (20, 95)]
        assert sizes[0] < sizes[1] / 2

    def test_may_be_transparent_half_or_wholly(self, stitch, three):
        clear = opened(stitch(three, background="transparent"))
        half = opened(stitch(three, background="#ff000080"))
        assert (clear(60, 45), half(60, 45)) == ([0, 0, 0, 0], [255, 0, 0, 128])
        assert clear(20, 15) == [*RED, 255]

    def test_carries_none_of_the_metadata_of_its_inputs(self, stitch, tmp_path):
        turned = samples.two_halves(tmp_path / "turned.jpg", orientation=6)
        assert not opened(stitch([turned], output_format="jpeg")).get_typeof("exif-data")


class TestAPictureFromACamera:
    def test_that_lay_on_its_side_is_turned_upright(self, stitch, tmp_path):
        # Orientation 6: turn clockwise to see it, so that its left half is on top.
        turned = samples.two_halves(tmp_path / "turned.jpg", size=(80, 40), orientation=6)
        whole = opened(stitch([turned]))
        assert (whole.width, whole.height) == (40, 80)
        assert is_like(whole(20, 10), RED)
        assert is_like(whole(20, 70), BLUE)

    def test_in_any_of_the_five_formats_is_taken(self, stitch, tmp_path):
        pictures = [samples.picture(tmp_path / f"a.{ending}") for ending in ("jpg", "png", "webp", "gif", "avif")]
        whole = opened(stitch(pictures, layout="row"))
        assert all(is_like(whole(20 + 40 * place, 15), RED) for place in range(5))

    def test_that_is_grey_or_deep_or_for_print_comes_out_as_plain_rgb(self, stitch, tmp_path):
        grey = pyvips.Image.black(40, 30) + 128
        grey.cast("uchar").copy(interpretation="b-w").write_to_file(str(tmp_path / "grey.png"))
        (grey * 257).cast("ushort").copy(interpretation="grey16").write_to_file(str(tmp_path / "deep.png"))
        grey.new_from_image([0, 255, 255, 0]).cast("uchar").copy(interpretation="cmyk").write_to_file(str(tmp_path / "print.jpg"))
        pictures = [{"path": str(tmp_path / name)} for name in ("grey.png", "deep.png", "print.jpg")]
        whole = opened(stitch(pictures, layout="row"))
        assert whole.bands == 3
        assert is_like(whole(20, 15), (128, 128, 128), within=2)
        assert is_like(whole(60, 15), (128, 128, 128), within=2)
        assert whole(100, 15)[0] > 150 > whole(100, 15)[2]

    def test_that_is_transparent_shows_the_background(self, stitch, tmp_path):
        clear = pyvips.Image.black(40, 30, bands=4).copy(interpretation="srgb")
        clear.write_to_file(str(tmp_path / "clear.png"))
        assert opened(stitch([{"path": str(tmp_path / "clear.png")}], background="#0000ff"))(20, 15) == [0, 0, 255]


class TestAWrongInput:
    @pytest.mark.parametrize(
        ("given", "field"),
        [
            ({"layout": "row", "columns": 2}, "columns"),
            ({"fit": "none", "cell": "10x10"}, "cell"),
            ({"cell": "10x10", "size": "10x10"}, "cell"),
            ({"output_format": "png", "quality": 80}, "quality"),
            ({"quality": 80}, "quality"),
            ({"output_format": "jpeg", "background": "transparent"}, "background"),
            ({"gap": 501}, "gap"),
        ],
    )
    def test_is_refused_with_its_field(self, stitch, three, given, field):
        assert (stitch(three, **given).error["code"], stitch(three, **given).error["field"]) == ("invalid_input", field)
