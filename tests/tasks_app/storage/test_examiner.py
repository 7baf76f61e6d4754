"""What a file can do to the process that looks at it, and what it cannot do to any other."""

import asyncio
import json
import os
import select
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from threading import Thread

import pytest

from tasks_app.storage.examiner import LONGEST_ANSWER, Examiners
from tests.upstreams.jobs import png

ROOT = Path(__file__).resolve().parents[3]
SOUND, PICTURE = "audio/mpeg", "image/png"
TELL_7_S = 'echo "  Duration: 00:00:07.00," >&2'
FILM = 'echo "  Duration: 00:01:00.00,\n  Stream #0:0: Video: h264, 640x360, 25 fps" >&2'
FILM_TOLD = {"duration": 60.0, "width": 640, "height": 360}


class Bell:
    """A pipe with a name: the processes of a file ring it with their ids, and wait for our word to go on."""

    RING_AND_WAIT = "echo $$ $PPID >{0}; read word <{0}.word"

    def __init__(self, path: Path):
        self.path = path
        self._rung, self._word = (self._open(f"{path}{end}") for end in ("", ".word"))
        self._rings: list[bytes] = []
        self.script = self.RING_AND_WAIT.format(path)

    async def rung(self) -> tuple[int, int, int]:
        """The ids of ffmpeg, of the file's process, and of the warm one, once ffmpeg runs."""
        if not self._rings:
            ready, _, _ = await asyncio.to_thread(select.select, [self._rung], [], [], 20)
            assert ready, "nobody rang within 20 s"
            self._rings = os.read(self._rung, 1000).splitlines()
        ffmpeg, files = map(int, self._rings.pop(0).split())
        return ffmpeg, files, parent_of(files)

    def go_on(self) -> None:
        """Let one of those that wait go on: a shell reads byte by byte, so the word is one byte."""
        os.write(self._word, b"\n")

    def close(self) -> None:
        os.close(self._rung)
        os.close(self._word)

    @staticmethod
    def _open(path: str) -> int:
        os.mkfifo(path)
        return os.open(path, os.O_RDWR | os.O_NONBLOCK)


@pytest.fixture
def bell(tmp_path):
    with closing(Bell(tmp_path / "bell")) as bell:
        yield bell


@pytest.fixture
def examiners(tmp_path):
    """Make a pool of its own; `ffmpeg` is a shell script that stands in for ffmpeg: what a file can make of it."""
    made = []

    def make(ffmpeg="exit 1", **limits):
        spy = tmp_path / f"ffmpeg{len(made)}"
        spy.write_text(f"#!/bin/sh\n{ffmpeg}\n")
        spy.chmod(0o755)
        made.append(Examiners(ffmpeg=str(spy), **limits))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def picture(tmp_path):
    (tmp_path / "a.png").write_bytes(png(7))
    return tmp_path / "a.png"


@pytest.fixture
def sound(tmp_path):
    (tmp_path / "a.mp3").touch()
    return tmp_path / "a.mp3"


@pytest.fixture
def warm():
    """The warm processes that this test has started, as ids."""
    before = children_of(os.getpid())
    return lambda: children_of(os.getpid()) - before


