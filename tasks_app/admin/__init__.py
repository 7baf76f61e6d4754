"""The operator's door: a file for each screen.

What the engine writes is shown and never edited (facts.py). An action calls the engine function that the API calls, with the
operator's name, and the task's own events keep it.
"""

from . import attempt, audit, deed, delivery, endpoint, file, flag, operators, output, overview, schedule, task  # noqa: F401 - importing a screen registers it
