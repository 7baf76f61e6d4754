"""Log lines: for machines and for people, each with what it is about."""

import io
import json
import logging

import pytest

from config.logging import AboutFilter, JsonFormatter, TextFormatter
from tasks_app import context


@pytest.fixture
def written():
    """A function that logs through our filter and formatter, and gives back what was written."""

    def write(formatter, message, *arguments, level=logging.INFO, **options):
        stream = io.StringIO()
        handler = logging.StreamHandler(stream)
        handler.setFormatter(formatter)
        handler.addFilter(AboutFilter())
        logger = logging.getLogger("darkroom.test")
        logger.addHandler(handler)
        logger.log(level, message, *arguments, **options)
        return stream.getvalue()

    return write


class TestJsonLines:
    def test_a_line_is_one_object_with_time_level_logger_and_message(self, written):
        line = json.loads(written(JsonFormatter(), "%d tasks", 3))
        assert (line["level"], line["logger"], line["message"]) == ("INFO", "darkroom.test", "3 tasks")
        assert line["time"].endswith("Z")

    def test_the_request_and_task_it_is_about_are_in_it(self, written):
        with context.about(context.request_id, "req_1"), context.about(context.task_id, "task_1"):
            line = json.loads(written(JsonFormatter(), "x"))
        assert (line["request_id"], line["task_id"]) == ("req_1", "task_1")

    def test_outside_of_both_it_names_neither(self, written):
        line = json.loads(written(JsonFormatter(), "x"))
        assert not {"request_id", "task_id"} & set(line)

    def test_what_came_by_extra_is_in_it_whatever_it_is(self, written):
        line = json.loads(written(JsonFormatter(), "x", extra={"status": 200, "odd": object}))
        assert line["status"] == 200
        assert "object" in line["odd"]

    def test_an_error_stays_on_the_line(self, written):
        try:
            raise RuntimeError("two\nlines")
        except RuntimeError:
            text = written(JsonFormatter(), "broken", exc_info=True)
        assert text.count("\n") == 1
        assert "RuntimeError: two\nlines" in json.loads(text)["error"]

    def test_a_message_with_a_line_break_cannot_forge_a_second_line(self, written):
        assert written(JsonFormatter(), "a\n{}").count("\n") == 1


class TestReadableLines:
    def test_a_line_reads_time_level_logger_message_and_facts(self, written):
        with context.about(context.task_id, "task_1"):
            line = written(TextFormatter(), "stored", extra={"bytes": 10})
        assert line.rstrip().endswith("INFO darkroom.test: stored  task_id=task_1 bytes=10")

    def test_a_traceback_stands_below(self, written):
        try:
            raise RuntimeError("why")
        except RuntimeError:
            text = written(TextFormatter(), "broken", exc_info=True)
        assert text.splitlines()[-1] == "RuntimeError: why"
