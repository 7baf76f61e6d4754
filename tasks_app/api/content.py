"""The bytes of an object: who may have them. What is sent, and how, is for tasks_app/content.py to say."""

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import Model
from rest_framework.permissions import IsAuthenticated

from ..storage import links
from . import problems
from .view import View, id_in


class KeyOrSignature(IsAuthenticated):
    """An API key, or a link that we signed: `?signature=`."""

    def has_permission(self, request, view) -> bool:
        return super().has_permission(request, view) or view.is_signed()


class ContentView(View):
    """An endpoint that sends bytes of an object, a `KIND`, that is kept in `TABLE`."""

    KIND: ClassVar[str]
    TABLE: ClassVar[type[Model]]
    PARAMETERS: ClassVar = ("signature",)

    permission_classes = (KeyOrSignature,)

    def refuse_other_forms(self, request):
        """The type is the file's own, so the Accept header is not asked."""

    def is_signed(self) -> bool:
        signature = self.request.GET.get("signature")
        return signature is not None and links.is_signed(self.KIND, self.id(), signature)

    def id(self) -> UUID:
        return id_in(self.KIND, self.kwargs["id"])

    def own(self) -> Any:
        """The object, if it is the caller's or the link to it is signed; raises Problem."""
        rows = self.TABLE.objects.filter(id=self.id())
        found = (rows if self.is_signed() else rows.filter(account_id=self.request.user.account_id)).first()
        if found is None:
            raise problems.missing()
        return found
