"""The secrets that sign for one endpoint or account: one, and for a day after a rotation the one before it. Sealed at rest."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from providers import sealing

from . import sign

OVERLAP = timedelta(hours=24)  # in which the old secret still signs along, so that a client may change over when it suits it


@dataclass(frozen=True, slots=True)
class Ring:
    """The secret, and the one before it for as long as that signs along."""

    secret: str = field(repr=False)
    old: str | None = field(default=None, repr=False)
    old_until: datetime | None = None

    @property
    def signing(self) -> tuple[str, ...]:
        """The secrets that sign, newest first."""
        return (self.secret, self.old) if self.old else (self.secret,)


def fresh() -> Ring:
    return Ring(sign.new_secret())


def rotated(ring: Ring | None, *, now: datetime) -> Ring:
    """A new secret; the old one, where there is one, signs along for a while. One older still is dropped."""
    return Ring(sign.new_secret(), ring.secret, now + OVERLAP) if ring else fresh()


def sealed(ring: Ring) -> str:
    until = {"old": ring.old, "old_until": ring.old_until.isoformat()} if ring.old and ring.old_until else {}
    return sealing.seal({"secret": ring.secret, **until})


def opened(sealed: str, *, of: str, now: datetime) -> Ring:
    """The ring as it is now; raises sealing.Unreadable that names `of`."""
    kept = sealing.unseal(sealed, of=of)
    until = datetime.fromisoformat(kept["old_until"]) if "old" in kept else now
    return Ring(kept["secret"], kept["old"], until) if now < until else Ring(kept["secret"])
