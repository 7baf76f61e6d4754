"""The screen of audits: whether the books added up, night by night, and what did not."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from ..models import Audit
from .facts import FactsAdmin
from .pieces import NONE, label, lasted, table


@display(description=_("Faults"))
def faults(audit: Audit) -> str:
    return label(f"{audit.faults:,}", "danger") if audit.faults else label(_("none"), "success")


@display(description=_("Took"))
def took(audit: Audit) -> str:
    return lasted(audit.finished_at - audit.started_at)


@display(description=_("What did not add up"))
def findings(audit: Audit) -> str:
    return table((_("Finding"),), [(finding,) for finding in audit.findings]) if audit.findings else NONE


@admin.register(Audit)
class AuditAdmin(FactsAdmin):
    list_display = ("finished_at", faults, "accounts", "tasks", "is_whole", took)
    fields = readonly_fields = ("finished_at", took, "accounts", "tasks", "is_whole", faults, findings)
