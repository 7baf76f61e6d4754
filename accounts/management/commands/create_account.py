"""`manage.py create_account acme --credits 1000`: an account, its first credits and its first key."""

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from accounts import credits, keys
from accounts.models import Account


class Command(BaseCommand):
    help = "Creates an account and prints its API key alone on the last line; the key is kept nowhere and cannot be shown again."

    def add_arguments(self, parser):
        parser.add_argument("name", help="what the account is called")
        parser.add_argument("--credits", type=int, required=True, metavar="N", help="credits granted to begin with")
        parser.add_argument("--max-active", type=int, metavar="M", help="tasks at work at once; further ones wait (100)")

    def handle(self, *, name, credits, max_active, **options):
        account = Account(name=name) if max_active is None else Account(name=name, max_active=max_active)
        self._check(account, credits)
        key = self._create(account, credits)
        self.stdout.write(
            f"Created the account {account.name} with {credits} credits, at most {account.max_active} tasks at work at once.\n"
            f"Its API key, shown only now:"
        )
        self.stdout.write(key)

    def _check(self, account, granted):
        if granted < 0:
            raise CommandError(f"--credits {granted}: an account cannot start with less than 0 credits.")
        if Account.objects.filter(name=account.name).exists():
            raise CommandError(
                f"There is an account {account.name} already: choose another name, "
                "or open it in the admin to grant credits or make another key."
            )
        try:
            account.full_clean()
        except ValidationError as fault:
            raise CommandError(" ".join(f"{field}: {' '.join(said)}" for field, said in fault.message_dict.items())) from None

    def _create(self, account, granted):
        """Write account, grant and key, all or none; returns the key."""
        now = timezone.now()
        with transaction.atomic():
            account.save()
            if granted:
                credits.grant(account.id, granted, by="create_account", note="first credits", now=now)
            return keys.make(account, "first", now=now)[1]
