"""What is the disk's own: folders, a file system without room, processes that are killed."""

import asyncio
import resource
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier

import pytest

from tasks_app.storage import Unwritable
from tasks_app.storage.disk import Disk
from tasks_app.storage.drafts import BATCH, DRAFTS, Left

from .conftest import CONTENT, ROOT, files_below, put, stream


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


class TestAKey:
    def test_is_a_file_of_its_folder(self, disk, folder):
        put(disk, "outputs/task_1/0")
        assert disk.path("outputs/task_1/0") == folder / "outputs/task_1/0"
        assert (folder / "outputs/task_1/0").read_bytes() == CONTENT
        assert files_below(folder) == ["outputs/task_1/0"]

    def test_is_served_by_nobody_else(self, disk):
        assert disk.sign("a", seconds=60) is None


class TestACopy:
    def test_of_what_is_deleted_at_that_moment_is_whole_or_says_that_there_is_none(self, disk):
        """As of two completions of one upload; and the folder of the copy comes and goes with another copy's."""
        together = Barrier(3)

        def at_once(work, *names):
            together.wait(10)
            return work(*names)

        with ThreadPoolExecutor(3) as threads:
            for number in range(300):
                put(disk, source := f"uploads/{number}", stream(b"x"))
                copying = threads.submit(at_once, disk.copy, source, f"files/{number}/a")
                others = [threads.submit(at_once, disk.delete, name) for name in (source, f"files/{number}/b")]
                for other in others:
                    other.result(10)
                assert isinstance(copying.exception(10), FileNotFoundError | None)
                assert disk.size(f"files/{number}/a") == (None if copying.exception() else 1)


class TestADiskThatIsFull:
    def test_leaves_nothing_and_says_that_later_may_do(self, disk, folder, full_at):
        with full_at(BATCH), pytest.raises(Unwritable, match="storage cannot write"):
            put(disk, "a")
        assert files_below(folder) == []

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

    def test_leaves_a_draft_that_no_key_leads_to_and_that_is_found_by_its_age(self, tmp_path):
        disk = Disk(lambda: tmp_path)
        child = subprocess.Popen([sys.executable, "-c", self.SCRIPT, str(tmp_path)], stdout=subprocess.PIPE, cwd=ROOT)
        child.stdout.readline()
        child.stdout.readline()
        child.kill()
        child.communicate()
        (draft,) = (tmp_path / DRAFTS).iterdir()
        assert disk.size("a") is None
        found = draft.stat()
        assert disk.old_drafts(before=found.st_mtime) == []
        assert disk.old_drafts(before=found.st_mtime + 1) == [Left(draft, found.st_size, found.st_mtime)]


class TestDeleting:
    def test_takes_the_emptied_folders_along(self, disk, folder):
        put(disk, "inputs/task_1/0")
        disk.delete("inputs/task_1/0")
        assert disk.size("inputs/task_1/0") is None
        assert not (folder / "inputs").exists()

    def test_a_put_into_a_folder_that_is_deleted_all_the_time_still_lands(self, disk):
        async def race():
            async def one(number):
                await disk.put(f"a/b/{number}", stream(b"x"), content_type="", limit=10)
                disk.delete(f"a/b/{number}")

            await asyncio.gather(*(one(number) for number in range(100)))

        asyncio.run(race())
