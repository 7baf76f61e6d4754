"""`manage.py storage check`, `setup` and `strays`, as an operator runs them."""

import asyncio
import io
from datetime import timedelta
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from tasks_app import ids
from tasks_app.engine import flags
from tasks_app.models import File, Flag, Output, Task
from tasks_app.storage import storage
from tests.upstreams import answer, wrong_checksum


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.STORAGE_DIR = tmp_path
    return tmp_path


def said(*words: str) -> list[str]:
    out = io.StringIO()
    call_command("storage", *words, stdout=out)
    return out.getvalue().splitlines()


def verdicts(lines: list[str]) -> dict[str, str]:
    return dict(line.split()[:2] for line in lines if line.startswith("  "))


class TestCheck:
    def test_of_a_disk_has_a_verdict_on_each_step_and_leaves_nothing(self, folder):
        lines = said("check")
        assert verdicts(lines) == dict.fromkeys(("put", "get", "range", "sign", "take", "copy", "delete"), "ok")
        assert lines[0] == f"Disk('{folder}')"
        assert [path for path in folder.rglob("*") if path.is_file()] == []

    def test_of_a_bucket_follows_its_link_and_looks_for_the_rules(self, in_cos):
        said("setup")
        lines = said("check")
        assert verdicts(lines) == dict.fromkeys(("put", "get", "range", "sign", "take", "copy", "delete", "rules"), "ok")
        assert in_cos.objects == {}
        assert in_cos.requests["get"] == 4

    def test_shows_no_secret(self, in_cos):
        in_cos.will(answer(403), at="put")
        out = io.StringIO()
        with pytest.raises(CommandError):
            call_command("storage", "check", stdout=out)
        assert "darkroom-1250000000" in out.getvalue()
        assert not [secret for secret in (in_cos.SECRET_ID, in_cos.SECRET_KEY) if secret in out.getvalue()]

    def test_names_the_right_that_the_key_needs_where_sts_refuses_it(self, in_cos, sts):
        said("setup")
        sts.will(answer(403), at="GetFederationToken")
        out = io.StringIO()
        with pytest.raises(CommandError, match="1 of 8 failed"):
            call_command("storage", "check", stdout=out)
        (line,) = [line for line in out.getvalue().splitlines() if "FAILED" in line]
        assert line.split()[0] == "take"
        assert line.endswith("STS answered AuthFailure.UnauthorizedOperation: the key needs name/sts:GetFederationToken")

    @pytest.mark.parametrize(
        ("door", "order", "failed", "says"),
        [
            ("put", answer(403), {"put", "get", "range", "sign", "copy", "rules"}, "403 AccessDenied"),
            ("put", wrong_checksum(), {"rules"}, "ok"),
            ("copy", answer(403), {"copy", "rules"}, "403 AccessDenied"),
            ("delete_many", answer(403), {"delete", "rules"}, "403 AccessDenied"),
        ],
    )
    def test_says_what_fails_and_goes_on(self, in_cos, door, order, failed, says):
        in_cos.will(order, at=door)
        out = io.StringIO()
        with pytest.raises(CommandError, match=f"{len(failed)} of 8 failed"):
            call_command("storage", "check", stdout=out)
        assert {what for what, verdict in verdicts(out.getvalue().splitlines()).items() if verdict == "FAILED"} == failed
        assert says in out.getvalue()

    def test_misses_the_rules_of_a_bucket_that_was_not_set_up(self, in_cos):
        out = io.StringIO()
        with pytest.raises(CommandError, match="1 of 8 failed"):
            call_command("storage", "check", stdout=out)
        assert "run manage.py storage setup" in out.getvalue()


class TestSetup:
    def test_gives_the_bucket_its_rules_once(self, in_cos, settings):
        settings.PUBLIC_URL = "https://darkroom.example"
        lines = said("setup", "--origin", "https://studio.example")
        assert "  CORS       GET HEAD PUT from https://darkroom.example https://studio.example" in lines
        assert "  lifecycle  outputs/  unfinished uploads go after 1 d" in lines
        assert set(in_cos.bucket.documents) == {"lifecycle", "cors"}
        assert said("setup", "--origin", "https://studio.example")[-1] == "The bucket has these rules."
        assert in_cos.requests["put_document"] == 2

    def test_run_dry_prints_the_same_plan_and_changes_nothing(self, in_cos):
        lines = said("setup", "--dry-run")
        assert lines[-1] == "Nothing was changed."
        assert in_cos.bucket.documents == {}
        assert said("setup")[:-1] == lines[:-1]

    def test_says_what_the_key_must_be_allowed(self, in_cos):
        in_cos.will(answer(403), at="get_document")
        with pytest.raises(CommandError, match=r"AccessDenied.*needs GetBucketLifecycle"):
            said("setup")

    def test_has_nothing_to_do_on_a_disk(self):
        with pytest.raises(CommandError, match="STORAGE=disk"):
            said("setup")


