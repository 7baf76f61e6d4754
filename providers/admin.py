"""The operator's screens for providers and models: what is saved here is checked first, and no secret is ever shown again."""

import json

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from . import credentials, health, health_page, registry
from .models import Provider, PublicModel, Route
from .quote_form import QuoteForm


class WriteOnly(UnfoldAdminTextareaWidget):
    """A text area that never shows what was entered, not even after an error."""

    def format_value(self, value):
        return ""


class ProviderForm(forms.ModelForm):
    adapter = forms.ChoiceField(choices=lambda: [(name, name) for name in registry.names()], widget=UnfoldAdminSelectWidget)
    new_credentials = forms.CharField(
        required=False,
        widget=WriteOnly(attrs={"rows": 3, "autocomplete": "off", "spellcheck": "false"}),
        help_text=_(
            'JSON of names and secrets, as in {"api_key": "…"}. Kept sealed and never shown again; new tasks use them at '
            "once, tasks in flight end with the old ones. Empty: no change."
        ),
    )

    class Meta:
        model = Provider
        fields = ("name", "adapter", "base_url", "max_jobs", "unit_credits", "is_enabled")

    def clean_new_credentials(self) -> dict[str, str] | None:
        """Names and secrets, without the blanks that pasting leaves at the ends; None: no change. No error quotes what was entered."""
        text = self.cleaned_data["new_credentials"]
        if not text:
            return None
        try:
            secrets = json.loads(text)
        except ValueError:
            raise forms.ValidationError(_('This is not JSON. Enter names and secrets as in {"api_key": "…"}.')) from None
        if not isinstance(secrets, dict) or not all(isinstance(secret, str) for secret in secrets.values()):
            raise forms.ValidationError(_('Enter one JSON object of names and texts, as in {"api_key": "…", "secret": "…"}.'))
        secrets = {name.strip(): secret.strip() for name, secret in secrets.items()}
        if not all(secret and secret.isprintable() for secret in secrets.values()):
            raise forms.ValidationError(_("A secret is empty or holds a line break: it could not be sent."))
        return secrets


class SwitchedInTheList(ModelAdmin):
    """Rows that are switched on and off in their list, by a box that says so to who does not see the column's head."""

    list_editable = ("is_enabled",)

    def get_changelist_formset(self, request, **options):
        formset = super().get_changelist_formset(request, **options)
        formset.form.base_fields["is_enabled"].widget.attrs["aria-label"] = _("is enabled")
        return formset


@admin.register(Provider)
class ProviderAdmin(SwitchedInTheList):
    form = ProviderForm
    list_display = ("name", "adapter", "health", "note", "failing_since", "checked_at", "max_jobs", "is_enabled")
    list_filter = ("adapter", "is_healthy", "is_enabled")
    search_fields = ("name",)
    readonly_fields = ("credentials_kept", "health", "note", "failing_since", "checked_at", *health_page.FIELDS)
    actions_detail = ("check_now", "drain", "take_up")

    def get_fieldsets(self, request, obj=None):
        told = ("health", "note", "failing_since", "checked_at", *health_page.FIELDS)
        ours = ("name", "adapter", "base_url", "credentials_kept", "new_credentials", "max_jobs", "unit_credits", "is_enabled")
        return [(None, {"fields": ours}), *([(_("Health"), {"fields": told, "classes": ("wide-values",)})] if obj else [])]

    def has_check_permission(self, request, obj=None):
        return request.user.has_perm("providers.ask_provider")

    @action(
        description=_("Check now"),
        permissions=["check"],
        dialog={
            "title": _("Check this provider now?"),
            "description": _(
                "It is asked whether it can be used, which costs nothing there. If it can and its breaker is open, the next task goes as a "
                "probe at once."
            ),
            "form_submit_text": _("Check"),
        },
    )
    def check_now(self, request, form, object_id):
        provider = get_object_or_404(Provider, pk=object_id)
        note = health.check_now(provider.pk, clock=timezone.now)
        self.log_change(request, provider, f"Checked: {note or 'all is well'}")
        messages.add_message(request, messages.WARNING if note else messages.SUCCESS, f"{provider}: {note or _('all is well.')}")
        return back_to(request, provider)

    def has_delete_permission(self, request, obj=None):
        return False  # tasks refer to it for as long as they are kept; switched off, it drains

    def get_actions_detail(self, request, object_id):
        """Of drain and take_up, the one that would change something."""
        provider = self.get_object(request, unquote(object_id))
        useless = "drain" if provider and not provider.is_enabled else "take_up"
        return [one for one in super().get_actions_detail(request, object_id) if one.path != useless]

    @action(
        description=_("Drain"),
        permissions=["change"],
        dialog={
            "title": _("Drain this provider?"),
            "description": _("It gets no new jobs; those that it has are polled to their end."),
            "form_submit_text": _("Drain"),
        },
    )
    def drain(self, request, form, object_id):
        return self._switch(request, object_id, is_enabled=False)

    @action(
        description=_("Take up again"),
        permissions=["change"],
        dialog={"title": _("Give this provider new jobs?"), "form_submit_text": _("Take up again")},
    )
    def take_up(self, request, form, object_id):
        return self._switch(request, object_id, is_enabled=True)

    def _switch(self, request, object_id, *, is_enabled: bool):
        provider = get_object_or_404(Provider, pk=object_id)
        Provider.objects.filter(pk=provider.pk).update(is_enabled=is_enabled)
        self.log_change(request, provider, "Taken up again." if is_enabled else "Drained.")
        said = _("%(provider)s gets new jobs.") if is_enabled else _("%(provider)s gets no new jobs.")
        messages.success(request, said % {"provider": provider})
        return back_to(request, provider)

    @method_decorator(sensitive_post_parameters("new_credentials"))
    def changeform_view(self, request, *args, **kwargs):
        return super().changeform_view(request, *args, **kwargs)

    def save_model(self, request, obj, form, change):
        super().save_model(request, obj, form, change)
        if (secrets := form.cleaned_data.get("new_credentials")) is not None:
            credentials.rotate(obj, secrets, now=timezone.now())

    @display(description=_("credentials kept"))
    def credentials_kept(self, obj):
        """Names only."""
        if not obj.credential_version:
            return _("none")
        try:
            names = ", ".join(credentials.open(obj.pk, obj.credential_version)) or _("none")
        except credentials.Unreadable as fault:
            return str(fault)
        return _("{names} (version {version})").format(names=names, version=obj.credential_version)

    @display(description=_("health"), label={"healthy": "success", "failing": "danger", "not checked": "info"})
    def health(self, obj):
        word = "not checked" if obj.checked_at is None else "healthy" if obj.is_healthy else "failing"
        return word, _(word)

    @display(description=_("note"))
    def note(self, obj):
        return obj.health_note or "–"


