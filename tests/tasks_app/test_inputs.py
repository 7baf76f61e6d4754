"""Inputs: a client's references become files for an adapter, its own and nobody else's."""

import asyncio
import os
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from providers.catalogue import InvalidInput, Model
from providers.errors import Invalid, NotTried
from providers.outcomes import Media
from tasks_app import ids, inputs
from tasks_app.models import File, Output, Task
from tasks_app.storage import links, storage
from tasks_app.storage.drafts import DRAFTS
from tests.upstreams import answer as upstream_answer

from .wire import answer, wire

MEDIA = {"type": "string", "format": "media"}
SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "prompt": {"type": "string"},
        "image": MEDIA,
        "images": {"type": "array", "items": MEDIA},
        "clips": {"type": "array", "items": {"type": "object", "properties": {"media": MEDIA, "start": {"type": "number"}}}},
    },
}
MODEL = Model("darkroom/mix", "image.stitch", "", "", SCHEMA, "0", "1", 30, 3600, True)
PNG = b"\x89PNG\r\n\x1a\n" + os.urandom(1000)
TASK = ids.new()


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.STORAGE_DIR = tmp_path
    return tmp_path


def uploads(member):
    """A file of the member's, and how clients name it."""
    id = ids.new()
    file = File.objects.create(
        id=id,
        account_id=member.id,
        name="a.png",
        content_type="image/png",
        bytes=1,
        sha256="",
        key=f"files/{id.hex}",
        created_at=timezone.now(),
    )
    return file, ids.shown("file", id)


def makes(member, *, status="succeeded", outputs=1):
    """Outputs of a task of the member's, and how clients name the task."""
    now = timezone.now()
    task = Task.objects.create(
        account_id=member.id,
        kind="image.generate",
        model="a",
        lane="a",
        status=status,
        input={},
        request_hash=b"",
        deadline_at=now + timedelta(hours=1),
        created_at=now,
        updated_at=now,
    )
    rows = [
        Output(
            task_id=task.id,
            account_id=member.id,
            position=position,
            type="image",
            content_type="image/webp",
            bytes=1,
            sha256="",
            key=f"outputs/{task.id.hex}/{position}",
            created_at=now,
        )
        for position in range(outputs)
    ]
    return Output.objects.bulk_create(rows), ids.shown("task", task.id)


def faults(member, input):
    try:
        inputs.check(member.id, MODEL, input, now=timezone.now())
    except InvalidInput as fault:
        return {error["field"]: error["message"] for error in fault.errors}
    return {}


def gathered(input, plan=None, *, local, bucket=False, task=TASK):
    return asyncio.run(inputs.gather(task, SCHEMA, input, plan or {}, local=local, bucket=bucket))


async def once(content):
    yield content


class TestReferencesThatAnAccountMayUse:
    def test_are_its_files_its_outputs_and_https_urls(self, acme):
        (_, file), (_, task) = uploads(acme), makes(acme, outputs=2)
        assert faults(acme, {"image": file, "images": [f"{task}/0", f"{task}/1", "https://example.com/a.png"]}) == {}

    def test_are_not_looked_for_in_other_texts(self, acme):
        assert faults(acme, {"prompt": "file_00000000000000000000000000"}) == {}


class TestReferencesThatItMayNotUse:
    def test_are_named_each_by_its_place(self, acme):
        (_, file) = uploads(acme)
        input = {"image": "cat.png", "images": [file, "ftp://example.com/a"], "clips": [{"media": "http://example.com/a", "start": 1}]}
        assert faults(acme, input) == {
            "image": "must be file_…, task_…/0 or an https URL",
            "images[1]": "the URL must be an https URL",
            "clips[0].media": "the URL must be an https URL",
        }

    def test_tell_a_stranger_not_even_that_they_exist(self, acme, bolt):
        (_, file), (_, task) = uploads(acme), makes(acme)
        missing = [ids.shown("file", ids.new()), ids.shown("task", ids.new()) + "/0"]
        assert faults(bolt, {"images": [file, f"{task}/0", *missing]}) == {f"images[{number}]": inputs.MISSING for number in range(4)}

    @pytest.mark.parametrize("status", [status for status in Task.Status.values if status != "succeeded"])
    def test_are_outputs_of_a_task_that_has_not_succeeded(self, acme, status):
        _, task = makes(acme, status=status)
        assert faults(acme, {"image": f"{task}/0"}) == {"image": inputs.MISSING}

    def test_are_outputs_that_a_task_does_not_have(self, acme):
        _, task = makes(acme, outputs=1)
        assert faults(acme, {"image": f"{task}/1"}) == {"image": inputs.MISSING}

    @pytest.mark.parametrize("tail", ["", "/", "/-1", "/0/0", "/x", "/٣", "/99999", "/0\n"])
    def test_are_half_written(self, acme, tail):
        _, task = makes(acme)
        assert set(faults(acme, {"image": task + tail})) == {"image"}

    @pytest.mark.parametrize("url", ["https://127.0.0.1/a", "https://10.0.0.1/a", "https://user:word@example.com/", "https://[::1"])
    def test_are_urls_that_lead_inside(self, acme, url):
        assert set(faults(acme, {"image": url})) == {"image"}


