"""Other people's applications under the names that our operators know them by."""

from django.contrib.admin.apps import AdminConfig
from django.contrib.auth.apps import AuthConfig
from django_celery_beat.apps import BeatConfig


class Admin(AdminConfig):
    default_site = "config.site.Site"


class Operators(AuthConfig):
    verbose_name = "Operators"


class Schedule(BeatConfig):
    verbose_name = "Schedule"
