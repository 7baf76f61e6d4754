"""The functions as processes, started when a test first needs one, and alive to the end of the session."""

from collections.abc import Callable, Iterator

import pytest

from .function import Function


@pytest.fixture(scope="session")
def functions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Function]]:
    started: dict[str, Function] = {}

    def named(name: str) -> Function:
        if name not in started:
            started[name] = Function(name, tmp_path_factory.mktemp(name), "--memory-mb", "1024")
        return started[name]

    yield named
    for function in started.values():
        assert function.process.poll() is None, f"a test has taken a function down:\n{function.log.read_text()}"
        function.end()


@pytest.fixture
def draw(functions):
    return lambda given, **options: functions("test_card")("image.generate", given, **options)


@pytest.fixture
def film(functions):
    return lambda given, **options: functions("test_card")("video.generate", given, **options)


@pytest.fixture
def stitch(functions):
    return lambda pictures, **given: functions("image_stitch")("image.stitch", {"images": pictures, **given})


@pytest.fixture
def compose(functions):
    return lambda clips, **given: functions("video_compose")("video.compose", {"size": "160x90", "fps": 10, "clips": clips, **given})


@pytest.fixture
def process(functions):
    return lambda text, *operations, **given: functions("text_process")(
        "text.process", {"text": text, "operations": list(operations), **given}
    )