class TestAFile:
    def test_has_a_process_of_its_own_and_a_warm_one_for_many(self, examiners, bell, sound):
        async def run(pool):
            seen = []
            for _ in range(3):
                looking = asyncio.create_task(pool.look(SOUND, sound))
                seen.append(await bell.rung())
                bell.go_on()
                await looking
            return seen

        _, files, warm = zip(*asyncio.run(run(examiners(bell.script))), strict=True)
        assert (len(set(files)), len(set(warm))) == (3, 1)

    def test_that_is_a_short_film_costs_one_run_of_ffmpeg(self, examiners, sound, caplog):
        clip = FILM.replace("01:00", "00:05")
        pool = examiners(f"case $* in *-ss\\ 2.00*) {clip}; printf poster;; *) kill -SEGV $PPID;; esac")
        assert facts(asyncio.run(pool.look("video/mp4", sound))) == FILM_TOLD | {"duration": 5.0, "thumbnail": "cG9zdGVy"}
        assert not caplog.text

    def test_that_crashes_its_process_is_told_as_far_as_it_came_and_no_other_is_harmed(self, examiners, picture, sound, caplog):
        pool = examiners(f"case $* in *-ss\\ 2.00*) {FILM};; *) kill -SEGV $PPID;; esac", at_once=2)

        async def run():
            return await asyncio.gather(pool.look("video/mp4", sound), pool.look(PICTURE, picture))

        film, still = asyncio.run(run())
        assert facts(film) == FILM_TOLD
        assert facts(still).keys() == {"width", "height", "thumbnail"}
        assert f"{sound} was examined in part: its process was killed by signal 11" in caplog.text
        assert facts(asyncio.run(pool.look(PICTURE, picture)))["width"] == 32

    def test_that_hangs_is_cut_short_with_all_its_processes_and_the_next_is_looked_at(self, examiners, bell, picture, sound, caplog):
        pool = examiners(bell.script, wall_s=1)

        async def run():
            looking = asyncio.create_task(pool.look(SOUND, sound))
            return await bell.rung(), await looking

        pids, told = asyncio.run(run())
        assert told == b""
        assert f"{sound} was examined in part: its process took more than 1 s" in caplog.text
        assert all(ends(pid) for pid in pids)
        assert facts(asyncio.run(pool.look(PICTURE, picture)))["width"] == 32

    def test_that_wants_more_memory_than_a_process_may_have_does_not_get_it(self, examiners, sound):
        pool = examiners(f"{sys.executable} -c 'bytearray(1 << 30)' || {TELL_7_S}")
        assert facts(asyncio.run(pool.look(SOUND, sound))) == {"duration": 7.0}

    def test_that_makes_its_process_talk_without_end_is_heard_for_two_megabytes(self, examiners, picture, sound):
        pool = examiners(f"{FILM}; head -c 30000000 /dev/zero")
        told = asyncio.run(pool.look("video/mp4", sound))
        assert LONGEST_ANSWER <= len(told) < LONGEST_ANSWER * 1.1
        assert facts(asyncio.run(pool.look(PICTURE, picture)))["width"] == 32

    def test_finds_limits_and_no_secret_of_ours_and_can_write_no_file(self, examiners, sound, monkeypatch, tmp_path):
        monkeypatch.setenv("SECRET_KEY", "hush")
        pool = examiners(
            f"[ $(ulimit -v)/$(ulimit -t) = 1048576/10 ] || exit\ntrap '' XFSZ\necho x 2>/dev/null >{tmp_path}/made && exit\n"
            f'[ -z "$SECRET_KEY$HOME" ] && [ $(cat /proc/self/oom_score_adj) = 1000 ] && {TELL_7_S}'
        )
        assert facts(asyncio.run(pool.look(SOUND, sound))) == {"duration": 7.0}

    def test_that_nobody_waits_for_any_more_is_let_go_with_all_its_processes(self, examiners, bell, sound):
        async def run(pool):
            looking = asyncio.create_task(pool.look(SOUND, sound))
            pids = await bell.rung()
            looking.cancel()
            await asyncio.wait([looking])
            return pids

        assert all(ends(pid) for pid in asyncio.run(run(examiners(bell.script))))


class TestAWarmProcess:
    def test_is_replaced_after_its_share_of_files(self, examiners, picture, warm):
        pool, seen = examiners(files=2), []
        for _ in range(5):
            assert facts(asyncio.run(pool.look(PICTURE, picture)))["width"] == 32
            seen.append(warm())
        first, second = seen[0], seen[2]
        assert seen[1] == seen[3] == set()
        assert first != second != seen[4]
        assert all(len(each) == 1 for each in (first, second, seen[4]))

    def test_that_is_killed_in_mid_file_costs_the_file_nothing(self, examiners, bell, sound):
        pool = examiners(f"{bell.script}; {TELL_7_S}")

        async def run():
            looking = asyncio.create_task(pool.look(SOUND, sound))
            pids = await bell.rung()
            os.kill(pids[2], signal.SIGKILL)
            await bell.rung()
            bell.go_on()
            return pids, await looking

        pids, told = asyncio.run(run())
        assert facts(told) == {"duration": 7.0}
        assert all(ends(pid) for pid in pids)

    def test_that_is_killed_again_and_again_leaves_a_file_unexamined_and_says_so(self, examiners, bell, picture, sound, caplog):
        pool = examiners(bell.script)

        async def run():
            looking = asyncio.create_task(pool.look(SOUND, sound))
            for _ in range(2):
                _, _, warm = await bell.rung()
                os.kill(warm, signal.SIGKILL)
            return await looking

        assert asyncio.run(run()) == b""
        assert f"{sound} was not examined: its examiners were killed" in caplog.text
        assert facts(asyncio.run(pool.look(PICTURE, picture)))["width"] == 32

    def test_that_is_killed_while_idle_is_replaced(self, examiners, picture, warm):
        pool = examiners(at_once=2)

        async def look_at_two():
            return await asyncio.gather(pool.look(PICTURE, picture), pool.look(PICTURE, picture))

        asyncio.run(look_at_two())
        killed = warm()
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        assert len(killed) == 2
        assert all(ends(pid) for pid in killed)
        assert facts(asyncio.run(pool.look(PICTURE, picture)))["width"] == 32

    def test_has_one_thread_no_dead_children_and_nothing_open_of_ours(self, examiners, picture, warm):
        pool = examiners()
        with open(picture) as ours:
            os.set_inheritable(ours.fileno(), True)
            asyncio.run(pool.look(PICTURE, picture))
        (pid,) = warm()
        assert os.listdir(f"/proc/{pid}/task") == [str(pid)]
        assert children_of(pid) == set()
        opened = [os.readlink(f"/proc/{pid}/fd/{fd}").partition(":")[0] for fd in os.listdir(f"/proc/{pid}/fd")]
        assert sorted(opened) == ["/dev/null"] * 3 + ["socket"]


