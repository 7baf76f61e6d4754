"""The arithmetic of a stitched picture."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scf_client.functions.common.errors import Invalid
from scf_client.functions.image_stitch import layout
from scf_client.functions.image_stitch.layout import Box

sides = st.integers(1, 300)


class TestColumns:
    @pytest.mark.parametrize(
        ("arguments", "columns"),
        [(("row", 7, None), 7), (("column", 7, None), 1), (("grid", 7, None), 3), (("grid", 4, None), 2), (("grid", 3, 50), 3)],
    )
    def test_follow_from_layout_and_count(self, arguments, columns):
        assert layout.columns(*arguments) == columns


class TestAPlan:
    @given(st.integers(1, 50), st.integers(1, 9), st.tuples(sides, sides), st.integers(0, 40))
    def test_has_a_box_for_each_picture_and_none_overlaps_or_leaves_the_whole(self, count, across, cell, gap):
        plan = layout.of_cells(count, across, cell=cell, gap=gap)
        assert len(plan.boxes) == count
        for place, box in enumerate(plan.boxes):
            assert 0 <= box.left <= plan.width - box.width
            assert 0 <= box.top <= plan.height - box.height
            assert all(apart(box, other, gap) for other in plan.boxes[:place])

    @given(st.integers(1, 12), st.integers(1, 12), st.integers(1, 900), st.integers(1, 900), st.integers(0, 30))
    def test_of_a_size_fills_it_exactly_or_is_refused(self, count, across, width, height, gap):
        across = min(across, count)
        try:
            plan = layout.of_size(count, across, size=(width, height), gap=gap)
        except Invalid:
            down = -(-count // across)
            assert width - gap * (across - 1) < across or height - gap * (down - 1) < down
        else:
            assert (plan.width, plan.height) == (width, height)
            assert max(box.left + box.width for box in plan.boxes) == width
            assert max(box.top + box.height for box in plan.boxes) == height

    def test_in_their_own_sizes_columns_and_rows_are_as_large_as_the_largest(self):
        plan = layout.of_own([(10, 5), (20, 8), (30, 1)], 2, gap=1)
        assert plan.boxes == [Box(0, 0, 30, 8), Box(31, 0, 20, 8), Box(0, 9, 30, 1)]

    @given(st.tuples(st.integers(1, 20_000), st.integers(1, 5_000)), st.integers(1, 50), st.integers(0, 100))
    def test_from_the_first_picture_never_passes_8192_a_side(self, first, count, gap):
        across = layout.columns("grid", count, None)
        plan = layout.of_cells(count, across, cell=layout.first_cell(first, count, across, gap), gap=gap)
        assert max(plan.width, plan.height) <= 8192


def apart(one: Box, other: Box, gap: int) -> bool:
    return (
        one.left >= other.left + other.width + gap
        or other.left >= one.left + one.width + gap
        or one.top >= other.top + other.height + gap
        or other.top >= one.top + one.height + gap
    )
