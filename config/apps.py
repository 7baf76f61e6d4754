"""Other people's applications under the names that our operators know them by."""

from django.contrib.admin.apps import AdminConfig
from django.contrib.auth.apps import AuthConfig
from django.utils.translation import gettext_lazy as _
from django_celery_beat.apps import BeatConfig

from . import words


class Admin(AdminConfig):
    default_site = "config.site.Site"

    def ready(self):
        words.translate_models()  # before the screens, whose forms take their labels from models
        super().ready()


class Operators(AuthConfig):
    verbose_name = _("Operators")


class Schedule(BeatConfig):
    verbose_name = _("Schedule")
