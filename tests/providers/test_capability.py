"""Whether a route may be sent an input, by what is brought along for its model."""

import pytest

from providers.capability import takes

VIDEO = "video.generate"


class TestAModelThatIsBroughtAlong:
    def test_takes_what_its_schema_takes(self):
        assert takes("vidu", "viduq3-turbo", VIDEO, {"prompt": "a kite", "duration": 5})

    @pytest.mark.parametrize("more", [{"wings": 2}, {"duration": 99}, {"resolution": "8k"}])
    def test_takes_no_more(self, more):
        assert not takes("vidu", "viduq3-turbo", VIDEO, {"prompt": "a kite", **more})

    def test_of_several_ways_takes_what_one_of_them_takes(self):
        assert takes("kling", "kling-v3", "image.generate", {"prompt": "a kite"}) or takes(
            "kling", "kling-3.0", VIDEO, {"prompt": "a kite"}
        )


class TestAModelThatIsNot:
    @pytest.mark.parametrize("way", [("vidu", "viduq9", VIDEO), ("vidu", "viduq3-turbo", "image.generate"), ("own_adapter", "x", VIDEO)])
    def test_may_take_anything(self, way):
        assert takes(*way, {"wings": 2})
