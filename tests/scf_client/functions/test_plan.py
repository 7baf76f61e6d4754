"""The arithmetic of a composed video: pure, over inputs of every kind."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scf_client.functions.common.errors import Invalid
from scf_client.functions.video_compose import plan
from scf_client.functions.video_compose.plan import Source

PLAIN = {"speed": 1, "volume": 1}
FADE = {"type": "fade", "duration": 0.5}

seconds = st.integers(4, 100_000).map(lambda hundredths: hundredths / 100)
transitions = st.fixed_dictionaries({"type": st.sampled_from(["cut", "fade", "wipeleft"]), "duration": st.floats(0.1, 5)})
pictures = st.tuples(
    st.fixed_dictionaries(PLAIN_WORDS := {name: st.just(value) for name, value in PLAIN.items()}, optional={"duration": seconds}),
    st.just(Source("picture")),
)
videos = st.tuples(
    st.fixed_dictionaries(PLAIN_WORDS | {"speed": st.floats(0.25, 4)}, optional={"start": seconds, "end": seconds}),
    st.builds(Source, st.just("video"), seconds),
)


@st.composite
def inputs(draw):
    """An input and its sources: what the schema lets through, possible or not."""
    shown = draw(st.lists(pictures | videos, min_size=1, max_size=12))
    for clip, _ in shown[1:]:
        if draw(st.booleans()):
            clip["transition"] = draw(transitions)
    asked = {"fps": draw(st.integers(10, 60)), "clips": [clip for clip, _ in shown]}
    return asked | ({"transition": draw(transitions)} if draw(st.booleans()) else {}), [source for _, source in shown]


class TestAnyInput:
    @given(inputs())
    def test_is_planned_so_that_each_frame_shows_one_clip_or_two_or_is_refused_by_name(self, asked):
        input, sources = asked
        try:
            planned = plan.of(input, sources)
        except Invalid as fault:
            named = fault.field
        else:
            named = "clips"
            self.check(planned)
        assert named.startswith("clips")

    def check(self, planned):
        shows = [0] * planned.total
        for start, frames in zip(planned.starts, planned.frames, strict=True):
            assert frames >= 1
            for at in range(start, start + frames):
                shows[at] += 1
        assert set(shows) <= {1, 2}
        assert shows.count(2) == sum(planned.overlaps)

    @given(inputs())
    def test_is_planned_within_half_a_frame_of_what_it_says_for_each_clip(self, asked):
        input, sources = asked
        try:
            planned = plan.of(input, sources)
        except Invalid:
            return
        for clip, source, frames in zip(input["clips"], sources, planned.frames, strict=True):
            if source.type == "picture":
                lasts = clip.get("duration", plan.PICTURE_S)
            else:
                lasts = (min(clip.get("end", source.lasts), source.lasts) - clip.get("start", 0)) / clip["speed"]
            assert frames == 1 or abs(frames - lasts * input["fps"]) <= 0.5 + 1e-6


class TestClipsWithTransitions:
    def planned(self, *clips, sources=None, **more):
        input = {"fps": 10, "clips": [PLAIN | clip for clip in clips], **more}
        for name in ("intro", "outro"):
            if name in input:
                input[name] = PLAIN | input[name]
        return plan.of(input, sources or [Source("picture")] * (len(clips) + ("intro" in more) + ("outro" in more)))

    def test_overlap_by_as_many_frames_as_come_closest(self):
        planned = self.planned({}, {}, transition={"type": "fade", "duration": 0.26})
        assert (planned.overlaps, planned.total, planned.seconds) == ((0, 3), 57, 5.7)

    def test_overlap_by_their_own_where_they_have_one(self):
        assert self.planned({}, {"transition": {"type": "cut", "duration": 1}}, {}, transition=FADE).overlaps == (0, 0, 5)

    def test_include_the_intro_and_the_outro_which_are_no_part_of_the_body(self):
        input = {"fps": 10, "clips": [PLAIN, PLAIN], "intro": PLAIN | {"duration": 1}, "outro": PLAIN, "transition": FADE}
        planned = plan.of(input, [Source("picture")] * 4)
        assert planned.frames == (10, 30, 30, 30)
        assert plan.body(input, planned) == (5, 60)

    def test_must_be_longer_than_those(self):
        assert self.planned({}, {"duration": 1.1}, {}, transition=FADE).total == 61
        with pytest.raises(Invalid, match=r"clips\[1\] lasts 1 s: its transitions need more than 1 s") as fault:
            self.planned({}, {"duration": 1}, {}, transition=FADE)
        assert fault.value.field == "clips[1]"

    def test_cannot_begin_with_one(self):
        with pytest.raises(Invalid, match="nothing stands before it") as fault:
            self.planned({"transition": FADE})
        assert fault.value.field == "clips[0].transition"
        assert self.planned({"transition": FADE}, intro={}).total == 55
        with pytest.raises(Invalid) as fault:
            self.planned({}, intro={"transition": FADE})
        assert fault.value.field == "intro.transition"


class TestAClipOfAVideo:
    def frames(self, lasts, **clip):
        return plan.of({"fps": 10, "clips": [PLAIN | clip]}, [Source("video", lasts)]).total

    def test_is_as_long_as_what_is_shown_of_it_at_its_speed(self):
        assert self.frames(4.0) == 40
        assert self.frames(4.0, start=1, end=3) == 20
        assert self.frames(4.0, start=1, end=3, speed=2) == 10
        assert self.frames(4.0, end=9, speed=0.5) == 80

    def test_is_as_long_as_asked_whatever_its_speed(self):
        assert self.frames(4.0, duration=6, speed=4) == 60

    def test_that_does_not_say_how_long_it_is_needs_an_end(self):
        assert self.frames(None, end=2) == 20
        with pytest.raises(Invalid, match="give clips"):
            self.frames(None)

    def test_takes_no_motion(self):
        with pytest.raises(Invalid) as fault:
            self.frames(4.0, motion={"from": {}, "to": {}})
        assert fault.value.field == "clips[0].motion"


class TestAPicture:
    @pytest.mark.parametrize("word", [{"start": 1}, {"end": 1}, {"speed": 2}, {"volume": 0}])
    def test_takes_nothing_of_what_is_only_for_a_video(self, word):
        with pytest.raises(Invalid) as fault:
            plan.of({"fps": 10, "clips": [PLAIN | word]}, [Source("picture")])
        assert fault.value.field == f"clips[0].{next(iter(word))}"