class Indented(json.JSONEncoder):
    def __init__(self, **options):
        super().__init__(**{**options, "indent": 2})


class PublicModelForm(forms.ModelForm):
    input_schema = forms.JSONField(
        encoder=Indented,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 24, "spellcheck": "false", "style": "font-family: monospace"}),
        help_text=_('JSON Schema 2020-12 of the input. A file to be given is {"type": "string", "format": "media"}.'),
    )

    usage = forms.JSONField(
        required=False,
        encoder=Indented,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3, "spellcheck": "false", "style": "font-family: monospace"}),
        help_text=PublicModel._meta.get_field("usage").help_text,
    )

    class Meta:
        model = PublicModel
        fields = "__all__"  # noqa: DJ007 - every column is the operator's
        widgets = dict.fromkeys(("description", "description_zh"), UnfoldAdminTextareaWidget(attrs={"rows": 3}))

    def clean_usage(self):
        return self.cleaned_data["usage"] or {}


QUOTE = {"title": _("What would it cost?"), "form_class": QuoteForm, "form_submit_text": _("Quote")}
PRICE = ("price", "usage")  # what settles what a task costs


class RouteInline(TabularInline):
    model = Route
    hide_title = True
    extra = 0
    fields = ("provider", "upstream_model", "priority", "weight", "cost", "max_jobs", "is_enabled")

    def has_delete_permission(self, request, obj=None):
        return False  # tasks in flight are polled by it; switched off, it takes no new ones

    def formfield_for_dbfield(self, db_field, request, **options):
        """A column's head is no label to who does not see it."""
        field = super().formfield_for_dbfield(db_field, request, **options)
        field.widget.attrs["aria-label"] = field.label
        return field

    def formfield_for_foreignkey(self, db_field, request, **options):
        """With its choices read once, and not for each route."""
        field = super().formfield_for_foreignkey(db_field, request, **options)
        field.choices = list(field.choices)
        return field


@admin.register(PublicModel)
class PublicModelAdmin(SwitchedInTheList):
    form = PublicModelForm
    inlines = [RouteInline]
    actions_detail = ("quote",)
    list_display = ("name", "kind", "title", "price", "typical_seconds", "is_enabled")
    list_filter = ("kind", "is_enabled")
    search_fields = ("name", "title", "title_zh")

    def has_delete_permission(self, request, obj=None):
        return False  # its tasks still say its name; switched off, it is offered to nobody

    @action(description=_("Try a quote"), permissions=["view"], dialog=QUOTE)
    def quote(self, request, form, object_id):
        """The dialog again, with what it comes to."""
        return render(request, "unfold/helpers/dialog.html", {"dialog": QUOTE, "form": form, "form_submit_text": QUOTE["form_submit_text"]})

    def has_change_permission(self, request, obj=None):
        return super().has_change_permission(request, obj) or request.user.has_perm("providers.price_publicmodel")

    def get_readonly_fields(self, request, obj=None):
        """Who may change the price alone sees the rest."""
        if obj is None or super().has_change_permission(request, obj):
            return ()
        return [field.name for field in self.opts.fields if field.name not in PRICE and not field.primary_key]

    def get_changelist_instance(self, request):
        """To switch a model on or off in the list is no change of its price."""
        changelist = super().get_changelist_instance(request)
        if not super().has_change_permission(request):
            changelist.list_editable = ()
        return changelist


def back_to(request, provider):
    """To its page: by header where htmx sent the dialog (it would follow a redirect itself), else by redirect."""
    url = reverse("admin:providers_provider_change", args=[provider.pk])
    return HttpResponse(headers={"HX-Redirect": url}) if request.headers.get("HX-Request") else redirect(url)
