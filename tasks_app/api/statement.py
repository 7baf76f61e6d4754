"""The statement: an account's month as CSV."""

from typing import ClassVar

from django.utils import timezone

from accounts import statement
from accounts.models import Account
from accounts.statement import Month

from . import contract, problems
from .answer import refuse_other_forms
from .view import PRIVATE, View

TAKES_CSV = ("*/*", "text/*", "text/csv")


class Statement(View):
    PARAMETERS: ClassVar = ("month",)

    @contract.read_statement
    def get(self, request):
        now = timezone.now()
        month = _month(request.query_params) or Month.of(now)
        account = Account.objects.only("name").get(id=request.user.account_id)
        self.headers = {**self.headers, **PRIVATE}
        return statement.answer(account, month, now=now, has_body=request.method != "HEAD")

    def refuse_other_forms(self, request):
        refuse_other_forms(request.META.get("HTTP_ACCEPT", "*/*"), form="text/csv", taken_by=TAKES_CSV)


def _month(params) -> Month | None:
    try:
        return Month.read(params["month"]) if "month" in params else None
    except ValueError as fault:
        raise problems.invalid([("month", str(fault))]) from None
