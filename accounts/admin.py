"""The operator's view of accounts, keys and the ledger.

What credits.py writes is shown and never edited here. Whatever changes credits or keys asks for a click in a dialog,
which is a POST, and calls the function that everything else calls, with the operator's name.
"""

from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm
from unfold.paginator import InfinitePaginator
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextInputWidget, UnfoldBooleanWidget

from . import credits, keys, statement
from .models import Account, ApiKey, LedgerEntry
from .scopes import validate_networks
from .statement import Month

MOST_MONTHS = 24
ELSEWHERE = (
    ("admin:accounts_ledgerentry_changelist", _("Ledger")),
    ("admin:tasks_app_task_changelist", _("Tasks")),
    ("admin:tasks_app_file_changelist", _("Files")),
    ("admin:tasks_app_webhookendpoint_changelist", _("Endpoints")),
    ("admin:tasks_app_delivery_changelist", _("Deliveries")),
)


class NoteField(forms.CharField):
    def __init__(self):
        super().__init__(max_length=200, widget=UnfoldAdminTextInputWidget, help_text=_("Why; it stays in the ledger."))


class GrantForm(BaseDialogForm):
    amount = forms.IntegerField(min_value=1, label=_("Credits"), widget=UnfoldAdminIntegerFieldWidget)
    note = NoteField()


class AdjustForm(BaseDialogForm):
    amount = forms.IntegerField(label=_("Credits"), help_text=_("Below 0 to take some away."), widget=UnfoldAdminIntegerFieldWidget)
    note = NoteField()


def key_field(name, widget=UnfoldAdminTextInputWidget, **more):
    """The form field of a key's column, as its own page has it."""
    return ApiKey._meta.get_field(name).formfield(widget=widget, **more)


class NewKeyForm(BaseDialogForm):
    name = forms.CharField(max_length=100, widget=UnfoldAdminTextInputWidget, help_text=_("Who or what will use it."))
    read_only = key_field("read_only", UnfoldBooleanWidget)
    only_models = key_field("only_models")
    only_networks = key_field("only_networks", validators=[validate_networks])
    credits_limit = key_field("credits_limit", UnfoldAdminIntegerFieldWidget)
    reads_per_minute = key_field("reads_per_minute", UnfoldAdminIntegerFieldWidget)
    writes_per_minute = key_field("writes_per_minute", UnfoldAdminIntegerFieldWidget)
    expires_at = key_field("expires_at", help_text=_("In UTC, as 2027-01-31 12:00; empty: never."))


class Keys(TabularInline):
    """An account's keys, to look at: "New key" above makes one, and a key's own page revokes it."""

    model = ApiKey
    fields = readonly_fields = ("its_page", "name", "created_at", "last_used_at", "revoked_at")
    ordering = ("-id",)
    hide_title = True
    extra = 0
    can_delete = False

    @display(description=_("Key"))
    def its_page(self, key):
        return format_html('<a class="text-link" href="{}">{}</a>', reverse("admin:accounts_apikey_change", args=[key.id]), key)

    def has_add_permission(self, request, obj=None):
        return False

    def has_change_permission(self, request, obj=None):
        return False


