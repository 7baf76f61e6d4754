"""Voice, music and loudness, as the finished video is heard."""

import pytest

from scf_client.functions.video_compose import loudness
from scf_client.functions.video_compose.loudness import Heard
from scf_client.functions.video_compose.mix import Mix, Part
from tests.scf_client import samples
from tests.scf_client.samples import GREEN, RED


@pytest.fixture(scope="module")
def media(tmp_path_factory):
    """A red picture, a video with a tone, 1 s of music at 220 Hz, a voice at 1,000 Hz, and music with loud beats."""
    folder = tmp_path_factory.mktemp("media")
    beats = "aevalsrc='0.02*sin(880*t)+0.9*lt(mod(t,0.5),0.004)*sin(6000*t)':d=4:s=48000"
    samples.ffmpeg("-f", "lavfi", "-i", beats, "-ac", "2", str(folder / "beats.wav"))
    return {
        "red": samples.picture(folder / "red.png", RED, size=(160, 90)),
        "green": samples.video(folder / "green.mp4", GREEN, tone=440),
        "music": samples.tone(folder / "music.wav", hertz=220),
        "voice": samples.tone(folder / "voice.wav", hertz=1000, seconds=1.5),
        "beats": {"path": str(folder / "beats.wav")},
    }


def still(media, seconds=4):
    return [{"source": media["red"], "duration": seconds}]


class TestTheVoice:
    def test_begins_when_asked_counted_from_the_first_clip(self, compose, media):
        intro = {"source": media["red"], "duration": 1}
        path = compose(still(media), intro=intro, voice={"source": media["voice"], "start": 0.5}).files[0]
        assert samples.loudness(path, 0, 1.4) < -60
        assert samples.loudness(path, 1.6, 2.9) > -30
        assert samples.loudness(path, 3.1, 4.9) < -60

    def test_ends_with_the_last_clip_and_leaves_the_length_as_planned(self, compose, media):
        outro = {"source": media["red"], "duration": 1}
        answer = compose(still(media, 1), outro=outro, voice={"source": media["voice"]})
        assert samples.frames(answer.files[0]) == 20
        assert samples.loudness(answer.files[0], 0.2, 0.9) > -30
        assert samples.loudness(answer.files[0], 1.1, 1.9) < -60

    def test_that_would_begin_after_it_is_refused(self, compose, media):
        assert compose(still(media), voice={"source": media["voice"], "start": 4}).error["field"] == "voice.start"

    def test_without_sound_is_refused(self, compose, media):
        assert compose(still(media), voice={"source": media["red"]}).error["field"] == "voice.source"


class TestTheMusic:
    def level(self, path, start, end):
        return samples.loudness(path, start, end, filters="lowpass=f=400,lowpass=f=400")

    def test_gives_way_to_the_voice_and_comes_back(self, compose, media):
        voice = {"source": media["voice"], "start": 1}
        ducked, plain = (
            compose(still(media), voice=voice, music={"source": media["music"], "duck": duck}).files[0] for duck in (True, False)
        )
        under = self.level(plain, 1.5, 2.4) - self.level(ducked, 1.5, 2.4)
        assert 6 < under < 20
        assert abs(self.level(ducked, 0.2, 0.9) - self.level(plain, 0.2, 0.9)) < 1
        assert self.level(ducked, 3.3, 3.5) > self.level(ducked, 1.5, 2.4) + 6

    def test_plays_once_where_asked_and_fades_out_at_its_own_end(self, compose, media):
        path = compose(still(media), music={"source": media["music"], "loop": False, "fade_out": 0.5}).files[0]
        assert samples.loudness(path, 0.1, 0.5) > -30
        assert samples.loudness(path, 0.9, 1.0) < samples.loudness(path, 0.1, 0.5) - 10
        assert samples.loudness(path, 1.2, 3.9) < -60


class TestLoudness:
    @pytest.mark.parametrize("target", [-14, -23])
    @pytest.mark.parametrize("name", ["green", "beats"])
    def test_is_what_was_asked(self, compose, media, target, name):
        clips = still(media) if name == "beats" else [{"source": media["green"], "volume": 0.2}]
        music = {"music": {"source": media["beats"], "fade_out": 0}} if name == "beats" else {}
        path = compose(clips, loudness=target, **music).files[0]
        heard = samples.heard(path)
        assert heard.loudness == pytest.approx(target, abs=1)
        assert heard.peak < 0

    def test_of_silence_stays_silence(self, compose, media):
        path = compose([{"source": media["green"], "volume": 0}], loudness=-14).files[0]
        assert samples.loudness(path, 0, 2) < -80


class TestTheGain:
    def test_is_plain_where_peaks_have_room(self):
        assert loudness.gained(-14, lambda _: Heard(-20, -10)) == "volume=6.00dB"

    def test_is_corrected_by_what_the_limiter_takes(self):
        asked = []

        def measure(filters):
            asked.append(filters)
            return Heard(-20, -1) if filters == "anull" else Heard(-15, -1.5) if "=6.00dB" in filters else Heard(-14.1, -1.5)

        assert loudness.gained(-14, measure).startswith("volume=7.00dB,alimiter=level=0:limit=0.8414")
        assert len(asked) == 3

    def test_does_not_lift_silence(self):
        assert loudness.gained(-14, lambda _: Heard(-70, -90)) == "anull"

    def test_is_read_from_what_ffmpeg_says(self):
        report = "Summary:\n\n  Integrated loudness:\n    I:         -21.7 LUFS\n\n  True peak:\n    Peak:       -inf dBFS\n"
        assert loudness.heard(report) == Heard(-21.7, float("-inf"))


class TestTheGraph:
    def test_of_one_sound_has_no_sum(self):
        assert (
            Mix((Part("clips", (), "anull"),), 2, ducks=False).graph(1, "anull")
            == "[1:a]anull[clips];[clips]anull,apad=whole_dur=2.000000[sound]"
        )

    def test_of_three_ducks_the_music_under_the_voice(self):
        parts = tuple(Part(name, ("-i", name), "anull") for name in ("clips", "voice", "music"))
        mix = Mix(parts, 2, ducks=True)
        assert mix.inputs == ["-i", "clips", "-i", "voice", "-i", "music"]
        graph = mix.graph(1, "anull")
        assert "[voice]asplit[voice][key];[key]apad[key];[music][key]sidechaincompress" in graph
        assert graph.endswith("[clips][voice][music]amix=inputs=3:duration=longest:normalize=0,anull,apad=whole_dur=2.000000[sound]")
