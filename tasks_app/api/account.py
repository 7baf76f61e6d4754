"""The account: its credits and caps."""

from accounts.models import Account

from . import contract
from .answer import Answer
from .view import PRIVATE, View


class TheAccount(View):
    @contract.read_account
    def get(self, request):
        account = Account.objects.get(id=request.user.account_id)
        body = {
            "object": "account",
            "name": account.name,
            "balance": account.balance,
            "held": account.held,
            "free": account.balance - account.held,
            "active": account.active,
            "max_active": account.max_active,
        }
        return Answer(body, headers=PRIVATE)
