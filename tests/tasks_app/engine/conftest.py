"""What several tests of the engine share."""

from .flagged import own_storage, quarantined, unknown

__all__ = ["own_storage", "quarantined", "unknown"]