class TestQueries:
    def test_are_none_without_references_of_our_own(self, acme, django_assert_num_queries):
        with django_assert_num_queries(0):
            inputs.plan(acme.id, SCHEMA, {"prompt": "a red fox", "image": "https://example.com/a"})

    def test_are_two_for_any_number_of_references(self, acme, django_assert_num_queries):
        files = [uploads(acme)[1] for _ in range(5)]
        outputs = [f"{makes(acme, outputs=2)[1]}/{position}" for _ in range(5) for position in (0, 1)]
        with django_assert_num_queries(2):
            assert inputs.plan(acme.id, SCHEMA, {"images": files + outputs}).keys() == {*files, *outputs[0::2], *outputs[1::2]}
        with django_assert_num_queries(2):
            inputs.check(acme.id, MODEL, {"images": files + outputs}, now=timezone.now())

    def test_are_two_for_any_number_of_inputs(self, acme, django_assert_num_queries):
        given = [{"image": uploads(acme)[1], "clips": [{"media": f"{makes(acme)[1]}/0"}]} for _ in range(5)]
        with django_assert_num_queries(2):
            known = inputs.named(acme.id, given, now=timezone.now())
        with django_assert_num_queries(0):
            for input in given:
                inputs.check(acme.id, MODEL, input, known, now=timezone.now())

    def test_are_made_for_a_reference_that_no_input_named(self, acme):
        """A schema's default is filled in after the batch was looked through."""
        inputs.check(
            acme.id, MODEL, {"image": uploads(acme)[1]}, inputs.named(acme.id, [{"prompt": "a"}], now=timezone.now()), now=timezone.now()
        )

    def test_survive_any_nesting(self, acme, django_assert_num_queries):
        nest = []
        for _ in range(100_000):
            nest = [nest]
        with django_assert_num_queries(0):
            assert inputs.named(acme.id, [{"images": nest}], now=timezone.now()) == {}


class TestAnAdapterThatFetchesByItself:
    def test_gets_signed_links_to_our_own_and_urls_as_they_are(self, acme):
        (file, named), ((output,), task) = uploads(acme), makes(acme)
        input = {"prompt": "a", "image": named, "clips": [{"media": f"{task}/0", "start": 2.5}, {"media": "https://example.com/a"}]}
        got = gathered(input, inputs.plan(acme.id, SCHEMA, input), local=False)
        # The signature carries the second in which it was made.
        assert [one.url.split("?")[0] for one in (got["image"], got["clips"][0]["media"])] == [
            links.signed_url("file", file.id).split("?")[0],
            links.signed_url("output", output.id).split("?")[0],
        ]
        assert links.is_signed("file", file.id, inputs.egress.URL(got["image"].url).query["signature"])
        assert (got["image"].content_type, got["image"].path) == ("image/png", None)
        assert got["clips"][1] == {"media": Media("https://example.com/a")}
        assert (got["prompt"], got["clips"][0]["start"]) == ("a", 2.5)

    def test_leaves_the_tasks_own_input_as_it_was(self, acme):
        _, named = uploads(acme)
        input = {"images": [named]}
        gathered(input, inputs.plan(acme.id, SCHEMA, input), local=False)
        assert input == {"images": [named]}


