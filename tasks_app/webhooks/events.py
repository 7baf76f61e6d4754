"""What a client can be told about, and in which order."""

STARTED = "task.started"  # an upstream has taken the task; on request only
ENDINGS = ("task.succeeded", "task.failed", "task.canceled", "task.expired")
EVENTS = (STARTED, *ENDINGS)
TEST = "webhook.test"


def sequence_of(type: str) -> int:
    """An event's place in its task's life: each happens once at most, so the place is known beforehand, and no event needs counting."""
    return {TEST: 0, STARTED: 1}.get(type, 2)
