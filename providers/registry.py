"""The adapters there are: those built in, and the operator's own modules from ADAPTERS, each named by its last word."""

from django.conf import settings

from . import adapters


def names() -> list[str]:
    """Every adapter's name, sorted."""
    return sorted({*adapters.BUILT_IN, *_own()})


def adapter_class(name: str) -> type[adapters.Adapter]:
    """The class behind a name; raises LookupError that names what there is."""
    return adapters.adapter_class(name, _own())


def _own() -> dict[str, str]:
    return {module.rpartition(".")[2]: module for module in settings.ADAPTERS}