class TestAnAdapterThatReadsFiles:
    def test_gets_the_path_of_our_own(self, acme, folder):
        (file, named) = uploads(acme)
        got = gathered({"image": named}, inputs.plan(acme.id, SCHEMA, {"image": named}), local=True)["image"]
        assert (got.path, got.content_type) == (str(folder / file.key), "image/png")

    def test_gets_what_lies_elsewhere_fetched_and_named_by_what_it_is(self, settings):
        async def run():
            async with wire(settings) as server:
                server.paths["/a"] = answer(PNG, Content_Type="text/html")
                return await inputs.gather(TASK, SCHEMA, {"image": server.url("/a")}, {}, local=True)

        got = asyncio.run(run())["image"]
        assert got.content_type == "image/png"
        assert Path(got.path).read_bytes() == PNG

    def test_has_each_url_fetched_once_however_often_it_is_named_and_tried(self, settings):
        async def run():
            async with wire(settings) as server:
                server.paths |= {"/a": answer(PNG), "/b": answer(PNG[:500])}
                input = {"image": server.url("/a"), "images": [server.url("/b"), server.url("/a")]}
                first = await inputs.gather(TASK, SCHEMA, input, {}, local=True)
                again = await inputs.gather(TASK, SCHEMA, input, {}, local=True)
                assert sorted(server.asked) == ["/a", "/b"]
                return first, again

        first, again = asyncio.run(run())
        assert first == again
        assert first["image"] == first["images"][1] != first["images"][0]

    def test_does_not_get_another_tasks_fetch(self, settings):
        async def run():
            async with wire(settings) as server:
                server.paths["/a"] = answer(PNG)
                for task in (TASK, ids.new()):
                    await inputs.gather(task, SCHEMA, {"image": server.url("/a")}, {}, local=True)
                return server.asked

        assert asyncio.run(run()) == ["/a", "/a"]

    def test_leaves_nothing_behind_when_the_task_is_over(self, settings, folder):
        async def run():
            async with wire(settings) as server:
                server.paths["/a"] = answer(PNG)
                await inputs.gather(TASK, SCHEMA, {"image": server.url("/a")}, {}, local=True)

        asyncio.run(run())
        inputs.forget(TASK)
        inputs.forget(TASK)
        assert [path for path in folder.rglob("*") if path.is_file()] == []


class TestAnAdapterThatReadsFilesWhileOursLieInABucket:
    @pytest.fixture
    def kept(self, acme, in_cos):
        """A file and an output of acme's, as an input that names the file twice, and its plan."""
        (file, named), ((output,), task) = uploads(acme), makes(acme)
        for one, content in ((file, PNG), (output, PNG[:500])):
            asyncio.run(storage.put(one.key, once(content), content_type="image/png", limit=len(content)))
        input = {"images": [named, f"{task}/0"], "image": named}
        return input, inputs.plan(acme.id, SCHEMA, input)

    def test_gets_copies_that_lie_here_each_made_once(self, kept, in_cos):
        input, plan = kept
        first = gathered(input, plan, local=True)
        assert [Path(one.path).read_bytes() for one in first["images"]] == [PNG, PNG[:500]]
        assert first["image"].path == first["images"][0].path
        gathered(input, plan, local=True)
        assert in_cos.requests["get"] == 2

    def test_leaves_none_behind_when_the_task_is_over(self, kept, folder):
        gathered(*kept, local=True)
        inputs.forget(TASK)
        assert [path for path in folder.rglob("*") if path.is_file()] == []

    def test_waits_while_the_bucket_is_away(self, kept, in_cos):
        in_cos.will(upstream_answer(403), at="get", times=2)
        with pytest.raises(NotTried, match="the storage cannot read") as waits:
            gathered(*kept, local=True)
        assert waits.value.field.startswith("image")

    def test_is_told_which_one_is_gone(self, kept, in_cos):
        in_cos.objects.clear()
        with pytest.raises(Invalid) as gone:
            gathered(*kept, local=True)
        assert (gone.value.message, gone.value.field[:5]) == (inputs.MISSING, "image")

    def test_is_no_other_adapter(self, kept, in_cos):
        got = gathered(*kept, local=False)
        assert [one.path for one in got["images"]] == [None, None]
        assert in_cos.requests["get"] == 0


