"""Our own functions: on this machine or on SCF, as the provider's credentials say ("where"); none mean this machine.

    local.py   the local runtime (scf_client/local), by plain HTTP
    cloud.py   Tencent SCF, with COS for what goes in and comes out

Which it is, is part of the credentials, so that tasks in flight are still asked about where they were begun.
"""

from typing import TYPE_CHECKING

from .. import Upstream
from .local import FACTS, Local

if TYPE_CHECKING:
    from .cloud import Cloud

__all__ = ["FACTS", "Adapter"]


class Adapter:
    """One of the two, behind the protocol of all adapters; FACTS are the chosen one's."""

    FACTS = FACTS

    def __init__(self, upstream: Upstream) -> None:
        road: Cloud | Local = _cloud(upstream) if upstream.credentials.get("where") == "cloud" else Local(upstream)
        self.FACTS = road.FACTS
        self.submit, self.poll, self.cancel = road.submit, road.poll, road.cancel
        self.check, self.find = road.check, road.find


def _cloud(upstream: Upstream) -> "Cloud":
    from .cloud import Cloud  # here, because it brings Tencent's SDKs: 22 MB that no other process needs

    return Cloud(upstream)