@admin.register(Account)
class AccountAdmin(ModelAdmin):
    list_display = ("name", "is_enabled", "owned", "set_aside", "free", "at_work", "created_at")
    list_filter = ("is_enabled",)
    search_fields = ("name",)
    fields = (
        "name",
        "is_enabled",
        "max_active",
        *keys.LIMITS,
        ("owned", "set_aside", "free"),
        "active",
        "statements",
        "elsewhere",
        "created_at",
    )
    readonly_fields = ("owned", "set_aside", "free", "active", "statements", "elsewhere", "created_at")
    inlines = (Keys,)
    actions_detail = ("grant", "adjust", "new_key")

    @display(description=_("Balance"), ordering="balance")
    def owned(self, account):
        return f"{account.balance:,}"

    @display(description=_("Held"), ordering="held")
    def set_aside(self, account):
        return f"{account.held:,}"

    @display(description=_("Free"))
    def free(self, account):
        return f"{account.balance - account.held:,}"

    @display(description=_("Active"), ordering="active")
    def at_work(self, account):
        return _("{active} of {most}").format(active=account.active, most=account.max_active)

    @display(description=_("Statements"))
    def statements(self, account):
        """The newest months, each a link to its CSV; the address takes any other."""
        months = [(address_of(account, month), month) for month in months_of(account)]
        return format_html_join(" ", '<a class="text-link" href="{}">{}</a>', months)

    @display(description=_("Elsewhere"))
    def elsewhere(self, account):
        """The screens that tell of this account's, found by its name."""
        query = urlencode({"q": account.name})
        return format_html_join(
            " · ", '<a class="text-link" href="{}?{}">{}</a>', [(reverse(name), query, title) for name, title in ELSEWHERE]
        )

    def get_fields(self, request, obj=None):
        hidden = set() if obj else {"statements", "elsewhere"}
        hidden |= set() if may_see_ledger(request) else {"statements"}
        return [field for field in self.fields if field not in hidden]

    def get_urls(self):
        send = self.admin_site.admin_view(self.send_statement)
        return [path("<int:object_id>/statement/<str:month>.csv", send, name="accounts_account_statement"), *super().get_urls()]

    def send_statement(self, request, object_id, month):
        account = get_object_or_404(Account, pk=object_id)
        if not (self.has_view_permission(request, account) and may_see_ledger(request)):
            raise PermissionDenied
        try:
            asked = Month.read(month)
        except ValueError as fault:
            raise Http404(f"The month {fault}.") from None
        return statement.answer(account, asked, now=timezone.now(), for_excel=True)

    def save_model(self, request, obj, form, change):
        # A plain save() writes every column back, and with them the balance as it was when the page was opened.
        obj.save(update_fields=form.changed_data if change else None)
        keys.forget()

    def has_delete_permission(self, request, obj=None):
        return False  # its tasks and its ledger stay; is_enabled ends it

    def has_grant_permission(self, request, obj=None):
        return request.user.has_perm("accounts.grant_account")

    def has_new_key_permission(self, request, obj=None):
        return request.user.has_perm("accounts.add_apikey")

    @action(description=_("Grant credits"), permissions=["grant"], dialog={"title": _("Grant credits"), "form_class": GrantForm})
    def grant(self, request, form, object_id):
        return self._move_credits(request, form, object_id, credits.grant)

    @action(description=_("Adjust balance"), permissions=["grant"], dialog={"title": _("Adjust the balance"), "form_class": AdjustForm})
    def adjust(self, request, form, object_id):
        return self._move_credits(request, form, object_id, credits.adjust)

    @action(description=_("New key"), permissions=["new_key"], dialog={"title": _("New API key"), "form_class": NewKeyForm})
    def new_key(self, request, form, object_id):
        account = get_object_or_404(Account, pk=object_id)
        with transaction.atomic():
            asked = {name: form.cleaned_data[name] for name in ("name", *keys.RESTRICTIONS)}
            row, key = keys.make(account, now=timezone.now(), **asked)
            self.log_change(request, account, f"Made the API key {row}")
        messages.success(request, _("The new API key, shown only now: {key}").format(key=key))
        return back_to(request, account)

    def _move_credits(self, request, form, object_id, verb):
        account = get_object_or_404(Account, pk=object_id)
        amount, note = form.cleaned_data["amount"], form.cleaned_data["note"]
        try:
            with transaction.atomic():
                verb(account.id, amount, by=request.user.get_username(), note=note, now=timezone.now())
                self.log_change(request, account, f"Booked {amount:+} credits. Why: {note}")
        except ValueError as refused:
            messages.error(request, str(refused))
        else:
            messages.success(request, _("Booked {amount} credits for {account}.").format(amount=f"{amount:+}", account=account))
        return back_to(request, account)


