"""Reading what ffmpeg reports of a file."""

import pytest

from tasks_app.storage import probe

MP4 = """Input #0, mov,mp4,m4a,3gp,3g2,mj2, from 'a.mp4':
  Metadata:
    major_brand     : isom
    title           : x
                    :   Duration: 99:59:59.00
                    :   Stream #0:0: Video: h264, yuv420p, 9x9, 25 fps
  Duration: 01:02:03.50, start: 0.000000, bitrate: 316 kb/s
  Stream #0:0[0x1](und): Video: h264 (High) (avc1 / 0x31637661), yuv420p(tv, bt709), 1920x1080 [SAR 1:1 DAR 16:9], 239 kb/s (default)
    Metadata:
      handler_name    : VideoHandler
  Stream #0:1[0x2](und): Audio: aac (LC) (mp4a / 0x6134706D), 44100 Hz, mono, fltp, 69 kb/s (default)
At least one output file must be specified
"""
SIDE_DATA = """    Metadata:
      handler_name    : VideoHandler
    Side data:
      {}
  Stream #0:1[0x2](und): Audio"""
WEBM = """Input #0, matroska,webm, from 'b.webm':
  Duration: N/A, start: 0.000000, bitrate: N/A
  Stream #0:0: Video: vp9 (Profile 1), yuv444p(tv, progressive), 320x180, SAR 1:1 DAR 16:9, 5 fps, 5 tbr, 1k tbn (default)
"""
MP3 = """Input #0, mp3, from 's.mp3':
  Duration: 00:00:01.00, start: 0.025057, bitrate: 68 kb/s
  Stream #0:0: Audio: mp3 (mp3float), 44100 Hz, mono, fltp, 64 kb/s, start 0.025057
  Stream #0:1: Video: png, rgb24(pc, gbr/unknown/unknown), 500x500, 90k tbr, 90k tbn (attached pic)
"""


def turned(line):
    return MP4.replace("    Metadata:\n      handler_name    : VideoHandler\n  Stream #0:1[0x2](und): Audio", SIDE_DATA.format(line))


class TestAReport:
    def test_of_a_video_tells_duration_and_size_and_is_not_taken_in_by_the_files_own_words(self):
        assert probe.parsed(MP4) == {"duration": 3723.5, "width": 1920, "height": 1080}

    @pytest.mark.parametrize("line", ["displaymatrix: rotation of -90.00 degrees", "Display Matrix: rotation of 90.00 degrees"])
    def test_of_a_video_that_was_filmed_upright_tells_the_size_as_shown(self, line):
        assert probe.parsed(turned(line)) == {"duration": 3723.5, "width": 1080, "height": 1920}

    def test_of_a_video_that_stands_on_its_head_tells_the_size_as_it_is(self):
        assert probe.parsed(turned("Display Matrix: rotation of 180.00 degrees"))["width"] == 1920

    def test_without_a_duration_has_none(self):
        assert probe.parsed(WEBM) == {"width": 320, "height": 180}

    def test_of_a_sound_has_no_size_whatever_its_cover(self):
        assert probe.parsed(MP3) == {"duration": 1.0}

    @pytest.mark.parametrize("report", ["", "moov atom not found\nError opening input: Invalid data found when processing input\n"])
    def test_of_a_broken_file_tells_nothing(self, report):
        assert probe.parsed(report) == {}
