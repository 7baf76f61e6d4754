"""The conformance class itself, on upstreams of our own whose protocols leave out what others have."""

from tests.upstreams import Bell, Grit, Plasma

from .conformance import Conformance


class TestPlasma(Conformance):
    """Honours a token, and stops jobs for free."""

    SIMULATOR, VENDOR, MODEL = Plasma, "plasma", "darkroom/plasma-image"


class TestGrit(Conformance):
    """Has neither token, list nor cancel."""

    SIMULATOR, VENDOR, MODEL = Grit, "grit", "darkroom/grit-image"


class TestBell(Conformance):
    """Has no token either, and calls."""

    SIMULATOR, VENDOR, MODEL = Bell, "bell", "darkroom/bell-image"
