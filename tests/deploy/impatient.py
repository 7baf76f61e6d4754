"""The stream tier as it is, but in haste: a test need not wait for half a minute."""

from config.asgi import application, tier

tier.heartbeat_s, tier.stalled_s, tier.checked_every_s = 0.5, 1.0, 0.5

__all__ = ["application"]
