"""Puts tasks of the past into a Darkroom that runs, as a process of its own: `python -m tests.journeys.studio_past ACCOUNT`."""

import sys
from datetime import UTC, datetime, timedelta

import django

COUNT = 50


def put(account_name: str) -> None:
    from accounts.models import Account
    from tasks_app import ids
    from tasks_app.models import Task

    account, now = Account.objects.get(name=account_name), datetime.now(UTC)
    for number in range(COUNT):
        made_at = now - timedelta(days=1, minutes=number)
        Task.objects.create(
            id=ids.first_of(made_at),
            account_id=account.id,
            kind="image.generate",
            model="darkroom/test-card-image",
            status="expired",
            lane="darkroom/test-card-image",
            input={"prompt": f"old {number}"},
            request_hash=b"",
            deadline_at=made_at,
            created_at=made_at,
            updated_at=made_at,
            finished_at=made_at,
        )


if __name__ == "__main__":
    django.setup()
    put(sys.argv[1])
