"""What every store promises: whole or not at all, ranges, nothing left behind, keys that stay inside, memory that does not grow."""

import asyncio
import json
import subprocess
import sys
from hashlib import sha256

import pytest

from tasks_app.storage import Stored, TooLarge, Unwritable
from tasks_app.storage.drafts import BATCH, DRAFTS
from tasks_app.storage.store import PIECE

from .conftest import CONTENT, ROOT, files_below, put, read, stream


def drafts(folder):
    return files_below(folder / DRAFTS)


class TestAStream:
    def test_is_kept_whole_with_its_length_and_hash(self, store):
        assert put(store, "outputs/task_1/0") == Stored("outputs/task_1/0", len(CONTENT), sha256(CONTENT).hexdigest())
        assert read(store, "outputs/task_1/0") == CONTENT
        assert store.size("outputs/task_1/0") == len(CONTENT)

    @pytest.mark.parametrize("size", [0, 1, PIECE, BATCH, 2 * BATCH, 2 * BATCH + 1])
    def test_is_given_back_whatever_its_length(self, store, size):
        assert put(store, "a", stream(CONTENT[:size])).bytes == size
        assert (read(store, "a"), store.size("a")) == (CONTENT[:size], size)

    def test_leaves_no_draft(self, store, folder):
        put(store, "a/b")
        assert drafts(folder) == []

    def test_put_again_takes_the_place_of_the_first(self, store):
        put(store, "a")
        put(store, "a", stream(b"newer"))
        assert read(store, "a") == b"newer"

    def test_is_read_on_an_event_loop_too(self, store):
        put(store, "a")

        async def run():
            return b"".join([piece async for piece in store.stream("a")])

        assert asyncio.run(run()) == CONTENT

    def test_is_there_when_it_was_put_and_not_before(self, store):
        assert asyncio.run(store.has("files/new")) is False
        put(store, "files/new")
        assert asyncio.run(store.has("files/new")) is True


class TestACopy:
    def test_holds_the_same_and_outlives_what_it_was_made_of(self, store):
        put(store, "uploads/1")
        store.copy("uploads/1", "files/1/a")
        put(store, "uploads/1", stream(b"other bytes"))
        store.delete("uploads/1")
        assert (read(store, "files/1/a"), store.size("uploads/1")) == (CONTENT, None)

    def test_takes_the_place_of_what_was_there(self, store):
        put(store, "a")
        put(store, "b", stream(b"older"))
        for _ in range(2):
            store.copy("a", "b")
        assert (read(store, "b"), read(store, "a")) == (CONTENT, CONTENT)

    def test_of_what_is_not_there_is_none(self, store):
        with pytest.raises(FileNotFoundError):
            store.copy("a", "b")
        assert store.size("b") is None


class TestADraft:
    def test_is_a_file_before_it_is_kept_and_none_afterwards(self, store, folder):
        async def run():
            async with store.draft() as draft:
                await draft.fill(stream(), limit=len(CONTENT))
                assert draft.path.read_bytes() == CONTENT
                assert store.size("a") is None
                return await store.keep(draft, "a", content_type="video/mp4")

        assert asyncio.run(run()).bytes == len(CONTENT)
        assert (read(store, "a"), drafts(folder)) == (CONTENT, [])

    def test_that_is_not_kept_leaves_nothing(self, store, folder):
        async def run():
            async with store.draft() as draft:
                await draft.fill(stream(), limit=len(CONTENT))

        asyncio.run(run())
        assert files_below(folder) == []


class TestRanges:
    @pytest.mark.parametrize(
        ("start", "end"),
        [
            (0, 1),
            (5, 5),
            (7, PIECE + 9),
            (PIECE, None),
            (0, len(CONTENT)),
            (len(CONTENT) - 1, len(CONTENT) + 50),
            (len(CONTENT) + 5, None),
        ],
    )
    def test_run_up_to_but_not_including_their_end(self, store, start, end):
        put(store, "a")
        assert read(store, "a", start, end) == CONTENT[start:end]

    def test_come_in_pieces(self, store):
        put(store, "a")
        assert max(map(len, store.open("a"))) == PIECE

    @pytest.mark.parametrize("part", [(), (5,), (5, 5)])
    def test_a_missing_key_says_so_before_the_first_piece(self, store, part):
        with pytest.raises(FileNotFoundError):
            store.open("a", *part)


