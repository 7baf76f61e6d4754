"""Who is held against the conformance suite: each class of it, wherever in this folder it stands."""

from importlib import import_module
from pathlib import Path

from .conformance import Conformance


def classes() -> list[type[Conformance]]:
    """Those that run, by vendor and name."""
    for module in Path(__file__).parent.glob("test_*.py"):
        import_module(f"{__package__}.{module.stem}")
    return sorted((heir for heir in _heirs(Conformance) if hasattr(heir, "SIMULATOR")), key=lambda heir: (heir.VENDOR, heir.__name__))


def _heirs(kind: type) -> set[type]:
    return {kind}.union(*map(_heirs, kind.__subclasses__()))