@admin.register(ApiKey)
class ApiKeyAdmin(ModelAdmin):
    """Find a key by its first characters, wherever it turned up, and end or restrict it."""

    list_display = ("prefix", "account", "name", "created_at", "last_used_at", "revoked_at")
    list_select_related = ("account",)
    list_filter = (("revoked_at", admin.EmptyFieldListFilter),)
    search_fields = ("prefix", "name", "account__name")
    fields = ("account", "name", "prefix", "created_at", "last_used_at", "revoked_at", *keys.RESTRICTIONS, "credits_used")
    readonly_fields = ("account", "name", "prefix", "created_at", "last_used_at", "revoked_at", "credits_used")
    actions = ("revoke_selected",)
    actions_detail = ("revoke",)

    def has_add_permission(self, request):
        return False  # an account's page makes keys

    def has_delete_permission(self, request, obj=None):
        return False  # a revoked key stays, to be recognised

    def save_model(self, request, obj, form, change):
        keys.restrict(obj, **{name: getattr(obj, name) for name in form.changed_data})

    def has_revoke_permission(self, request, obj=None):
        return request.user.has_perm("accounts.change_apikey")

    @admin.action(description=_("Revoke the selected keys"), permissions=["revoke"])
    def revoke_selected(self, request, queryset):
        for key in queryset:
            self._revoke(request, key)

    @action(
        description=_("Revoke"),
        permissions=["revoke"],
        dialog={
            "title": _("Revoke this key?"),
            "description": _("Requests with it are refused from now on."),
            "form_submit_text": _("Revoke"),
        },
    )
    def revoke(self, request, form, object_id):
        key = get_object_or_404(ApiKey, pk=object_id)
        self._revoke(request, key)
        return back_to(request, key)

    def _revoke(self, request, key):
        with transaction.atomic():
            keys.revoke(key, now=timezone.now())
            self.log_change(request, key, "Revoked")
        messages.success(request, _("Revoked the API key {key}.").format(key=key))


@admin.register(LedgerEntry)
class LedgerEntryAdmin(ModelAdmin):
    """Append-only, so nothing here can be changed; a mistake is put right by an adjustment."""

    list_display = ("created_at", "account", "kind", "signed", "reference", "model", "by", "note")
    # Not joined: MariaDB would sort the ledger by account for each page. Unset, a column of accounts alone would join them.
    list_select_related = ()
    list_filter = ("kind",)
    fields = readonly_fields = ("account", "kind", "signed", "reference", "model", "note", "by", "created_at")
    search_fields = ("reference",)  # shows the field; what it finds is said below
    search_help_text = _("Account or task")
    ordering = ("-id",)
    sortable_by = ()
    # A count would read the whole ledger for each page.
    paginator = InfinitePaginator
    show_full_result_count = False
    list_max_show_all = 0

    @display(description=_("Credits"))
    def signed(self, entry):
        return f"{entry.amount:+,}"

    def get_queryset(self, request):
        return super().get_queryset(request).prefetch_related("account")

    def get_search_results(self, request, queryset, search_term):
        term = search_term.strip()
        if not term:
            return queryset, False
        if term.startswith("task_"):
            return queryset.filter(reference=term), False
        return queryset.filter(account__in=list(Account.objects.filter(name__icontains=term).values_list("id", flat=True))), False

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False


def may_see_ledger(request):
    return request.user.has_perm("accounts.view_ledgerentry")


def months_of(account):
    """This month and those before it in which there was the account, the newest first."""
    month, first = Month.of(timezone.now()), Month.of(account.created_at)
    for _month in range(MOST_MONTHS):
        yield month
        if month == first:
            return
        month = month.before()


def address_of(account, month):
    return reverse("admin:accounts_account_statement", args=[account.pk, str(month)])


def back_to(request, shown):
    """To the page of `shown`: by header where htmx sent the dialog (it would follow a redirect itself), else by redirect."""
    url = reverse(f"admin:accounts_{shown._meta.model_name}_change", args=[shown.pk])
    return HttpResponse(headers={"HX-Redirect": url}) if request.headers.get("HX-Request") else redirect(url)
