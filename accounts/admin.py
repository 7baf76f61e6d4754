"""The operator's view of accounts, keys and the ledger.

What credits.py writes is shown and never edited here. Whatever changes credits or keys asks for a click in a dialog,
which is a POST, and calls the function that everything else calls, with the operator's name.
"""

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextInputWidget

from . import credits, keys
from .models import Account, ApiKey, LedgerEntry


class NoteField(forms.CharField):
    def __init__(self):
        super().__init__(max_length=200, widget=UnfoldAdminTextInputWidget, help_text="Why; it stays in the ledger.")


class GrantForm(BaseDialogForm):
    amount = forms.IntegerField(min_value=1, label="Credits", widget=UnfoldAdminIntegerFieldWidget)
    note = NoteField()


class AdjustForm(BaseDialogForm):
    amount = forms.IntegerField(label="Credits", help_text="Below 0 to take some away.", widget=UnfoldAdminIntegerFieldWidget)
    note = NoteField()


class NewKeyForm(BaseDialogForm):
    name = forms.CharField(max_length=100, widget=UnfoldAdminTextInputWidget, help_text="Who or what will use it.")


class Keys(TabularInline):
    """An account's keys, to look at: "New key" above makes one, and a key's own page revokes it."""

    model = ApiKey
    fields = readonly_fields = ("prefix", "name", "created_at", "last_used_at", "revoked_at")
    ordering = ("-id",)
    show_change_link = True
    extra = 0
    can_delete = False

    def has_add_permission(self, request, obj=None):
        return False

    def has_change_permission(self, request, obj=None):
        return False


@admin.register(Account)
class AccountAdmin(ModelAdmin):
    list_display = ("name", "is_enabled", "balance", "held", "free", "active", "max_active", "created_at")
    list_filter = ("is_enabled",)
    search_fields = ("name",)
    fields = ("name", "is_enabled", "max_active", "balance", "held", "free", "active", "created_at")
    readonly_fields = ("balance", "held", "free", "active", "created_at")
    inlines = (Keys,)
    actions_detail = ("grant", "adjust", "new_key")

    @display(description="Free")
    def free(self, account):
        return account.balance - account.held

    def save_model(self, request, obj, form, change):
        # A plain save() writes every column back, and with them the balance as it was when the page was opened.
        obj.save(update_fields=form.changed_data if change else None)

    def has_delete_permission(self, request, obj=None):
        return False  # its tasks and its ledger stay; is_enabled ends it

    @action(description="Grant credits", permissions=["change"], dialog={"title": "Grant credits", "form_class": GrantForm})
    def grant(self, request, form, object_id):
        return self._move_credits(request, form, object_id, credits.grant)

    @action(description="Adjust balance", permissions=["change"], dialog={"title": "Adjust the balance", "form_class": AdjustForm})
    def adjust(self, request, form, object_id):
        return self._move_credits(request, form, object_id, credits.adjust)

    @action(description="New key", permissions=["change"], dialog={"title": "New API key", "form_class": NewKeyForm})
    def new_key(self, request, form, object_id):
        account = get_object_or_404(Account, pk=object_id)
        with transaction.atomic():
            row, key = keys.make(account, form.cleaned_data["name"], now=timezone.now())
            self.log_change(request, account, f"Made the API key {row}")
        messages.success(request, f"The new API key, shown only now: {key}")
        return back_to(request, account)

    def _move_credits(self, request, form, object_id, verb):
        account = get_object_or_404(Account, pk=object_id)
        amount, note = form.cleaned_data["amount"], form.cleaned_data["note"]
        try:
            with transaction.atomic():
                verb(account.id, amount, by=request.user.get_username(), note=note, now=timezone.now())
        except ValueError as refused:
            messages.error(request, str(refused))
        else:
            messages.success(request, f"Booked {amount:+} credits for {account}.")
        return back_to(request, account)


@admin.register(ApiKey)
class ApiKeyAdmin(ModelAdmin):
    """Find a key by its first characters, wherever it turned up, and end it."""

    list_display = ("prefix", "account", "name", "created_at", "last_used_at", "revoked_at")
    list_select_related = ("account",)
    list_filter = (("revoked_at", admin.EmptyFieldListFilter),)
    search_fields = ("prefix", "name", "account__name")
    fields = readonly_fields = ("account", "name", "prefix", "created_at", "last_used_at", "revoked_at")
    actions = ("revoke_selected",)
    actions_detail = ("revoke",)

    def has_add_permission(self, request):
        return False  # an account's page makes keys

    def has_delete_permission(self, request, obj=None):
        return False  # a revoked key stays, to be recognised

    @admin.action(description="Revoke the selected keys", permissions=["change"])
    def revoke_selected(self, request, queryset):
        for key in queryset:
            self._revoke(request, key)

    @action(
        description="Revoke",
        permissions=["change"],
        dialog={"title": "Revoke this key?", "description": "Requests with it are refused from now on.", "form_submit_text": "Revoke"},
    )
    def revoke(self, request, form, object_id):
        key = get_object_or_404(ApiKey, pk=object_id)
        self._revoke(request, key)
        return back_to(request, key)

    def _revoke(self, request, key):
        with transaction.atomic():
            keys.revoke(key, now=timezone.now())
            self.log_change(request, key, "Revoked")
        messages.success(request, f"Revoked the API key {key}.")


@admin.register(LedgerEntry)
class LedgerEntryAdmin(ModelAdmin):
    """Append-only, so nothing here can be changed; a mistake is put right by an adjustment."""

    list_display = ("created_at", "account", "kind", "amount", "reference", "by", "note")
    list_select_related = ("account",)
    list_filter = ("kind",)
    search_fields = ("=reference", "=account__name")
    ordering = ("-id",)
    show_full_result_count = False  # it would count the whole ledger for each page

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False


def back_to(request, shown):
    """To the page of `shown`: by header where htmx sent the dialog (it would follow a redirect itself), else by redirect."""
    url = reverse(f"admin:accounts_{shown._meta.model_name}_change", args=[shown.pk])
    return HttpResponse(headers={"HX-Redirect": url}) if request.headers.get("HX-Request") else redirect(url)
