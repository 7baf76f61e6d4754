"""Operators and their groups, in the admin's own clothes: Django's screens come without them.

What a second factor is made of has no screen at all.
"""

from datetime import datetime

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext_lazy as _
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice
from unfold.admin import ModelAdmin
from unfold.decorators import action, display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from accounts import second_factor

from .deeds import do_on_page
from .pieces import NONE

admin.site.unregister((User, Group, StaticDevice, TOTPDevice))


@admin.register(User)
class OperatorAdmin(UserAdmin, ModelAdmin):
    form, add_form, change_password_form = UserChangeForm, UserCreationForm, AdminPasswordChangeForm
    list_display = ("username", "email", "roles", "is_active", "is_superuser", "second_factor", "last_login")
    prefix = ""
    actions_detail = ("forget_second_factor",)

    def get_queryset(self, request):
        has_one = Exists(TOTPDevice.objects.filter(user=OuterRef("pk"), confirmed=True))
        return super().get_queryset(request).annotate(has_one=has_one).prefetch_related("groups")

    @display(description=_("Roles"))
    def roles(self, user):
        return ", ".join(sorted(group.name for group in user.groups.all())) or NONE

    @display(description=_("Second factor"), boolean=True)
    def second_factor(self, user):
        return user.has_one

    @action(
        description=_("Take the second factor away"),
        permissions=["change"],
        dialog={
            "title": _("Take this operator's second factor away?"),
            "description": _("For a lost phone: the next sign-in is by password alone."),
            "form_submit_text": _("Take it away"),
        },
    )
    def forget_second_factor(self, request, form, object_id):
        return do_on_page(self, request, object_id, _forget_second_factor)


def _forget_second_factor(user: User, *, by: str, now: datetime) -> str:
    return _("has no second factor any more.") if second_factor.forget(user) else _("had no second factor.")


@admin.register(Group)
class OperatorGroupAdmin(GroupAdmin, ModelAdmin):
    pass