class TestManyFiles:
    def test_are_looked_at_by_as_many_as_there_may_be(self, examiners, bell, sound, warm):
        pool = examiners(f"{bell.script}; {TELL_7_S}", at_once=2)

        async def run():
            looking = [asyncio.create_task(pool.look(SOUND, sound)) for _ in range(5)]
            seen = [await bell.rung(), await bell.rung()]
            started = warm()
            for _ in range(3):
                bell.go_on()
                seen.append(await bell.rung())
            bell.go_on()
            bell.go_on()
            return started, seen, await asyncio.gather(*looking)

        started, seen, told = asyncio.run(run())
        assert len(started) == 2
        assert {warm for _, _, warm in seen} == started
        assert [facts(each) for each in told] == [{"duration": 7.0}] * 5

    def test_one_after_another_need_one_process(self, examiners, picture, warm):
        pool = examiners(at_once=2)
        for _ in range(3):
            asyncio.run(pool.look(PICTURE, picture))
        assert len(warm()) == 1

    def test_may_be_asked_about_from_the_event_loop_of_any_thread(self, examiners, picture):
        pool, told = examiners(at_once=1), []

        async def look_twice():
            told.extend(await asyncio.gather(pool.look(PICTURE, picture), pool.look(PICTURE, picture)))

        for _ in range(2):
            thread = Thread(target=asyncio.run, args=[look_twice()])
            thread.start()
            thread.join(20)
        assert [facts(each)["width"] for each in told] == [32] * 4


class TestWhenTheWorkerDies:
    LOOK = "import asyncio, sys, pathlib; from tasks_app.storage.examiner import Examiners; pool = Examiners(ffmpeg=sys.argv[3])\n"
    LOOK += "asyncio.run(pool.look(sys.argv[1], pathlib.Path(sys.argv[2]))); print(flush=True); sys.stdin.read()"

    @pytest.fixture
    def worker(self):
        """Start a process that looks at a file, says so, and waits."""
        running = []

        def start(*words):
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
            running.append(subprocess.Popen([sys.executable, "-c", self.LOOK, *map(str, words)], cwd=ROOT, **pipes))
            return running[-1]

        yield start
        for each in running:
            each.kill()
            each.communicate()

    def test_in_mid_file_all_the_files_processes_die_with_it(self, worker, bell, sound, tmp_path):
        (tmp_path / "ffmpeg").write_text(f"#!/bin/sh\n{bell.script}")
        (tmp_path / "ffmpeg").chmod(0o755)
        process = worker(SOUND, sound, tmp_path / "ffmpeg")
        pids = asyncio.run(bell.rung())
        assert pids[2] in children_of(process.pid)
        process.kill()
        assert all(ends(pid) for pid in pids)

    def test_the_idle_ones_die_with_it(self, worker, picture):
        process = worker(PICTURE, picture, "none")
        process.stdout.readline()
        (pid,) = children_of(process.pid)
        process.kill()
        assert ends(pid)


def facts(told: bytes) -> dict:
    return {name: value for line in told.splitlines() for name, value in json.loads(line).items()}


def children_of(pid: int) -> set[int]:
    return {int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()}


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def ends(pid: int) -> bool:
    """Whether this process has ended, or does so within 10 s."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], 10)[0])
    finally:
        os.close(handle)
