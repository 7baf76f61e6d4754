import html
import json
import os
import time

import pysubs2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scf_client import pack
from scf_client.functions.text_process import marks, timing, words
from scf_client.functions.text_process.process import DEFAULT_STYLE
from scf_client.gallery.example import schema
from tests.scf_client import samples
from tests.scf_client.function import Function

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
            (["srt"], {"durations": [1.0], "pace": 2}, "durations"),
            (["srt"], {"durations": [1.0]}, "durations"),
            (["srt"], {"characters_per_second": 8, "duration": 3}, "characters_per_second"),
            (["srt"], {"style": {}}, "style"),
            (["ass"], {"style": {"colour": "red"}}, "style.colour"),
            (["count"], {"widths": "full"}, "widths"),
            (["count"], {"split_by": "none"}, "split_by"),
            (["shots"], {"template": "{{shot}}"}, "template"),
            (["shots"], {"max_shot_length": 5}, "max_shot_length"),
            (["count"], {"words": ["a"]}, "words"),
            (["screen"], {"mask": "**"}, "mask"),
            (["screen"], {}, "words"),
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

    @pytest.mark.parametrize("text", ["Use {name} and {\\b1} so.", "C:\\New\\hall", "1 < 2 & 3 > 2", "<i>no tag</i>", "a --> b"])
    def test_hold_a_text_as_it_is_and_take_none_of_it_for_markup(self, process, text):
        srt, vtt, ass = texts(process(text, "srt", "vtt", "ass", line_width=120))
        assert srt.split("\n")[2] == text
        assert html.unescape(vtt.split("\n")[4]) == text
        (event,) = pysubs2.SSAFile.from_string(ass, format_="ass").events
        assert event.text.replace("\u2060", "").replace("\\{", "{").replace("\\}", "}") == text

    def test_as_ass_look_as_told(self, process):
        style = {"resolution": "1080x1920", "size": 72, "colour": "#ff8000", "bold": True, "position": "top"}
        file = pysubs2.SSAFile.from_string(texts(process(SCRIPT, "ass", style=style))[0], format_="ass")
        look = file.styles["Default"]
        assert (look.fontsize, look.bold, look.alignment, look.primarycolor) == (72, True, 8, pysubs2.Color(255, 128, 0))
        assert (file.info["PlayResX"], file.info["PlayResY"]) == ("1080", "1920")
        assert process(SCRIPT, "ass").outputs[0]["content_type"] == "text/x-ssa"

    def test_as_ass_without_a_style_have_the_one_that_the_schema_tells(self):
        told = schema("text_process")["properties"]["style"]["properties"]
        assert {name: node["default"] for name, node in told.items()} == DEFAULT_STYLE

    def test_follow_the_durations_of_their_sentences(self, process):
        answer = process("他来了。She left. " + "真的很长的一句话，" * 6, "srt", durations=[2, 1.5, 6], gap=0.1)
        events = pysubs2.SSAFile.from_string(texts(answer)[0], format_="srt").events
        assert [event.start for event in events[:3]] == [0, 2000, 3500]
        assert (events[0].end, events[-1].end) == (1900, 9400)

    def test_are_as_fast_as_characters_a_second_say(self, process):
        events = pysubs2.SSAFile.from_string(texts(process("12345 6789", "srt", characters_per_second=3))[0], format_="srt").events
        assert events[0].end == 3000

    def test_fill_the_duration_to_the_millisecond(self, process):
        events = pysubs2.SSAFile.from_string(texts(process(SCRIPT, "srt", duration=9.5))[0], format_="srt").events
        assert (events[0].start, events[-1].end) == (0, 9500)

    def test_of_what_they_made_the_composer_can_use(self, process, compose, tmp_path):
        source = {"path": str(process(SCRIPT, "srt", duration=2).files[0])}
        clip = {"source": samples.picture(tmp_path / "a.png"), "duration": 2}
        assert compose([clip], subtitles={"source": source}).outputs


