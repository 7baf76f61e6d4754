"""An operator's second factor: a code from an app on their phone (TOTP), or one of ten recovery codes, each good once.

django-otp keeps both, refuses a code that was used before, and makes whoever guesses wait longer each time. No screen shows what it keeps.
"""

from django import forms
from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.contrib.auth.signals import user_login_failed
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext_lazy as _
from django_otp import devices_for_user, match_token
from django_otp.models import Device
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice
from unfold.forms import AuthenticationForm
from unfold.widgets import UnfoldAdminTextInputWidget

RECOVERY_CODES = 10


class CodeField(forms.CharField):
    """As people type it: with blanks, and in capitals."""

    def __init__(self, **options):
        widget = UnfoldAdminTextInputWidget(attrs={"autocomplete": "one-time-code", "spellcheck": "false"})
        super().__init__(label=_("Code"), max_length=20, widget=widget, **options)

    def to_python(self, value):
        return "".join(super().to_python(value).split()).lower()


class SignInForm(AuthenticationForm):
    """Name, password and, for whoever has a second factor, a code. A wrong code counts as a failed sign-in."""

    code = CodeField(required=False, help_text=_("From your app, or a recovery code. Empty if you have no second factor."))

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if settings.ADMIN_TWO_FACTOR == "off":
            del self.fields["code"]

    def confirm_login_allowed(self, user):
        super().confirm_login_allowed(user)
        if settings.ADMIN_TWO_FACTOR == "off" or not has_one(user):
            return
        if not (code := self.cleaned_data.get("code")):
            raise ValidationError(_("Enter the code from your app too, or a recovery code."), code="no_code")
        user.otp_device = match_token(user, code)
        if user.otp_device is None:
            # As a wrong password is: so guesses at codes lock the name as well.
            user_login_failed.send(__name__, credentials={"username": user.get_username()}, request=self.request)
            raise ValidationError(_("This code is wrong, was used before, or came too soon after a wrong one."), code="wrong_code")


class CodeForm(forms.Form):
    code = CodeField(help_text=_("The six digits that your app shows now."))


def is_satisfied(user) -> bool:
    """Whether this session may see the admin: it has shown a second factor, or need not."""
    if settings.ADMIN_TWO_FACTOR == "off" or user.is_verified():
        return True
    return settings.ADMIN_TWO_FACTOR == "optional" and not has_one(user)


def has_one(user) -> bool:
    """Asked once for each request."""
    if not hasattr(user, "has_second_factor"):
        user.has_second_factor = TOTPDevice.objects.devices_for_user(user, confirmed=True).exists()
    return user.has_second_factor


def to_confirm(user: AbstractBaseUser) -> TOTPDevice:
    """The app that is being set up; a page that is opened again shows the same secret."""
    device, _ = TOTPDevice.objects.get_or_create(user=user, confirmed=False, defaults={"name": "app"})
    return device


def confirm(user: AbstractBaseUser, code: str) -> TOTPDevice | None:
    """Make the app that shows `code` the second factor; None where it is a wrong one."""
    with transaction.atomic():
        device = TOTPDevice.objects.select_for_update().filter(user=user, confirmed=False).first()
        if device is None or not device.verify_token(code):
            return None
        device.confirmed = True
        device.save()
    user.has_second_factor = True
    return device


def new_recovery_codes(user: AbstractBaseUser) -> list[str]:
    """Fresh ones, to be shown once; the old ones are void."""
    with transaction.atomic():
        device, _ = StaticDevice.objects.get_or_create(user=user, defaults={"name": "recovery"})
        device.token_set.all().delete()
        codes = [StaticToken.random_token() for _ in range(RECOVERY_CODES)]
        StaticToken.objects.bulk_create([StaticToken(device=device, token=code) for code in codes])
    return codes


def recovery_codes_left(user: AbstractBaseUser) -> int:
    return StaticToken.objects.filter(device__user=user).count()


def matches(user: AbstractBaseUser, code: str) -> Device | None:
    return match_token(user, code)


def forget(user: AbstractBaseUser) -> bool:
    """Take the second factor and the recovery codes away; whether there were any."""
    with transaction.atomic():
        found = list(devices_for_user(user, confirmed=None))
        for device in found:
            device.delete()
    user.has_second_factor = False
    return any(device.confirmed for device in found)
