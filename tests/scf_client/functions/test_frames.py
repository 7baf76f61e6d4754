"""The frames of a video's clips, as they are poured into whatever reads them."""

import os
from threading import Thread

import pytest

from scf_client.functions.video_compose import clips, frames
from scf_client.functions.video_compose.graph import Frame
from tests.scf_client import samples
from tests.scf_client.samples import GREEN

FRAME = Frame(160, 90, 10, "contain", "#000000")
PLAIN = {"speed": 1, "volume": 1, "duration": 2}


@pytest.fixture
def film(tmp_path):
    return samples.video(tmp_path / "green.mp4", GREEN)


def poured(film, folder, *, read: int) -> int:
    """Pour two clips that overlap by a second to a reader who closes after so many frames; returns how many it got, in whole."""
    shown, _ = clips.read({"fps": 10, "clips": [PLAIN | {"source": film}] * 2, "transition": {"type": "fade", "duration": 1}})
    reading, writing = os.pipe()
    got = []

    def take():
        with open(reading, "rb") as pipe:
            got.append(len(pipe.read(read * FRAME.bytes)))

    reader = Thread(target=take)
    reader.start()
    try:
        with open(writing, "wb") as pipe:
            frames.pour(shown, FRAME, folder, pipe)
    finally:
        reader.join()
    return got[0] // FRAME.bytes


class TestTwoClipsThatOverlap:
    def test_give_each_of_their_frames_once(self, film, tmp_path):
        assert poured(film, tmp_path, read=31) == 30

    @pytest.mark.parametrize("read", [1, 12, 20])
    def test_end_when_nobody_reads_on(self, film, tmp_path, read):
        # The encoder may fail at any moment: also while one clip feeds another.
        with pytest.raises(BrokenPipeError):
            poured(film, tmp_path, read=read)
