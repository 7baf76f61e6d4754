"""grit as an upstream whose jobs are not known by an id alone."""

from . import grit_adapter


class Adapter(grit_adapter.Adapter):
    handle_of = None