class TestShots:
    def of(self, process, text, **given):
        (answer,) = texts(process(text, "shots", **given))
        return [(shot.get("title"), shot["text"]) for shot in json.loads(answer)["shots"]]

    @pytest.mark.parametrize(
        ("by", "text", "found"),
        [
            ("paragraphs", "a\nb\n\n\nc\n", [(None, "a\nb"), (None, "c")]),
            ("paragraphs", "a\r\nb", [(None, "a"), (None, "b")]),
            (
                "scenes",
                "before\nINT. HOUSE - NIGHT\nHe waits.\n第三场 雨\n他走了。",
                [(None, "before"), ("INT. HOUSE - NIGHT", "He waits."), ("第三场 雨", "他走了。")],
            ),
            ("scenes", "# Dawn\none\n---\ntwo\nScene 3\nthree", [("Dawn", "one"), (None, "two"), ("Scene 3", "three")]),
            ("scenes", "场景二：树下\nAct now or never.\nACT II\nx", [("场景二：树下", "Act now or never."), ("ACT II", "x")]),
            ("numbers", "1. one\nand more\n2、two\n(3) three", [(None, "one\nand more"), (None, "two"), (None, "three")]),
            ("numbers", "intro\n镜头1：狐狸\nShot 2: crow\n③ 奶酪", [(None, "intro"), (None, "狐狸"), (None, "crow"), (None, "奶酪")]),
            ("numbers", "1. It costs\n3.50 dollars\n10:30 he left", [(None, "It costs\n3.50 dollars\n10:30 he left")]),
            ("none", " a\n\nb ", [(None, "a\n\nb")]),
        ],
    )
    def test_begin_where_the_writer_marked_them(self, process, by, text, found):
        assert self.of(process, text, split_by=by) == found

    @pytest.mark.parametrize("longest", [10, 17, 40])
    def test_are_no_longer_than_told_and_lose_nothing(self, process, longest):
        text = "狐狸在树下看见乌鸦。The quick brown fox jumps over a lazy dog! 他走了，" + "x" * 60
        found = self.of(process, text, split_by="none", max_shot_length=longest)
        assert all(len(shot) <= longest for _, shot in found)
        assert "".join("".join(shot for _, shot in found).split()) == "".join(text.split())

    def test_keep_sentences_whole_where_they_fit(self, process):
        found = self.of(process, "他来了。She left. 真的？", split_by="none", max_shot_length=14)
        assert [text for _, text in found] == ["他来了。She left.", "真的？"]

    def test_of_which_there_are_too_many_are_refused(self, process):
        assert process("a\n" * 1001, "shots").error["field"] == "text"


class TestPrompts:
    def of(self, process, template, **variables):
        return process("One.\n\nTwo.", "prompts", template=template, variables=variables)

    def test_are_one_for_each_shot_with_its_own_words(self, process):
        (answer,) = texts(self.of(process, "{{number}}/{{ count }} {{shot}} {{style}} {{style}}", style="ink"))
        assert json.loads(answer)["prompts"] == ["1/2 One. ink ink", "2/2 Two. ink ink"]

    def test_take_values_as_they_are(self, process):
        (answer,) = texts(self.of(process, "{{a}}", a="{{b}} \\1 $x"))
        assert json.loads(answer)["prompts"][0] == "{{b}} \\1 $x"

    @pytest.mark.parametrize(
        ("template", "variables", "field"),
        [
            ("{{shot}} {{style}}", {}, "template"),
            ("{{shot}}", {"style": "ink"}, "variables.style"),
            ("{{shot}}", {"shot": "mine"}, "variables.shot"),
            ("{{shot}} {{Style}}", {}, "template"),
            ("{{shot", {}, "template"),
            ("{{a}}" * 20, {"a": "x" * 2000}, "template"),
            ("{{a}}", {"a": 7}, "variables.a"),
        ],
    )
    def test_that_cannot_be_filled_are_refused_with_the_field(self, process, template, variables, field):
        assert self.of(process, template, **variables).error["field"] == field

    def test_need_a_template(self, process):
        assert "template" in process("One.", "prompts").error["message"]


