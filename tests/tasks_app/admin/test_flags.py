"""Unknown outcomes and losses, as an operator sees them and what they do about them."""

import html
import re
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User

from accounts import credits
from providers.models import Provider
from tasks_app.engine import recover
from tasks_app.engine.reasons import REASONS
from tasks_app.models import Flag, Task, TaskEvent
from tests.upstreams import cut_before_answer

from .conftest import attempt_of, flag_of, list_of, page, queries_of, shown, signed_in, task_of, text_of

pytestmark = pytest.mark.django_db

GRIT = "darkroom/grit-image"
VERBS = ("link", "ask", "lose", "refund")


def listed(client, **query) -> list[int]:
    """The flags in the list, in its order."""
    found = re.findall(r'<a href="/admin/tasks_app/flag/(\d+)/change/', text_of(client.get(list_of("flag"), query)))
    return list(dict.fromkeys(map(int, found)))


def words_of(answer) -> str:
    """What a page says, without its markup."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", text_of(answer))))


def offered(client, flag: Flag) -> set[str]:
    text = text_of(client.get(page(flag)))
    return {verb for verb in VERBS if f'hx-get="{page(flag, verb)}"' in text}


def does(client, flag: Flag, verb: str, **fields: str) -> str:
    """Open the dialog, fill it in, submit it, and go where it leads."""
    dialog = text_of(client.get(page(flag, verb)))
    kept = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', dialog))
    return words_of(client.post(page(flag, verb), kept | {"note": "seen in the console"} | fields, follow=True))


def recovers(road) -> None:
    road.clock.now = datetime.now(UTC)  # by which the pages tell the time
    recover.run(road.clock)


@pytest.fixture
def over(acme):
    """A task that failed and gave its credits back."""
    return lambda **columns: task_of(
        acme, **({"status": "failed", "hold": 30, "captured": 0, "finished_at": datetime.now(UTC), "attempts": 1} | columns)
    )


@pytest.fixture
def unknown(acme, grit, road) -> Flag:
    grit.will(cut_before_answer())
    acme.submits(GRIT)
    road.submits()
    return Flag.objects.get()


@pytest.fixture
def operator(db):
    """An operator with these permissions and the right to look."""

    def make(*permissions: str):
        user = User.objects.create_user("rita", is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=("view_flag", "view_task", *permissions)))
        return signed_in(user)

    return make


class TestTheList:
    def test_says_of_each_why_since_when_whose_what_it_cost_and_what_to_do(self, olga, over, models):
        began = datetime.now(UTC) - timedelta(hours=3)
        task = over(finished_at=began)
        attempt_of(task, models, outcome="accepted", handle={"id": "job-7"}, upstream_cost=0.35)
        flag_of(task, models, reason="result_lost")
        text = words_of(olga.get(list_of("flag")))
        told = ("result lost", "3 h 00 min ago", "plasma", "acme", "darkroom/plasma-image", "0 30 given back", "0.35 {")
        assert all(word in text for word in (*told, shown(task), '{"id": "job-7"}', REASONS["result_lost"].next)), text

    def test_says_what_was_paid_and_what_was_refunded(self, olga, acme, over, models):
        task = over(captured=10)
        credits.settle([credits.Settlement(acme.id, shown(task), 0, 0, False)], now=acme.clock())
        flag_of(task, models, reason="orphan")
        assert "10 20 given back" in words_of(olga.get(list_of("flag")))

    def test_shows_open_ones_newest_first_and_others_on_demand(self, olga, over, models):
        older, newer = (flag_of(over(), models).id for _ in range(2))
        lost = flag_of(over(), models, ending="lost", ended_by="olga").id
        assert listed(olga) == [newer, older]
        assert listed(olga, state="lost") == [lost]
        assert listed(olga, state="all") == [lost, newer, older]
        assert listed(olga, state="nonsense") == [newer, older]

    def test_shows_one_whose_client_deleted_the_task(self, olga, over, models):
        flag = flag_of(over(), models)
        Task.objects.all().delete()
        assert "deleted the task" in words_of(olga.get(list_of("flag")))
        assert "deleted" in words_of(olga.get(page(flag)))

    @pytest.mark.parametrize("more", [11, 49])
    def test_costs_the_same_number_of_queries_however_long_it_is(self, olga, member, models, more):
        def grow(number: int) -> None:
            provider = Provider.objects.create(name=f"p{number}", adapter="plasma_adapter")
            task = task_of(member(f"a{number}"), status="failed", captured=0, finished_at=datetime.now(UTC))
            attempt_of(task, models)
            flag_of(task, provider)

        grow(0)
        few = queries_of(olga, list_of("flag"))
        for number in range(1, more + 1):
            grow(number)
        many = queries_of(olga, list_of("flag"))
        assert len(many) == len(few)
        assert not any("COUNT(" in sql or ("JOIN" in sql and "tasks_app_flag" in sql) for sql in many)

    def test_goes_on_on_the_next_page(self, olga, over, models):
        flags = [flag_of(over(), models).id for _ in range(51)]
        assert listed(olga, p=2) == flags[:1]


class TestFilters:
    def test_by_reason(self, olga, over, models):
        flag, _ = flag_of(over(), models, reason="quarantined"), flag_of(over(), models)
        assert listed(olga, reason="quarantined") == [flag.id]

    def test_by_provider(self, olga, over, models):
        flag = flag_of(over(), models)
        flag_of(over(), Provider.objects.create(name="other", adapter="plasma_adapter"))
        assert listed(olga, provider=models.id) == [flag.id]

    @pytest.mark.parametrize(("age", "found"), [("new", ["new"]), ("1d", ["old", "older"]), ("7d", ["older"]), ("30d", []), ("x", None)])
    def test_by_age(self, olga, over, models, age, found):
        days = {"new": 0.5, "old": 2, "older": 8}
        now = datetime.now(UTC)
        flags = {name: flag_of(over(), models, raised_at=now - timedelta(days=ago)).id for name, ago in days.items()}
        assert sorted(listed(olga, age=age)) == sorted(flags[name] for name in (flags if found is None else found))

    def test_by_those_that_are_being_asked(self, olga, over, models):
        flag, _ = flag_of(over(), models, due_at=datetime.now(UTC)), flag_of(over(), models)
        assert listed(olga, state="asked") == [flag.id]


class TestSearch:
    @pytest.fixture
    def two(self, over, models) -> tuple[Flag, Flag]:
        first, second = over(), over()
        attempt_of(first, models, handle={"id": "cgt-2026-abc"})
        return flag_of(first, models), flag_of(second, models, handle={"number": 4711})

    @pytest.mark.parametrize("text", ["cgt-2026-abc", "2026-ab", '"cgt-2026-abc"'])
    def test_by_the_handle_that_an_upstream_gave(self, olga, two, text):
        assert listed(olga, q=text) == [two[0].id]

    def test_by_the_handle_that_an_operator_gave(self, olga, two):
        assert listed(olga, q="4711") == [two[1].id]

    def test_by_task_or_token(self, olga, two):
        name = shown(Task.objects.get(id=two[0].task_id))
        assert listed(olga, q=f" {name} ") == listed(olga, q=f"{name}-1") == [two[0].id]
        assert listed(olga, q=f"{name}-2") == []

    def test_finds_ended_ones_too(self, olga, over, models):
        flag = flag_of(over(), models, ending="lost", handle={"id": "gone"})
        assert listed(olga, q="gone") == [flag.id]

    def test_reads_no_attempt_without_a_flag(self, olga, two, over, models):
        attempt_of(over(), models, handle={"id": "cgt-2026-abc"})
        assert listed(olga, q="cgt-2026-abc") == [two[0].id]


class TestThePage:
    def test_says_what_happened_and_what_the_upstream_answered(self, olga, over, models):
        task = over()
        attempt_of(task, models, outcome="submission_outcome_unknown", message="no answer in time", handle=None)
        text = words_of(olga.get(page(flag_of(task, models))))
        assert all(word in text for word in (REASONS["submission_outcome_unknown"].happened, "no answer in time", "not known"))

    def test_shows_no_credentials(self, olga, unknown, grit):
        assert grit.KEY not in text_of(olga.get(page(unknown)))

    def test_is_linked_from_the_tasks_page(self, olga, over, models):
        task = over()
        assert page(flag_of(task, models)) in text_of(olga.get(page(task)))

    def test_of_an_ended_one_says_how_by_whom_and_why(self, olga, over, models):
        flag = flag_of(over(), models, ending="lost", ended_by="rita", ended_at=datetime.now(UTC), note="vendor says no")
        text = words_of(olga.get(page(flag)))
        assert "by rita" in text
        assert "vendor says no" in text


class TestWhatIsOffered:
    def test_of_an_unknown_outcome_is_to_link_it_or_to_mark_it_as_lost(self, olga, unknown):
        assert offered(olga, unknown) == {"link", "lose"}

    def test_where_the_upstream_can_be_asked_is_to_ask(self, olga, over, plasma):
        assert offered(olga, flag_of(over(), Provider.objects.get(), reason="quarantined")) == {"link", "ask", "lose"}

    def test_while_it_is_being_asked_is_no_second_question(self, olga, over, plasma):
        assert offered(olga, flag_of(over(), Provider.objects.get(), due_at=datetime.now(UTC))) == {"link", "lose"}

    def test_of_what_captured_is_a_refund_too(self, olga, over, models):
        assert "refund" in offered(olga, flag_of(over(captured=3), models))

    def test_once_it_is_ended_is_nothing(self, olga, over, models):
        assert offered(olga, flag_of(over(), models, ending="lost")) == set()


class TestALink:
    def test_says_what_will_happen(self, olga, unknown):
        text = words_of(olga.get(page(unknown, "link")))
        assert "grit is asked whether it has the job." in text
        assert f"{unknown.token.rpartition('-')[0]} stays failed, as its client was told; 3 credits went back." in text

    def test_has_the_result_fetched_and_shown(self, olga, unknown, road):
        assert "linked; the upstream is asked for the result" in does(olga, unknown, "link", job="1")
        recovers(road)
        text = text_of(olga.get(page(unknown)))
        content = olga.get(re.search(r'<a class="text-link" href="([^"]+/kept/0/)"', text)[1])
        assert (content.status_code, content["Content-Type"]) == (200, "image/png")
        assert b"".join(content).startswith(b"\x89PNG")
        assert olga.get(re.search(r'<img src="([^"]+)"', text)[1])["Content-Type"] == "image/webp"

    def test_to_what_the_upstream_does_not_know_is_refused_with_the_reason(self, olga, unknown):
        assert "grit does not know this job; nothing was linked." in does(olga, unknown, "link", job="77")
        assert not LogEntry.objects.exists()

    def test_of_what_is_no_handle_says_what_is_one(self, olga, unknown):
        assert "grit counts its jobs: give the number of one" in does(olga, unknown, "link", job="seven")

    def test_wants_a_reason(self, olga, unknown):
        assert "This field is required." in does(olga, unknown, "link", job="1", note="")
        assert not TaskEvent.objects.filter(by="olga").exists()


class TestMarkingAsLost:
    @pytest.mark.parametrize(
        ("charged", "said"),
        [
            ("0.35", "marked as lost: it cost 0.35."),
            ("0", "marked as lost: it cost nothing."),
            ("", "marked as lost: nobody knows what it cost."),
        ],
    )
    def test_says_what_it_cost(self, olga, unknown, charged, said):
        assert f"{unknown.token}: {said}" in does(olga, unknown, "lose", charged=charged)
        unknown.refresh_from_db()
        assert (unknown.ending, unknown.ended_by, unknown.charged) == ("lost", "olga", float(charged) if charged else None)

    def test_is_in_the_timeline_and_in_the_history(self, olga, unknown):
        does(olga, unknown, "lose", charged="0.35")
        text = words_of(olga.get(page(unknown)))
        assert "marked as lost: the upstream charged 0.35 seen in the console · by olga" in text
        assert LogEntry.objects.get().change_message == "marked as lost: it cost 0.35. Why: seen in the console"

    def test_at_less_than_nothing_is_refused(self, olga, unknown):
        assert "greater than or equal to 0" in does(olga, unknown, "lose", charged="-1")


class TestAskingAgain:
    def test_says_that_nothing_can_be_bought(self, olga, over, plasma):
        flag = flag_of(over(), Provider.objects.get(), reason="quarantined")
        assert "Nothing is submitted, so nothing can be bought." in words_of(olga.get(page(flag, "ask")))

    def test_shows_what_the_upstream_said(self, olga, over, plasma, road):
        flag = flag_of(over(), Provider.objects.get(), reason="quarantined")
        assert "the upstream is asked again" in does(olga, flag, "ask")
        assert "being asked" in words_of(olga.get(page(flag)))
        recovers(road)
        text = words_of(olga.get(page(flag)))
        assert "Mark this as lost, with 0." in text
        assert recover.NEVER_BOUGHT in text


class TestARefund:
    def test_gives_back_what_was_captured_and_closes_what_is_flagged(self, olga, acme, plasma, road):
        task = acme.submits("darkroom/plasma-video", duration=5)
        road.runs_dry()
        flag = flag_of(task, Provider.objects.get(), reason="orphan", number=2)
        assert "10 credits go back to acme, once." in words_of(olga.get(page(flag, "refund")))
        assert "10 credits refunded." in does(olga, flag, "refund")
        flag.refresh_from_db()
        task.refresh_from_db()
        assert (acme.balance, flag.ending, flag.ended_by, task.flagged) == (1000, "refunded", "olga", False)


class TestWhoMayDoIt:
    def test_a_viewer_may_look_and_nothing_else(self, vera, unknown):
        assert listed(vera) == [unknown.id]
        assert offered(vera, unknown) == set()
        for verb in VERBS:
            assert vera.get(page(unknown, verb)).status_code == 403
            assert vera.post(page(unknown, verb), {"_form_submitted": "True", "job": "1", "note": "n"}).status_code == 403
        assert not TaskEvent.objects.filter(by="vera").exists()

    @pytest.mark.parametrize(
        ("permissions", "verbs"),
        [
            (["link_flag"], {"link"}),
            (["ask_flag"], {"ask"}),
            (["lose_flag"], {"lose"}),
            (["cancel_task", "change_account"], set()),
            (["refund_task"], {"refund"}),
        ],
        ids=str,
    )
    def test_each_action_has_a_permission_of_its_own(self, operator, over, plasma, permissions, verbs):
        flag = flag_of(over(captured=3), Provider.objects.get(), reason="quarantined")
        rita = operator(*permissions)
        assert offered(rita, flag) == verbs
        assert {verb for verb in VERBS if rita.get(page(flag, verb)).status_code == 200} == verbs

    def test_who_may_not_see_outputs_sees_none_that_were_recovered(self, operator, unknown, olga, road):
        does(olga, unknown, "link", job="1")
        recovers(road)
        rita = operator()
        assert "/kept/0/" not in text_of(rita.get(page(unknown)))
        assert rita.get(f"/admin/tasks_app/flag/{unknown.id}/kept/0/").status_code == 403

    def test_nobody_without_a_login(self, client, unknown):
        for verb in VERBS:
            assert client.post(page(unknown, verb), {"_form_submitted": "True"}).url.startswith("/admin/login/")
        assert client.get(f"/admin/tasks_app/flag/{unknown.id}/kept/0/").url.startswith("/admin/login/")
