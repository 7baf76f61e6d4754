"""The operator's screens for providers and models: what is saved here is checked first, and no secret is ever shown again."""

import json

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from . import credentials, health, health_page, registry
from .models import Provider, PublicModel, Route


class WriteOnly(UnfoldAdminTextareaWidget):
    """A text area that never shows what was entered, not even after an error."""

    def format_value(self, value):
        return ""


class ProviderForm(forms.ModelForm):
    adapter = forms.ChoiceField(choices=lambda: [(name, name) for name in registry.names()], widget=UnfoldAdminSelectWidget)
    new_credentials = forms.CharField(
        required=False,
        widget=WriteOnly(attrs={"rows": 3, "autocomplete": "off", "spellcheck": "false"}),
        help_text='JSON of names and secrets, as in {"api_key": "…"}. Kept sealed and never shown again; new tasks use them at '
        "once, tasks in flight end with the old ones. Empty: no change.",
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
            raise forms.ValidationError('This is not JSON. Enter names and secrets as in {"api_key": "…"}.') from None
        if not isinstance(secrets, dict) or not all(isinstance(secret, str) for secret in secrets.values()):
            raise forms.ValidationError('Enter one JSON object of names and texts, as in {"api_key": "…", "secret": "…"}.')
        secrets = {name.strip(): secret.strip() for name, secret in secrets.items()}
        if not all(secret and secret.isprintable() for secret in secrets.values()):
            raise forms.ValidationError("A secret is empty or holds a line break: it could not be sent.")
        return secrets


@admin.register(Provider)
class ProviderAdmin(ModelAdmin):
    form = ProviderForm
    list_display = ("name", "adapter", "health", "note", "failing_since", "checked_at", "max_jobs", "is_enabled")
    list_editable = ("is_enabled",)
    list_filter = ("adapter", "is_healthy", "is_enabled")
    search_fields = ("name",)
    readonly_fields = ("credentials_kept", "health", "note", "failing_since", "checked_at", *health_page.FIELDS)
    actions_detail = ("check_now",)

    def get_fieldsets(self, request, obj=None):
        told = ("health", "note", "failing_since", "checked_at", *health_page.FIELDS)
        ours = ("name", "adapter", "base_url", "credentials_kept", "new_credentials", "max_jobs", "unit_credits", "is_enabled")
        return [(None, {"fields": ours}), *([("Health", {"fields": told, "classes": ("whole-width",)})] if obj else [])]

    def has_check_permission(self, request, obj=None):
        return request.user.has_perm("providers.change_provider")

    @action(
        description="Check now",
        permissions=["check"],
        dialog={
            "title": "Check this provider now?",
            "description": "It is asked whether it can be used, which costs nothing there. If it can and its breaker is open, the next "
            "task goes as a probe at once.",
            "form_submit_text": "Check",
        },
    )
    def check_now(self, request, form, object_id):
        provider = self.get_object(request, unquote(object_id))
        if provider is None:
            raise Http404
        note = health.check_now(provider.pk, clock=timezone.now)
        self.log_change(request, provider, f"Checked: {note or 'all is well'}")
        messages.add_message(request, messages.WARNING if note else messages.SUCCESS, f"{provider}: {note or 'all is well.'}")
        url = reverse("admin:providers_provider_change", args=[provider.pk])
        # htmx, which sends the dialog, would follow a redirect itself.
        return HttpResponse(headers={"HX-Redirect": url}) if request.headers.get("HX-Request") else redirect(url)

    def has_delete_permission(self, request, obj=None):
        return False  # tasks refer to it for as long as they are kept; switched off, it drains

    @method_decorator(sensitive_post_parameters("new_credentials"))
    def changeform_view(self, request, *args, **kwargs):
        return super().changeform_view(request, *args, **kwargs)

    def save_model(self, request, obj, form, change):
        super().save_model(request, obj, form, change)
        if (secrets := form.cleaned_data.get("new_credentials")) is not None:
            credentials.rotate(obj, secrets, now=timezone.now())

    @display(description="credentials kept")
    def credentials_kept(self, obj):
        """Names only."""
        if not obj.credential_version:
            return "none"
        try:
            names = ", ".join(credentials.open(obj.pk, obj.credential_version)) or "none"
        except credentials.Unreadable as fault:
            return str(fault)
        return f"{names} (version {obj.credential_version})"

    @display(description="health", label={"healthy": "success", "failing": "danger", "not checked": "info"})
    def health(self, obj):
        if obj.checked_at is None:
            return "not checked"
        return "healthy" if obj.is_healthy else "failing"

    @display(description="note")
    def note(self, obj):
        return obj.health_note or "–"


class Indented(json.JSONEncoder):
    def __init__(self, **options):
        super().__init__(**{**options, "indent": 2})


class PublicModelForm(forms.ModelForm):
    input_schema = forms.JSONField(
        encoder=Indented,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 24, "spellcheck": "false", "style": "font-family: monospace"}),
        help_text='JSON Schema 2020-12 of the input. A file to be given is {"type": "string", "format": "media"}.',
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
        widgets = {"description": UnfoldAdminTextareaWidget(attrs={"rows": 3})}

    def clean_usage(self):
        return self.cleaned_data["usage"] or {}


PRICE = ("price", "usage")  # what settles what a task costs


class RouteInline(TabularInline):
    model = Route
    hide_title = True
    extra = 0
    fields = ("provider", "upstream_model", "priority", "weight", "cost", "max_jobs", "is_enabled")

    def has_delete_permission(self, request, obj=None):
        return False  # tasks in flight are polled by it; switched off, it takes no new ones


@admin.register(PublicModel)
class PublicModelAdmin(ModelAdmin):
    form = PublicModelForm
    inlines = [RouteInline]
    list_display = ("name", "kind", "title", "price", "typical_seconds", "is_enabled")
    list_editable = ("is_enabled",)
    list_filter = ("kind", "is_enabled")
    search_fields = ("name", "title")

    def has_delete_permission(self, request, obj=None):
        return False  # its tasks still say its name; switched off, it is offered to nobody

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