class TestScreening:
    def of(self, process, text, *words, **given):
        (answer,) = texts(process(text, "screen", words=list(words), **given))
        answer = json.loads(answer)
        return [(one["word"], text[one["start"] : one["end"]]) for one in answer["found"]], answer["masked"]

    def test_finds_words_whatever_their_width_and_case(self, process):
        found, masked = self.of(process, "Ｂａｄ and BAD, 坏蛋", "bad", "坏蛋")
        assert found == [("bad", "Ｂａｄ"), ("bad", "BAD"), ("坏蛋", "坏蛋")]
        assert masked == "*** and ***, **"

    def test_finds_no_latin_word_within_another(self, process):
        assert self.of(process, "class assassin ass’s 坏ass坏", "ass")[0] == [("ass", "ass")] * 2

    def test_takes_the_longest_of_those_that_overlap(self, process):
        assert [word for word, _ in self.of(process, "大坏蛋和坏蛋", "坏蛋", "大坏", "大坏蛋")[0]] == ["大坏蛋", "坏蛋"]

    def test_knows_where_letters_that_grow_when_folded_stand(self, process):
        assert self.of(process, "ﬁne ß bad", "bad")[0] == [("bad", "bad")]

    def test_tells_the_line_and_masks_as_told(self, process):
        (answer,) = texts(process("a\nb\n坏", "screen", words=["坏"], mask="#"))
        assert json.loads(answer) == {"found": [{"word": "坏", "start": 4, "end": 5, "line": 3}], "masked": "a\nb\n#"}

    def test_of_a_long_text_by_words_that_overlap_is_quick(self, process):
        words = ["坏" * length for length in range(1, 51)]
        begun = time.monotonic()
        assert self.of(process, "坏" * 20_000, *words)[0][0] == ("坏" * 50, "坏" * 50)
        assert time.monotonic() - begun < 10

    def test_uses_the_operators_list_that_is_deployed_with_the_function(self, tmp_path):
        home = tmp_path / "home"
        pack.stage("text_process", home)
        listed = home / "scf_client/functions/text_process/sensitive_words.txt"
        listed.write_text("# ours\n\n禁词\n", encoding="utf-8")
        function = Function("text_process", tmp_path, home=home)
        try:
            given = {"text": "a 禁词 b", "operations": ["screen"]}
            assert '"禁词"' in texts(function("text.process", given))[0]
            listed.write_text("另一个\n", encoding="utf-8")
            os.utime(listed, ns=(1, 1))
            assert '"found": []' in texts(function("text.process", given))[0]
        finally:
            function.end()


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


class TestPunctuation:
    @pytest.mark.parametrize(
        ("style", "text", "set_so"),
        [
            ("chinese", "你好,world!(a) 3.50 10:30 a.b", "你好，world！（a） 3.50 10:30 a.b"),
            ("chinese", "wait...", "wait..."),
            ("latin", "你好，世界。走！", "你好, 世界. 走!"),
            ("latin", "a，b", "a, b"),
            ("auto", "他说:好!He said: fine。(是)", "他说：好！He said: fine. （是）"),
            ("keep", "你好,world", "你好,world"),
        ],
    )
    def test_is_set_as_told(self, style, text, set_so):
        assert marks.with_punctuation(text, style) == set_so

    def test_letters_and_digits_become_full_or_half(self):
        assert marks.with_widths("Ab 1,你", "full") == "Ａｂ １,你"
        assert marks.with_widths("Ａｂ １,你", "half") == "Ab 1,你"

    @example("。。", "latin")
    @given(st.text("ab1 ,.!?:;()，。！？：；（）你好Ａ１\n…", max_size=30), st.sampled_from(["keep", "chinese", "latin", "auto"]))
    def test_set_again_stays_as_it_is(self, text, style):
        tidy = words.normalised(text, punctuation=style)
        assert words.normalised(tidy, punctuation=style) == tidy

    def test_is_counted_with_paragraphs(self):
        assert {"punctuation": 3, "paragraphs": 2, "lines": 3}.items() <= words.counted("你好。\n“a\n\n \nb,").items()


class TestCues:
    def cues(self, sentences, **given):
        shape = {name: given.pop(name, default) for name, default in (("gap", 0.1), ("line_width", 42), ("lines", 2))}
        return timing.cues(sentences, timing.Tempo(**given), **shape)

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
