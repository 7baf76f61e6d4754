"""The disk store: whole or not at all, under a key that stays inside its folder."""

import asyncio
import os
import resource
import signal
import subprocess
import sys
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import pytest

from tasks_app.storage import Stored, TooLarge, Unwritable
from tasks_app.storage.disk import Disk
from tasks_app.storage.drafts import BATCH, DRAFTS
from tasks_app.storage.store import PIECE

ROOT = Path(__file__).resolve().parents[3]
CONTENT = os.urandom(3 * BATCH + 17)


@pytest.fixture
def disk(tmp_path):
    return Disk(lambda: tmp_path / "storage")


@pytest.fixture
def full_at():
    """A file system that is full once a file has so many bytes: the kernel's own limit on files, as an error and not a signal."""

    @contextmanager
    def limited(size):
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
            signal.signal(signal.SIGXFSZ, handler)

    return limited


async def stream(content=CONTENT, size=100_000):
    for at in range(0, len(content), size):
        yield content[at : at + size]


def put(disk, key, chunks=None, *, limit=10**9):
    return asyncio.run(disk.put(key, chunks or stream(), content_type="video/mp4", limit=limit))


def read(disk, key, *part):
    return b"".join(disk.open(key, *part))


def files_below(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


class TestAStream:
    def test_is_kept_whole_with_its_length_and_hash(self, disk):
        assert put(disk, "outputs/task_1/0") == Stored("outputs/task_1/0", len(CONTENT), sha256(CONTENT).hexdigest())
        assert read(disk, "outputs/task_1/0") == CONTENT
        assert disk.size("outputs/task_1/0") == len(CONTENT)
        assert disk.path("outputs/task_1/0").read_bytes() == CONTENT

    def test_leaves_no_draft(self, disk, tmp_path):
        put(disk, "a/b")
        assert files_below(tmp_path) == ["storage/a/b"]

    def test_of_no_bytes_is_a_key_of_no_bytes(self, disk):
        assert put(disk, "a", stream(b"")).bytes == 0
        assert disk.size("a") == 0

    def test_put_again_takes_the_place_of_the_first(self, disk):
        put(disk, "a")
        put(disk, "a", stream(b"newer"))
        assert read(disk, "a") == b"newer"


class TestRanges:
    @pytest.mark.parametrize(
        ("start", "end"), [(0, 1), (5, 5), (7, PIECE + 9), (PIECE, None), (len(CONTENT) - 1, len(CONTENT) + 50), (len(CONTENT) + 5, None)]
    )
    def test_run_up_to_but_not_including_their_end(self, disk, start, end):
        put(disk, "a")
        assert read(disk, "a", start, end) == CONTENT[start:end]

    def test_come_in_pieces(self, disk):
        put(disk, "a")
        assert max(map(len, disk.open("a"))) == PIECE

    def test_a_missing_key_says_so_before_the_first_piece(self, disk):
        with pytest.raises(FileNotFoundError):
            disk.open("a")


class TestAStreamThatIsTooLarge:
    def test_leaves_nothing(self, disk, tmp_path):
        with pytest.raises(TooLarge, match="more than"):
            put(disk, "a/b", limit=len(CONTENT) - 1)
        assert files_below(tmp_path) == []

    def test_is_not_read_to_its_end(self, disk):
        async def endless():
            while True:
                yield bytes(1000)

        with pytest.raises(TooLarge):
            put(disk, "a", endless(), limit=BATCH)

    def test_exactly_the_limit_is_not(self, disk):
        assert put(disk, "a", limit=len(CONTENT)).bytes == len(CONTENT)


class TestAStreamThatBreaksOff:
    def test_raises_its_own_error_and_leaves_what_was_there_before(self, disk, tmp_path):
        async def broken():
            yield CONTENT
            raise ConnectionError("cut")

        put(disk, "a", stream(b"before"))
        with pytest.raises(ConnectionError, match="cut"):
            put(disk, "a", broken())
        assert read(disk, "a") == b"before"
        assert files_below(tmp_path) == ["storage/a"]

    def test_so_does_one_that_is_canceled(self, disk, tmp_path):
        async def run():
            waiting = asyncio.Event()

            async def hanging():
                yield CONTENT
                waiting.set()
                await asyncio.Event().wait()

            task = asyncio.create_task(disk.put("a", hanging(), content_type="", limit=10**9))
            await waiting.wait()
            task.cancel()
            await asyncio.wait([task])
            return task.cancelled()

        assert asyncio.run(run())
        assert files_below(tmp_path) == []


class TestADiskThatIsFull:
    def test_leaves_nothing_and_says_that_later_may_do(self, disk, tmp_path, full_at):
        with full_at(BATCH), pytest.raises(Unwritable, match="storage cannot write"):
            put(disk, "a")
        assert files_below(tmp_path) == []

    def test_takes_the_next_one_once_there_is_room(self, disk, full_at):
        with full_at(BATCH), pytest.raises(Unwritable):
            put(disk, "a")
        assert put(disk, "a").bytes == len(CONTENT)


class TestAProcessKilledWhileItWrites:
    SCRIPT = """
import asyncio, sys
from pathlib import Path
from tasks_app.storage.disk import Disk
async def chunks():
    while True:
        yield bytes(3_000_000)
        print("written", flush=True)
        await asyncio.sleep(0.01)
asyncio.run(Disk(lambda: Path(sys.argv[1])).put("a", chunks(), content_type="", limit=10**12))
"""

    def test_leaves_a_draft_that_no_key_leads_to_and_a_sweep_deletes(self, tmp_path):
        disk = Disk(lambda: tmp_path)
        child = subprocess.Popen([sys.executable, "-c", self.SCRIPT, str(tmp_path)], stdout=subprocess.PIPE, cwd=ROOT)
        child.stdout.readline()
        child.stdout.readline()
        child.kill()
        child.communicate()
        (draft,) = (tmp_path / DRAFTS).iterdir()
        assert disk.size("a") is None
        assert disk.sweep(before=draft.stat().st_mtime) == 0
        assert disk.sweep(before=draft.stat().st_mtime + 1) == 1
        assert files_below(tmp_path) == []


class TestDeleting:
    def test_takes_the_emptied_folders_along(self, disk, tmp_path):
        put(disk, "inputs/task_1/0")
        disk.delete("inputs/task_1/0")
        assert disk.size("inputs/task_1/0") is None
        assert not (tmp_path / "storage/inputs").exists()

    def test_leaves_the_neighbours(self, disk):
        put(disk, "inputs/task_1/0")
        put(disk, "inputs/task_1/1")
        disk.delete("inputs/task_1/0")
        assert disk.size("inputs/task_1/1") == len(CONTENT)

    def test_twice_is_fine(self, disk):
        disk.delete("a/b")

    def test_below_a_prefix_takes_all_of_it_and_no_neighbour(self, disk):
        for key in ("inputs/task_1/0", "inputs/task_1/1", "inputs/task_10/0"):
            put(disk, key)
        disk.delete_below("inputs/task_1")
        disk.delete_below("inputs/task_2")
        assert [disk.size(f"inputs/{key}") for key in ("task_1/0", "task_1/1", "task_10/0")] == [None, None, len(CONTENT)]

    def test_a_put_into_a_folder_that_is_deleted_all_the_time_still_lands(self, disk):
        async def race():
            async def one(number):
                await disk.put(f"a/b/{number}", stream(b"x"), content_type="", limit=10)
                disk.delete(f"a/b/{number}")

            await asyncio.gather(*(one(number) for number in range(100)))

        asyncio.run(race())


class TestKeys:
    @pytest.mark.parametrize(
        "key",
        ["", "/etc/passwd", "../a", "a/../../b", "a//b", "a/", ".drafts/x", "a/.b", "a\\b", "a b", "ä", "a\n", "a\x00", "a" * 201, "a/./b"],
    )
    def test_that_could_lead_elsewhere_are_refused(self, disk, key):
        for refuse in (disk.open, disk.size, disk.path, disk.delete, disk.delete_below):
            with pytest.raises(ValueError, match="no storage key"):
                refuse(key)
        with pytest.raises(ValueError, match="no storage key"):
            put(disk, key)


class TestALargeStream:
    SCRIPT = """
import asyncio, resource, sys
from pathlib import Path
from tasks_app.storage.disk import Disk
disk, piece = Disk(lambda: Path(sys.argv[1])), bytes(65536)
async def chunks(count):
    for _ in range(count):
        yield piece
def put(count):
    asyncio.run(disk.put("a", chunks(count), content_type="", limit=10**12))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before = put(64)
print(put(3200) - before)
"""

    def test_of_200_MB_costs_less_than_20_MB_of_memory(self, tmp_path):
        grown = subprocess.check_output([sys.executable, "-c", self.SCRIPT, str(tmp_path)], cwd=ROOT)
        assert int(grown) < 20_000
