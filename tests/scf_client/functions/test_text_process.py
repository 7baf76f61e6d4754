import json
import time

import pysubs2
import pytest

from scf_client.functions.text_process import timing, words
from tests.scf_client import samples

SCRIPT = "Mr. Fox met a crow.  狐狸说：“你好！”乌鸦没有回答。\r\nThe price is 3.50 dollars. The end?!"


def texts(answer) -> list[str]:
    return [path.read_text(encoding="utf-8") for path in answer.files]


class TestOperations:
    def test_give_one_output_each_in_the_order_that_was_asked_for(self, process):
        answer = process(SCRIPT, "count", "vtt", "normalise", "sentences", "srt")
        types = [output["content_type"] for output in answer.outputs]
        assert types == ["application/json", "text/vtt", "text/plain; charset=utf-8", "application/json", "application/x-subrip"]

    def test_work_on_the_tidy_text_once_it_has_been_made(self, process):
        tidy, sentences = texts(process("Ｈｉ！！！  there", "normalise", "sentences"))
        assert tidy == "Hi！ there\n"
        assert json.loads(sentences)["sentences"] == ["Hi！", "there"]
        assert json.loads(texts(process("Ｈｉ！！！ there", "sentences"))[0])["sentences"][0] == "Ｈｉ！！！"

    def test_count_both_languages(self, process):
        (count,) = map(json.loads, texts(process(SCRIPT, "count")))
        assert (count["chinese_characters"], count["words"], count["sentences"], count["lines"]) == (11, 12, 5, 2)

    def test_of_a_text_of_white_space_are_refused(self, process):
        assert process(" \n\t ", "count").error["field"] == "text"

    @pytest.mark.parametrize(
        ("operations", "given", "field"),
        [
            (["count"], {"duration": 5}, "duration"),
            (["normalise", "sentences"], {"gap": 1}, "gap"),
            (["srt"], {"duration": 5, "pace": 2}, "pace"),
            (["srt", "srt"], {}, "operations"),
            ([], {}, "operations"),
            (["translate"], {}, "operations[0]"),
        ],
    )
    def test_that_cannot_be_are_refused_with_their_field(self, process, operations, given, field):
        assert process(SCRIPT, *operations, **given).error["field"] == field

    def test_of_a_hundred_thousand_characters_are_quick(self, process):
        assert len(process("他来了。Then he left. " * 4700, "normalise", "sentences", "count", "srt", "vtt").outputs) == 5
        assert process("a" * 100_000, "srt").outputs
        assert process("…" * 100_000, "sentences", "normalise").outputs
        assert process("x" * 100_001, "count").error["field"] == "text"

    def test_of_nothing_but_abbreviations_are_quick_too(self, process):
        begun = time.monotonic()
        assert process("A. " * 33_000, "sentences", "count").outputs
        assert time.monotonic() - begun < 10


class TestSubtitles:
    def test_can_be_read_back_in_both_formats(self, process):
        srt, vtt = texts(process(SCRIPT, "srt", "vtt"))
        first, second = pysubs2.SSAFile.from_string(srt, format_="srt"), pysubs2.SSAFile.from_string(vtt, format_="vtt")
        assert [event.plaintext for event in first] == [event.plaintext for event in second]
        assert "狐狸说：“你好！”" in srt
        assert vtt.startswith("WEBVTT")

    def test_fill_the_duration_to_the_millisecond(self, process):
        events = pysubs2.SSAFile.from_string(texts(process(SCRIPT, "srt", duration=9.5))[0], format_="srt").events
        assert (events[0].start, events[-1].end) == (0, 9500)

    def test_of_what_they_made_the_composer_can_use(self, process, compose, tmp_path):
        source = {"path": str(process(SCRIPT, "srt", duration=2).files[0])}
        clip = {"source": samples.picture(tmp_path / "a.png"), "duration": 2}
        assert compose([clip], subtitles={"source": source}).outputs


class TestSentences:
    @pytest.mark.parametrize(
        ("text", "sentences"),
        [
            ("他来了。她走了！真的？", ["他来了。", "她走了！", "真的？"]),
            ("He came. She left! Really?", ["He came.", "She left!", "Really?"]),
            ("Mr. Fox met Dr. Owl. They spoke.", ["Mr. Fox met Dr. Owl.", "They spoke."]),
            ("It costs 3.50 at example.com today. Yes.", ["It costs 3.50 at example.com today.", "Yes."]),
            ("“你好！”他说。", ["“你好！”", "他说。"]),
            ("等等……好吧。", ["等等……", "好吧。"]),
            ("No end here", ["No end here"]),
            ("One line\nanother line", ["One line", "another line"]),
            ("中文English混排。Next one.", ["中文English混排。", "Next one."]),
            ("  \n\n ", []),
        ],
    )
    def test_end_where_a_reader_would_end_them(self, text, sentences):
        assert words.sentences(text) == sentences


class TestTidyText:
    @pytest.mark.parametrize(
        ("text", "tidy"),
        [
            ("a\r\nb\rc", "a\nb\nc"),
            ("a \t b　c", "a b c"),
            ("ＡＢＣ１２３", "ABC123"),
            ("真的！！！？？", "真的！？"),
            ("等等……", "等等……"),
            ("a\n\n\n\nb", "a\n\nb"),
            ("，。：", "，。："),
        ],
    )
    def test_loses_no_character_of_meaning(self, text, tidy):
        assert words.normalised(text) == tidy

    @pytest.mark.parametrize("text", [SCRIPT, "ＡＢ！！  c", "\ufeffa\u00a0b"])
    def test_stays_as_it_is_when_tidied_again(self, text):
        assert words.normalised(words.normalised(text)) == words.normalised(text)


class TestCues:
    def cues(self, sentences, **given):
        return timing.cues(sentences, **{"duration": None, "pace": 1, "gap": 0.1, "line_width": 42, "lines": 2, **given})

    def test_follow_one_another_with_the_gap_between_them(self):
        first, second = self.cues(["狐狸说你好乌鸦没有", "a crow sat on a tree in the wood"], gap=0.5)
        assert first.start == 0
        assert first.end == 2.0
        assert second.start == pytest.approx(first.end + 0.5)

    def test_are_shorter_at_a_faster_pace(self):
        assert self.cues(["狐狸说你好乌鸦没有"], pace=2)[0].end == 1.0

    @pytest.mark.parametrize("line_width", [10, 20, 42])
    @pytest.mark.parametrize("text", ["狐狸在树下看见乌鸦，" * 12, "the quick brown fox jumps over the lazy dog " * 8, "x" * 200])
    def test_have_no_more_and_no_wider_lines_than_allowed_and_lose_nothing(self, text, line_width):
        cues = self.cues([text.strip()], line_width=line_width)
        lines = [line for cue in cues for line in cue.text.split("\n")]
        assert all(cue.text.count("\n") < 2 for cue in cues)
        assert all(words.width(line) <= line_width for line in lines)
        assert "".join("".join(lines).split()) == "".join(text.split())

    def test_fill_a_duration_however_short_and_show_something_most_of_the_time(self):
        cues = self.cues(["一。"] * 20, duration=2, gap=1)
        assert cues[-1].end == 2
        assert sum(cue.end - cue.start for cue in cues) >= 1.4
