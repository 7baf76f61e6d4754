"""The words of our models, in the operator's language: names, labels, help and choices, translated where they are shown.

Models say them once, in English, as everything else is written; so no model needs to know that there are translations.
"""

from collections.abc import Iterator

from django.apps import apps
from django.contrib import admin
from django.db.models import Field, Model
from django.utils.translation import gettext_lazy

OURS = ("accounts", "providers", "tasks_app")


def translate_models() -> None:
    """Once all models are there, and before a form is made of one."""
    for app in map(apps.get_app_config, OURS):
        app.verbose_name = _lazy(app.verbose_name)
    for model in _models():
        opts = model._meta
        opts.verbose_name, opts.verbose_name_plural = _lazy(opts.verbose_name), _lazy(opts.verbose_name_plural)
        for field in _fields(model):
            field.verbose_name, field.help_text = _lazy(field.verbose_name), _lazy(field.help_text)
            if field.choices:
                field.choices = [(value, _lazy(label)) for value, label in field.choices]


def of_models() -> set[str]:
    """All that is to be translated of those that have a screen, or a place on one."""
    found, shown = set(), {*admin.site._registry, *(inline.model for screen in admin.site._registry.values() for inline in screen.inlines)}
    found |= {str(apps.get_app_config(app).verbose_name) for app in OURS}
    for model in shown.intersection(_models()):
        found |= {str(model._meta.verbose_name), str(model._meta.verbose_name_plural)}
        for field in _fields(model):
            found |= {str(field.verbose_name), str(field.help_text), *(str(label) for _, label in field.choices or ())}
    return found - {""}


def _models() -> Iterator[type[Model]]:
    return (model for app in OURS for model in apps.get_app_config(app).get_models())


def _fields(model: type[Model]) -> Iterator[Field]:
    return (field for field in model._meta.local_fields if field.verbose_name)


def _lazy(text):
    return gettext_lazy(str(text)) if text else text
