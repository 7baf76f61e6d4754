"""grit's protocol, for an upstream that reads inputs by path: a task's pictures are fetched before its paid call, after its intent."""

from dataclasses import replace

from tests.upstreams import grit_adapter


class Adapter(grit_adapter.Adapter):
    FACTS = replace(grit_adapter.FACTS, local_media=True)
