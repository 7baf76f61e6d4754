"""What upstreams and our storage may say, by words that a failing run can be read by."""

from dataclasses import replace

from providers.errors import (
    GenerationFailed,
    Invalid,
    NotFound,
    NotSent,
    OutcomeUnknown,
    RateLimited,
    Unavailable,
)
from providers.outcomes import Failed, Finished, Found, Running
from tasks_app.engine.decisions import Stored, StoredOutput
from tests.upstreams import paper

# One of each kind: what the families hold is tested on paper, in test_decisions.py.
NOT_ACCEPTED = {
    "is out of reach": NotSent(),
    "is busy for 90 s": RateLimited(retry_after=90),
    "is busy for a day": RateLimited(retry_after=86400),
    "is down": Unavailable(),
}
UNKNOWN = {"is cut off": OutcomeUnknown(), "is cut off for a day": OutcomeUnknown(retry_after=86400)}
ONE, TWO = (Finished(tuple(Found(f"https://paper.example/{number}") for number in range(length))) for length in (1, 2))
USED_LITTLE, USED_TOO_MUCH = replace(ONE, usage={"tokens": 1}), replace(TWO, usage={"tokens": 999})
OUTPUT = StoredOutput(type="image", content_type="image/png", bytes=1, sha256="0" * 64, key="outputs/x/0")

# By what is asked: paper's books take the first four as they are, the last stands in for fetching and measuring real files.
ANSWERS = {
    "to_submit": {
        "accepts": paper.accepts,
        "accepts unheard": paper.accepts_unheard,
        "accepts and breaks us": paper.accepts_and_breaks_us,
        "finishes": paper.finishes,
        "finishes inline": paper.finishes_inline,
        "finishes empty": paper.finishes_empty,
        "refuses": Invalid("no"),
        **NOT_ACCEPTED,
        **UNKNOWN,
    },
    "to_find": {"tells the truth": None, **NOT_ACCEPTED, **UNKNOWN},
    "to_poll": {
        "runs": Running(),
        "is half done": Running(0.5),
        "has one": ONE,
        "has two": TWO,
        "has one and used little": USED_LITTLE,
        "has two and used too much": USED_TOO_MUCH,
        "has none": Finished(()),
        "failed": Failed(GenerationFailed()),
        "cut it off": paper.cuts_off,
        "never saw it": NotFound(),
        "never saw it, ask in a day": NotFound(retry_after=86400),
        "breaks us": RuntimeError("a fault of the adapter's, as told"),
        **NOT_ACCEPTED,
        **UNKNOWN,
    },
    "to_cancel": {"stops": True, "goes on": False, "is down": Unavailable()},
    "to_store": {
        "one kept": Stored((OUTPUT,)),
        "two kept": Stored((OUTPUT, OUTPUT)),
        "storage full": Unavailable("the storage cannot be written"),
        "result gone": Invalid("gone"),
    },
}
CALM = {"to_submit": "accepts", "to_find": "tells the truth", "to_poll": "has one", "to_cancel": "stops", "to_store": "one kept"}
# How upstreams behave once nothing else happens any more.
ENDINGS = {
    "calm": CALM,
    "silent": CALM | {"to_poll": "runs", "to_cancel": "goes on"},
    "away": CALM | {"to_submit": "is out of reach", "to_find": "is out of reach", "to_poll": "is down", "to_cancel": "is down"},
}
