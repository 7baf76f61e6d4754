import pytest
from django.db import IntegrityError

from accounts import credits
from accounts.models import Account, LedgerEntry

from .conftest import books, refused, settlement

pytestmark = pytest.mark.django_db


def ledger(account):
    return list(LedgerEntry.objects.filter(account=account).order_by("id").values_list("kind", "amount", "reference"))


class TestHolding:
    def test_sets_credits_aside_and_takes_a_slot(self, acme):
        assert credits.hold(acme.id, 30) == "active"
        assert books(acme) == (100, 30, 1)

    def test_a_task_at_the_cap_is_parked_with_its_credits_held(self, open_account):
        acme = open_account(max_active=1)
        assert [credits.hold(acme.id, 10), credits.hold(acme.id, 10)] == ["active", "parked"]
        assert books(acme) == (100, 20, 1)

    def test_the_last_credit_can_be_held(self, acme):
        assert credits.hold(acme.id, 100) == "active"

    def test_a_free_task_needs_no_credits(self, open_account):
        zero = open_account("zero", granted=0)
        assert credits.hold(zero.id, 0) == "active"
        assert books(zero) == (0, 0, 1)

    def test_one_credit_too_many_is_refused_and_says_what_to_do(self, acme):
        credits.hold(acme.id, 60)
        with refused(credits.InsufficientCredits) as caught:
            credits.hold(acme.id, 55)
        assert str(caught.value) == "acme has 40 credits free and this task needs 55: grant more or lower the input."
        assert (caught.value.needed, caught.value.free) == (55, 40)
        assert books(acme) == (100, 60, 1)

    def test_at_the_cap_too_few_credits_are_refused(self, open_account):
        acme = open_account(granted=10, max_active=0)
        with refused(credits.InsufficientCredits):
            credits.hold(acme.id, 11)
        assert books(acme) == (10, 0, 0)

    def test_a_disabled_account_starts_nothing(self, open_account):
        acme = open_account(is_enabled=False)
        with refused(credits.AccountDisabled):
            credits.hold(acme.id, 1)
        assert books(acme) == (100, 0, 0)

    def test_a_negative_amount_is_refused(self, acme):
        with refused(ValueError):
            credits.hold(acme.id, -1)

    def test_another_accounts_credits_stay_untouched(self, acme, open_account):
        bolt = open_account("bolt")
        credits.hold(acme.id, 30)
        assert books(bolt) == (100, 0, 0)


class TestHoldingMany:
    def test_takes_slots_first_and_parks_the_rest(self, open_account):
        acme = open_account(max_active=2)
        assert credits.hold_many(acme.id, [1, 2, 3, 4]) == ["active", "active", "parked", "parked"]
        assert books(acme) == (100, 10, 2)

    def test_ends_where_the_credits_do_not_suffice_even_if_a_later_one_would_fit(self, acme):
        assert credits.hold_many(acme.id, [60, 30, 20, 5]) == ["active", "active"]
        assert books(acme) == (100, 90, 2)

    def test_holds_nothing_where_the_first_does_not_fit(self, acme):
        assert credits.hold_many(acme.id, [101]) == []
        assert books(acme) == (100, 0, 0)

    def test_counts_the_slots_that_are_taken(self, open_account):
        acme = open_account(max_active=2)
        credits.hold(acme.id, 1)
        assert credits.hold_many(acme.id, [1, 1]) == ["active", "parked"]

    def test_a_cap_lowered_below_what_is_at_work_parks(self, open_account):
        acme = open_account(max_active=2)
        credits.hold_many(acme.id, [1, 1])
        Account.objects.filter(id=acme.id).update(max_active=1)
        assert credits.hold_many(acme.id, [1]) == ["parked"]

    def test_a_disabled_account_starts_nothing(self, open_account):
        acme = open_account(is_enabled=False)
        with refused(credits.AccountDisabled):
            credits.hold_many(acme.id, [1])

    def test_one_negative_amount_refuses_all(self, acme):
        with refused(ValueError):
            credits.hold_many(acme.id, [5, -1])
        assert books(acme) == (100, 0, 0)