class TestAStreamThatIsTooLarge:
    def test_leaves_nothing(self, store, folder):
        with pytest.raises(TooLarge, match="more than"):
            put(store, "a/b", limit=len(CONTENT) - 1)
        assert store.size("a/b") is None
        assert files_below(folder) == []

    def test_is_not_read_to_its_end(self, store):
        async def endless():
            while True:
                yield bytes(1000)

        with pytest.raises(TooLarge):
            put(store, "a", endless(), limit=BATCH)

    def test_exactly_the_limit_is_not(self, store):
        assert put(store, "a", limit=len(CONTENT)).bytes == len(CONTENT)


class TestAStreamThatBreaksOff:
    def test_raises_its_own_error_and_leaves_what_was_there_before(self, store, folder):
        async def broken():
            yield CONTENT
            raise ConnectionError("cut")

        put(store, "a", stream(b"before"))
        with pytest.raises(ConnectionError, match="cut"):
            put(store, "a", broken())
        assert (read(store, "a"), drafts(folder)) == (b"before", [])

    def test_so_does_one_that_is_canceled(self, store, folder):
        async def run():
            waiting = asyncio.Event()

            async def hanging():
                yield CONTENT
                waiting.set()
                await asyncio.Event().wait()

            task = asyncio.create_task(store.put("a", hanging(), content_type="", limit=10**9))
            await waiting.wait()
            task.cancel()
            await asyncio.wait([task])
            return task.cancelled()

        assert asyncio.run(run())
        assert (store.size("a"), files_below(folder)) == (None, [])


class TestADiskWithoutRoom:
    def test_for_drafts_says_that_later_may_do(self, store, folder):
        folder.mkdir()
        (folder / DRAFTS).write_text("no folder can be made here")
        with pytest.raises(Unwritable, match="storage cannot write"):
            put(store, "a")


class TestDeleting:
    def test_takes_the_key_and_leaves_its_neighbours(self, store):
        put(store, "inputs/task_1/0")
        put(store, "inputs/task_1/1")
        store.delete("inputs/task_1/0")
        assert [store.size(f"inputs/task_1/{number}") for number in (0, 1)] == [None, len(CONTENT)]

    def test_takes_many_at_once(self, store):
        keys = [f"outputs/{number}" for number in range(5)]
        for key in keys:
            put(store, key, stream(b"x"))
        store.delete(*keys[:4], "outputs/never")
        assert [store.size(key) for key in keys] == [None] * 4 + [1]

    def test_nothing_is_fine(self, store):
        store.delete()

    def test_twice_is_fine(self, store):
        store.delete("a/b")

    def test_below_a_prefix_takes_all_of_it_and_no_neighbour(self, store):
        for key in ("inputs/task_1/0", "inputs/task_1/1", "inputs/task_10/0"):
            put(store, key)
        store.delete_below("inputs/task_1")
        store.delete_below("inputs/task_2")
        assert [store.size(f"inputs/{key}") for key in ("task_1/0", "task_1/1", "task_10/0")] == [None, None, len(CONTENT)]

    def test_in_its_own_time_takes_as_much(self, store):
        put(store, "found/task_1/0", stream(b"x"))
        asyncio.run(store.forget("found/task_1"))
        assert store.size("found/task_1/0") is None


class TestListing:
    def test_names_every_key_below_a_prefix_and_no_neighbour(self, store):
        keys = {f"outputs/task_1/{number}" for number in range(3)} | {"outputs/task_10/0"}
        for key in (*keys, "outputs2/task_1/0", "inputs/task_1/0"):
            put(store, key)
        assert set(store.keys("outputs")) == keys
        assert list(store.keys("nothing")) == []


class TestKeys:
    @pytest.mark.parametrize(
        "key",
        ["", "/etc/passwd", "../a", "a/../../b", "a//b", "a/", ".drafts/x", "a/.b", "a\\b", "a b", "ä", "a\n", "a\x00", "a" * 201, "a/./b"],
    )
    def test_that_could_lead_elsewhere_are_refused(self, store, key):
        for refuse in (store.open, store.size, store.path, store.delete, store.delete_below):
            with pytest.raises(ValueError, match="no storage key"):
                refuse(key)
        with pytest.raises(ValueError, match="no storage key"):
            put(store, key)


class TestALargeStream:
    @pytest.mark.parametrize("name", ["disk", "cos"])
    def test_of_64_MB_up_and_down_costs_less_than_5_MB_of_memory(self, name, folder, simulator):
        command = (sys.executable, "-m", "tests.tasks_app.storage.memory", name, str(folder), simulator.url, "64")
        assert json.loads(subprocess.check_output(command, cwd=ROOT))["grown_kb"] < 5_000