class TestAnAdapterThatReadsFromOurBucket:
    def test_gets_the_keys_of_our_own_and_nothing_is_moved(self, acme, in_cos):
        (file, named), ((output,), task) = uploads(acme), makes(acme)
        input = {"images": [named, f"{task}/0"]}
        got = gathered(input, inputs.plan(acme.id, SCHEMA, input), local=False, bucket=True)
        assert [one.key for one in got["images"]] == [file.key, output.key]
        assert not in_cos.requests

    def test_finds_there_what_a_client_named_by_url_once_for_a_task(self, settings, in_cos, folder):
        async def run():
            async with wire(settings) as server:
                server.paths["/a"] = answer(PNG)
                input = {"image": server.url("/a"), "images": [server.url("/a")]}
                for _ in range(2):
                    got = await inputs.gather(TASK, SCHEMA, input, {}, local=False, bucket=True)
                return got, server.asked

        got, asked = asyncio.run(run())
        key = f"inputs/{ids.shown('task', TASK)}/0"
        assert (got["image"].key, got["images"][0].key, asked) == (key, key, ["/a"])
        assert in_cos.objects[key].read() == PNG
        assert in_cos.objects[key].headers["content-type"] == "image/png"
        assert [path for path in folder.rglob("*") if path.is_file()] == []

    def test_never_finds_there_what_is_no_media(self, settings, in_cos):
        async def run():
            async with wire(settings) as server:
                server.paths["/a"] = answer(b"MZ\x90\x00\x03")
                await inputs.gather(TASK, SCHEMA, {"image": server.url("/a")}, {}, local=False, bucket=True)

        with pytest.raises(Invalid) as refused:
            asyncio.run(run())
        assert (refused.value.field, in_cos.objects) == ("image", {})

    def test_waits_while_the_bucket_is_away(self, settings, in_cos):
        async def run():
            async with wire(settings) as server:
                server.paths["/a"] = answer(PNG)
                await inputs.gather(TASK, SCHEMA, {"image": server.url("/a")}, {}, local=False, bucket=True)

        in_cos.will(upstream_answer(403), at="put")
        with pytest.raises(NotTried):
            asyncio.run(run())


class TestWhatCannotBeHad:
    def fails(self, settings, error, answers, *, field):
        async def run():
            async with wire(settings) as server:
                server.paths |= {"/good": answer(PNG), **answers}
                input = {"images": [server.url("/good"), server.url("/bad")]}
                await inputs.gather(TASK, SCHEMA, input, {}, local=True)

        with pytest.raises(error) as caught:
            asyncio.run(run())
        assert caught.value.field == field
        assert "127.0.0.1" not in caught.value.message

    @pytest.mark.parametrize("answers", [{"/bad": answer(status=404)}, {"/bad": answer(b"MZ\x90\x00\x03")}, {"/bad": answer(b"")}])
    def test_for_good_fails_the_task_and_names_the_field(self, settings, answers):
        self.fails(settings, Invalid, answers, field="images[1]")

    def test_because_it_is_too_large_names_the_field(self, settings):
        settings.UPLOAD_LIMIT_MB = 1
        self.fails(settings, Invalid, {"/bad": answer(PNG + bytes(1024 * 1024))}, field="images[1]")

    @pytest.mark.parametrize("answers", [{"/bad": answer(status=503)}, {"/bad": answer(status=429)}, {"/bad": answer(PNG, length=2000)}])
    def test_for_now_sends_nothing_and_waits(self, settings, answers):
        self.fails(settings, NotTried, answers, field="images[1]")

    def test_because_the_storage_cannot_write_waits(self, settings, folder):
        async def run():
            async with wire(settings) as server:
                server.paths["/a"] = answer(PNG)
                await inputs.gather(TASK, SCHEMA, {"image": server.url("/a")}, {}, local=True)

        (folder / DRAFTS).write_text("no folder can be made here")
        with pytest.raises(NotTried, match="the storage cannot write"):
            asyncio.run(run())

    @pytest.mark.parametrize("local", [True, False])
    def test_because_it_was_deleted_since_names_the_field(self, local):
        with pytest.raises(Invalid) as caught:
            gathered({"clips": [{"media": ids.shown("file", ids.new())}]}, local=local)
        assert (caught.value.field, caught.value.message) == ("clips[0].media", inputs.MISSING)

    def test_is_not_asked_for_at_an_address_inside(self, settings):
        async def run():
            async with wire(settings, allowed=False) as server:
                with pytest.raises(Invalid):
                    await inputs.gather(TASK, SCHEMA, {"image": server.url("/a")}, {}, local=True)
                return server.connections

        assert asyncio.run(run()) == 0

    def test_is_asked_for_again_by_the_next_try(self, settings):
        async def run():
            async with wire(settings) as server:
                server.paths |= {"/good": answer(PNG), "/bad": answer(status=503)}
                input = {"images": [server.url("/good"), server.url("/bad")]}
                with pytest.raises(NotTried):
                    await inputs.gather(TASK, SCHEMA, input, {}, local=True)
                server.paths["/bad"] = answer(PNG)
                return await inputs.gather(TASK, SCHEMA, input, {}, local=True)

        assert len(asyncio.run(run())["images"]) == 2