class TestSettling:
    def test_spends_what_was_captured_and_frees_the_rest(self, acme, now):
        credits.hold(acme.id, 30)
        credits.settle([settlement(acme, held=30, captured=20)], now=now)
        assert books(acme) == (80, 0, 0)
        assert ledger(acme) == [("grant", 100, None), ("capture", -20, "task_1")]

    def test_a_release_leaves_no_ledger_entry(self, acme, now):
        credits.hold(acme.id, 30)
        credits.settle([settlement(acme, held=30)], now=now)
        assert books(acme) == (100, 0, 0)
        assert ledger(acme) == [("grant", 100, None)]

    def test_a_parked_task_gives_back_no_slot(self, open_account, now):
        acme = open_account(max_active=1)
        credits.hold_many(acme.id, [5, 5])
        credits.settle([settlement(acme, held=5, had_slot=False)], now=now)
        assert books(acme) == (100, 5, 1)

    def test_a_batch_over_many_accounts_reaches_each(self, open_account, now):
        accounts = [open_account(name) for name in ("acme", "bolt", "zero")]
        batch = []
        for number in range(6):
            account = accounts[number % 3]
            credits.hold(account.id, 10)
            batch.append(settlement(account, held=10, captured=number, reference=f"task_{number}"))
        credits.settle(reversed(batch), now=now)
        assert [books(account) for account in accounts] == [(97, 0, 0), (95, 0, 0), (93, 0, 0)]
        assert [credits.verify(account.id) for account in accounts] == [[], [], []]

    def test_nothing_to_settle_is_fine(self, now):
        credits.settle([], now=now)

    @pytest.mark.parametrize(("held", "captured"), [(5, 6), (5, -1), (0, 1)])
    def test_more_than_was_held_can_never_be_captured(self, held, captured):
        with pytest.raises(ValueError, match="task_9"):
            credits.Settlement(1, "task_9", held=held, captured=captured, had_slot=True)

    def test_the_database_itself_refuses_to_capture_a_task_twice(self, acme, now):
        credits.hold_many(acme.id, [10, 10])
        credits.settle([settlement(acme, held=10, captured=10)], now=now)
        with refused(IntegrityError):
            credits.settle([settlement(acme, held=10, captured=10)], now=now)
        assert books(acme) == (90, 10, 1)

    def test_the_database_itself_refuses_to_free_what_was_not_held(self, acme, now):
        with refused(IntegrityError):
            credits.settle([settlement(acme, held=1, had_slot=False)], now=now)
        assert books(acme) == (100, 0, 0)

    def test_the_database_itself_refuses_to_give_back_a_slot_too_many(self, acme, now):
        with refused(IntegrityError):
            credits.settle([settlement(acme, held=0, had_slot=True)], now=now)
        assert books(acme) == (100, 0, 0)

    def test_a_missing_account_undoes_the_batch(self, acme, now):
        credits.hold(acme.id, 10)
        lost = credits.Settlement(acme.id + 1000, "task_2", held=1, captured=1, had_slot=True)
        with refused(Account.DoesNotExist):
            credits.settle([settlement(acme, held=10, captured=10), lost], now=now)
        assert books(acme) == (100, 10, 1)
        assert ledger(acme) == [("grant", 100, None)]


class TestTakingASlot:
    def test_is_granted_below_the_cap_only(self, open_account):
        acme = open_account(max_active=1)
        assert [credits.take_slot(acme.id), credits.take_slot(acme.id)] == [True, False]
        assert books(acme) == (100, 0, 1)


