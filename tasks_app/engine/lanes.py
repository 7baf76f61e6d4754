"""Lanes: where a queued row waits. A row that waits for no slot is in none, so that one index serves every claim."""

NONE = ""
PARKING = "~"  # begins every parking lane and sorts behind every model's name, so that `< PARKING` leaves parked rows out


def parking_lane(account_id: int) -> str:
    """The lane in which an account's tasks beyond its cap wait."""
    return f"{PARKING}{account_id}"


def working_lane(model: str, priority: str) -> str:
    """The lane in which a task waits for a slot: low priority waits behind all of its model."""
    return model if priority == "normal" else f"{model}:low"