class TestStrays:
    @pytest.fixture
    def keys(self, acme, plasma, road):
        """One of each: a result that its task has, one that came too late, one of a task that waits, one of a task that nobody knows."""
        named = acme.submits("darkroom/plasma-image")
        road.runs_dry()
        over, waits = acme.submits("darkroom/plasma-image"), acme.submits("darkroom/plasma-image")
        acme.cancels(over)
        keys = {name: f"outputs/{ids.shown('task', id)}/0" for name, id in (("late", over.id), ("open", waits.id), ("unknown", ids.new()))}
        for key in keys.values():
            keep(key)
        return keys | {"named": Output.objects.get(task_id=named.id).key}

    def test_are_listed_and_stay(self, keys):
        *lines, sum = said("strays")
        assert {line.split()[-1] for line in lines} == {keys["late"], keys["unknown"]}
        assert sum == "2 files of 6 bytes belong to no task and no upload. --delete deletes them."
        assert all(storage.size(key) for key in keys.values())

    def test_go_where_the_operator_says_so_and_no_others(self, keys):
        assert said("strays", "--delete")[-1] == "2 files of 6 bytes were deleted."
        assert {name for name, key in keys.items() if storage.size(key)} == {"named", "open"}
        assert said("strays") == ["0 files of 0 bytes belong to no task and no upload."]

    def test_are_uploads_too_whose_process_died_before_the_row_was_written(self, acme):
        old = ids.first_of(timezone.now() - timedelta(days=3))
        lost, has_row, fresh = (f"files/{ids.shown('file', id)}" for id in (old, UUID(int=old.int + 1), ids.new()))
        for key in (lost, has_row, fresh):
            keep(key)
        File.objects.create(
            id=UUID(int=old.int + 1), account_id=acme.id, name="x", content_type="", bytes=3, key=has_row, created_at=acme.clock()
        )
        assert [line.split()[-1] for line in said("strays")[:-1]] == [lost]

    def test_are_copies_too_of_a_completion_that_was_not_the_first(self, acme):
        old = ids.first_of(timezone.now() - timedelta(days=3))
        first, second = (f"files/{ids.shown('file', old)}/{which}" for which in ("a", "b"))
        for key in (first, second):
            keep(key)
        File.objects.create(id=old, account_id=acme.id, name="x", content_type="", bytes=3, key=first, created_at=acme.clock())
        assert [line.split()[-1] for line in said("strays")[:-1]] == [second]

    def test_are_what_was_fetched_for_a_flag_that_does_not_keep_it(self, acme, plasma, road):
        task = acme.submits("darkroom/plasma-image")
        kept, asked, ended = (self.flag(task, reason) for reason in ("late_result", "orphan", "quarantined"))
        keys = {flag.id: f"{flags.folder(task.id, flag.id)}/0" for flag in (kept, asked, ended)}
        others = f"{flags.folder(ids.new(), kept.id)}/0"  # of a task that the database has forgotten, with the id of a flag that it has
        for key in (*keys.values(), others, f"{keys[kept.id]}.thumbnail"):
            keep(key)
        Flag.objects.filter(id=kept.id).update(kept=[{"key": keys[kept.id], "thumbnail_key": f"{keys[kept.id]}.thumbnail"}])
        Flag.objects.filter(id=asked.id).update(due_at=acme.clock())
        assert {line.split()[-1] for line in said("strays")[:-1]} == {keys[ended.id], others}

    def flag(self, task: Task, reason: str) -> Flag:
        return Flag.objects.create(task_id=task.id, reason=reason, account_id=task.account_id, model=task.model, raised_at=task.created_at)

    def test_are_none_where_the_upstream_is_still_at_work(self, keys):
        Task.objects.filter(status="canceled").update(status="storing")
        assert [line.split()[-1] for line in said("strays")[:-1]] == [keys["unknown"]]


def keep(key: str) -> None:
    async def once():
        yield b"png"

    asyncio.run(storage.put(key, once(), content_type="image/png", limit=3))
