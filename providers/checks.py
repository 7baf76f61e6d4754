"""What would go wrong at night is said at start: `manage.py check`, and every command that runs it."""

from cryptography.fernet import Fernet
from django.conf import settings
from django.core.checks import Error, register

from . import registry


@register
def sealing_keys_are_keys(app_configs, **kwargs) -> list[Error]:
    hint = "Make one: python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'"
    faults = [f"Key {place} of SEALING_KEYS is no Fernet key" for place, key in enumerate(settings.SEALING_KEYS, 1) if not _is_key(key)]
    if not settings.SEALING_KEYS:
        faults = ["SEALING_KEYS is empty, so no credential can be sealed or opened"]
    return [Error(fault, hint=hint, id="providers.E001") for fault in faults]


@register
def adapters_can_be_loaded(app_configs, **kwargs) -> list[Error]:
    hint = "ADAPTERS lists importable modules, each with a class named Adapter."
    return [Error(fault, hint=hint, id="providers.E002") for name in registry.names() if (fault := _fault_in_loading(name))]


@register
def functions_in_the_cloud_have_a_bucket(app_configs, **kwargs) -> list[Error]:
    if settings.FUNCTIONS == "scf" and settings.STORAGE != "cos":
        hint = "Set STORAGE=cos and the COS_ variables, or FUNCTIONS=local."
        return [Error("FUNCTIONS=scf needs a bucket that the functions and we share", hint=hint, id="providers.E003")]
    return []


def _is_key(text: str) -> bool:
    try:
        Fernet(text)
    except ValueError:
        return False
    return True


def _fault_in_loading(name: str) -> str:
    try:
        registry.adapter_class(name)
    except (ImportError, AttributeError) as fault:
        return f"The adapter {name!r} cannot be loaded: {fault}"
    return ""
