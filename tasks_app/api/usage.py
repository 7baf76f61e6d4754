"""Usage: an account's tasks counted, and their credits summed, by day, model, kind or end user."""

from datetime import UTC, date, datetime, time, timedelta
from typing import ClassVar

from django.db.models import Count, Q, Sum
from django.db.models.functions import Coalesce, TruncDate
from django.utils import timezone

from ..ids import first_of
from ..models import Task
from . import contract, filters, period
from .answer import Answer
from .view import PRIVATE, View

ENDS = ("succeeded", "failed", "canceled", "expired")
MOST_LINES = 10_000


class Usage(View):
    PARAMETERS: ClassVar = ("from", "to", "by")

    @contract.read_usage
    def get(self, request):
        asked = period.read(request.query_params, today=timezone.now().date())
        lines = _lines(request.user.account_id, asked)
        body = {
            "object": "usage",
            "from": asked.first,
            "to": asked.last,
            "by": asked.by,
            "data": lines[:MOST_LINES],
            "has_more": len(lines) > MOST_LINES,
        }
        return Answer(body, headers=PRIVATE)


def _lines(account_id: int, asked: period.Period) -> list[dict]:
    """One line for each group of the tasks created in the period, counted and summed by the database."""
    start, end = _midnight(asked.first), _midnight(asked.last + timedelta(days=1))
    tasks = Task.objects.filter(account=account_id, created_at__gte=start, created_at__lt=end).filter(
        id__gte=first_of(start - filters.SKEW), id__lt=first_of(end + filters.SKEW)
    )
    columns = [name for name in asked.by if name != "day"]
    days = {"day": TruncDate("created_at", tzinfo=UTC)} if "day" in asked.by else {}
    counts = {end: Count("id", filter=Q(status=end)) for end in ENDS}
    grouped = tasks.values(*columns, **days).annotate(tasks=Count("id"), **counts, credits=Coalesce(Sum("captured"), 0))
    return list(grouped.order_by(*asked.by)[: MOST_LINES + 1])


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