class TestTheOperatorMovesCredits:
    def test_a_grant_says_who_and_why(self, acme, now):
        credits.grant(acme.id, 50, by="olga", note="invoice 7", now=now)
        entry = LedgerEntry.objects.latest("id")
        assert (entry.kind, entry.amount, entry.by, entry.note, entry.created_at) == ("grant", 50, "olga", "invoice 7", now)
        assert books(acme) == (150, 0, 0)

    @pytest.mark.parametrize("amount", [0, -5])
    def test_a_grant_is_of_one_credit_or_more(self, acme, now, amount):
        with refused(ValueError):
            credits.grant(acme.id, amount, by="olga", note="", now=now)

    def test_an_adjustment_goes_both_ways(self, acme, now):
        credits.adjust(acme.id, -30, by="olga", note="counted twice", now=now)
        credits.adjust(acme.id, 5, by="olga", note="not quite", now=now)
        assert books(acme) == (75, 0, 0)
        assert ledger(acme)[1:] == [("adjust", -30, None), ("adjust", 5, None)]

    def test_what_tasks_have_set_aside_cannot_be_taken(self, acme, now):
        credits.hold(acme.id, 60)
        with refused(ValueError) as caught:
            credits.adjust(acme.id, -41, by="olga", note="", now=now)
        assert str(caught.value) == "acme has 40 credits free: 41 cannot be taken."
        assert books(acme) == (100, 60, 1)
        assert ledger(acme) == [("grant", 100, None)]

    def test_an_adjustment_by_nothing_is_refused(self, acme, now):
        with refused(ValueError):
            credits.adjust(acme.id, 0, by="olga", note="", now=now)

    def test_a_missing_account_is_granted_nothing(self, acme, now):
        with refused(Account.DoesNotExist):
            credits.grant(acme.id + 1000, 5, by="olga", note="", now=now)
        assert LedgerEntry.objects.count() == 1


class TestRefunding:
    @pytest.fixture
    def spent(self, acme, now):
        credits.hold(acme.id, 30)
        credits.settle([settlement(acme, held=30, captured=30)], now=now)
        return acme

    def test_gives_back_what_was_captured(self, spent, now):
        credits.refund(spent.id, 12, reference="task_1", by="olga", now=now)
        assert books(spent) == (82, 0, 0)
        assert ledger(spent)[-1] == ("refund", 12, "task_1")

    def test_says_who_did_it_and_why(self, spent, now):
        credits.refund(spent.id, 12, reference="task_1", by="olga", note="green faces", now=now)
        entry = LedgerEntry.objects.latest("id")
        assert (entry.by, entry.note) == ("olga", "green faces")

    @pytest.mark.parametrize("amount", [31, 0, -1])
    def test_never_more_than_was_captured(self, spent, now, amount):
        with refused(ValueError):
            credits.refund(spent.id, amount, reference="task_1", by="olga", now=now)

    def test_a_task_is_refunded_once(self, spent, now):
        credits.refund(spent.id, 10, reference="task_1", by="olga", now=now)
        with refused(IntegrityError):
            credits.refund(spent.id, 10, reference="task_1", by="olga", now=now)
        assert books(spent) == (80, 0, 0)

    def test_another_accounts_task_is_not_refunded(self, spent, open_account, now):
        bolt = open_account("bolt")
        with refused(ValueError):
            credits.refund(bolt.id, 10, reference="task_1", by="olga", now=now)


class TestVerifying:
    def test_an_account_without_entries_adds_up(self, open_account):
        assert credits.verify(open_account(granted=0).id) == []

    def test_a_balance_that_the_ledger_does_not_explain_is_named(self, acme):
        Account.objects.filter(id=acme.id).update(balance=107)
        assert credits.verify(acme.id) == ["acme has a balance of 107 credits, but its ledger sums to 100."]


class TestStatements:
    """The account row is the hottest one: each further statement is a round trip under its lock."""

    def test_a_hold_with_a_slot_is_one(self, acme, django_assert_num_queries):
        with django_assert_num_queries(1):
            credits.hold(acme.id, 1)

    def test_a_parked_hold_is_two(self, open_account, django_assert_num_queries):
        acme = open_account(max_active=0)
        with django_assert_num_queries(2):
            credits.hold(acme.id, 1)

    def test_a_refused_hold_is_three(self, acme, django_assert_num_queries):
        with django_assert_num_queries(3), pytest.raises(credits.InsufficientCredits):
            credits.hold(acme.id, 101)

    def test_a_hold_of_a_thousand_is_two(self, open_account, django_assert_num_queries):
        acme = open_account(granted=1000)
        with django_assert_num_queries(2):
            assert len(credits.hold_many(acme.id, [1] * 1000)) == 1000

    def test_settling_is_one_for_the_ledger_and_one_per_account(self, open_account, now, django_assert_num_queries):
        accounts = [open_account(name) for name in ("acme", "bolt")]
        batch = []
        for number in range(100):
            account = accounts[number % 2]
            credits.hold(account.id, 1)
            batch.append(settlement(account, held=1, captured=1, reference=f"task_{number}"))
        with django_assert_num_queries(3):
            credits.settle(batch, now=now)
