"""The schedule of django-celery-beat, in the admin's own clothes: when beat wakes which worker function.

Ours take no arguments and need no exchange, header or calendar by the sun, so the forms ask for none.
"""

from django.contrib import admin
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django_celery_beat.admin import CrontabScheduleAdmin, IntervalScheduleAdmin, PeriodicTaskAdmin, PeriodicTaskForm, TaskSelectWidget
from django_celery_beat.models import ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask, SolarSchedule
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from .pieces import link

admin.site.unregister((PeriodicTask, IntervalSchedule, CrontabSchedule, ClockedSchedule, SolarSchedule))


class WorkerFunctions(UnfoldAdminSelectWidget, TaskSelectWidget):
    """The worker functions that this installation has."""


class DutyForm(PeriodicTaskForm):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["regtask"].widget, self.fields["task"].widget = WorkerFunctions(), UnfoldAdminTextInputWidget()
        self.fields["regtask"].label, self.fields["task"].label = _("Choose a worker function"), _("Worker function")
        self.fields["description"].widget.attrs["rows"] = 3


@admin.register(PeriodicTask)
class DutyAdmin(PeriodicTaskAdmin, ModelAdmin):
    form = DutyForm
    list_display = ("name", "enabled", "every", "function", "last_run_at")
    list_filter = ("enabled",)
    date_hierarchy = None
    actions = ("enable_tasks", "disable_tasks", "run_tasks")
    change_form_template = None
    fieldsets = (
        (None, {"fields": ("name", "task", "regtask", "enabled", "description")}),
        (_("When"), {"fields": ("interval", "crontab", "start_time", "one_off", "last_run_at")}),
        (_("The wake-up"), {"fields": ("queue", "expire_seconds")}),
    )
    readonly_fields = ("last_run_at",)

    @display(description=_("When"))
    def every(self, duty):
        return duty.scheduler

    @display(description=_("Worker function"))
    def function(self, duty):
        return duty.task


class Duties(TabularInline):
    """What a schedule wakes."""

    model = PeriodicTask
    fields = readonly_fields = ("its_page", "task", "enabled")
    verbose_name_plural = _("What it wakes")
    hide_title = True
    extra = 0
    can_delete = False

    @display(description=_("Duty"))
    def its_page(self, duty):
        return link(reverse("admin:django_celery_beat_periodictask_change", args=[duty.id]), duty.name)

    def has_add_permission(self, request, obj=None):
        return False


@admin.register(IntervalSchedule)
class IntervalAdmin(IntervalScheduleAdmin, ModelAdmin):
    inlines = (Duties,)


@admin.register(CrontabSchedule)
class CrontabAdmin(CrontabScheduleAdmin, ModelAdmin):
    inlines = (Duties,)
