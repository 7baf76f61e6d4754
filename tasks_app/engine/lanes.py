"""Lanes: where a queued row waits. A row that waits for no slot is in none, so that one index serves every claim."""

NONE = ""
LOW = ":low"
ASIDE = "|"  # begins every lane of rows that stand aside (aside.py), and sorts behind every model's name, before those that are parked
PARKING = "~"  # begins every parking lane and sorts behind all others, so that `< PARKING` leaves parked rows out


def parking_lane(account_id: int) -> str:
    """The lane in which an account's tasks beyond its cap wait."""
    return f"{PARKING}{account_id}"


def working_lane(model: str, priority: str) -> str:
    """The lane in which a task waits for a slot: low priority waits behind all of its model."""
    return model if priority == "normal" else f"{model}{LOW}"


def aside_lane(working: str, routes: str) -> str:
    """The lane in which tasks of a working lane wait for these routes alone."""
    return f"{ASIDE}{working}:{routes}"


def working(lane: str) -> str:
    """The working lane of a task that stands aside, or works already."""
    return lane[1:].rpartition(":")[0] if lane.startswith(ASIDE) else lane


def model(lane: str) -> str:
    """The model whose tasks wait there."""
    return working(lane).removesuffix(LOW)
