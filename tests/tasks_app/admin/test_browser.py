"""The operator's pages in a real browser: as wide as the window, without errors, and their dialogs do what they say."""

import pytest
import pyvips
from django.contrib.auth.models import User
from django.utils import timezone

from tasks_app.engine import recover
from tasks_app.models import Flag, Task, TaskEvent
from tests.browser import DESKTOP, PHONE, Looked, looked_at
from tests.upstreams import cut_before_answer

from .conftest import attempt_of, event_of, list_of, output_of, page, shown, task_of

pytestmark = pytest.mark.django_db(transaction=True)

PASSWORD = "fox-in-the-snow-7"
LONG = "x" * 300
PICTURE = pyvips.Image.black(640, 480).pngsave_buffer()


@pytest.fixture(autouse=True)
def olga(transactional_db) -> User:
    return User.objects.create_superuser("olga", password=PASSWORD)


@pytest.fixture
def crowded(acme, models) -> Task:
    """A task with all that a page can hold, and some of it without a place to break the line."""
    task = task_of(
        acme,
        status="succeeded",
        provider=models,
        captured=3,
        attempts=1,
        input={"prompt": LONG},
        end_user=LONG[:128],
        finished_at=acme.clock(),
    )
    attempt_of(task, models, outcome=LONG[:40], message=LONG, handle={"id": LONG})
    event_of(task, "queued", code="unavailable", message=LONG)
    output_of(task, PICTURE, thumbnail=PICTURE, width=640, height=480)
    return task


def signs_in(looked: Looked) -> None:
    looked.page.goto("/admin/")
    assert looked.too_wide_px() <= 0
    looked.page.get_by_label("Username").fill("olga")
    looked.page.get_by_label("Password").fill(PASSWORD)
    looked.page.get_by_role("button", name="Log in").click()
    looked.page.wait_for_url("**/admin/")


class TestOnAPhone:
    def test_sign_in_list_and_task_fit_and_show_the_picture(self, live_server, crowded):
        with looked_at(live_server.url, PHONE) as looked:
            signs_in(looked)
            assert looked.too_wide_px() <= 0
            looked.page.goto(list_of())
            assert looked.too_wide_px() <= 0
            looked.page.get_by_role("link", name=shown(crowded)).click()
            looked.page.wait_for_url(f"**{page(crowded)}*")
            picture = looked.page.locator(".figures img")
            picture.scroll_into_view_if_needed()
            picture.evaluate("picture => picture.decode()")
            assert picture.evaluate("picture => picture.naturalWidth") == 640
            assert looked.too_wide_px() <= 0
            assert looked.troubles == []


class TestOnADesk:
    def test_a_task_is_canceled_from_its_dialog(self, live_server, acme, models):
        task = acme.submits("darkroom/plasma-image")
        with looked_at(live_server.url, DESKTOP) as looked:
            signs_in(looked)
            looked.page.goto(page(task))
            looked.page.get_by_text("Cancel task", exact=True).click()
            looked.page.get_by_role("button", name="Yes, cancel the task").click()
            looked.page.get_by_text(f"{shown(task)}: canceled.").wait_for()
            assert looked.troubles == []
        task.refresh_from_db()
        assert (task.status, TaskEvent.objects.get(task_id=task.id).by) == ("canceled", "olga")


@pytest.mark.parametrize("window", [DESKTOP, PHONE], ids=["desk", "phone"])
def test_an_unknown_outcome_is_found_on_the_first_page_and_linked_to_its_job(live_server, acme, grit, road, window):
    grit.will(cut_before_answer())
    acme.submits("darkroom/grit-image")
    road.submits()
    flag = Flag.objects.get()
    with looked_at(live_server.url, window) as looked:
        signs_in(looked)
        looked.page.locator(".tile", has_text="unknown outcomes and losses").click()
        looked.page.wait_for_url(f"**{list_of('flag')}")
        assert looked.too_wide_px() <= 0
        looked.page.get_by_role("link", name=flag.token.rpartition("-")[0]).click()
        looked.page.wait_for_url(f"**{page(flag)}*")
        assert looked.too_wide_px() <= 0
        if window == PHONE:
            looked.page.get_by_text("more_horiz").click()
        looked.page.get_by_text("Link to its upstream job", exact=True).click()
        looked.page.get_by_text("stays failed, as its client was told").wait_for()
        looked.page.get_by_label("Job").fill("1")
        looked.page.get_by_label("Note").fill("seen in the console")
        looked.page.get_by_role("button", name="Link", exact=True).click()
        looked.page.get_by_text("linked; the upstream is asked for the result").wait_for()
        assert looked.troubles == []
    recover.run(timezone.now)
    flag.refresh_from_db()
    assert (flag.ending, flag.ended_by, len(flag.kept)) == ("recovered", "olga", 1)
