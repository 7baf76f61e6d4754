from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts import keys
from accounts.models import Account, ApiKey, LedgerEntry

from .conftest import books

pytestmark = pytest.mark.django_db


def create_account(*arguments):
    out = StringIO()
    call_command("create_account", *arguments, stdout=out)
    return out.getvalue()


class TestANewAccount:
    def test_has_its_credits_and_a_key_that_works(self):
        key = create_account("acme", "--credits", "500").splitlines()[-1]
        account = Account.objects.get(name="acme")
        assert books(account) == (500, 0, 0)
        assert keys.find(key, now=timezone.now()).account_id == account.id

    def test_the_output_says_what_was_done_and_ends_with_the_key_alone(self):
        *said, key = create_account("acme", "--credits", "500", "--max-active", "7").splitlines()
        assert keys.SHAPE.fullmatch(key)
        assert said == [
            "Created the account acme with 500 credits, at most 7 tasks at work at once.",
            "Its API key, shown only now:",
        ]

    def test_the_ledger_tells_where_the_credits_came_from(self):
        create_account("acme", "--credits", "500")
        entry = LedgerEntry.objects.get()
        assert (entry.kind, entry.amount, entry.by) == ("grant", 500, "create_account")
        assert timezone.now() - entry.created_at < timedelta(minutes=1)

    def test_may_start_without_credits(self):
        create_account("acme", "--credits", "0")
        assert books(Account.objects.get()) == (0, 0, 0)


class TestWhatCannotBeCreated:
    def test_a_name_that_exists_says_what_to_do_and_changes_nothing(self):
        create_account("acme", "--credits", "5")
        with pytest.raises(CommandError, match="There is an account acme already: choose another name, or open it in the admin"):
            create_account("acme", "--credits", "5")
        assert (books(Account.objects.get()), ApiKey.objects.count()) == ((5, 0, 0), 1)

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["acme", "--credits", "-1"], "less than 0 credits"),
            (["", "--credits", "1"], "name: "),
            (["x" * 101, "--credits", "1"], "name: "),
            (["acme", "--credits", "1", "--max-active", "-1"], "max_active: "),
            (["acme"], "--credits"),
            (["acme", "--credits", "many"], "--credits"),
        ],
    )
    def test_says_what_is_wrong(self, arguments, said):
        with pytest.raises(CommandError, match=said):
            create_account(*arguments)
        assert not Account.objects.exists()
