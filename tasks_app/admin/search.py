"""Finding tasks by what an operator has at hand."""

from django.db.models import Q, QuerySet

from accounts.models import Account

from .. import ids
from ..models import Output, Task

MOST_ACCOUNTS = 100


def matching(text: str) -> Q:
    """The tasks that `text` means: by the first of these that something has.

    A public id (of the task, of one of its outputs, or the token of one of its attempts); an idempotency key; part of an
    account's name; an end user. One after the other, because together they would read the whole table each time, and only the
    last one has to: 5 s for a million tasks.
    """
    text = text.strip()
    if found := _by_id(text):
        return Q(id__in=found)
    if found := _by_key(text):
        return Q(id__in=found)
    if accounts := list(Account.objects.filter(name__icontains=text).values_list("id", flat=True)[:MOST_ACCOUNTS]):
        return Q(account__in=accounts)
    return Q(end_user=text)


def _by_id(text: str) -> list:
    if output := ids.parse("output", text):
        return list(Output.objects.filter(id=output).values_list("task_id", flat=True))
    task = ids.parse("task", text.partition("-")[0].partition("/")[0])
    return [task] if task else []


def _by_key(text: str) -> QuerySet | list:
    """Through the accounts, so that the unique index of account and key answers, once for each."""
    return list(Task.objects.filter(account__in=Account.objects.values("id"), idempotency_key=text).values_list("id", flat=True)[:50])
