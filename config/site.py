"""The operators' site: who may come in, and the page on which they set up their second factor."""

import segno
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.contrib.auth.models import User
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.decorators import method_decorator
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.i18n import set_language
from django_otp import login as verified_by
from unfold.sites import UnfoldAdminSite

from accounts import second_factor


class Site(UnfoldAdminSite):
    def has_permission(self, request):
        return super().has_permission(request) and second_factor.is_satisfied(request.user)

    def login(self, request, extra_context=None):
        """Who has signed in by password, and must have a second factor, is led to where one is set up."""
        is_half_in = self._is_operator(request) and not self.has_permission(request)
        if request.method == "GET" and is_half_in and not second_factor.has_one(request.user):
            return redirect("admin:second_factor")
        return super().login(request, extra_context)

    def extra_urls(self):
        return [
            path("second-factor/", self.second_factor, name="second_factor"),
            path("language/", set_language, name="language"),
        ]

    @method_decorator([never_cache, sensitive_post_parameters("code")])
    def second_factor(self, request):
        """For oneself only: set up, make new recovery codes, take away."""
        has_one = self._is_operator(request) and second_factor.has_one(request.user)
        if not self._is_operator(request) or (has_one and not request.user.is_verified()):
            return redirect(f"{self.name}:login")
        form = second_factor.CodeForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            do = self._change if has_one else self._set_up
            if answer := do(request, form):
                return answer
        return self._page(request, form=form)

    def _set_up(self, request, form):
        device = second_factor.confirm(request.user, form.cleaned_data["code"])
        if device is None:
            form.add_error("code", _("This is not the code that your app should show now. Is its clock right?"))
            return None
        verified_by(request, device)
        return self._codes(request, "Set up a second factor.")

    def _change(self, request, form):
        if not second_factor.matches(request.user, form.cleaned_data["code"]):
            form.add_error("code", _("This code is wrong, was used before, or came too soon after a wrong one."))
            return None
        if "remove" not in request.POST:
            return self._codes(request, "Made new recovery codes.")
        second_factor.forget(request.user)
        self._record(request, "Took the second factor away.")
        messages.success(request, _("You have no second factor any more."))
        return redirect("admin:second_factor")

    def _codes(self, request, deed: str):
        self._record(request, deed)
        return self._page(request, codes=second_factor.new_recovery_codes(request.user))

    def _page(self, request, **facts):
        if not second_factor.has_one(request.user):
            url = second_factor.to_confirm(request.user).config_url
            facts |= {"secret": url.partition("secret=")[2].partition("&")[0], "picture": _picture(url)}
        facts["codes_left"] = second_factor.recovery_codes_left(request.user)
        context = {**self.each_context(request), "title": _("Second factor"), **facts}
        if not self.has_permission(request):
            context["available_apps"] = []
        return TemplateResponse(request, "admin/second_factor.html", context)

    def _record(self, request, deed: str) -> None:
        self.get_model_admin(User).log_change(request, request.user, deed)

    def _is_operator(self, request) -> bool:
        return AdminSite.has_permission(self, request)


def _picture(url: str) -> str:
    return mark_safe(segno.make(url, error="m").svg_inline(scale=5, border=2, light="#fff", omitsize=True))
