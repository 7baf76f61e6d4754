"""What the first page tells of, read once for all of its panels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from providers.models import Provider

from ..doctor.verdict import Verdict
from ..figures import Figures
from ..past import Past


@dataclass(frozen=True, slots=True)
class Reading:
    """`waiting`: lane → queued tasks; `past` reaches `days` back."""

    days: int
    now: Figures
    verdicts: Sequence[Verdict]
    waiting: Mapping[str, int]
    past: Past

    def provider(self, id: int) -> Provider | None:
        return next((one for one in self.now.providers if one.id == id), None)
