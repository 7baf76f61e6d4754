"""Why a task is flagged: for each word, what people read. A word that is not here is shown as it is, so a new one breaks nothing."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reason:
    """`title` fits a label; `happened` says what is known, `next` what an operator may do, a sentence or two each."""

    title: str
    happened: str
    next: str


REASONS = {
    "submission_outcome_unknown": Reason(
        "outcome unknown",
        "It was sent, and no readable answer came back. It may have been bought once; it was never sent again.",
        "Look in the provider's console for a job of that minute: link it, or mark this as lost.",
    ),
    "quarantined": Reason(
        "quarantined",
        "Its workers died with it three times in a row, so it was taken out before it took another one down.",
        "Find out what it does to workers; then ask the upstream for its result, or mark this as lost.",
    ),
    "orphan": Reason(
        "orphan job",
        "The upstream took it when the task had already moved on. It runs, or ran, for nobody, and may be charged.",
        "Ask the upstream for its result, or mark this as lost.",
    ),
    "second_job": Reason(
        "second job",
        "The upstream named another job than the one that the task follows, for one and the same submit. It may charge for both.",
        "Stop it in the provider's console; ask the upstream for its result, or mark this as lost.",
    ),
    "late_result": Reason(
        "late result",
        "The upstream finished when the task had already ended. It was paid for, and its client got the credits back.",
        "Look at what was made, then mark this as lost with what the upstream charged.",
    ),
    "usage_unknown": Reason(
        "usage unknown",
        "It was made, and the upstream did not say usably what it used, so its client paid what that may be at most.",
        "Look in the provider's console: refund the task if that was too much, or mark this as lost with what was charged.",
    ),
    "result_lost": Reason(
        "result lost",
        "It was made and paid for, and could not be fetched or kept in time.",
        "Ask the upstream again: it may still have it. Else mark this as lost.",
    ),
    "not_found": Reason(
        "job gone",
        "The upstream had accepted it, and then said three times that it does not know it.",
        "Look for it in the provider's console: link what you find there, or mark this as lost.",
    ),
}


def reason(word: str) -> Reason:
    return REASONS.get(word) or Reason(
        word.replace("_", " "), "An operator should look at it.", "Link its upstream job, or mark this as lost."
    )
